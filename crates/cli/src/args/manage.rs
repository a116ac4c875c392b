//! What an operator sets: owners, schemas, rules, tokens, logs, keys, saved servers.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Owners {
    /// Is a file, or a folder of them, sound, and what would change?
    Check {
        /// owners.toml, catalog-info.yaml, or a folder of both
        path: PathBuf,
    },
    /// Show the catalogue in force
    Show,
    /// Let the server read its files again
    Reload,
}

#[derive(Subcommand)]
pub(crate) enum Schema {
    /// Register a schema for an action, or change what it leads to
    Put {
        /// An action such as invoice.delete, or invoice.* for all that begin so
        action: String,
        /// File with the JSON Schema, or - for standard input; without one the schema stays
        file: Option<PathBuf>,
        /// What happens to events that do not meet it [a new one: warn]
        #[arg(long, value_parser = ["off", "warn", "refuse"])]
        enforcement: Option<String>,
    },
    /// List the schemas, with what they found
    List,
    /// Print a schema
    Show {
        /// Its action, as listed; an earlier version as warnings name it: invoice.delete/1
        action: String,
    },
    /// Try a schema on past events; nothing is registered
    Test {
        /// File with the JSON Schema, or - for standard input
        file: PathBuf,
        /// The action whose events are asked, or invoice.* for all that begin so
        #[arg(long)]
        action: String,
        /// How far back: an age such as 7d, or a time
        #[arg(long, default_value = "24h", value_name = "TIME")]
        since: String,
        /// Only events that this search finds (docs/search.md)
        #[arg(long, value_name = "SEARCH")]
        query: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Scope {
    /// Show the rules in force, and what they left out
    Show,
    /// Try rules on past events; nothing is put in force
    Plan {
        /// File with the rules, or - for standard input
        file: PathBuf,
        /// How far back: an age such as 7d, or a time
        #[arg(long, default_value = "24h", value_name = "TIME")]
        since: String,
        /// Only events that this search finds (docs/search.md)
        #[arg(long, value_name = "SEARCH")]
        query: Option<String>,
    },
    /// Read a rules file and say what is wrong with it; asks no server
    Check {
        /// File with the rules, or - for standard input
        file: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum Token {
    /// Make a token; it is shown once
    Create {
        /// Name of who will use it
        name: String,
        /// What it may do
        #[arg(long, value_parser = ["producer", "forwarder", "reader", "auditor", "admin"])]
        role: String,
        /// A service that a producer speaks for; `*` at the end stands for any rest
        #[arg(long)]
        service: Vec<String>,
        /// How long it lasts, such as 90d, 12h; without, until it is revoked
        #[arg(long, value_name = "DURATION", value_parser = seconds)]
        expires: Option<i64>,
    },
    /// List the tokens
    List,
    /// Take a token out of force
    Revoke {
        /// Its id, as listed
        id: String,
    },
    /// Agree, as a second person, that a token be revoked
    ///
    /// A tenant's last admin is revoked only after somebody else has agreed, such as an auditor,
    /// within the 15 minutes before.
    Agree {
        /// Its id, as listed
        id: String,
    },
}

/// Reads `90d`, `12h`, `30m` or `45s`, as searches read an age.
fn seconds(text: &str) -> Result<i64, String> {
    let allowed = || format!("{text:?} is no duration; allowed is a number with s, m, h, d or w");
    // A number without end is one that an age cannot hold.
    let nanos = server::age(text).filter(|nanos| (1..i64::MAX).contains(nanos));
    nanos.map(|nanos| nanos / 1_000_000_000).ok_or_else(allowed)
}

#[derive(Subcommand)]
pub(crate) enum Log {
    /// Close a log and open the next partition of its tenant, while writes go on
    Rotate {
        /// Its name, such as acme-0
        log: String,
        /// The reason, which both logs state
        #[arg(long)]
        why: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum Key {
    /// Print the public keys that sign the logs
    Export,
    /// List the keys that the logs have had
    List,
    /// Give a log another signing key, once somebody else has agreed (docs/operations/keys.md)
    Rotate {
        /// The log, such as acme-0
        log: String,
        /// The reason, which the log states
        #[arg(long)]
        why: String,
        /// How long the old key signs beside the new one, such as 7d; 0 where others may have its
        /// secret
        #[arg(long, default_value = "7d", value_name = "DURATION", value_parser = none_or_seconds)]
        together: i64,
    },
    /// Agree, as a second person, that a log's key be replaced
    Agree {
        /// The log
        log: String,
    },
    /// Save the keys that took over from those that are saved, if these vouch for them
    Accept,
    /// Save a key that you trust, for the server in use
    Save {
        /// The key itself, or a file of keys, one a line
        key: String,
    },
}

/// As [`seconds`]; or none, said as 0.
fn none_or_seconds(text: &str) -> Result<i64, String> {
    if text == "0" { Ok(0) } else { seconds(text) }
}

#[cfg(test)]
#[test]
fn a_duration_is_read_as_an_age_is() {
    for (text, read) in [
        ("45s", Some(45)),
        ("30m", Some(1_800)),
        ("2w", Some(1_209_600)),
        ("0s", None),
        ("-1s", None),
        ("1", None),
        ("999999999999d", None),
    ] {
        assert_eq!(seconds(text).ok(), read, "{text}");
    }
    assert_eq!(none_or_seconds("0"), Ok(0));
}

#[derive(Subcommand)]
pub(crate) enum Context {
    /// List the saved servers
    List,
    /// Use this one from now on
    Use {
        /// Its name
        name: String,
    },
    /// Save a server
    Add {
        /// Name for it
        name: String,
        /// Its address
        #[arg(long = "at", value_name = "URL")]
        at: String,
        /// File that holds the token
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Forget a server
    Remove {
        /// Its name
        name: String,
    },
}
