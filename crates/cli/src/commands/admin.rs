//! `counterfoil refusals`, `token`, `log`.

use serde_json::{Value, json};

use super::client;
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::out::{self, Cell};
use crate::view::{self, list};

pub(crate) fn refusals(global: &Global) -> Result<(), CliError> {
    let answer = client(global)?.get_json("/v1/refusals")?;
    if global.json {
        return out::json(&answer);
    }
    let counts = list(&answer["counts"]);
    for away in list(&answer["quotas"]) {
        let who = view::text(&away["principal"]);
        for (what, done) in [("requests", "sent"), ("reads", "read")] {
            let n = away[what].as_u64().filter(|n| *n > 0);
            let Some(times) = n.map(|n| out::count(n, "time")) else { continue };
            let line =
                format!("{who} {done} more than its quota and was told to come again: {times}");
            out::line(&line);
        }
    }
    if counts.is_empty() {
        out::line("nothing was refused since the server started");
        return Ok(());
    }
    let row = |count: &Value| {
        let n = count["count"].as_u64().unwrap_or_default();
        [
            view::text(&count["producer"]).into(),
            view::text(&count["code"]).into(),
            out::number(n).into(),
        ]
    };
    let heads = [("PRODUCER", 32), ("CODE", 24), ("COUNT", 12)];
    out::table(heads, &counts.iter().map(row).collect::<Vec<_>>());
    out::line("");
    out::line("The last of them (UTC); counterfoil explain CODE says what to do:");
    for refusal in list(&answer["last"]) {
        let at = view::moment(&view::text(&refusal["at"]));
        let producer = view::text(&refusal["producer"]);
        out::line(&format!("  {at}  {producer}  {}", view::text(&refusal["path"])));
        out::fact("", &view::text(&refusal["reason"]));
    }
    Ok(())
}

const BY_ID: &str = "a token goes by its ID, not its name: counterfoil token list";

pub(crate) fn token(global: &Global, command: &args::Token) -> Result<(), CliError> {
    let client = client(global)?;
    match command {
        args::Token::Create { name, role, service, expires } => {
            let body = json!({
                "name": name, "role": role, "services": service, "expires_in_s": expires,
            });
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
            let heads = [
                ("ID", 12),
                ("NAME", 32),
                ("ROLE", 10),
                ("MADE", 10),
                ("EXPIRES", 10),
                ("USED", 10),
                ("SERVICES", 64),
            ];
            out::table(heads, &list(&answer["tokens"]).iter().map(token_row).collect::<Vec<_>>());
        }
        args::Token::Revoke { id } => {
            let answer = client.delete(&format!("/v1/tokens/{}", escape(id)))?;
            if answer.status == 404 {
                return Err(answer.failure_next("not_found", BY_ID));
            }
            if !answer.is_success() {
                let next = format!("somebody else: counterfoil token agree {id}");
                return Err(answer.failure_next("second_person", &next));
            }
            out::note(&format!("token {id} is out of force"));
        }
        args::Token::Agree { id } => {
            let path = format!("/v1/tokens/{}/agreement", escape(id));
            let answer = client.post(&path, "application/json", b"")?;
            if !answer.is_success() {
                return Err(answer.failure_next("not_found", BY_ID));
            }
            out::note(&format!("you agree that token {id} be revoked, for 15 minutes"));
        }
    }
    Ok(())
}

/// A token as a row: id, name, role, when it was made, expires and was used, its services.
fn token_row(token: &Value) -> [Cell; 7] {
    let day = |name: &str| match token[name].as_str() {
        Some(time) => time.get(..10).unwrap_or_default().to_owned(),
        None => "never".to_owned(),
    };
    let services: Vec<String> = list(&token["services"]).iter().map(view::text).collect();
    [
        view::text(&token["id"]).into(),
        view::text(&token["name"]).into(),
        view::text(&token["role"]).into(),
        day("created_at").into(),
        day("expires_at").into(),
        day("last_used_at").into(),
        services.join(", ").into(),
    ]
}

pub(crate) fn rotate(global: &Global, log: &str, why: &str) -> Result<(), CliError> {
    let body = json!({ "why": why }).to_string();
    let path = format!("/v1/logs/{}/rotate", escape(log));
    let answer = client(global)?.post(&path, "application/json", body.as_bytes())?.json()?;
    if global.json {
        return out::json(&answer);
    }
    out::line(&view::text(&answer["vkey"]));
    let open = view::text(&answer["open"]);
    out::note(&format!("{log} is closed; {open} takes its tenant's events, under the key above"));
    Ok(())
}
