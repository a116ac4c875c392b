//! C2SP tlog-policy: whom the judge believes.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <name>…
//! quorum <name>|none
//! ```
//!
//! A policy comes from the judge, so a fault in it is a [`Usage`] error and never part of a
//! verdict. A key of a type unknown here stands, signs nothing, and still counts as a member of its
//! groups.

use std::collections::{HashMap, HashSet};

use crate::error::Usage;
use crate::note::Signature;
use crate::vkey::{KeyKind, Vkey};

const POLICY_BYTES_MAX: usize = 1 << 20;
const NAMES_MAX: usize = 1024;

/// A parsed policy.
#[derive(Clone, Debug)]
pub struct Policy {
    logs: Vec<Vkey>,
    witnesses: Vec<Vkey>,
    /// Witnesses and groups in the order they were defined; a member stands before its group.
    voters: Vec<Voter>,
    /// Index into `voters`; `None` is `quorum none`.
    quorum: Option<usize>,
}

#[derive(Clone, Debug)]
enum Voter {
    /// Index into `witnesses`.
    Witness(usize),
    Group {
        threshold: usize,
        members: Vec<usize>,
    },
}

impl Policy {
    /// Reads policy text.
    pub fn parse(text: &[u8]) -> Result<Policy, Usage> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(Usage("the policy is longer than 1 MiB".into()));
        }
        if text.iter().any(|&b| (b < 0x20 && b != b'\t' && b != b'\n') || b == 0x7f) {
            return Err(Usage("the policy has a control character".into()));
        }
        let mut draft = Draft::default();
        for (at, line) in text.split(|&b| b == b'\n').enumerate() {
            draft.line(line).map_err(|what| Usage(format!("policy line {}: {what}", at + 1)))?;
        }
        let quorum = draft.quorum.ok_or_else(|| Usage("the policy has no quorum line".into()))?;
        let Draft { logs, witnesses, voters, .. } = draft;
        Ok(Policy { logs, witnesses, voters, quorum })
    }

    /// The policy that one log key stands for: `log VKEY`, `quorum none`.
    pub fn of_key(vkey: &str) -> Result<Policy, Usage> {
        Policy::parse(format!("log {}\nquorum none\n", vkey.trim()).as_bytes())
    }

    /// The same policy with these keys of logs beside its own.
    pub(crate) fn with_logs<'a>(&self, keys: impl Iterator<Item = &'a Vkey>) -> Policy {
        let mut policy = self.clone();
        for key in keys {
            if !policy.logs.iter().any(|known| known.same_key(key)) {
                policy.logs.push(key.clone());
            }
        }
        policy
    }

    /// Is there any key, known type or not, for this log?
    pub fn knows(&self, origin: &str) -> bool {
        self.logs.iter().any(|key| key.name() == origin)
    }

    /// All log keys.
    pub fn logs(&self) -> &[Vkey] {
        &self.logs
    }

    /// All witness keys.
    pub fn witnesses(&self) -> &[Vkey] {
        &self.witnesses
    }

    /// Does the policy ask for cosignatures?
    pub fn wants_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Do these witnesses (one flag each, in order) reach the quorum?
    pub fn reaches_quorum(&self, cosigned: &[bool]) -> bool {
        let Some(quorum) = self.quorum else { return true };
        let mut votes: Vec<bool> = Vec::with_capacity(self.voters.len());
        for voter in &self.voters {
            votes.push(match voter {
                Voter::Witness(at) => cosigned.get(*at).copied().unwrap_or(false),
                Voter::Group { threshold, members } => {
                    members.iter().filter(|&&member| votes[member]).count() >= *threshold
                }
            });
        }
        votes[quorum]
    }

    /// The key, of a log or a witness, that claims to have made this line.
    pub(crate) fn maker(&self, signature: &Signature) -> Option<Maker<'_>> {
        let log = self.logs.iter().find(|key| key.made(signature)).map(Maker::Log);
        log.or_else(|| {
            let at = self.witnesses.iter().position(|key| key.made(signature))?;
            Some(Maker::Witness(at, &self.witnesses[at]))
        })
    }
}

/// Whose signature line it is.
pub(crate) enum Maker<'a> {
    Log(&'a Vkey),
    Witness(usize, &'a Vkey),
}

#[derive(Default)]
struct Draft {
    logs: Vec<Vkey>,
    witnesses: Vec<Vkey>,
    voters: Vec<Voter>,
    names: HashMap<Vec<u8>, usize>,
    members: HashSet<usize>,
    quorum: Option<Option<usize>>,
}

impl Draft {
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let words: Vec<&[u8]> =
            line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] | [b"log", key, _] => self.log(key),
            [b"witness", name, key] | [b"witness", name, key, _] => self.witness(name, key),
            [b"group", name, rule, members @ ..] => self.group(name, rule, members),
            [b"quorum", name] => self.quorum(name),
            _ => Err("neither log, witness, group nor quorum as tlog-policy has them".into()),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), String> {
        let key = vkey(key)?;
        if key.kind() == KeyKind::Witness {
            return Err(format!("{key} is a witness's key, not a log's"));
        }
        if self.logs.len() >= NAMES_MAX || self.logs.iter().any(|other| other.same_key(&key)) {
            return Err(format!("{key} stands twice, or too many logs"));
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8]) -> Result<(), String> {
        let key = vkey(key)?;
        if key.kind() == KeyKind::Log {
            return Err(format!("{key} is a log's key, not a witness's"));
        }
        if self.witnesses.iter().any(|other| other.same_key(&key)) {
            return Err(format!("{key} stands twice"));
        }
        self.define(name, Voter::Witness(self.witnesses.len()))?;
        self.witnesses.push(key);
        Ok(())
    }

    fn group(&mut self, name: &[u8], rule: &[u8], members: &[&[u8]]) -> Result<(), String> {
        let threshold = match rule {
            b"all" => members.len(),
            b"any" => 1,
            _ => decimal(rule).ok_or("a threshold is all, any or a number")?,
        };
        if threshold < 1 || threshold > members.len() {
            return Err("a threshold is at least 1 and at most the number of members".into());
        }
        let members = members.iter().map(|m| self.member(m)).collect::<Result<Vec<_>, _>>()?;
        self.define(name, Voter::Group { threshold, members })
    }

    fn member(&mut self, name: &[u8]) -> Result<usize, String> {
        let at = self.lookup(name)?;
        if !self.members.insert(at) {
            return Err(format!("{} is a member twice", name.escape_ascii()));
        }
        Ok(at)
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), String> {
        if self.quorum.is_some() {
            return Err("a second quorum line".into());
        }
        self.quorum = Some(if name == b"none" { None } else { Some(self.lookup(name)?) });
        Ok(())
    }

    fn define(&mut self, name: &[u8], voter: Voter) -> Result<(), String> {
        let taken = name == b"none" || self.names.contains_key(name);
        if taken || self.voters.len() >= NAMES_MAX {
            return Err(format!("{} is taken, or too many names", name.escape_ascii()));
        }
        self.names.insert(name.to_vec(), self.voters.len());
        self.voters.push(voter);
        Ok(())
    }

    fn lookup(&self, name: &[u8]) -> Result<usize, String> {
        let unknown = || format!("{} is not defined before this line", name.escape_ascii());
        self.names.get(name).copied().ok_or_else(unknown)
    }
}

fn vkey(text: &[u8]) -> Result<Vkey, String> {
    let text = std::str::from_utf8(text).map_err(|_| "a vkey is UTF-8")?;
    Vkey::parse(text).map_err(|fault| fault.to_string())
}

fn decimal(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}
