//! Saved servers: address, token and log keys, in a file that only its owner can read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::Global;
use crate::error::CliError;

/// Bytes of the file.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Named as the file of contexts, it says that there are none.
const NOWHERE: &str = "/dev/null";

/// The file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one in use.
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Server>,
}

/// A context that was just saved.
pub(crate) struct Saved {
    pub(crate) name: String,
    /// The one in use before.
    former: Option<String>,
}

/// A saved server.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// Its address.
    pub(crate) url: String,
    /// Access token.
    pub(crate) token: Option<String>,
    /// Public keys of its logs that are trusted: as they were when it was saved, and those that
    /// took over since or were saved by hand.
    #[serde(default)]
    pub(crate) keys: Vec<String>,
    /// Whose address it is, for whoever does not reach it.
    #[serde(skip)]
    pub(crate) whose: Whose,
}

/// Where an address came from.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Whose {
    /// It was given beside the saved ones, or is the program's own.
    #[default]
    Given,
    /// The context's, with the names of the others.
    Context(String, Vec<String>),
}

impl Contexts {
    fn path() -> Result<PathBuf, CliError> {
        if let Some(path) = std::env::var_os("COUNTERFOIL_CONTEXTS") {
            return Ok(path.into());
        }
        let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        let base = base.or_else(home);
        let base =
            base.ok_or_else(|| CliError::usage("HOME is not set; set COUNTERFOIL_CONTEXTS"))?;
        Ok(base.join("counterfoil/contexts.toml"))
    }

    /// Reads the file; none is as good as an empty one.
    pub(crate) fn read() -> Result<Contexts, CliError> {
        let path = Contexts::path()?;
        if path == Path::new(NOWHERE) {
            return Ok(Contexts::default());
        }
        match platform::read_regular(&path, FILE_BYTES_MAX) {
            Ok(text) => {
                let wrong = |error: toml::de::Error| {
                    format!(
                        "{}; mend the file, or remove it and save the servers anew",
                        error.message()
                    )
                };
                toml::from_str(&text).map_err(|error| CliError::file(&path, wrong(error)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Contexts::default()),
            Err(error) => Err(CliError::file(&path, error)),
        }
    }

    /// Writes the file, for its owner alone.
    pub(crate) fn write(&self) -> Result<(), CliError> {
        let path = Contexts::path()?;
        // The file that takes its place by a rename would be the end of the device.
        if path == Path::new(NOWHERE) {
            return Err(CliError::file(&path, "nothing is saved there"));
        }
        let failed = |error: std::io::Error| CliError::file(&path, error);
        let text = toml::to_string_pretty(self).map_err(|error| CliError::file(&path, error))?;
        if let Some(folder) = path.parent() {
            platform::make_folders(folder).map_err(failed)?;
        }
        // A token may be the only copy, and a key what somebody judges by.
        platform::replace_durably(&path, text.as_bytes(), 0o600).map_err(failed)
    }

    /// Says of a context that it gave an address.
    fn whose(&self, name: &str) -> Whose {
        let others = self.contexts.keys().filter(|other| *other != name);
        Whose::Context(name.to_owned(), others.cloned().collect())
    }

    /// Saves a server and uses it from now on.
    pub(crate) fn save(name: &str, server: Server) -> Result<(), CliError> {
        let mut contexts = Contexts::read()?;
        contexts.contexts.insert(name.to_owned(), server);
        contexts.current = Some(name.to_owned());
        contexts.write()
    }

    /// Saves a server under a name that no other server has: its token may be the only copy.
    pub(crate) fn save_beside(name: &str, server: Server) -> Result<Saved, CliError> {
        let mut contexts = Contexts::read()?;
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let free = |name: &String| contexts.contexts.get(name).is_none_or(|s| s.url == server.url);
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        let name = names.find(free).expect("there are more numbers than contexts");
        let former = contexts.current.take();
        Contexts::save(&name, server)?;
        Ok(Saved { name, former })
    }
}

/// The saved server that the command line means, with its name. What is kept of it can be changed
/// only there.
pub(crate) fn saved(global: &Global) -> Result<(String, Server), CliError> {
    let server = choose(global)?;
    let contexts = Contexts::read()?;
    let same = |(name, saved): &(&String, &Server)| {
        saved.url == server.url && global.context.as_ref().is_none_or(|wanted| wanted == *name)
    };
    let current = contexts.current.as_ref().and_then(|name| contexts.contexts.get_key_value(name));
    let found = current.filter(same).or_else(|| contexts.contexts.iter().find(same));
    let Some((name, _)) = found else {
        return Err(CliError::usage(format!(
            "no context has the address {}; save it: counterfoil context add NAME --at URL",
            server.url
        )));
    };
    let keys = contexts.contexts.get(name).map(|saved| saved.keys.clone()).unwrap_or_default();
    Ok((name.clone(), Server { keys, ..server }))
}

/// Adds keys to those that are trusted of a saved server.
pub(crate) fn trust(name: &str, keys: &[String]) -> Result<(), CliError> {
    let mut contexts = Contexts::read()?;
    let server = contexts.contexts.get_mut(name);
    let server = server.ok_or_else(|| CliError::usage(format!("no server is saved as {name}")))?;
    let fresh = keys.iter().filter(|key| !server.keys.contains(key)).cloned();
    let fresh: Vec<String> = fresh.collect();
    server.keys.extend(fresh);
    contexts.write()
}

impl Saved {
    /// The context that was in use before, if it is another.
    pub(crate) fn former(&self) -> Option<&str> {
        self.former.as_deref().filter(|former| *former != self.name)
    }

    /// Forgets the context; the one in use before is in use again, unless somebody chose another
    /// meanwhile.
    pub(crate) fn undo(&self) -> Result<(), CliError> {
        let mut contexts = Contexts::read()?;
        contexts.contexts.remove(&self.name);
        if contexts.current.as_ref() == Some(&self.name) {
            let former = self.former.clone();
            contexts.current = former.filter(|name| contexts.contexts.contains_key(name));
        }
        contexts.write()
    }

    /// The same without forgetting it: where there was none in use, it stays in use.
    pub(crate) fn give_back(&self) -> Result<(), CliError> {
        let mut contexts = Contexts::read()?;
        let former = self.former().filter(|name| contexts.contexts.contains_key(*name));
        match former.map(str::to_owned) {
            Some(former) if contexts.current.as_ref() == Some(&self.name) => {
                contexts.current = Some(former);
                contexts.write()
            }
            _ => Ok(()),
        }
    }
}

/// An address as somebody types it: host and port alone are one.
pub(crate) fn address(text: &str) -> String {
    match text.contains("://") || text.is_empty() {
        true => text.to_owned(),
        false => format!("http://{text}"),
    }
}

/// The token that was given beside the saved ones, if one was.
pub(crate) fn given_token(global: &Global) -> Result<Option<String>, CliError> {
    let Some(token) = &global.token else { return Ok(None) };
    // Whoever gave one meant no other: `--token "$(cat FILE)"` without the file must not act as
    // whoever is saved.
    match is_token(token) {
        true => Ok(Some(token.clone())),
        false if token.is_empty() => Err(CliError::usage(
            "the token is empty (--token, or COUNTERFOIL_TOKEN in the environment)",
        )),
        false => Err(CliError::usage(format!("what --token or COUNTERFOIL_TOKEN has {NO_TOKEN}"))),
    }
}

pub(crate) const NO_TOKEN: &str = "is no token: one word, such as cf_5c2f9a1e_…";

/// Whether a text can be a token: one word that a header takes.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A context that nobody saved.
pub(crate) fn unknown(name: &str, contexts: &Contexts) -> CliError {
    let known: Vec<&str> = contexts.contexts.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    CliError::usage(format!("no context is named {name:?}; there are: {known}"))
}

/// Which server the command line, the environment and the saved contexts mean together.
pub(crate) fn choose(global: &Global) -> Result<Server, CliError> {
    let contexts = Contexts::read()?;
    let name = global.context.clone().or_else(|| contexts.current.clone());
    let saved = match &name {
        Some(name) => contexts.contexts.get(name).cloned(),
        None => None,
    };
    if let (Some(name), None, Some(_)) = (&name, &saved, &global.context) {
        return Err(unknown(name, &contexts));
    }
    let mut server = saved.unwrap_or_default();
    server.whose = name.map_or(Whose::Given, |name| contexts.whose(&name));
    // Another address gets neither the saved token nor the saved keys: they are not for it.
    let given = global.url.as_deref().map(address);
    if let Some(url) = given.filter(|url| *url != server.url) {
        server = Server { url, ..Server::default() };
    }
    if let Some(token) = given_token(global)? {
        server.token = Some(token);
    }
    if server.url.is_empty() {
        let known: Vec<&str> = contexts.contexts.keys().map(String::as_str).collect();
        return Err(CliError::usage(match known.is_empty() {
            true => "which server? give --url, or save one: \
                     counterfoil context add NAME --at URL --token-file FILE"
                .to_owned(),
            false => format!(
                "which server? give --url, or use one that is saved: counterfoil context use NAME; \
                 there are: {}",
                known.join(", ")
            ),
        }));
    }
    Ok(server)
}
