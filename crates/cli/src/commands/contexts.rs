//! `counterfoil context`.

use std::path::Path;

use crate::args::{self, Global};
use crate::client::Client;
use crate::context::{Contexts, NO_TOKEN, Server, address, is_token, unknown};
use crate::error::CliError;
use crate::out;

/// Bytes of a file with a token, which may be a pipe; a token has 76.
const TOKEN_FILE_BYTES_MAX: u64 = 4 << 10;

pub(crate) fn run(global: &Global, command: &args::Context) -> Result<(), CliError> {
    let mut contexts = Contexts::read()?;
    match command {
        args::Context::List => {
            if global.json {
                // Never the tokens.
                let shown: Vec<_> =
                    contexts.contexts.iter().map(|(name, s)| (name, &s.url)).collect();
                return out::json(&shown);
            }
            if contexts.contexts.is_empty() {
                out::line(
                    "no server is saved: counterfoil context add NAME --at URL --token-file FILE",
                );
            }
            for (name, server) in &contexts.contexts {
                let mark = if contexts.current.as_ref() == Some(name) { "*" } else { " " };
                out::line(&format!("{mark} {} {}", out::cell(name, 16), server.url));
            }
            return Ok(());
        }
        args::Context::Use { name } => {
            if !contexts.contexts.contains_key(name) {
                return Err(unknown(name, &contexts));
            }
            contexts.current = Some(name.clone());
        }
        args::Context::Add { name, at, token_file } => {
            let at = address(at);
            // One that no command could use is not saved.
            Client::new(Server { url: at.clone(), ..Server::default() })?;
            let token = token_file.as_deref().map(read_token).transpose()?;
            let other = |saved: &&Server| saved.url != at || saved.token != token;
            if let Some(saved) = contexts.contexts.get(name).filter(other) {
                // Its token may be the only copy.
                return Err(CliError::usage(format!(
                    "{name:?} is saved already, for {}; to forget it and its token: counterfoil \
                     context remove {name}",
                    saved.url
                )));
            }
            let keys = contexts.contexts.remove(name).map(|saved| saved.keys).unwrap_or_default();
            let server = Server { url: at, token, keys, ..Server::default() };
            return Contexts::save(name, server);
        }
        args::Context::Remove { name } => {
            if contexts.contexts.remove(name).is_none() {
                return Err(unknown(name, &contexts));
            }
            if contexts.current.as_ref() == Some(name) {
                contexts.current = None;
                let rest: Vec<&str> = contexts.contexts.keys().map(String::as_str).collect();
                let rest = if rest.is_empty() { "none is left".into() } else { rest.join(", ") };
                out::note(&format!(
                    "{name:?} was in use, and none is now: counterfoil context use NAME ({rest})"
                ));
            }
        }
    }
    contexts.write()
}

fn read_token(path: &Path) -> Result<String, CliError> {
    let text = platform::read_once(path, TOKEN_FILE_BYTES_MAX);
    let text = text.map_err(|error| CliError::file(path, error))?;
    match is_token(text.trim()) {
        true => Ok(text.trim().to_owned()),
        false => Err(CliError::usage(format!("{} {NO_TOKEN}", path.display()))),
    }
}
