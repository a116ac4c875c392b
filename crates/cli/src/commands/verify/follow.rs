//! From a log that was closed to the one that took over, by what both state of each other.
//!
//! ```text
//! log.close, last entry of the old log:   names origin and SHA-256 of the first key of the new one
//! log.open, first entry of the new log:   names origin, size and root of the old one
//! ```
//!
//! Promises: who trusts the old log's key is led to the new one only where the first statement
//! stands under that key as the last entry that was judged, and the second under the key that it
//! names. What the server says besides only tells where to look.

use serde_json::{Value, json};
use verify::checkpoint::Checkpoint;
use verify::succession::{self, NotStated, Successor, vkey_digest};
use verify::{Need, Policy, Question};

use super::policy_of;
use crate::client::{Client, escape};
use crate::error::CliError;
use crate::view::{self, list};

/// A log that says it follows another.
pub(super) struct Next {
    pub(super) name: String,
    pub(super) origin: String,
}

/// Whom the judge believes so far.
pub(super) struct Believed<'k> {
    pub(super) policy: &'k Policy,
    /// Its keys, where it is made of nothing else: one more can be added to them.
    pub(super) keys: &'k [String],
}

/// What is believed of the new log: the old log's word in a sentence, and the keys with the one
/// that it leads to. `None` where the judge's own keys or policy have to say.
pub(super) struct Led {
    pub(super) how: String,
    pub(super) keys: Option<Vec<String>>,
}

/// The log that shows itself as the one behind `origin`.
pub(super) fn next(logs: &Value, origin: &str) -> Option<Next> {
    let next = list(&logs["logs"]).iter().find(|log| log["follows"] == origin)?;
    Some(Next { name: view::text(&next["name"]), origin: view::text(&next["origin"]) })
}

/// Asks for both statements and judges them; the text is why they do not lead there.
pub(super) fn prove(
    client: &Client,
    closed: (&str, &Checkpoint),
    next: &Next,
    believed: &Believed<'_>,
) -> Result<Result<Led, String>, CliError> {
    let (name, closed) = closed;
    let Some(last) = closed.size.checked_sub(1) else {
        return Ok(Err(format!("{name} has no entry")));
    };
    let close = entry(client, name, last)?;
    let digest = match closes(&close, believed.policy, last, next)? {
        Ok(digest) => digest,
        Err(why) => return Ok(Err(why)),
    };
    let keys = client.get_json(&format!("/v1/logs/{}/keys", escape(&next.name)))?;
    let first = list(&keys["keys"]).first().map(|key| view::text(&key["vkey"]));
    let Some(first) = first.filter(|vkey| vkey_digest(vkey) == digest) else {
        let why = format!("the first key that the server shows is not the one {name} named");
        return Ok(Err(why));
    };
    let open = entry(client, &next.name, 0)?;
    if let Err(why) = opens(&open, &first, closed, next)? {
        return Ok(Err(why));
    }
    let is_known = |key: &String| key.starts_with(&format!("{}+", next.origin));
    let is_lacking = !believed.keys.is_empty() && !believed.keys.iter().any(is_known);
    let keys = is_lacking.then(|| [believed.keys, &[first]].concat());
    let how = format!("{name} named its first key in entry {last}, its last");
    Ok(Ok(Led { how, keys }))
}

/// Evidence of one entry, as the server makes it.
fn entry(client: &Client, log: &str, seq: u64) -> Result<Value, CliError> {
    let asked = json!({ "events": [{ "log": log, "seq": seq }] }).to_string();
    client.post("/v1/evidence", "application/json", asked.as_bytes())?.json()
}

/// The digest of the key that the old log's last entry names for the new one.
fn closes(
    close: &Value,
    policy: &Policy,
    last: u64,
    next: &Next,
) -> Result<Result<String, String>, CliError> {
    Ok(match succession::judge(close.to_string().as_bytes(), policy)? {
        Ok(stated) => match stated.successor {
            Successor::Log { origin, vkey_digest }
                if origin == next.origin && stated.seq == last =>
            {
                Ok(vkey_digest)
            }
            _ => Err(format!("entry {last} names another one")),
        },
        Err(NotStated::Verdict(verdict)) => Err(format!("entry {last}: {}", verdict.sentence)),
        Err(NotStated::Nothing(what)) => Err(format!("entry {last}: {what}")),
    })
}

/// Whether the new log's first entry, under the key that the old one named, says that it follows
/// the old one as it was judged.
fn opens(
    open: &Value,
    first: &str,
    closed: &Checkpoint,
    next: &Next,
) -> Result<Result<(), String>, CliError> {
    let Ok(policy) = policy_of(&[first.to_owned()]) else {
        return Ok(Err("its first key is none".into()));
    };
    let question = Question { policy: Some(policy), need: Need::Full, ..Question::default() };
    let verdict = verify::judge(open.to_string().as_bytes(), &question)?;
    if !verdict.is_verified() {
        return Ok(Err(format!("its first entry: {}", verdict.sentence)));
    }
    Ok(follows(open, closed, next))
}

/// What evidence that holds states of the log before.
fn follows(open: &Value, closed: &Checkpoint, next: &Next) -> Result<(), String> {
    let run = &open["runs"][0];
    if open["logs"][0]["origin"] != *next.origin || run["first"] != 0 {
        return Err("its first entry is not what the server shows".into());
    }
    let fields = list(&run["events"][0]["fields"]);
    let stated = |path: &[&str]| {
        let field = fields.iter().find(|field| field["path"] == json!(path))?;
        serde_json::from_str::<Value>(field["text"].as_str()?).ok()
    };
    let before = |name| stated(&["attributes", "follows", name]);
    let root: String = closed.root.iter().map(|byte| format!("{byte:02x}")).collect();
    let is_servers = stated(&["recorded", "identity", "kind"]) == Some(json!("local"));
    let is_open = is_servers && stated(&["action"]) == Some(json!("log.open"));
    // A size stands as a number or, as all numbers of events, as its text.
    let size = before("size").map(|size| view::text(&size));
    let is_it = before("origin") == Some(json!(closed.origin))
        && size == Some(closed.size.to_string())
        && before("root") == Some(json!(root));
    match is_open && is_it {
        true => Ok(()),
        false => Err("its first entry does not say that it follows this one as judged here".into()),
    }
}
