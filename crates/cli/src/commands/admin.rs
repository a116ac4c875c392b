//! `counterfoil refusals`, `status`, `token`, `key`.

use serde_json::json;

use super::client;
use super::search::describe_gap;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Ink, cell, ink};
use crate::view::{self, list};

pub(crate) fn refusals(global: &Global) -> Result<(), CliError> {
    let answer = client(global)?.get_json("/v1/refusals")?;
    if global.json {
        return out::json(&answer);
    }
    let counts = list(&answer["counts"]);
    for count in counts {
        let (producer, code) = (view::text(&count["producer"]), view::text(&count["code"]));
        out::line(&format!("  {} {} {}", cell(&producer, 20), cell(&code, 16), count["count"]));
    }
    for refusal in list(&answer["last"]) {
        let at = view::text(&refusal["at"]);
        let place =
            format!("{} {}", view::text(&refusal["producer"]), view::text(&refusal["path"]));
        let reason = view::text(&refusal["reason"]);
        out::line(&format!("  {}  {}  {reason}", view::clock(&at), cell(&place, 36)));
    }
    if counts.is_empty() {
        out::line("nothing was refused since the server started");
    }
    Ok(())
}

pub(crate) fn status(global: &Global) -> Result<(), CliError> {
    let client = client(global)?;
    let status = client.get_json("/v1/status")?;
    if global.json {
        return out::json(&status);
    }
    let well = status["ready"] == true;
    let (word, colour) = if well { ("WELL", Ink::Good) } else { ("NOT WELL", Ink::Bad) };
    let up = status["uptime_s"].as_u64().unwrap_or_default();
    let version = view::text(&status["version"]);
    out::line(&format!(
        "{}  {}   version {version}, up {} h {} min",
        ink(colour, word),
        client.server().url,
        up / 3600,
        up / 60 % 60
    ));
    for log in list(&status["logs"]) {
        let origin = view::text(&log["origin"]);
        let size = log["size"].as_u64().unwrap_or_default();
        out::line(&format!("  log      {origin}    {} entries", out::number(size)));
    }
    let refused = status["refused"].as_u64().unwrap_or_default();
    out::line(&format!("  refused  {} since start (counterfoil refusals)", out::number(refused)));
    let gaps = list(&status["gaps"]);
    out::line(&format!("  gaps     {}", gaps.len()));
    for gap in gaps.iter().take(10) {
        out::line(&ink(Ink::Warn, &format!("           {}", describe_gap(gap))));
    }
    Ok(())
}

pub(crate) fn token(global: &Global, command: &args::Token) -> Result<(), CliError> {
    let client = client(global)?;
    match command {
        args::Token::Create { name, role, service } => {
            let body = json!({ "name": name, "role": role, "services": service });
            let made =
                client.post("/v1/tokens", "application/json", body.to_string().as_bytes())?;
            let made = made.json()?;
            if global.json {
                return out::json(&made);
            }
            out::line(&view::text(&made["token"]));
            out::note("shown once: only its hash is kept");
        }
        args::Token::List => {
            let answer = client.get_json("/v1/tokens")?;
            if global.json {
                return out::json(&answer);
            }
            for token in list(&answer["tokens"]) {
                let services: Vec<String> =
                    list(&token["services"]).iter().map(view::text).collect();
                out::line(&format!(
                    "  {}  {} {} {} {}",
                    view::text(&token["id"]),
                    cell(&view::text(&token["name"]), 24),
                    cell(&view::text(&token["role"]), 10),
                    view::text(&token["created_at"]).get(..10).unwrap_or_default(),
                    services.join(", ")
                ));
            }
        }
        args::Token::Revoke { id } => {
            let answer = client.delete(&format!("/v1/tokens/{}", escape(id)))?;
            if !answer.is_success() {
                return Err(answer.failure());
            }
            out::note(&format!("token {id} is out of force"));
        }
    }
    Ok(())
}

pub(crate) fn export_keys(global: &Global) -> Result<(), CliError> {
    let answer = client(global)?.get_json("/v1/logs")?;
    if global.json {
        return out::json(&answer);
    }
    for log in list(&answer["logs"]) {
        out::line(&view::text(&log["vkey"]));
    }
    Ok(())
}
