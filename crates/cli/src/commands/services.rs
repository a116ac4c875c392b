//! `counterfoil services`.

use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Cell, Ink};
use crate::view::{self, list};

/// From this width on a table shows contacts and losses.
const WIDE_COLUMNS: usize = 120;
/// Services that a remark names.
const NAMED_MAX: usize = 12;

pub(crate) fn run(global: &Global, args: &args::Services) -> Result<(), CliError> {
    let answer = client(global)?.get_json(&address(args))?;
    if global.json {
        return out::json(&answer);
    }
    let rows = list(&answer["services"]);
    match &args.service {
        Some(name) => match rows.first() {
            Some(row) => one(row, &answer),
            None => {
                let what = format!("no service {name:?} was heard, and none is declared");
                return Err(CliError::Server(what));
            }
        },
        None => all(global, rows, &answer),
    }
    out::parts(Ink::Dim, &footer(rows.len(), &answer));
    Ok(())
}

fn address(args: &args::Services) -> String {
    let args::Services { service, owner, silent, unowned, limit } = args;
    let given = [("service", service), ("owner", owner), ("silent", silent)];
    let given = given.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let more = given.map(|(name, value)| format!("&{name}={}", escape(value)));
    let unowned = if *unowned { "&unowned=true" } else { "" };
    format!("/v1/services?limit={limit}{}{unowned}", more.collect::<String>())
}

fn all(global: &Global, rows: &[Value], answer: &Value) {
    let now = &answer["now"];
    let count = |row: &Value, name: &str| row[name].as_u64().unwrap_or_default();
    if out::columns(&std::io::stdout()) >= WIDE_COLUMNS {
        let heads = [
            ("SERVICE", 40),
            ("OWNER", 32),
            ("CONTACT", 32),
            ("TIER", 8),
            ("LAST SEEN", 9),
            ("EVENTS", 12),
            ("REFUSED", 9),
            ("MISSING", 9),
            ("LEFT OUT", 9),
            ("SAVED", 9),
            ("BYTES", 9),
            ("SHARE", 6),
        ];
        let row = |row: &Value| {
            [
                name(row),
                owner(row),
                known(row, "contact").into(),
                known(row, "tier").into(),
                seen(row, now),
                out::number(count(row, "events")).into(),
                warned(count(row, "refusals")),
                warned(count(row, "missing") + count(row, "dropped")),
                out::number(not_stored(row)).into(),
                out::bytes(count(row, "bytes_saved")).into(),
                out::bytes(count(row, "bytes")).into(),
                share(row).into(),
            ]
        };
        out::table(heads, &rows.iter().map(row).collect::<Vec<_>>());
    } else {
        let heads = [
            ("SERVICE", 24),
            ("OWNER", 20),
            ("LAST SEEN", 9),
            ("EVENTS", 9),
            ("REFUSED", 7),
            ("BYTES", 8),
            ("SHARE", 6),
        ];
        let row = |row: &Value| {
            [
                name(row),
                owner(row),
                seen(row, now),
                out::number(count(row, "events")).into(),
                warned(count(row, "refusals")),
                out::bytes(count(row, "bytes")).into(),
                share(row).into(),
            ]
        };
        out::table(heads, &rows.iter().map(row).collect::<Vec<_>>());
        missing(global, rows);
        left_out(rows);
    }
    remarks(rows);
}

/// What never came or was dropped, where the table has no column for it.
fn missing(global: &Global, rows: &[Value]) {
    let lost = |row: &Value| {
        let count = |name: &str| row[name].as_u64().unwrap_or_default();
        let lost = count("missing").saturating_add(count("dropped"));
        (lost > 0).then(|| (lost, view::text(&row["service"])))
    };
    let lost: Vec<(u64, String)> = rows.iter().filter_map(lost).collect();
    let told = lost.iter().map(|(lost, name)| format!("{name} {}", out::number(*lost)));
    named("missing", &told.collect::<Vec<_>>());
    if let Some((_, most)) = lost.iter().max_by_key(|(lost, _)| *lost) {
        let words = [vec!["services".to_owned(), most.clone()], global.server_words()].concat();
        out::fact("", &format!("look further: {}", out::command(&words)));
    }
}

/// What the audit scope keeps out of the log, where the table has no column for it.
fn left_out(rows: &[Value]) {
    let told = |row: &Value| {
        let (events, saved) =
            (not_stored(row), out::bytes(row["bytes_saved"].as_u64().unwrap_or(0)));
        let name = view::text(&row["service"]);
        (events > 0).then(|| format!("{name} {} ({saved} saved)", out::number(events)))
    };
    named("left out", &rows.iter().filter_map(told).collect::<Vec<_>>());
}

/// Events of a service that are not in the log, or as a number alone.
fn not_stored(of: &Value) -> u64 {
    let count = |name: &str| of[name].as_u64().unwrap_or_default();
    count("left_out") + count("counted")
}

/// What is not as the catalogue says.
fn remarks(rows: &[Value]) {
    let is_unowned = |row: &&Value| row["declared_as"].is_null() && row["self"] != true;
    let names = |rows: Vec<&Value>| rows.iter().map(|row| view::text(&row["service"])).collect();
    let actions = |of: &str| -> Vec<String> {
        let told = |row: &Value| {
            let count = row["actions"][of]["count"].as_u64().filter(|count| *count > 0)?;
            let named = list(&row["actions"][of]["names"]);
            let named: Vec<String> = named.iter().take(3).map(view::text).collect();
            let more = count.saturating_sub(named.len() as u64);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Some(format!("{} {}{more}", view::text(&row["service"]), named.join(" ")))
        };
        rows.iter().filter_map(told).collect()
    };
    let unowned: Vec<String> = names(rows.iter().filter(is_unowned).collect());
    let silent = rows.iter().filter(|row| row["last_seen"].is_null()).collect();
    for (label, told) in [
        ("unowned", unowned),
        ("never seen", names(silent)),
        ("undeclared", actions("undeclared")),
        ("not done", actions("never_seen")),
    ] {
        named(label, &told);
    }
}

/// The first of what there is to say under a label, and how much more there is.
fn named(label: &str, told: &[String]) {
    if !told.is_empty() {
        let more = told.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        out::fact(label, &format!("{}{more}", told[..told.len().min(NAMED_MAX)].join(", ")));
    }
}

fn one(row: &Value, answer: &Value) {
    let text = |name: &str| view::text(&row[name]);
    let count = |name: &str| out::number(row[name].as_u64().unwrap_or_default());
    let Cell(owner, _) = owner(row);
    let under = match row["declared_as"].as_str() {
        Some(name) if name != text("service") => format!("    declared as {name}"),
        _ => String::new(),
    };
    let Cell(seen, _) = seen(row, &answer["now"]);
    let heavy = out::bytes(row["bytes"].as_u64().unwrap_or_default());
    out::fact("service", &text("service"));
    out::fact("owner", &format!("{owner}{under}"));
    for (label, name) in [("contact", "contact"), ("tier", "tier"), ("lifecycle", "lifecycle")] {
        if !row[name].is_null() {
            out::fact(label, &text(name));
        }
    }
    out::fact("last seen", &if row["last_seen"].is_null() { seen } else { format!("{seen} ago") });
    out::fact("events", &format!("{}    {heavy}, {} of all bytes", count("events"), share(row)));
    out::fact("refused", &format!("{} since the server started", count("refusals")));
    let lost = format!("{} never came, {} dropped by itself", count("missing"), count("dropped"));
    out::fact("lost", &lost);
    let saved = out::bytes(row["bytes_saved"].as_u64().unwrap_or_default());
    let (dropped, counted, spared) = (count("left_out"), count("counted"), count("spared"));
    let scope = format!("{dropped}, {counted} counted only, {spared} spared    {saved} saved");
    out::fact("left out", &format!("{scope}, since the server started"));
    let actions = list(&row["actions"]["all"]);
    let undeclared = list(&row["actions"]["undeclared"]["names"]);
    let shown = |action: &Value| {
        let is_new = undeclared.contains(&action["action"]);
        let Cell(seen, _) = self::seen(action, &answer["now"]);
        [
            view::text(&action["action"]).into(),
            out::number(action["events"].as_u64().unwrap_or_default()).into(),
            out::bytes(action["bytes"].as_u64().unwrap_or_default()).into(),
            seen.into(),
            if is_new { Cell("not declared".into(), Ink::Warn) } else { "".into() },
        ]
    };
    let heads = [("ACTION", 48), ("EVENTS", 12), ("BYTES", 9), ("LAST SEEN", 9), ("", 12)];
    out::table(heads, &actions.iter().map(shown).collect::<Vec<_>>());
    let never = list(&row["actions"]["never_seen"]["names"]);
    if !never.is_empty() {
        let never: Vec<String> = never.iter().map(view::text).collect();
        out::fact("not done", &format!("declared, and never seen: {}", never.join(", ")));
    }
}

fn footer(rows: usize, answer: &Value) -> Vec<String> {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let (total, catalogue) = (&answer["total"], &answer["catalogue"]);
    let mut parts = vec![
        out::count(rows as u64, "service"),
        format!("{} in all", out::count(count(&total["events"]), "event")),
        out::bytes(count(&total["bytes"])),
    ];
    if not_stored(total) > 0 {
        let (events, saved) =
            (out::number(not_stored(total)), out::bytes(count(&total["bytes_saved"])));
        parts.push(format!("{events} left out, {saved} saved"));
    }
    match count(&catalogue["version"]) {
        0 => parts.push("no catalogue: every service is unowned".into()),
        version => {
            let as_of = view::moment(&view::text(&catalogue["as_of"]));
            parts.push(format!("catalogue {version} of {as_of} UTC"));
        }
    }
    if let Some(refused) = catalogue["refused"].as_str() {
        parts.push(format!("its files are refused: {refused}"));
    }
    let (more, other) = (count(&answer["more"]), count(&answer["other"]["events"]));
    if more > 0 {
        parts.push(format!("{} more: --limit", out::number(more)));
    }
    if other > 0 {
        parts.push(format!("{} of services that are not kept by name", out::count(other, "event")));
    }
    parts
}

fn name(row: &Value) -> Cell {
    view::text(&row["service"]).into()
}

fn known<'r>(row: &'r Value, name: &str) -> &'r str {
    row[name].as_str().unwrap_or_default()
}

fn owner(row: &Value) -> Cell {
    match row["owner"].as_str() {
        Some(team) => team.into(),
        None if row["self"] == true => Cell("this server".into(), Ink::Dim),
        None => Cell("nobody".into(), Ink::Warn),
    }
}

fn seen(row: &Value, now: &Value) -> Cell {
    let time = |value: &Value| event::parse_time(value.as_str()?).ok();
    match (time(&row["last_seen"]), time(now)) {
        (Some(at), Some(now)) => {
            out::age(now.saturating_sub(at).max(0) as u64 / 1_000_000_000).into()
        }
        _ => Cell("never".into(), Ink::Warn),
    }
}

fn warned(count: u64) -> Cell {
    Cell(out::number(count), if count > 0 { Ink::Warn } else { Ink::Plain })
}

fn share(row: &Value) -> String {
    format!("{:.1} %", 100.0 * row["share"].as_f64().unwrap_or(0.0))
}
