//! `counterfoil owners`.

use std::path::Path;

use catalogue::{Catalogue, Change};
use serde_json::Value;

use super::client;
use crate::args::{self, Global};
use crate::client::Client;
use crate::error::CliError;
use crate::out::{self, Cell, Ink, ink};
use crate::view;

/// Services of one kind of difference that are listed.
const LISTED_MAX: usize = 40;

pub(crate) fn run(global: &Global, command: &args::Owners) -> Result<(), CliError> {
    match command {
        args::Owners::Check { path } => check(global, path),
        args::Owners::Show => {
            let answer = client(global)?.get_json("/v1/catalogue")?;
            if global.json { out::json(&answer) } else { show(&answer) }
        }
        args::Owners::Reload => {
            let answer = client(global)?.post("/v1/catalogue/reload", "application/json", b"")?;
            let answer = answer.json()?;
            if global.json {
                return out::json(&answer);
            }
            reloaded(&answer);
            Ok(())
        }
    }
}

/// Reads the files as a server would, and says what they would change in the one that is meant.
fn check(global: &Global, path: &Path) -> Result<(), CliError> {
    let texts = server::owners::read(path).map_err(|error| refused(&error))?;
    let read = Catalogue::read(&texts).map_err(|error| refused(&error))?;
    out::line(&summary(&read, texts.len()));
    match client(global).and_then(|client| in_force(&client)) {
        Ok((now, version)) => difference(&now, &read, version),
        Err(error) => out::note(&format!("not compared with what is in force: {error}")),
    }
    Ok(())
}

fn reloaded(answer: &Value) {
    let [added, removed, moved, declared] = ["added", "removed", "moved", "declared"]
        .map(|name| answer["changed"][name].as_u64().unwrap_or_default());
    let version = &answer["version"];
    if added + removed + moved + declared == 0 {
        return out::line(&format!("nothing changed: catalogue {version} stays"));
    }
    let [added, removed, moved, declared] = [added, removed, moved, declared].map(out::number);
    out::line(&format!(
        "catalogue {version} is in force: {added} added, {removed} removed, {moved} of another \
         team, {declared} declared otherwise"
    ));
}

fn refused(error: &catalogue::CatalogueError) -> CliError {
    CliError::Usage(error.to_string())
}

fn summary(read: &Catalogue, files: usize) -> String {
    let teams: std::collections::BTreeSet<&str> =
        read.services().map(|(_, service)| service.team.as_str()).collect();
    format!(
        "{}  {} of {} in {}, {}",
        ink(Ink::Good, "SOUND"),
        out::count(read.len() as u64, "service"),
        out::count(teams.len() as u64, "team"),
        out::count(files as u64, "file"),
        read.digest().get(..19).unwrap_or_default()
    )
}

/// The catalogue in force, and its version.
fn in_force(client: &Client) -> Result<(Catalogue, u64), CliError> {
    let mut answer = client.get_json("/v1/catalogue")?;
    let version = answer["version"].as_u64().unwrap_or_default();
    let services = serde_json::from_value(answer["services"].take());
    let catalogue =
        services.map_err(|error| CliError::Server(format!("not a catalogue: {error}")))?;
    Ok((catalogue, version))
}

fn difference(now: &Catalogue, read: &Catalogue, version: u64) {
    let change = Change::between(now, read);
    if change.is_empty() {
        out::line(&format!("nothing would change: catalogue {version} says the same"));
        return;
    }
    let team = |catalogue: &Catalogue, name: &str| {
        catalogue.get(name).map(|service| service.team.clone()).unwrap_or_default()
    };
    let added = change.added.iter().map(|name| (name.clone(), team(read, name)));
    let removed = change.removed.iter().map(|name| (name.clone(), team(now, name)));
    let moved = change.moved.iter();
    let moved = moved.map(|m| (m.service.clone(), format!("{} → {}", m.from, m.to)));
    let declared = change.declared.iter().map(|name| (name.clone(), team(read, name)));
    out::line(&format!("against catalogue {version}, which is in force:"));
    list("added", added.collect());
    list("removed", removed.collect());
    list("moved", moved.collect());
    list("declared", declared.collect());
}

fn list(label: &str, all: Vec<(String, String)>) {
    let count = all.len();
    for (at, (service, team)) in all.into_iter().take(LISTED_MAX).enumerate() {
        out::fact(if at == 0 { label } else { "" }, &format!("{service}    {team}"));
    }
    if count > LISTED_MAX {
        out::fact("", &format!("and {} more", out::number((count - LISTED_MAX) as u64)));
    }
}

fn show(answer: &Value) -> Result<(), CliError> {
    let services: Catalogue = serde_json::from_value(answer["services"].clone())
        .map_err(|error| CliError::Server(format!("not a catalogue: {error}")))?;
    let text = |text: &Option<String>| Cell(text.clone().unwrap_or_default(), Ink::Plain);
    let row = |(name, service): (&str, &catalogue::Service)| {
        [
            name.into(),
            service.team.as_str().into(),
            text(&service.contact),
            text(&service.tier),
            service.actions.join(" ").into(),
        ]
    };
    let heads = [("SERVICE", 32), ("OWNER", 32), ("CONTACT", 32), ("TIER", 8), ("DECLARED", 64)];
    out::table(heads, &services.services().map(row).collect::<Vec<_>>());
    let mut parts = vec![out::count(services.len() as u64, "service")];
    match answer["version"].as_u64().unwrap_or_default() {
        0 => parts.push("no catalogue is in force".into()),
        version => {
            let as_of = view::moment(&view::text(&answer["as_of"]));
            parts.push(format!("catalogue {version} of {as_of} UTC"));
        }
    }
    for (what, key) in [("read from", "source"), ("its files are refused:", "refused")] {
        if let Some(text) = answer[key].as_str() {
            parts.push(format!("{what} {text}"));
        }
    }
    out::parts(Ink::Dim, &parts);
    Ok(())
}
