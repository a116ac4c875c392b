//! Access tokens: shown once, stored hashed.
//!
//! A token is `cf_<8 hex>_<64 hex>`: a public part that finds it, and 32 random bytes. Only
//! SHA-256 of the whole is kept; 256 random bits need no slow hash.
//!
//! Promises: an expired token opens nothing; a tenant's last admin is taken out of force with two
//! tokens only (`access/second.rs`). Each tenant has its share of the room for tokens, which no
//! other tenant can take.

mod place;
mod revoke;
mod room;
mod token;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};

use commit::hex;
use platform::{Clock, Disk, Entropy};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::{Principal, Role};
pub(crate) use revoke::Revoked;
use room::Room;
pub(crate) use token::check_name;
use token::{Held, check};
pub use token::{NewToken, Token};

pub(crate) const NAME: &str = "tokens.json";
const FORMAT: &str = "counterfoil.tokens/v1";
const FILE_BYTES_MAX: u64 = 256 << 20;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    format: String,
    tokens: Vec<Token>,
}

/// Why a token cannot be made or found.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The request is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The tenant has as many as it may.
    #[error("{0}")]
    Full(String),
    /// The file is none.
    #[error("{NAME} {0}")]
    Malformed(&'static str),
    /// The file could not be read or written.
    #[error("cannot use {NAME}")]
    Io(#[from] io::Error),
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is none like it.
    Unknown,
    /// Its time is over.
    Expired,
}

/// All tokens of a server.
pub struct Tokens {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Held over every change, the file's included: the next one begins where this one ends.
    changing: Mutex<()>,
    /// Among how many tenants the room is shared out.
    tenants: usize,
    /// By id. Locked for as long as it takes to look one up or to put a changed list in its place;
    /// no request waits for the disk.
    tokens: RwLock<BTreeMap<String, Arc<Held>>>,
}

impl Tokens {
    /// Reads the tokens that stand in a folder (`place`).
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Tokens, TokenError> {
        let tokens = match disk.read_small(NAME, FILE_BYTES_MAX) {
            Ok(bytes) => match serde_json::from_slice::<TokenFile>(&bytes) {
                Ok(file) if file.format == FORMAT => file.tokens,
                _ => return Err(TokenError::Malformed("is no list of tokens")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let held = |token: Token| {
            let id = token.id.clone();
            let held = Held::new(token).map(|held| (id, Arc::new(held)));
            held.ok_or(TokenError::Malformed("has a time that is none"))
        };
        let tokens = RwLock::new(tokens.into_iter().map(held).collect::<Result<_, _>>()?);
        Ok(Tokens { disk, clock, entropy, changing: Mutex::new(()), tenants: 1, tokens })
    }

    /// Makes a token and returns its text, which is not kept. Writes to the disk.
    pub fn create(&self, tenant: &str, new: NewToken) -> Result<String, TokenError> {
        self.make(tenant, new, Room::Share)
    }

    /// The same of the first admin of a tenant that has none: no bound keeps it from one.
    pub(crate) fn create_first(&self, tenant: &str, name: String) -> Result<String, TokenError> {
        let new = NewToken { name, role: Role::Admin, services: Vec::new(), expires_in_s: None };
        self.make(tenant, new, Room::AsNeeded)
    }

    fn make(&self, tenant: &str, new: NewToken, room: Room) -> Result<String, TokenError> {
        check(&new)?;
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        if all.values().any(|t| t.token.tenant == tenant && t.token.name == new.name) {
            return Err(TokenError::Wrong(format!("a token is named {:?} already", new.name)));
        }
        let id = self.free_id(&all);
        let mut secret = [0; 32];
        self.entropy.fill(&mut secret);
        let text = format!("cf_{id}_{}", hex(&secret));
        let now = self.clock.now();
        let token = Token {
            id: id.clone(),
            name: new.name,
            role: new.role,
            tenant: tenant.to_owned(),
            services: new.services,
            created_at: event::format_time(now),
            expires_at: new.expires_in_s.map(|s| event::format_time(now + s * 1_000_000_000)),
            last_used_at: None,
            hash: hex(&Sha256::digest(text.as_bytes())),
        };
        let held = Held::new(token).ok_or_else(|| TokenError::Wrong("it lasts too long".into()))?;
        all.insert(id, Arc::new(held));
        if let Room::Share = room {
            self.within_share(tenant, &all)?;
        }
        self.replace(all)?;
        Ok(text)
    }

    /// An id that no token has, of any tenant: it alone finds the token. Ids are short, so one may
    /// come twice; few of them are taken, so one soon does not.
    fn free_id(&self, tokens: &BTreeMap<String, Arc<Held>>) -> String {
        loop {
            let mut id = [0; 4];
            self.entropy.fill(&mut id);
            let id = hex(&id);
            if !tokens.contains_key(&id) {
                return id;
            }
        }
    }

    /// Whether a tenant has such a token, and it opens something.
    pub(crate) fn is_in_force(&self, tenant: &str, id: &str) -> bool {
        let now = self.clock.now();
        let lasts = |held: &Arc<Held>| held.token.tenant == tenant && !held.has_expired(now);
        self.read().get(id).is_some_and(lasts)
    }

    /// Whether a tenant has such a token.
    pub(crate) fn has(&self, tenant: &str, id: &str) -> bool {
        self.read().get(id).is_some_and(|held| held.token.tenant == tenant)
    }

    /// Writes when each token was last used. That is written with every change and at a stop; what
    /// was used since is lost in a crash, and stands in the access log all the same.
    pub(crate) fn keep_uses(&self) -> io::Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let all = self.read().clone();
        self.replace(all)
    }

    /// Writes the file, and only then lets the list count.
    fn replace(&self, tokens: BTreeMap<String, Arc<Held>>) -> io::Result<()> {
        let file = TokenFile {
            format: FORMAT.into(),
            tokens: tokens.values().map(|held| held.shown()).collect(),
        };
        let text = serde_json::to_vec_pretty(&file).map_err(io::Error::other)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::other("the tokens take more room than their file may have"));
        }
        self.disk.replace_small(NAME, &text)?;
        *self.tokens.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = tokens;
        Ok(())
    }

    /// The tokens of a tenant, without their secrets, the oldest first.
    pub fn list(&self, tenant: &str) -> Vec<Token> {
        let all = self.read();
        let own = all.values().filter(|held| held.token.tenant == tenant);
        let mut own: Vec<Token> = own.map(|held| held.shown()).collect();
        own.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        own
    }

    /// Who a token stands for.
    pub fn authenticate(&self, text: &str) -> Result<Principal, Denied> {
        let id = text.strip_prefix("cf_").and_then(|rest| rest.split_once('_'));
        let (id, _) = id.ok_or(Denied::Unknown)?;
        let tokens = self.read();
        let held = tokens.get(id).ok_or(Denied::Unknown)?;
        let hash = hex(&Sha256::digest(text.as_bytes()));
        if !bool::from(hash.as_bytes().ct_eq(held.token.hash.as_bytes())) {
            return Err(Denied::Unknown);
        }
        let now = self.clock.now();
        if held.has_expired(now) {
            return Err(Denied::Expired);
        }
        held.use_at(now);
        Ok(held.principal())
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Held>>> {
        self.tokens.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests;
