//! Sending events, fetching their proofs and judging them.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

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
#[command(
    after_help = "Exit codes: 0 verified, 1 tampered, 2 no verdict (wrong usage, or nothing \
                        could be read), 3 incomplete, 4 unverifiable"
)]
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
    ///
    /// Where the log was closed, the one that it names as the next is judged too and pinned from
    /// there on, unless --log names one.
    #[arg(long, conflicts_with = "saved", value_name = "FILE")]
    pub(crate) remember: Option<PathBuf>,
    /// Which log of a live server; without it that of the saved checkpoint, or all of events
    #[arg(long)]
    pub(crate) log: Option<String>,
}
