//! `counterfoil show`.

use serde_json::Value;

use super::client;
use super::receipt::{find, name};
use crate::args::{self, Global};
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use crate::view::{self, list};

pub(crate) fn run(global: &Global, args: &args::Show) -> Result<(), CliError> {
    let hit = find(&client(global)?, &args.event)?;
    if global.json {
        return out::json(&hit);
    }
    let event = &hit["event"];
    let (ended, colour) = view::ended(event);
    let action = view::text(&event["action"]);
    let time = view::moment(view::happened(event));
    out::line(&format!("{}  {}    {time} UTC", ink(Ink::Bold, &action), ink(colour, ended)));
    for (label, text) in summary(&hit) {
        if !text.is_empty() {
            out::fact(label, &text);
        }
    }
    let mut fields = Vec::new();
    flatten("", event, &mut fields);
    if args.all {
        out::line("");
        for (pointer, text) in &fields {
            out::line(&format!("  {}  {}", ink(Ink::Dim, pointer), text));
        }
    }
    let others = hit["others"].as_array().map(Vec::len).unwrap_or_default();
    if others > 0 {
        let what = format!(
            "{others} more of this id: counterfoil search 'id:{}'",
            view::text(&event["id"])
        );
        out::line(&ink(Ink::Warn, &what));
    }
    let redacted = event["recorded"]["redacted"].as_array().map(Vec::len).unwrap_or_default();
    let end =
        format!("{} fields, {redacted} redacted · all fields: --all · JSON: --json", fields.len());
    out::line(&ink(Ink::Dim, &end));
    Ok(())
}

fn summary(hit: &Value) -> Vec<(&'static str, String)> {
    let event = &hit["event"];
    vec![
        ("who", who(event)),
        ("what", what(event)),
        ("why", why(event)),
        ("ended", ended(event)),
        ("decision", decision(event)),
        ("where", place(event)),
        ("times", times(hit)),
        ("sent by", sender(event)),
        ("log", format!("{} entry {}    id {}", name(hit), hit["seq"], view::text(&event["id"]))),
    ]
}

fn who(event: &Value) -> String {
    let actor = &event["actor"];
    let chain = list(&actor["on_behalf_of"]);
    let how: Vec<&str> = chain.iter().filter_map(|link| link["relation"].as_str()).collect();
    let how = if how.is_empty() { String::new() } else { format!("  [{}]", how.join(", ")) };
    format!("{}{how}", view::who_named(event))
}

fn what(event: &Value) -> String {
    let first = &event["resources"][0];
    let changes = list(&first["changes"]);
    let change = |c: &Value| format!("{} {} → {}", view::text(&c["path"]), c["before"], c["after"]);
    let changes: Vec<String> = changes.iter().take(3).map(change).collect();
    format!("{}    {}", view::what(event), changes.join("; ")).trim_end().to_owned()
}

fn why(event: &Value) -> String {
    let reason = &event["reason"];
    let ticket = reason["ticket"].as_str().unwrap_or_default();
    let text = reason["text"].as_str().map(|t| format!("\"{t}\"")).unwrap_or_default();
    let glass = if reason["break_glass"] == true { "BREAK-GLASS" } else { "" };
    let approvals = list(&reason["approvals"]);
    let approved: String = approvals
        .iter()
        .map(|a| format!(" {} by {}", view::text(&a["decision"]), view::text(&a["by"])))
        .collect();
    [ticket, &text, glass, approved.trim()]
        .iter()
        .filter(|t| !t.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

fn ended(event: &Value) -> String {
    let outcome = &event["outcome"];
    let parts = ["code", "message"].iter().filter_map(|key| outcome[key].as_str());
    parts.collect::<Vec<_>>().join(" · ")
}

fn decision(event: &Value) -> String {
    let d = &event["decision"];
    let Some(effect) = d["effect"].as_str() else { return String::new() };
    let by: Vec<&str> =
        ["engine", "policy", "rule"].iter().filter_map(|key| d[key].as_str()).collect();
    let shadow = if d["mode"] == "shadow" { " (shadow)" } else { "" };
    format!("{effect} by {}{shadow}", by.join("/"))
}

fn place(event: &Value) -> String {
    let service = &event["service"];
    let version = service["version"].as_str().map(|v| format!(" {v}")).unwrap_or_default();
    let environment = service["environment"].as_str().unwrap_or_default();
    let region = event["where"]["region"].as_str().unwrap_or_default();
    let owner = event["recorded"]["owner"]["team"].as_str();
    let team = event["resources"][0]["owning_team"].as_str().filter(|team| Some(*team) != owner);
    let team = team.map(|t| format!("    resource owned by {t}")).unwrap_or_default();
    let at = [environment, region].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>();
    let owner = &event["recorded"]["owner"];
    let owner = match (owner["team"].as_str(), owner["as_of"].as_str()) {
        (Some(team), Some(as_of)) => {
            format!("    owner {team} (catalogue of {})", at_moment(as_of, event))
        }
        _ => String::new(),
    };
    format!("{}{version} {}{owner}{team}", view::text(&service["name"]), at.join("/"))
}

/// A time as a clock shows it, with its day unless that is the event's.
fn at_moment(time: &str, event: &Value) -> String {
    let same_day = time.get(..10) == view::happened(event).get(..10);
    if same_day {
        view::clock(time).get(..8).unwrap_or_default().to_owned()
    } else {
        view::moment(time)
    }
}

fn times(hit: &Value) -> String {
    let event = &hit["event"];
    let day = view::happened(event).get(..10);
    let known = [
        ("occurred", event["occurred_at"].as_str()),
        ("observed", event["observed_at"].as_str()),
        ("recorded", hit["recorded_at"].as_str()),
    ];
    let parts = known.iter().filter_map(|(what, at)| {
        let same_day = (*at)?.get(..10) == day;
        let at = if same_day { view::clock((*at)?).to_owned() } else { view::moment((*at)?) };
        Some(format!("{what} {at}"))
    });
    parts.collect::<Vec<_>>().join("  ")
}

fn sender(event: &Value) -> String {
    let identity = &event["recorded"]["identity"];
    let producer = &event["producer"];
    let stream = producer["stream"].as_str();
    let stream = stream.map(|s| format!("    stream {s}, event {}", producer["seq"]));
    let who = view::text(&identity["id"]);
    format!("{who} ({}){}", view::text(&identity["kind"]), stream.unwrap_or_default())
}

/// JSON Pointers and texts of all scalars and empty containers.
fn flatten(pointer: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                flatten(&format!("{pointer}/{key}"), member, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{pointer}/{index}"), item, out);
            }
        }
        scalar => out.push((pointer.to_owned(), scalar.to_string())),
    }
}
