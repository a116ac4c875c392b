//! What is said of the folders and of what stands in them.

use super::{Finding, Level, finding};
use crate::commands::doctor::facts::{Facts, Folder, Log, Server, Suspect, Unread};

pub(super) fn folder(name: &'static str, folder: &Folder) -> Finding {
    let path = &folder.path;
    if !folder.is_there {
        let mend = "the first start makes it; is the path right?";
        return finding(Level::Warning, name, format!("{path} is not there"), mend);
    }
    if !folder.is_folder {
        let mend = format!("name the {name} that is meant");
        return finding(Level::Bad, name, format!("{path} is no folder"), mend);
    }
    // Before anything is said of modes: /etc must not be closed to the machine.
    if !folder.is_ours {
        let found = format!("{path} has other files, and none of {}", folder.kind.first());
        let mend = format!("name the {name} that is meant; nothing was looked at in this one");
        return finding(Level::Bad, name, found, mend);
    }
    if !folder.is_own {
        let mend = format!("run as its owner, or: chown -R USER {path}");
        return finding(Level::Bad, name, format!("{path} is another user's"), mend);
    }
    if folder.mode & 0o077 != 0 {
        let found = format!("{path} is open to others (mode {:o})", folder.mode & 0o777);
        return finding(Level::Bad, name, found, format!("chmod 700 {path}"));
    }
    if let Some((file, mode)) = folder.open_files.first() {
        let found = format!("{file} is open to others (mode {:o})", mode & 0o777);
        let mend = if mode & 0o022 != 0 {
            format!("who may write {file} may have put another there: look, then chmod 600")
        } else {
            format!("chmod 600 {file}; who could read a key or a token may have it: make a new one")
        };
        return finding(Level::Bad, name, found, mend);
    }
    finding(Level::Ok, name, format!("{path} is yours alone"), "")
}

pub(super) fn keys(all: &mut Vec<Finding>, logs: &Result<Vec<Log>, String>) {
    let logs = match logs {
        Ok(logs) => logs,
        Err(why) => {
            let mend = "counterfoil verify DATA says what is damaged";
            all.push(finding(Level::Bad, "keys", format!("the logs cannot be read: {why}"), mend));
            return;
        }
    };
    let mut good = 0;
    for log in logs {
        match &log.key {
            Ok(under_way) => {
                good += 1;
                if let Some(what) = under_way {
                    let found = format!("{}: {what}", log.origin);
                    all.push(finding(Level::Ok, "keys", found, ""));
                }
            }
            Err(why) => {
                let mend = match log.origin.as_str() {
                    "signed" => "docs/operations/put-back.md",
                    // A file of the data folder is no matter of the keys'.
                    _ if !why.starts_with("the key file ") => {
                        "put that file back from a backup; docs/operations/damage.md"
                    }
                    _ => {
                        "give --keys the folder that belongs to this data, or put it back from \
                         your backup; without its key a log cannot go on"
                    }
                };
                let found = format!("{}: {why}", log.origin);
                all.push(finding(Level::Bad, "keys", found, mend));
            }
        }
    }
    if good == logs.len() {
        let found = match good {
            0 => "there is no log yet".to_owned(),
            n => format!("the keys of {n} of {n} logs are those that signed them"),
        };
        all.push(finding(Level::Ok, "keys", found, ""));
    }
}

/// What of the small files a start would refuse.
pub(super) fn refused(all: &mut Vec<Finding>, refused: &[String]) {
    let mend = "put that back from a backup, if no other way is named; docs/operations/damage.md";
    all.extend(refused.iter().map(|why| finding(Level::Bad, "start", why, mend)));
    if refused.is_empty() {
        all.push(finding(Level::Ok, "start", "the small files are as a start wants them", ""));
    }
}

/// Whether the configured origin is that of the folder. That it can be reached is not needed.
pub(super) fn origin(facts: &Facts, logs: &Result<Vec<Log>, String>) -> Option<Finding> {
    let wanted = facts.config.as_ref()?.as_ref().ok()?.as_ref()?;
    let log = logs.as_ref().ok()?.first()?;
    let has = log.origin.split("/tlog/").next().unwrap_or_default();
    if has == wanted {
        return Some(finding(Level::Ok, "origin", format!("{has}, as the logs are named"), ""));
    }
    let found = format!("the configuration says {wanted}, the logs are named after {has}");
    Some(finding(Level::Bad, "origin", found, format!("origin = \"{has}\"")))
}

/// What the server that ran last found.
pub(super) fn suspect(suspect: &Result<Suspect, Unread>) -> Finding {
    let name = "suspect";
    match suspect {
        Ok(Suspect { log, seq, place: (file, offset) }) => {
            let found = format!(
                "entry {seq} of the log {log} was not what was signed ({file}, byte {offset}); the \
                 next start looks at it first"
            );
            let mend = "put that file back from a backup; docs/operations/damage.md";
            finding(Level::Bad, name, found, mend)
        }
        Err(Unread::Malformed) => {
            let found = "suspect.json: it names no event";
            finding(Level::Warning, name, found, "none is needed: the next start removes it")
        }
        Err(Unread::Failed(what)) => {
            let found = format!("suspect.json cannot be read: {what}");
            finding(Level::Unknown, name, found, "run it as the server's user")
        }
    }
}

/// What no doctor looks at: whether every byte is what was signed. A server that runs knows.
pub(super) fn journal(facts: &Facts) -> Option<Finding> {
    let data = &facts.data.as_ref().filter(|_| facts.logs.is_some())?.path;
    let runs = |server: &Server| server.reached.is_ok();
    if facts.server.as_ref().is_some_and(runs) {
        return None;
    }
    let mend = format!("counterfoil verify {data}");
    Some(finding(Level::Unknown, "journal", "not looked at: whether it is whole", mend))
}
