//! `counterfoil refusals`, `token`, `log`.

use serde_json::{Value, json};

use super::client;
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::error::CliError;
use crate::out::{self, Cell, Cut, Head};
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
    for (newest, times) in alike(list(&answer["last"])) {
        let at = view::moment(&view::text(&newest["at"]));
        let producer = view::text(&newest["producer"]);
        let times = if times > 1 { format!("    {times} times alike") } else { String::new() };
        out::line(&format!("  {at}  {producer}  {}{times}", view::text(&newest["path"])));
        out::fact("", &view::text(&newest["reason"]));
    }
    Ok(())
}

/// Refusals with how many there are like each: a producer's mistake stands in all that it sends,
/// and what is allowed there may be long.
fn alike(last: &[Value]) -> Vec<(&Value, u64)> {
    let mut groups: Vec<(&Value, u64)> = Vec::new();
    let same = |a: &Value, b: &Value| {
        ["producer", "code", "path", "reason"].iter().all(|name| a[*name] == b[*name])
    };
    for refusal in last {
        match groups.iter_mut().find(|(first, _)| same(first, refusal)) {
            Some((_, times)) => *times += 1,
            None => groups.push((refusal, 1)),
        }
    }
    groups
}

/// Said to whoever agreed: one's own word does not count.
pub(super) const WORD: &str = "somebody other than you must order it";
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
                Head::new("ID", 12, Cut::Never),
                ("NAME", 32).into(),
                ("ROLE", 10).into(),
                ("MADE", 10).into(),
                ("EXPIRES", 10).into(),
                ("USED", 10).into(),
                Head::new("SERVICES", 64, Cut::First),
            ];
            out::table(heads, &list(&answer["tokens"]).iter().map(token_row).collect::<Vec<_>>());
        }
        args::Token::Revoke { id } => revoke(&client, id)?,
        args::Token::Agree { id } => {
            let path = format!("/v1/tokens/{}/agreement", escape(id));
            let answer = client.post(&path, "application/json", b"")?;
            if !answer.is_success() {
                return Err(answer.failure_next("not_found", BY_ID));
            }
            out::note(&format!("you agree that token {id} be revoked, for 15 minutes"));
            out::note(WORD);
        }
    }
    Ok(())
}

fn revoke(client: &Client, id: &str) -> Result<(), CliError> {
    // Asked before: of what is revoked nothing is told any more.
    let tokens = tokens(client);
    let named = |member: &str| tokens.iter().find(|token| token[member] == *id);
    let answer = client.delete(&format!("/v1/tokens/{}", escape(id)))?;
    if answer.status == 404 {
        let next = match named("name") {
            Some(token) => format!("{BY_ID} (here {})", view::text(&token["id"])),
            None if is_id(id) => {
                "it was revoked already, or there never was one: counterfoil token list".to_owned()
            }
            None => BY_ID.to_owned(),
        };
        return Err(answer.failure_next("not_found", &next));
    }
    if !answer.is_success() {
        let next = format!("somebody else: counterfoil token agree {id}");
        return Err(answer.failure_next("second_person", &next));
    }
    let whose = named("id")
        .map(|token| format!(" ({}, {})", view::text(&token["name"]), view::text(&token["role"])));
    out::note(&format!("token {id}{} is out of force", whose.unwrap_or_default()));
    Ok(())
}

/// The tokens of the tenant; none where the caller may not see them.
fn tokens(client: &Client) -> Vec<Value> {
    let answer = client.get_json("/v1/tokens").unwrap_or_default();
    list(&answer["tokens"]).to_vec()
}

/// Whether a text looks like a token's ID.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_are_alike_are_told_once() {
        let refusal =
            |at: u32, path: &str| json!({"at": at, "producer": "p", "path": path, "reason": "r"});
        let last = [refusal(3, "/a"), refusal(2, "/b"), refusal(1, "/a")];
        let told: Vec<_> = alike(&last).iter().map(|(one, n)| (one["at"].clone(), *n)).collect();
        assert_eq!(told, [(json!(3), 2), (json!(2), 1)], "the newest stands for all");
    }
}
