//! The server: configuration, access, listeners, and the wiring of everything below.
//!
//! Promises: nothing is written or read without a principal whose role allows it, but what is
//! declared public; every queue and body is bounded; a shutdown answers what was accepted.
//!
//! Never: holds a rule that belongs below. What is a valid event, what is durable and what a
//! filter matches is decided elsewhere.

mod access;
mod app;
mod backlog;
mod books;
mod capacity;
mod compose;
pub mod config;
#[cfg(test)]
mod day;
mod descriptors;
pub mod encoding;
pub mod errors;
mod first_tokens;
mod http;
mod ingest;
mod keys;
mod left_out;
mod metrics;
mod modes;
mod origin;
mod outside;
pub mod owners;
mod permits;
mod policies;
mod pulse;
mod quotas;
mod readiness;
mod refusals;
mod reload;
mod room;
mod schemas;
mod scope_file;
mod serve;
mod services;
mod start_error;
mod statements;
mod tails;
pub mod tile_path;
mod tokens;
mod trial;
mod turns;

pub use access::{Principal, Role};
pub use first_tokens::{FirstAdmins, first_admins};
pub use keys::{LogKeys, check_keys, check_start};
pub use modes::{Open, open_files};
/// An age as people write it, in nanoseconds.
pub use query::age;
pub use reload::Reloaded;
pub use room::RESERVE_BYTES;
pub use serve::{Running, Started, start};
pub use start_error::StartError;
pub use tokens::{Denied, NewToken, TokenError, Tokens};

/// Reads a file of rules of the audit scope: what looks like a mistake, or what is wrong.
pub fn check_scope(text: &str) -> Result<Vec<String>, String> {
    let rules = admit::scope::Rules::parse(text).map_err(|error| error.to_string())?;
    Ok(rules.warnings())
}
