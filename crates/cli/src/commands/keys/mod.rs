//! `counterfoil key`: the keys that sign the logs.

mod accept;

use serde_json::{Value, json};

use super::{admin, client, verify};
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::context;
use crate::error::CliError;
use crate::out;
use crate::view::{self, list};

pub(crate) fn run(global: &Global, command: &args::Key) -> Result<u8, CliError> {
    match command {
        args::Key::Export => export(global),
        args::Key::List => list_all(global),
        args::Key::Rotate { log, why, together } => rotate(global, log, why, *together),
        args::Key::Agree { log } => agree(global, log),
        args::Key::Accept => return accept::accept(global),
        args::Key::Save { key } => save(global, key),
    }
    .map(|()| 0)
}

fn export(global: &Global) -> Result<(), CliError> {
    let answer = client(global)?.get_json("/v1/logs")?;
    if global.json {
        return out::json(&answer);
    }
    let keys = list(&answer["logs"]).iter().flat_map(|log| list(&log["vkeys"]));
    keys.for_each(|key| out::line(&view::text(key)));
    Ok(())
}

fn list_all(global: &Global) -> Result<(), CliError> {
    let client = client(global)?;
    let mut all = Vec::new();
    for log in logs(&client)? {
        let mut keys = keys_of(&client, &view::text(&log["name"]))?;
        // What hands a key over is for programs, and they ask the server.
        for key in keys["keys"].as_array_mut().into_iter().flatten() {
            key.as_object_mut().map(|key| key.remove("handover"));
        }
        all.push(keys);
    }
    if global.json {
        return out::json(&json!({ "logs": all }));
    }
    let rows: Vec<_> = all
        .iter()
        .flat_map(|log| {
            list(&log["keys"]).iter().map(move |key| {
                let until = key["until"].as_str().map_or("–".to_owned(), second);
                let signs = if key["signs"] == true { "yes" } else { "no" };
                [
                    view::text(&log["log"]).into(),
                    short(&view::text(&key["vkey"])).to_owned().into(),
                    second(&view::text(&key["from"])).into(),
                    until.into(),
                    signs.into(),
                ]
            })
        })
        .collect();
    let heads = [("LOG", 63), ("KEY", 8), ("FROM (UTC)", 19), ("UNTIL (UTC)", 19), ("SIGNS", 5)];
    out::table(heads, &rows);
    Ok(())
}

fn rotate(global: &Global, log: &str, why: &str, together: i64) -> Result<(), CliError> {
    let body = json!({ "why": why, "together_s": together }).to_string();
    let path = format!("/v1/logs/{}/keys/rotate", escape(log));
    let answer = client(global)?.post(&path, "application/json", body.as_bytes())?;
    if !answer.is_success() {
        let next = format!("somebody else: counterfoil key agree {log}");
        return Err(answer.failure_next("second_person", &next));
    }
    let turn = answer.json()?;
    if global.json {
        return out::json(&turn);
    }
    out::line(&view::text(&turn["vkey"]));
    let old = match together {
        0 => "; the one before signs nothing more".to_owned(),
        _ => {
            let until = second(&view::text(&turn["together_until"]));
            format!(", and by the one before until {until} UTC")
        }
    };
    out::note(&format!("{log} is signed by the key above{old}"));
    out::note("back up the folder of keys, and tell who verifies: counterfoil key accept");
    Ok(())
}

fn agree(global: &Global, log: &str) -> Result<(), CliError> {
    let path = format!("/v1/logs/{}/keys/agreement", escape(log));
    let client = client(global)?;
    let answer = client.post(&path, "application/json", b"")?;
    if !answer.is_success() {
        return Err(answer.failure());
    }
    out::note(&format!("you agree that the key of {log} be replaced, once, within 15 minutes"));
    out::note(admin::WORD);
    Ok(())
}

fn save(global: &Global, key: &str) -> Result<(), CliError> {
    let (name, _) = context::saved(global)?;
    let keys = verify::read_keys(key)?;
    verify::policy_of(&keys)?;
    context::trust(&name, &keys)?;
    let count = out::count(keys.len() as u64, "key");
    out::note(&format!("{count} saved in context {name:?}: trusted from here on"));
    Ok(())
}

fn logs(client: &Client) -> Result<Vec<Value>, CliError> {
    let answer = client.get_json("/v1/logs")?;
    Ok(list(&answer["logs"]).to_vec())
}

fn keys_of(client: &Client, log: &str) -> Result<Value, CliError> {
    client.get_json(&format!("/v1/logs/{}/keys", escape(log)))
}

/// A time to the second: keys last for months.
fn second(time: &str) -> String {
    view::moment(time).chars().take("2026-01-02 03:04:05".len()).collect()
}

/// The id of a vkey, by which people tell keys apart.
fn short(vkey: &str) -> &str {
    vkey.split('+').nth(1).unwrap_or(vkey)
}
