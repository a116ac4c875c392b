//! A token as it is kept, and what a new one may be.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::TokenError;
use crate::access::{Principal, Role};

/// Services that one token speaks for.
const SERVICES_MAX: usize = 64;
/// Seconds that a token may last: ten years.
const EXPIRES_IN_S_MAX: i64 = 10 * 366 * 86_400;

/// A token as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Public part.
    pub id: String,
    /// The principal's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose events it deals with.
    pub tenant: String,
    /// A producer's services.
    pub services: Vec<String>,
    /// When it was made.
    pub created_at: String,
    /// From when on it is out of force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it was last used, as far as that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    /// SHA-256 of the token, hexadecimal.
    pub(super) hash: String,
}

/// What a new token is made for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The principal's name, unique in its tenant.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// A producer's services.
    #[serde(default)]
    pub services: Vec<String>,
    /// Seconds from now after which it is out of force; without, it lasts until it is revoked.
    #[serde(default)]
    pub expires_in_s: Option<i64>,
}

/// A token in force, with what changes while it is used.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) token: Token,
    /// `expires_at`, to compare.
    expires: Option<i64>,
    /// When it was last used, 0 for never. Whoever authenticates writes it; it is told, and no
    /// decision hangs on it.
    used: AtomicI64,
}

impl Held {
    /// Reads the times of a token; `None` if they are none.
    pub(super) fn new(token: Token) -> Option<Held> {
        let time = |text: &Option<String>| {
            text.as_deref()
                .map(|text| event::parse_time(text).ok())
                .map_or(Some(None), |t| t.map(Some))
        };
        let (expires, used) = (time(&token.expires_at)?, time(&token.last_used_at)?);
        Some(Held { token, expires, used: AtomicI64::new(used.unwrap_or_default()) })
    }

    pub(super) fn has_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    pub(super) fn use_at(&self, now: i64) {
        self.used.store(now, Relaxed);
    }

    /// The token with its last use.
    pub(super) fn shown(&self) -> Token {
        let used = self.used.load(Relaxed);
        let last_used_at = (used > 0).then(|| event::format_time(used));
        Token { last_used_at, ..self.token.clone() }
    }

    pub(super) fn principal(&self) -> Principal {
        Principal {
            name: self.token.name.clone(),
            token_id: self.token.id.clone(),
            role: self.token.role,
            tenant: self.token.tenant.clone(),
            services: self.token.services.clone(),
        }
    }
}

/// What is wrong with a principal's name.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.@/".contains(&b);
    match (1..=64).contains(&name.len()) && name.bytes().all(known) {
        true => Ok(()),
        false => Err("has 1 to 64 letters, digits, or any of - _ . @ /".into()),
    }
}

pub(super) fn check(new: &NewToken) -> Result<(), TokenError> {
    let wrong = |what: &str| Err(TokenError::Wrong(what.to_owned()));
    check_name(&new.name).map_err(|what| TokenError::Wrong(format!("a token's name {what}")))?;
    if new.name == "counterfoil" {
        return wrong("the name counterfoil is the server's own");
    }
    let sound =
        |name: &String| (1..=256).contains(&name.len()) && !name.chars().any(char::is_control);
    if new.services.len() > SERVICES_MAX || !new.services.iter().all(sound) {
        return wrong("a token names at most 64 services, each of 1 to 256 bytes");
    }
    if new.expires_in_s.is_some_and(|s| !(1..=EXPIRES_IN_S_MAX).contains(&s)) {
        return wrong("expires_in_s is 1 to 316224000 seconds (ten years)");
    }
    match (new.role, new.services.is_empty()) {
        (Role::Producer, true) => wrong("a producer's token names the services it speaks for"),
        (Role::Producer, false) => Ok(()),
        (_, true) => Ok(()),
        (_, false) => wrong("only a producer's token names services"),
    }
}
