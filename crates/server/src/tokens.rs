//! Access tokens: shown once, stored hashed.
//!
//! A token is `cf_<8 hex>_<64 hex>`: a public part that finds it, and 32 random bytes. Only
//! SHA-256 of the whole is kept; 256 random bits need no slow hash.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};

use commit::hex;
use platform::{Clock, Disk, Entropy};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::{Principal, Role};

const NAME: &str = "tokens.json";
const FORMAT: &str = "counterfoil.tokens/v1";
const TOKENS_MAX: usize = 10_000;
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Services that one token speaks for.
const SERVICES_MAX: usize = 64;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    format: String,
    tokens: Vec<Token>,
}

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
    /// SHA-256 of the token, hexadecimal.
    hash: String,
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
}

/// Why a token cannot be made or found.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The request is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The file could not be read or written.
    #[error("cannot use {NAME}")]
    Io(#[from] io::Error),
}

/// All tokens of a server.
pub struct Tokens {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Held over every change, the file's included: the next one begins where this one ends.
    changing: Mutex<()>,
    /// By id. Locked for as long as it takes to look one up or to put a changed list in its place;
    /// no request waits for the disk.
    tokens: RwLock<BTreeMap<String, Token>>,
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
                _ => return Err(TokenError::Wrong(format!("{NAME} cannot be read"))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let tokens = tokens.into_iter().map(|token| (token.id.clone(), token)).collect();
        Ok(Tokens { disk, clock, entropy, changing: Mutex::new(()), tokens: RwLock::new(tokens) })
    }

    /// Makes a token and returns its text, which is not kept. Writes to the disk.
    pub fn create(&self, tenant: &str, new: NewToken) -> Result<String, TokenError> {
        check(&new)?;
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        if all.len() == TOKENS_MAX {
            return Err(TokenError::Wrong(format!("there are {TOKENS_MAX} tokens already")));
        }
        if all.values().any(|t| t.tenant == tenant && t.name == new.name) {
            return Err(TokenError::Wrong(format!("a token is named {:?} already", new.name)));
        }
        let id = self.free_id(&all);
        let mut secret = [0; 32];
        self.entropy.fill(&mut secret);
        let text = format!("cf_{id}_{}", hex(&secret));
        let token = Token {
            id: id.clone(),
            name: new.name,
            role: new.role,
            tenant: tenant.to_owned(),
            services: new.services,
            created_at: event::format_time(self.clock.now()),
            hash: hex(&Sha256::digest(text.as_bytes())),
        };
        all.insert(id, token);
        self.replace(all)?;
        Ok(text)
    }

    /// An id that no token has, of any tenant: it alone finds the token. Ids are short, so one may
    /// come twice; few of them are taken, so one soon does not.
    fn free_id(&self, tokens: &BTreeMap<String, Token>) -> String {
        loop {
            let mut id = [0; 4];
            self.entropy.fill(&mut id);
            let id = hex(&id);
            if !tokens.contains_key(&id) {
                return id;
            }
        }
    }

    /// Takes a token out of force. Writes to the disk.
    pub fn revoke(&self, tenant: &str, id: &str) -> Result<bool, TokenError> {
        let _changing = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut all = self.read().clone();
        let found = all.get(id).is_some_and(|token| token.tenant == tenant);
        if found {
            all.remove(id);
            self.replace(all)?;
        }
        Ok(found)
    }

    /// Writes the file, and only then lets the list count.
    fn replace(&self, tokens: BTreeMap<String, Token>) -> io::Result<()> {
        let file = TokenFile { format: FORMAT.into(), tokens: tokens.values().cloned().collect() };
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
        let mut own: Vec<Token> =
            all.values().filter(|token| token.tenant == tenant).cloned().collect();
        own.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        own
    }

    /// Who a token stands for.
    pub fn authenticate(&self, text: &str) -> Option<Principal> {
        let (id, _) = text.strip_prefix("cf_")?.split_once('_')?;
        let tokens = self.read();
        let token = tokens.get(id)?;
        let hash = hex(&Sha256::digest(text.as_bytes()));
        if !bool::from(hash.as_bytes().ct_eq(token.hash.as_bytes())) {
            return None;
        }
        Some(Principal {
            name: token.name.clone(),
            token_id: token.id.clone(),
            role: token.role,
            tenant: token.tenant.clone(),
            services: token.services.clone(),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Token>> {
        self.tokens.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn check(new: &NewToken) -> Result<(), TokenError> {
    let wrong = |what: &str| Err(TokenError::Wrong(what.to_owned()));
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.@/".contains(&b);
    if !(1..=64).contains(&new.name.len()) || !new.name.bytes().all(known) {
        return wrong("a token's name has 1 to 64 letters, digits, or any of - _ . @ /");
    }
    if new.name == "counterfoil" {
        return wrong("the name counterfoil is the server's own");
    }
    let sound =
        |name: &String| (1..=256).contains(&name.len()) && !name.chars().any(char::is_control);
    if new.services.len() > SERVICES_MAX || !new.services.iter().all(sound) {
        return wrong("a token names at most 64 services, each of 1 to 256 bytes");
    }
    match (new.role, new.services.is_empty()) {
        (Role::Producer, true) => wrong("a producer's token names the services it speaks for"),
        (Role::Producer, false) => Ok(()),
        (_, true) => Ok(()),
        (_, false) => wrong("only a producer's token names services"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::{RealDisk, SystemClock, SystemEntropy};

    #[test]
    fn a_token_is_found_by_its_whole_text_alone() {
        let root = std::env::temp_dir().join(format!("counterfoil-tokens-{}", std::process::id()));
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&root).expect("folder"));
        let open = || {
            let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy));
            Tokens::open(disk.clone(), clock, entropy).expect("opens")
        };
        let tokens = open();
        let new = NewToken { name: "ops".into(), role: Role::Admin, services: Vec::new() };
        let text = tokens.create("acme", new.clone()).expect("made");
        assert!(tokens.create("acme", new).is_err(), "names are unique");
        let again = open();
        let found = again.authenticate(&text).expect("found after a restart");
        assert_eq!((found.name.as_str(), found.tenant.as_str()), ("ops", "acme"));
        let mut other = text.clone().into_bytes();
        let last = other.len() - 1;
        other[last] ^= 1;
        assert!(again.authenticate(std::str::from_utf8(&other).expect("ascii")).is_none());
        assert!(again.authenticate(&text[..text.len() - 1]).is_none());
        let stored = std::fs::read_to_string(root.join(NAME)).expect("file");
        assert!(!stored.contains(&text[12..]), "the secret is not stored");
        let id = again.list("acme")[0].id.clone();
        assert!(!again.revoke("other", &id).expect("io") && again.revoke("acme", &id).expect("io"));
        assert!(again.authenticate(&text).is_none());
        std::fs::remove_dir_all(root).expect("removed");
    }

    /// Gives the same four bytes three times, and then others.
    #[derive(Default)]
    struct Stuck(std::sync::atomic::AtomicU8);

    impl Entropy for Stuck {
        fn fill(&self, out: &mut [u8]) {
            let turn = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            out.fill(if out.len() == 4 { turn / 4 } else { turn });
        }
    }

    #[test]
    fn an_id_that_is_taken_is_drawn_again() {
        let name = format!("counterfoil-token-ids-{}", std::process::id());
        let root = std::env::temp_dir().join(name);
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&root).expect("folder"));
        let clock = Arc::new(SystemClock::new());
        let tokens = Tokens::open(disk, clock, Arc::new(Stuck::default())).expect("opens");
        let new = |name: &str| NewToken { name: name.into(), role: Role::Reader, services: vec![] };
        let texts = ["a", "b"].map(|tenant| tokens.create(tenant, new("x")).expect("made"));
        assert_ne!(texts[0][..11], texts[1][..11], "ids differ");
        for (text, tenant) in texts.iter().zip(["a", "b"]) {
            assert_eq!(tokens.authenticate(text).expect("found").tenant, tenant);
        }
        std::fs::remove_dir_all(root).expect("removed");
    }
}
