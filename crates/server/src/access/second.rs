//! The second pair of eyes: who agreed to what a single person must not do.
//!
//! Promises: somebody's word counts for fifteen minutes, for one act, once, for nobody who gave it,
//! and only while the token that gave it is in force. An act that changes nothing leaves it as it
//! was. The statement of what takes two names who agreed. A tenant's words take no room from
//! another's: beyond its bound its oldest falls away.
//!
//! KNOWN: people are not known here, only their tokens; one person may hold two. Who agreed stands
//! in the statement, and who made that token in another: an auditor sees both.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use admit::Statement;
use event::{Object, Value, format_time};

use super::{Principal, Role};
use crate::tokens::Tokens;

/// How long somebody's word counts.
const COUNTS_NS: i64 = 15 * 60 * 1_000_000_000;
/// Words that are kept of one tenant; few are ever waited for.
const KEPT_MAX: usize = 100;

/// What takes two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// A tenant's last admin is revoked: the token's id.
    RevokeToken(String),
    /// A log's signing key is replaced: the log's name.
    RotateKey(String),
}

/// That somebody agreed to an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    act: Act,
    name: String,
    token_id: String,
    role: Role,
    at: i64,
}

/// The words of each tenant, oldest first. They do not survive a restart: whoever meant one says it
/// again.
#[derive(Default)]
pub(crate) struct SecondPerson(Mutex<BTreeMap<String, Vec<Word>>>);

impl SecondPerson {
    /// Somebody agrees.
    pub(crate) fn agree(&self, act: Act, by: &Principal, now: i64) {
        let mut all = self.lock();
        let words = all.entry(by.tenant.clone()).or_default();
        words.retain(|word| word.counts(now) && (word.token_id != by.token_id || word.act != act));
        if words.len() >= KEPT_MAX {
            words.remove(0);
        }
        let (name, token_id) = (by.name.clone(), by.token_id.clone());
        words.push(Word { act, name, token_id, role: by.role, at: now });
    }

    /// The word of somebody other than the caller whose token is in force, if there is one: of
    /// several the newest, for an older one may be too old by the time it is spent.
    pub(crate) fn word(
        &self,
        act: &Act,
        caller: &Principal,
        tokens: &Tokens,
        now: i64,
    ) -> Option<Word> {
        let all = self.lock();
        let fits =
            |word: &&Word| word.act == *act && word.token_id != caller.token_id && word.counts(now);
        let mut words = all.get(&caller.tenant)?.iter().rev().filter(fits);
        words.find(|word| tokens.is_in_force(&caller.tenant, &word.token_id)).cloned()
    }

    /// Whether a word still counts. It is spent with that.
    pub(crate) fn spend(&self, word: &Word, tenant: &str, tokens: &Tokens, now: i64) -> bool {
        let mut all = self.lock();
        let Some(words) = all.get_mut(tenant) else { return false };
        let Some(at) = words.iter().position(|kept| kept == word) else { return false };
        words.remove(at);
        word.counts(now) && tokens.is_in_force(tenant, &word.token_id)
    }

    /// Lets a word count for the rest of its time that was spent on what changed nothing; unless
    /// whoever gave it has said it again.
    pub(crate) fn give_back(&self, word: Word, tenant: &str) {
        let mut all = self.lock();
        let words = all.entry(tenant.to_owned()).or_default();
        if words.iter().any(|kept| kept.token_id == word.token_id && kept.act == word.act) {
            return;
        }
        let place = words.partition_point(|kept| kept.at <= word.at);
        words.insert(place, word);
        if words.len() > KEPT_MAX {
            words.remove(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Word>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Word {
    fn counts(&self, now: i64) -> bool {
        (0..COUNTS_NS).contains(&(now - self.at))
    }

    /// Adds to a statement of the act who agreed to it, if anybody did.
    pub(crate) fn stated(word: Option<&Word>, statement: Statement) -> Statement {
        let Some(Word { name, token_id, role, at, .. }) = word else { return statement };
        let mut approval = Object::new();
        approval.set("by", name.clone());
        approval.set("at", format_time(*at));
        approval.set("decision", "approved");
        approval.set("role", role.to_string());
        statement
            .with(&["reason", "approvals"], vec![Value::Object(approval)])
            .noting("agreed_by_token", token_id.clone())
    }
}

#[cfg(test)]
mod tests;
