//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, value_parser};

/// Tamper-evident audit log: who did what, proved.
#[derive(Parser)]
#[command(name = "counterfoil", version, propagate_version = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(ClapArgs)]
#[command(next_help_heading = "With every command")]
pub(crate) struct Global {
    /// Which saved server to talk to (see `counterfoil context`)
    #[arg(long, global = true, env = "COUNTERFOIL_CONTEXT", hide_env_values = true)]
    pub(crate) context: Option<String>,
    /// Address of the server, instead of the context's
    #[arg(long, global = true, env = "COUNTERFOIL_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// Access token, instead of the context's
    #[arg(long, global = true, env = "COUNTERFOIL_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server
    ///
    /// Traces go to standard error, as RUST_LOG asks; without it, warnings. Without a terminal the
    /// first admin token goes to a file beside the keys.
    Serve(Serve),
    /// Run a shop of six services on a server of its own, to look around
    Demo(Demo),
    /// Send files of events
    Send(Send),
    /// Find events
    Search(Search),
    /// Show events as they are committed
    ///
    /// Goes on until Ctrl-C, over breaks and restarts of the server, and loses nothing over them.
    Tail(Tail),
    /// Show one event
    Show(Show),
    /// Follow a transaction across services
    Trace(Trace),
    /// Show what happens now, on one screen; q quits, s sorts
    Top(Top),
    /// Show what one session did across services
    Session(Session),
    /// Fetch the proof that an event is in the log
    Receipt(Receipt),
    /// Make a file that proves events offline
    Evidence(Evidence),
    /// Verify a receipt, evidence, a live log or a data folder
    Verify(Verify),
    /// Show what was refused
    Refusals,
    /// Is the record complete, unchanged, and the server healthy?
    ///
    /// Exit code 0 where all is well, also with remarks; 1 where something is not.
    Status,
    /// Look at machine, folders and server, and say how to mend what is wrong
    ///
    /// Works with the server up or down, and changes nothing. Exit code 1 where something is bad.
    Doctor(Doctor),
    /// What an error's code means, and what to do
    ///
    /// Needs no server: the pages of docs/errors/ are in the program.
    Explain(Explain),
    /// Who owns which service, when it was heard, and what it weighs
    Services(Services),
    /// The catalogue of owners (docs/owners.md)
    #[command(subcommand)]
    Owners(Owners),
    /// Schemas of actions: what your own events must look like (docs/schemas.md)
    #[command(subcommand)]
    Schema(Schema),
    /// Rules for what is kept, counted and left out (docs/scope.md)
    #[command(subcommand)]
    Scope(Scope),
    /// Make, list and revoke access tokens
    #[command(subcommand)]
    Token(Token),
    /// Public keys of the logs
    #[command(subcommand)]
    Key(Key),
    /// Close a log and open the next one
    #[command(subcommand)]
    Log(Log),
    /// What a server is set up with
    #[command(subcommand)]
    Config(Config),
    /// Saved servers
    ///
    /// Address, token and keys of each stand in ~/.config/counterfoil/contexts.toml, for you alone;
    /// COUNTERFOIL_CONTEXTS names another file. A server's first start saves itself there.
    #[command(subcommand)]
    Context(Context),
}

#[derive(ClapArgs)]
pub(crate) struct Serve {
    /// Data folder; made if it is not there
    #[arg(long, value_name = "DIR", env = "COUNTERFOIL_DATA", hide_env_values = true)]
    pub(crate) data: PathBuf,
    /// Folder of the signing keys [default: <data>-keys]
    #[arg(long, value_name = "DIR", env = "COUNTERFOIL_KEYS", hide_env_values = true)]
    pub(crate) keys: Option<PathBuf>,
    /// Configuration file; none is read that is not named
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Name that new logs are signed under, such as audit.example.com; fixed from then on
    #[arg(long, value_name = "HOST")]
    pub(crate) origin: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Doctor {
    /// Data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder of the signing keys [default: <data>-keys]
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(crate) struct Demo {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8420", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Stop after so many events, and say what to try; for tests
    #[arg(long, value_name = "COUNT")]
    pub(crate) events: Option<u64>,
    /// Keep the data in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SendFormat {
    /// audit.event/1
    Native,
    /// CloudEvents 1.0
    Cloudevents,
    /// Kubernetes audit.k8s.io/v1
    Kubernetes,
    /// AWS CloudTrail
    Cloudtrail,
}

#[derive(ClapArgs)]
pub(crate) struct Send {
    /// What the files hold
    #[arg(long, value_enum, default_value_t = SendFormat::Native)]
    pub(crate) format: SendFormat,
    /// Files, folders, or - for standard input
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Where to write the refusals, as NDJSON
    #[arg(long, value_name = "FILE")]
    pub(crate) refusals: Option<PathBuf>,
    /// Where to write the receipts, as NDJSON
    #[arg(long, value_name = "FILE")]
    pub(crate) receipts: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(crate) struct Search {
    /// What to find: `outcome:failure service:payments since:5m "free text"` (docs/search.md)
    #[arg(default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub(crate) query: String,
    /// Events to show, at most 1000
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Oldest first
    #[arg(long)]
    pub(crate) oldest: bool,
    /// Count all matches
    #[arg(long)]
    pub(crate) count: bool,
    /// Go on where an earlier page ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// Search one log alone, such as an access log
    #[arg(long, value_name = "NAME")]
    pub(crate) log: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Tail {
    /// What to show, as for `search`
    #[arg(default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub(crate) query: String,
    /// Begin with so many that are there already, at most 1000
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(0..=1000))]
    pub(crate) last: u16,
    /// Go on behind this cursor, an `id` that a tail gave
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Show {
    /// Id of the event, short or whole, or <log>/<seq>
    pub(crate) event: String,
    /// Every field
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Trace {
    /// Trace, correlation, session or operation id, or its beginning
    pub(crate) id: String,
}

#[derive(ClapArgs)]
pub(crate) struct Explain {
    /// The code, as an error or a refusal names it; without one, all of them
    pub(crate) code: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Top {
    /// Print one screen and end; so too where there is no terminal
    #[arg(long)]
    pub(crate) once: bool,
    /// As wide as this, with --once
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u16).range(40..=500))]
    pub(crate) columns: Option<u16>,
}

#[derive(ClapArgs)]
pub(crate) struct Session {
    /// Session id, or its first eight characters or more
    pub(crate) id: String,
    /// Events to show, at most 1000
    #[arg(short = 'n', long, default_value_t = 500, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on where an earlier page ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Receipt {
    /// Id of the event, short or whole, or <log>/<seq>
    pub(crate) event: String,
}

#[derive(ClapArgs)]
pub(crate) struct Evidence {
    /// Ids of events, short or whole, or <log>/<seq>
    pub(crate) events: Vec<String>,
    /// A whole stretch of a log: <log>/<first>..<end>
    #[arg(long, conflicts_with = "events", value_name = "RANGE")]
    pub(crate) range: Option<String>,
    /// All events that a search finds, at most 10,000
    #[arg(long, conflicts_with_all = ["events", "range"])]
    pub(crate) query: Option<String>,
    /// Show only what lies below these JSON Pointers, hide the rest
    #[arg(long, value_name = "POINTER")]
    pub(crate) show: Vec<String>,
    /// Name what lies below these JSON Pointers without its value
    #[arg(long, value_name = "POINTER")]
    pub(crate) name: Vec<String>,
    /// Hide what lies below these JSON Pointers, name and value
    #[arg(long, value_name = "POINTER")]
    pub(crate) hide: Vec<String>,
    /// Prove too that the log still begins as in this checkpoint, saved earlier
    #[arg(long, value_name = "FILE")]
    pub(crate) saved: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Need {
    Any,
    Named,
    Full,
}

#[derive(ClapArgs)]
pub(crate) struct Verify {
    /// A receipt, proof or evidence file, a data folder, or the address of a live log
    pub(crate) what: String,
    /// The log's public key: a file or the key itself
    #[arg(short, long, value_name = "KEY|FILE")]
    pub(crate) key: Vec<String>,
    /// A tlog-policy file: logs, witnesses, quorum
    #[arg(long, conflicts_with = "key", value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// How much must be shown: anything, every field at least by name, every value
    #[arg(long, value_enum, default_value_t = Need::Named)]
    pub(crate) need: Need,
    /// A field that must be shown, as a JSON Pointer
    #[arg(long, value_name = "POINTER")]
    pub(crate) require: Vec<String>,
    /// A checkpoint saved earlier, which must still hold
    #[arg(long, value_name = "FILE")]
    pub(crate) saved: Option<PathBuf>,
    /// Pin the live log: demand consistency with this file, and save the new checkpoint in it
    #[arg(long, conflicts_with = "saved", value_name = "FILE")]
    pub(crate) remember: Option<PathBuf>,
    /// Which log of a live server
    #[arg(long)]
    pub(crate) log: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Services {
    /// One service, with all of its actions
    pub(crate) service: Option<String>,
    /// Those of one team
    #[arg(long, value_name = "TEAM")]
    pub(crate) owner: Option<String>,
    /// Those that were not heard for so long, or never: 30s, 15m, 24h, 7d
    #[arg(long, value_name = "AGE")]
    pub(crate) silent: Option<String>,
    /// Those that are in no catalogue
    #[arg(long, conflicts_with = "owner")]
    pub(crate) unowned: bool,
    /// Services to show, at most 10000
    #[arg(short = 'n', long, default_value_t = 1_000, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(1..=10_000))]
    pub(crate) limit: u16,
}

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

/// Reads `90d`, `12h`, `30m` or `45s`.
fn seconds(text: &str) -> Result<i64, String> {
    let allowed = || format!("{text:?} is no duration; allowed is a number with s, m, h or d");
    let unit = text.chars().last().ok_or_else(allowed)?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(allowed()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| allowed())?;
    count.checked_mul(each).filter(|s| *s > 0).ok_or_else(allowed)
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
    /// Print the public keys of the logs
    Export,
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Print a file with every setting, its comment and its default
    Example,
    /// Say all that is wrong with a configuration
    ///
    /// Looks at the file and at the environment, as `counterfoil serve` would. Exit code 0 if it
    /// can be used, else 2.
    Check {
        /// Configuration file
        #[arg(env = "COUNTERFOIL_CONFIG", hide_env_values = true)]
        file: Option<PathBuf>,
    },
    /// Print each setting, its value and where that came from
    Show {
        /// Configuration file
        #[arg(env = "COUNTERFOIL_CONFIG", hide_env_values = true)]
        file: Option<PathBuf>,
        /// What is in force at the running server
        #[arg(long)]
        running: bool,
    },
    /// Have the running server read its configuration again
    ///
    /// All of it takes force, or none. SIGHUP asks for the same.
    Reload,
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
