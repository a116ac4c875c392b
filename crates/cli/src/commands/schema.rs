//! `counterfoil schema`: what a team's own events must look like.

use std::path::Path;

use serde_json::{Value, json};

use super::client;
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use crate::view::{self, list};

/// Bytes of a file that is sent; the server takes no more.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Faults and services that a trial shows.
const SHOWN_MAX: usize = 20;

/// Runs it; a trial in which an event failed ends with 1.
pub(crate) fn run(global: &Global, command: &args::Schema) -> Result<u8, CliError> {
    let client = client(global)?;
    match command {
        args::Schema::Put { action, file, enforcement } => {
            put(global, &client, action, file.as_deref(), enforcement.as_deref()).map(|()| 0)
        }
        args::Schema::List => all(global, &client).map(|()| 0),
        args::Schema::Show { action } => {
            // An action may have a slash of its own; a version is a number.
            let named = action.rsplit_once('/');
            let named = named.and_then(|(action, n)| Some((action, n.parse::<u32>().ok()?)));
            let path = match named {
                Some((action, n)) => format!("{}?version={n}", escape(action)),
                None => escape(action),
            };
            let path = format!("/v1/schema/actions/{path}");
            let shown = client.get_json(&path)?;
            if global.json {
                return out::json(&shown).map(|()| 0);
            }
            out::json(&shown["schema"]).map(|()| 0)
        }
        args::Schema::Test { file, action, since, query } => {
            let mut asked = json!({ "schema": schema(file)?, "action": action, "since": since });
            if let Some(query) = query {
                asked["query"] = json!(query);
            }
            let body = asked.to_string();
            let answer = client.post("/v1/schema/test", "application/json", body.as_bytes())?;
            tried(global, &answer.json()?)
        }
    }
}

/// The text of a file, or of standard input.
pub(super) fn text(file: &Path) -> Result<String, CliError> {
    let text = match file == Path::new("-") {
        true => platform::read_text(std::io::stdin().lock(), FILE_BYTES_MAX),
        false => platform::read_once(file, FILE_BYTES_MAX),
    };
    text.map_err(|error| CliError::file(file, error))
}

fn schema(file: &Path) -> Result<Value, CliError> {
    let parsed = serde_json::from_str(&text(file)?);
    parsed.map_err(|error| CliError::Usage(format!("{} is no JSON: {error}", file.display())))
}

fn put(
    global: &Global,
    client: &Client,
    action: &str,
    file: Option<&Path>,
    enforcement: Option<&str>,
) -> Result<(), CliError> {
    let mut wish = json!({});
    if let Some(file) = file {
        wish["schema"] = schema(file)?;
    }
    if let Some(enforcement) = enforcement {
        wish["enforcement"] = json!(enforcement);
    }
    if file.is_none() && enforcement.is_none() {
        return Err(CliError::Usage("name a file, --enforcement, or both".into()));
    }
    let shown = client.put(&format!("/v1/schema/actions/{}", escape(action)), &wish)?.json()?;
    if global.json {
        return out::json(&shown);
    }
    let version = shown["version"].as_u64().unwrap_or_default();
    let (action, enforcement) = (view::text(&shown["action"]), view::text(&shown["enforcement"]));
    out::line(&format!("{action}/{version}  {enforcement}"));
    Ok(())
}

fn all(global: &Global, client: &Client) -> Result<(), CliError> {
    let answer = client.get_json("/v1/schema/actions")?;
    if global.json {
        return out::json(&answer);
    }
    let actions = list(&answer["actions"]);
    if actions.is_empty() {
        out::line("no schema is registered; counterfoil schema put ACTION FILE");
        return Ok(());
    }
    let row = |schema: &Value| {
        let count = |name: &str| out::number(schema[name].as_u64().unwrap_or_default());
        [
            view::text(&schema["action"]).into(),
            count("version").into(),
            view::text(&schema["enforcement"]).into(),
            count("checked").into(),
            count("failed").into(),
            view::text(&schema["made_at"]).get(..10).unwrap_or_default().into(),
            view::text(&schema["made_by"]).into(),
        ]
    };
    let heads = [
        ("ACTION", 40),
        ("VERSION", 8),
        ("ENFORCED", 9),
        ("CHECKED", 12),
        ("FAILED", 12),
        ("MADE", 10),
        ("BY", 24),
    ];
    out::table(heads, &actions.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn tried(global: &Global, answer: &Value) -> Result<u8, CliError> {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let (checked, failed) = (number(&answer["checked"]), number(&answer["failed"]));
    if global.json {
        out::json(answer)?;
        return Ok(u8::from(failed > 0));
    }
    let (word, colour) = match (checked, failed) {
        (0, _) => ("NOTHING TO TRY", Ink::Dim),
        (_, 0) => ("ALL PASS", Ink::Good),
        _ => ("SOME FAIL", Ink::Bad),
    };
    let events = out::count(checked, "event");
    out::line(&format!("{}  {events}, {} failed", ink(colour, word), out::number(failed)));
    partial(answer);
    if failed == 0 {
        return Ok(0);
    }
    for fault in list(&answer["faults"]).iter().take(SHOWN_MAX) {
        let path = view::text(&fault["path"]);
        let place = if path.is_empty() { "the event".to_owned() } else { path };
        let count = out::number(number(&fault["count"]));
        out::line("");
        out::line(&format!("{count}  {place}: {}", view::text(&fault["reason"])));
        out::fact("services", &counts(&fault["services"]));
        let events: Vec<String> = list(&fault["events"]).iter().map(view::text).collect();
        out::fact("events", &events.join(", "));
    }
    Ok(1)
}

/// Says that a trial did not see everything.
pub(super) fn partial(answer: &Value) {
    let scanned = out::number(answer["scanned"].as_u64().unwrap_or_default());
    if answer["partial"] == true {
        out::note(&format!("partial: {scanned} events were read, and there are more"));
    }
    let unreadable = answer["unreadable"].as_u64().unwrap_or_default();
    if unreadable > 0 {
        out::note(&format!("{} could not be read", out::count(unreadable, "event")));
    }
}

/// `billing 7, web 2`, the most first.
fn counts(services: &Value) -> String {
    let mut all: Vec<(&String, u64)> = services
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, count)| (name, count.as_u64().unwrap_or_default()))
        .collect();
    all.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let told = all.iter().map(|(name, count)| format!("{name} {}", out::number(*count)));
    told.collect::<Vec<_>>().join(", ")
}
