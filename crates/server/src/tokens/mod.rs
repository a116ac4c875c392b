//! Access tokens: shown once, stored hashed.
//!
//! A token is `cf_<8 hex>_<64 hex>`: a public part that finds it, and 32 random bytes. Only
//! SHA-256 of the whole is kept; 256 random bits need no slow hash.
//!
//! Promises: an expired token opens nothing; a tenant's last admin is taken out of force with two
//! tokens only (`access/second.rs`). Each tenant has its share of the room for tokens, which no
//! other tenant can take.

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
pub(crate) use token::check_name;
use token::{Held, check};
pub use token::{NewToken, Token};

pub(crate) const NAME: &str = "tokens.json";
const FORMAT: &str = "counterfoil.tokens/v1";
/// Tokens of all tenants, shared out among them.
const TOKENS_MAX: usize = 10_000;
/// Tokens that a tenant may have, however many tenants there are.
const EACH_MIN: usize = 100;
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Bytes of that which the tenants share out; the rest is for those that have tokens and are no
/// longer configured.
const SHARED_BYTES: usize = 128 << 20;
/// Expired tokens that fall away at once, so that one statement names them.
const FORGOTTEN_MAX: usize = 100;

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

/// What became of a token that was to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    Done,
    Absent,
    /// It is the tenant's last admin, and nobody else has agreed.
    NeedsSecondPerson,
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
    /// Reads the tokens of a data folder.
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

    /// Shares the room out among so many tenants.
    #[must_use]
    pub(crate) fn sharing(self, tenants: usize) -> Tokens {
        Tokens { tenants: tenants.max(1), ..self }
    }

    /// Makes a token and returns its text, which is not kept. Writes to the disk.
    pub fn create(&self, tenant: &str, new: NewToken) -> Result<String, TokenError> {
        self.make(tenant, new, true)
    }

    /// The same of the first admin of a tenant that has none: no bound keeps it from one.
    pub(crate) fn create_first(&self, tenant: &str, name: String) -> Result<String, TokenError> {
        let new = NewToken { name, role: Role::Admin, services: Vec::new(), expires_in_s: None };
        self.make(tenant, new, false)
    }

    fn make(&self, tenant: &str, new: NewToken, is_bounded: bool) -> Result<String, TokenError> {
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
        if is_bounded {
            self.within_share(tenant, &all)?;
        }
        self.replace(all)?;
        Ok(text)
    }

    /// Refuses a list in which a tenant has more than its share, its expired tokens counted: those
    /// fall away first, see [`Tokens::expired`].
    fn within_share(
        &self,
        tenant: &str,
        all: &BTreeMap<String, Arc<Held>>,
    ) -> Result<(), TokenError> {
        let own: Vec<&Token> =
            all.values().map(|held| &held.token).filter(|token| token.tenant == tenant).collect();
        let (each, bytes_each) = share(self.tenants);
        let full = |over: String| Err(TokenError::Full(format!("{over}; revoke one first")));
        if own.len() > each {
            return full(format!("a tenant has at most {each} tokens here"));
        }
        if serde_json::to_vec_pretty(&own).map_err(io::Error::other)?.len() > bytes_each {
            let what = format!("take at most {bytes_each} bytes here");
            return full(format!("a tenant's tokens, with their services, {what}"));
        }
        Ok(())
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

    /// Takes a token out of force; whether a second person agrees is asked where it takes one.
    /// Writes to the disk.
    pub(crate) fn revoke(
        &self,
        tenant: &str,
        id: &str,
        is_agreed: impl FnOnce() -> bool,
    ) -> Result<Revoked, TokenError> {
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        let Some(held) = all.get(id).filter(|held| held.token.tenant == tenant) else {
            return Ok(Revoked::Absent);
        };
        if self.is_last_admin(held) && !is_agreed() {
            return Ok(Revoked::NeedsSecondPerson);
        }
        all.remove(id);
        self.replace(all)?;
        Ok(Revoked::Done)
    }

    /// What a revocation would come to, asked without a second person; nothing changes.
    pub(crate) fn would_revoke(&self, tenant: &str, id: &str) -> Revoked {
        let held = self.read().get(id).filter(|held| held.token.tenant == tenant).cloned();
        match held {
            None => Revoked::Absent,
            Some(held) if self.is_last_admin(&held) => Revoked::NeedsSecondPerson,
            Some(_) => Revoked::Done,
        }
    }

    /// Whether revoking a token would leave its tenant without an admin that lasts.
    fn is_last_admin(&self, held: &Held) -> bool {
        let Token { id, tenant, role, .. } = &held.token;
        let is_admin = *role == Role::Admin && !held.has_expired(self.clock.now());
        is_admin && self.lasting_admins_but(tenant, id) == 0
    }

    /// The ids of a tenant's tokens that expired, those first that did so first; not more than fall
    /// away at once.
    pub(crate) fn expired(&self, tenant: &str) -> Vec<String> {
        let (all, now) = (self.read(), self.clock.now());
        let own = all.values().filter(|held| held.token.tenant == tenant && held.has_expired(now));
        let mut own: Vec<&Token> = own.map(|held| &held.token).collect();
        own.sort_by(|a, b| a.expires_at.cmp(&b.expires_at));
        own.into_iter().take(FORGOTTEN_MAX).map(|token| token.id.clone()).collect()
    }

    /// Lets tokens fall away that open nothing: expired ones, or one that nobody has been given.
    /// Writes to the disk.
    pub(crate) fn forget(&self, ids: &[String]) -> Result<(), TokenError> {
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        all.retain(|id, _| !ids.contains(id));
        self.replace(all)?;
        Ok(())
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

    /// How many admins a tenant has beside one, in force until they are revoked: one that expires
    /// tomorrow leaves the tenant without any.
    fn lasting_admins_but(&self, tenant: &str, id: &str) -> usize {
        let all = self.read();
        let lasts = |held: &&Arc<Held>| {
            let token = &held.token;
            let is_admin = token.tenant == tenant && token.role == Role::Admin;
            is_admin && token.id != id && token.expires_at.is_none()
        };
        all.values().filter(lasts).count()
    }

    /// How many admins a tenant has whose tokens are in force.
    pub(crate) fn admins(&self, tenant: &str) -> usize {
        let (all, now) = (self.read(), self.clock.now());
        let is_one = |held: &&Arc<Held>| {
            let token = &held.token;
            token.tenant == tenant && token.role == Role::Admin && !held.has_expired(now)
        };
        all.values().filter(is_one).count()
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

/// How many tokens each of so many tenants may have, and how many bytes of the file.
fn share(tenants: usize) -> (usize, usize) {
    ((TOKENS_MAX / tenants).max(EACH_MIN), SHARED_BYTES / tenants)
}

#[cfg(test)]
mod tests;
