//! An event in words: who, what, how it ended. Everything here may come from a sender; it is
//! escaped where it is printed.

use serde_json::Value;

use crate::out::Ink;

/// The identity chain in a few words, by ids: whoever sends an event may name anybody in it.
pub(crate) fn who(event: &Value) -> String {
    chain(event, |person| match person["id"].as_str() {
        Some(id) => plain(id),
        None => claimed(person),
    })
}

/// The same with names before the ids that they stand for.
pub(crate) fn who_named(event: &Value) -> String {
    chain(event, |person| match (person["id"].as_str(), person["name"].as_str()) {
        (Some(id), Some(name)) if id != name => format!("{} <{}>", plain(name), plain(id)),
        (Some(id), _) => plain(id),
        (None, _) => claimed(person),
    })
}

/// Who acts for another is plainly no person.
fn chain(event: &Value, person: impl Fn(&Value) -> String) -> String {
    let actor = &event["actor"];
    if actor["type"] == "anonymous" {
        return "anonymous".into();
    }
    let first = person(actor);
    let chain = list(&actor["on_behalf_of"]);
    if !chain.is_empty() {
        let behalf = chain.iter().map(|link| format!(" for {}", person(link)));
        return format!("{first}{}", behalf.collect::<String>());
    }
    match actor["type"].as_str() {
        Some(kind @ ("agent" | "service" | "system")) => format!("{first} ({kind})"),
        _ => first,
    }
}

/// A text of a sender's as one word: in quotation marks where it could be read as more than that,
/// such as an id `bot for alice` or `orders (service)`.
pub(crate) fn plain(text: &str) -> String {
    let more = |c: char| c.is_whitespace() || "()<>,\"".contains(c);
    if text.is_empty() || text == "anonymous" || text.contains(more) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text.to_owned()
}

/// The name of somebody without an id: never as an id stands.
fn claimed(person: &Value) -> String {
    let known = ["name", "email"].iter().find_map(|key| person[key].as_str());
    known.map_or("?".into(), |name| format!("\"{}\"", name.replace('"', "\\\"")))
}

/// What was done: for a bare request its method and path say more than the action.
pub(crate) fn did(event: &Value) -> String {
    match (event["request"]["method"].as_str(), event["request"]["path"].as_str()) {
        (Some(method), Some(path)) if event["kind"] == "mesh" => format!("{method} {path}"),
        _ => text(&event["action"]),
    }
}

/// The first resource, target before others.
pub(crate) fn what(event: &Value) -> String {
    let all = list(&event["resources"]);
    let target = all.iter().find(|r| r["role"] == "target").or(all.first());
    let Some(resource) = target else { return String::new() };
    let id = resource["id"].as_str().or(resource["name"].as_str()).unwrap_or_default();
    match resource["type"].as_str() {
        Some(kind) if !id.starts_with(&format!("{kind}/")) && !id.contains('/') => {
            format!("{kind}/{id}")
        }
        Some(kind) if id.is_empty() => kind.to_owned(),
        _ => id.to_owned(),
    }
}

/// How it ended, with the colour it has; where no outcome is stated, the status of the response.
pub(crate) fn ended(event: &Value) -> (&str, Ink) {
    if event["decision"]["effect"] == "deny" && event["decision"]["mode"] != "shadow" {
        return ("DENIED", Ink::Bad);
    }
    match event["outcome"]["result"].as_str() {
        Some("failure") => ("FAILED", Ink::Bad),
        Some("success") => ("ok", Ink::Good),
        Some(_) => ("unknown", Ink::Warn),
        None => (event["response"]["status"].as_str().unwrap_or_default(), Ink::Plain),
    }
}

/// The part of a UUID's text that tells events apart at a glance: the head of a UUIDv7 is time,
/// always alike; the tail is random. Other ids are shown by place.
pub(crate) fn short_id(hit: &Value) -> String {
    let id = hit["event"]["id"].as_str().unwrap_or_default();
    let hex: String = id.chars().filter(|c| *c != '-').collect();
    let uuid = id.len() == 36 && hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    if uuid {
        return hex[16..24].to_owned();
    }
    place(hit)
}

/// `<log>/<seq>`.
pub(crate) fn place(hit: &Value) -> String {
    let log = hit["log"].as_str().unwrap_or_default();
    let name = log.rsplit('/').next().unwrap_or(log);
    format!("{name}/{}", hit["seq"])
}

/// `14:02:11.482` of a normalised time.
pub(crate) fn clock(time: &str) -> &str {
    time.get(11..23).unwrap_or(time)
}

/// `2026-11-22 14:02:11.482` of a normalised time.
pub(crate) fn moment(time: &str) -> String {
    format!("{} {}", time.get(..10).unwrap_or_default(), clock(time)).trim_start().to_owned()
}

/// When it happened, by the source's clock or else the producer's.
pub(crate) fn happened(event: &Value) -> &str {
    event["occurred_at"].as_str().or(event["observed_at"].as_str()).unwrap_or_default()
}

/// `shown as text`, whatever the value is.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The members of a list; none where there is no list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_reads_as_somebody_else() {
        for (actor, in_lists, in_full) in [
            (json!({"type": "user", "id": "eve", "name": "alice"}), "eve", "alice <eve>"),
            (json!({"type": "user", "id": "eve", "name": "eve"}), "eve", "eve"),
            (
                json!({"type": "user", "id": "bot for alice"}),
                "\"bot for alice\"",
                "\"bot for alice\"",
            ),
            (json!({"type": "user", "id": "x (service)"}), "\"x (service)\"", "\"x (service)\""),
            (json!({"type": "user", "id": " "}), "\" \"", "\" \""),
            (json!({"type": "user", "id": "anonymous"}), "\"anonymous\"", "\"anonymous\""),
            (json!({"type": "user", "id": "a\"b"}), "\"a\\\"b\"", "\"a\\\"b\""),
            (json!({"type": "anonymous", "id": "x"}), "anonymous", "anonymous"),
            (json!({"type": "service", "id": "orders"}), "orders (service)", "orders (service)"),
            (
                json!({"type": "user", "id": "eve", "name": "bob <bob>"}),
                "eve",
                "\"bob <bob>\" <eve>",
            ),
            (
                json!({"type": "agent", "id": "bot", "on_behalf_of": [
                    {"id": "a@x.example", "name": "alice"}, {"name": "carol"}]}),
                "bot for a@x.example for \"carol\"",
                "bot for alice <a@x.example> for \"carol\"",
            ),
        ] {
            let event = json!({ "actor": actor });
            assert_eq!((&*who(&event), &*who_named(&event)), (in_lists, in_full), "{event}");
        }
    }
}
