//! `counterfoil scope`: what is kept, counted and left out.

use serde_json::{Value, json};

use super::client;
use super::schema::{partial, text};
use crate::args::{self, Global};
use crate::error::CliError;
use crate::out;
use crate::view::{self, list};

pub(crate) fn run(global: &Global, command: &args::Scope) -> Result<(), CliError> {
    match command {
        args::Scope::Show => show(global, &client(global)?.get_json("/v1/scope")?),
        args::Scope::Plan { file, since, query } => {
            let mut asked = json!({ "rules": text(file)?, "since": since });
            if let Some(query) = query {
                asked["query"] = json!(query);
            }
            let body = asked.to_string();
            let client = client(global)?;
            let answer = client.post("/v1/scope/plan", "application/json", body.as_bytes())?;
            plan(global, &answer.json()?)
        }
        args::Scope::Check { file } => {
            let wrong = |what: String| CliError::usage(format!("{}: {what}", file.display()));
            let warnings = server::check_scope(&text(file)?).map_err(wrong)?;
            if global.json {
                return out::json(&json!({ "warnings": warnings }));
            }
            for warning in &warnings {
                out::note(warning);
            }
            out::line("the rules can be used");
            Ok(())
        }
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn show(global: &Global, answer: &Value) -> Result<(), CliError> {
    if global.json {
        return out::json(answer);
    }
    let rules = list(&answer["rules"]);
    if rules.is_empty() {
        out::line("no rules are in force: every event that is admitted is kept");
        return Ok(());
    }
    let row = |rule: &Value| {
        let reason = view::text(&rule["reason"]);
        [view::text(&rule["name"]).into(), view::text(&rule["then"]).into(), reason.into()]
    };
    out::table(
        [("RULE", 32), ("THEN", 9), ("WHY", 60)],
        &rules.iter().map(row).collect::<Vec<_>>(),
    );
    let services = list(&answer["services"]);
    if services.is_empty() {
        return Ok(());
    }
    out::line("");
    let count = |value: &Value| out::number(number(value));
    let row = |shown: &Value| {
        [
            view::text(&shown["service"]).into(),
            view::text(&shown["rule"]).into(),
            count(&shown["left_out"]).into(),
            count(&shown["counted"]).into(),
            count(&shown["spared"]).into(),
            out::bytes(number(&shown["bytes_saved"])).into(),
        ]
    };
    let heads = [
        ("SERVICE", 24),
        ("RULE", 32),
        ("LEFT OUT", 12),
        ("COUNTED", 12),
        ("SPARED", 12),
        ("SAVED", 10),
    ];
    out::table(heads, &services.iter().map(row).collect::<Vec<_>>());
    out::note("since the server started; the log has all of it: counterfoil search action:scope.*");
    let no_room = number(&answer["no_room"]);
    if no_room > 0 {
        out::note(&format!("{} stored for want of room to count", out::count(no_room, "event")));
    }
    Ok(())
}

fn plan(global: &Global, answer: &Value) -> Result<(), CliError> {
    if global.json {
        return out::json(answer);
    }
    let all = &answer["all"];
    let (events, kept) = (number(&all["events"]), number(&all["kept"]));
    out::line(&format!(
        "{} of {} would be kept; {} of {} saved ({})",
        out::number(kept),
        out::count(events, "event"),
        out::bytes(saved(all)),
        out::bytes(number(&all["bytes"])),
        share(all)
    ));
    partial(answer);
    let mut rows = Vec::new();
    for rule in list(&answer["rules"]) {
        rows.extend(by_service(&view::text(&rule["name"]), &rule["services"]));
    }
    rows.extend(by_service("(no rule)", &answer["default"]));
    let heads = [
        ("RULE", 24),
        ("SERVICE", 24),
        ("EVENTS", 10),
        ("KEPT", 10),
        ("LEFT OUT", 10),
        ("COUNTED", 10),
        ("SPARED", 8),
        ("SAVED", 10),
    ];
    out::table(heads, &rows);
    for warning in list(&answer["warnings"]) {
        out::note(&view::text(warning));
    }
    Ok(())
}

fn by_service(rule: &str, services: &Value) -> Vec<[out::Cell; 8]> {
    let services = services.as_object().into_iter().flatten();
    let row = |(service, shown): (&String, &Value)| {
        let count = |name: &str| out::Cell::from(out::number(number(&shown[name])));
        [
            rule.to_owned().into(),
            service.clone().into(),
            count("events"),
            count("kept"),
            count("left_out"),
            count("counted"),
            count("spared"),
            out::bytes(saved(shown)).into(),
        ]
    };
    services.map(row).collect()
}

fn saved(share: &Value) -> u64 {
    number(&share["bytes"]).saturating_sub(number(&share["kept_bytes"]))
}

/// The part of the bytes that would not be stored.
fn share(share: &Value) -> String {
    match number(&share["bytes"]) {
        0 => "0 %".into(),
        all => format!("{} %", saved(share).saturating_mul(100) / all),
    }
}
