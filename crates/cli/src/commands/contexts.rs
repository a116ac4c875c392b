//! `counterfoil context`.

use crate::args::{self, Global};
use crate::context::{Contexts, Server, unknown};
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
            let token = match token_file {
                None => None,
                Some(path) => {
                    let text = platform::read_once(path, TOKEN_FILE_BYTES_MAX);
                    Some(text.map_err(|error| CliError::file(path, error))?.trim().to_owned())
                }
            };
            let server = Server { url: at.clone(), token, keys: Vec::new() };
            return Contexts::save(name, server);
        }
        args::Context::Remove { name } => {
            if contexts.contexts.remove(name).is_none() {
                return Err(unknown(name, &contexts));
            }
            contexts.current = contexts.current.filter(|current| current != name);
        }
    }
    contexts.write()
}
