//! `counterfoil key accept`: from the keys that are saved to those that took over.
//!
//! Promises: saves no key that a saved one does not vouch for, by a statement of the log that it
//! signed (docs/formats/log.md). What the server says of its keys is looked at, never believed.
//! Where a saved key of a log is none that the server shows, nothing of that log is taken: it is
//! another server's, or was put back to before a rotation. The same where the server does not say
//! which keys a log had: who hides one by an error is no better than who hides it by an answer.

use serde_json::{Value, json};
use verify::succession::{NotStated, Succession, Successor, judge, vkey_digest};

use super::{keys_of, logs, short};
use crate::args::Global;
use crate::client::Client;
use crate::commands::verify::policy_of;
use crate::context;
use crate::error::CliError;
use crate::out;
use crate::view::{self, list};

/// Keys of one log that are looked at; no log has more (`commit::KEYS_MAX`).
const KEYS_MAX: usize = 100;

/// A key that took over.
struct Taken {
    log: String,
    vkey: String,
    /// In words: from whom, and where that stands.
    how: String,
}

/// A log, as the server shows it.
struct Shown {
    name: String,
    origin: String,
    size: u64,
    follows: Option<String>,
    /// The keys that sign it.
    vkeys: Vec<String>,
    hidden: Hidden,
}

/// A saved key of a log that the server does not show.
enum Hidden {
    None,
    Key(String),
    /// This one does not sign, and the server did not say whether it ever did.
    Unknown(String),
}

/// What is trusted so far, and what was taken over from it.
struct Trust {
    client: Client,
    keys: Vec<String>,
    taken: Vec<Taken>,
}

pub(super) fn accept(global: &Global) -> Result<u8, CliError> {
    let (name, server) = context::saved(global)?;
    let keys = server.keys.clone();
    let mut trust = Trust { client: Client::new(server)?, keys, taken: Vec::new() };
    let mut logs: Vec<Shown> = logs(&trust.client)?.iter().map(Shown::new).collect();
    for log in &mut logs {
        log.hidden = trust.hidden(log);
    }
    // A log that was closed leads to the next, which may lead on: again while it goes on.
    for _ in 0..=logs.len() {
        let before = trust.taken.len();
        for log in &logs {
            if !log.is_known(&trust.keys)
                && let Err(error) = trust.take(log, &logs)
            {
                out::note(&format!("{}: {error}", log.name));
            }
        }
        if trust.taken.len() == before {
            break;
        }
        context::trust(&name, &trust.keys)?;
    }
    let lacking: Vec<&Shown> = logs.iter().filter(|log| !log.is_known(&trust.keys)).collect();
    told(global, &trust.taken, &lacking)?;
    Ok(u8::from(!lacking.is_empty()))
}

impl Shown {
    fn new(log: &Value) -> Shown {
        Shown {
            name: view::text(&log["name"]),
            origin: view::text(&log["origin"]),
            size: log["size"].as_u64().unwrap_or_default(),
            follows: log["follows"].as_str().map(str::to_owned),
            vkeys: list(&log["vkeys"]).iter().map(view::text).collect(),
            hidden: Hidden::None,
        }
    }

    fn is_known(&self, trusted: &[String]) -> bool {
        let is_known = |vkey: &String| trusted.contains(vkey);
        self.hides_none() && !self.vkeys.is_empty() && self.vkeys.iter().all(is_known)
    }

    fn hides_none(&self) -> bool {
        matches!(self.hidden, Hidden::None)
    }

    /// The keys of this log that are trusted.
    fn of(&self, trusted: &[String]) -> Vec<String> {
        let name = format!("{}+", self.origin);
        trusted.iter().filter(|vkey| vkey.starts_with(&name)).cloned().collect()
    }
}

impl Trust {
    /// Looks for a saved key of a log that is none of those that the server shows.
    fn hidden(&self, log: &Shown) -> Hidden {
        let mut saved = log.of(&self.keys);
        saved.retain(|vkey| !log.vkeys.contains(vkey));
        let Some(first) = saved.first() else { return Hidden::None };
        let answer = match keys_of(&self.client, &log.name) {
            Ok(answer) => answer,
            Err(error) => {
                out::note(&format!("{}: {error}", log.name));
                return Hidden::Unknown(first.clone());
            }
        };
        let shown = list(&answer["keys"]).iter().map(|key| view::text(&key["vkey"]));
        let shown: Vec<String> = shown.collect();
        saved.into_iter().find(|vkey| !shown.contains(vkey)).map_or(Hidden::None, Hidden::Key)
    }

    /// The keys of a log that those before lead to.
    fn take(&mut self, log: &Shown, all: &[Shown]) -> Result<(), CliError> {
        if !log.hides_none() {
            return Ok(());
        }
        let answer = keys_of(&self.client, &log.name)?;
        let keys = list(&answer["keys"]);
        if log.of(&self.keys).is_empty() {
            let first = keys.first().map(|key| view::text(&key["vkey"])).unwrap_or_default();
            let before = all.iter().find(|before| Some(&before.origin) == log.follows.as_ref());
            // A log of which nothing is taken leads to no other either.
            if let Some(before) = before.filter(|before| before.hides_none()) {
                self.take_first(log, first, before)?;
            }
        }
        if log.of(&self.keys).is_empty() {
            return Ok(());
        }
        keys.iter().take(KEYS_MAX).try_for_each(|key| self.take_next(log, key))
    }

    /// The key that a log began with, if the one that it follows names it in its last event.
    fn take_first(&mut self, log: &Shown, first: String, before: &Shown) -> Result<(), CliError> {
        let (trusted, last) = (before.of(&self.keys), before.size.checked_sub(1));
        let Some(last) = last.filter(|_| !trusted.is_empty()) else { return Ok(()) };
        let asked = json!({ "events": [{ "log": before.name, "seq": last }] }).to_string();
        let evidence = self.client.post("/v1/evidence", "application/json", asked.as_bytes())?;
        let Some(stated) = judged(&evidence.json()?, &trusted)? else { return Ok(()) };
        let wanted =
            Successor::Log { origin: log.origin.clone(), vkey_digest: vkey_digest(&first) };
        if stated.successor == wanted {
            let how =
                format!("named by {}, which it follows, in entry {}", before.name, stated.seq);
            self.trust(log, first, how);
        }
        Ok(())
    }

    /// A key that took over from one of the same log.
    fn take_next(&mut self, log: &Shown, key: &Value) -> Result<(), CliError> {
        let vkey = view::text(&key["vkey"]);
        if self.keys.contains(&vkey) || key["handover"].is_null() {
            return Ok(());
        }
        let stated = judged(&key["handover"], &log.of(&self.keys))?;
        let is_it = |stated: &Succession| {
            let names =
                matches!(&stated.successor, Successor::Key { vkey: new, .. } if *new == vkey);
            names && stated.origin == log.origin
        };
        if let Some(stated) = stated.filter(is_it) {
            let old = stated.signed_by.first().map_or("", |key| short(key));
            let how = format!("took over from {old} at entry {}, which both signed", stated.seq);
            self.trust(log, vkey, how);
        }
        Ok(())
    }

    fn trust(&mut self, log: &Shown, vkey: String, how: String) {
        self.taken.push(Taken { log: log.name.clone(), vkey: vkey.clone(), how });
        self.keys.push(vkey);
    }
}

/// What evidence states under keys that are trusted; none if they do not vouch for it.
fn judged(evidence: &Value, trusted: &[String]) -> Result<Option<Succession>, CliError> {
    let what = match judge(evidence.to_string().as_bytes(), &policy_of(trusted)?)? {
        Ok(succession) => return Ok(Some(succession)),
        Err(NotStated::Verdict(verdict)) => {
            format!("{}: {}", verdict.reason.word(), verdict.sentence)
        }
        Err(NotStated::Nothing(what)) => what.to_owned(),
    };
    out::note(&format!("not accepted: {what}"));
    Ok(None)
}

fn told(global: &Global, taken: &[Taken], lacking: &[&Shown]) -> Result<(), CliError> {
    if global.json {
        let shown = |taken: &Taken| json!({ "log": taken.log, "vkey": taken.vkey });
        let accepted: Vec<Value> = taken.iter().map(shown).collect();
        let lacking: Vec<&str> = lacking.iter().map(|log| log.name.as_str()).collect();
        return out::json(&json!({ "accepted": accepted, "lacking": lacking }));
    }
    for Taken { log, vkey, how } in taken {
        out::line(&format!("{log}  {} {how}: saved", short(vkey)));
    }
    if taken.is_empty() && lacking.is_empty() {
        out::line("nothing to do: the keys that sign are saved");
    }
    lacking.iter().for_each(|log| out::line(&why_lacking(log)));
    if !lacking.is_empty() {
        out::note("ask the operator by another way for the key, and save it by hand:");
        out::note("  counterfoil key save KEY|FILE");
    }
    Ok(())
}

/// Why nothing, or not all, of a log was taken.
fn why_lacking(log: &Shown) -> String {
    let (hidden, what) = match &log.hidden {
        Hidden::None => {
            let keys: Vec<&str> = log.vkeys.iter().map(|vkey| short(vkey)).collect();
            let keys = keys.join(" and ");
            return format!("{}  signed by {keys}, which no saved key vouches for", log.name);
        }
        Hidden::Key(hidden) => (
            hidden,
            "is saved, and is none of those that the server shows: it is another server's log, \
             or one that was put back to before a rotation",
        ),
        Hidden::Unknown(hidden) => (
            hidden,
            "is saved and does not sign, and the server did not say which keys the log had: \
             nothing of it is taken; ask again",
        ),
    };
    format!("{}  {} {what}", log.name, short(hidden))
}
