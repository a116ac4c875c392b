//! The configuration: one table of settings, and from it all that is read, shown and documented.
//!
//! Promises: a setting that is not in [`SETTINGS`] or [`LOG`] does not exist: the file, the
//! environment, `docs/counterfoil.toml` and the table in `docs/configuration.md` come from these
//! rows. What is wrong is told all at once, each with its place. Of each value is known where it
//! came from: command line over environment over file over default.
//!
//! Never: repeats a value of the environment in an error, or holds a secret: a setting that needs
//! one names the file that has it.

mod compare;
mod describe;
mod environment;
mod fault;
mod file;
mod load;
mod rules;
mod setting;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use commit::{LogSpec, PartitionLimits, Purpose};

pub use compare::{Change, digest};
pub use describe::{annotated, table_rows};
pub use fault::{ConfigError, Fault, Place};
pub use load::{Loaded, Shown, Sources};
pub use rules::check_host;
pub use setting::{Field, Reload, Setting, Value};
pub(crate) use table::RATE_MAX;
pub use table::{LOG, QUOTA, SETTINGS};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Host part of the origin of logs made now: a name, not an address to reach. Fixed for a
    /// folder once its first log is made.
    pub origin: Option<String>,
    /// The logs, one for each tenant.
    pub log: Vec<LogConfig>,
    /// Principals that may do more or less than others.
    pub quota: Vec<QuotaConfig>,
    /// Bounds.
    pub limits: Limits,
    /// Room that the disk is to keep.
    pub disk: Disk,
    /// When a log is closed and the next one opened.
    pub partition: Partition,
    /// What a start does that finds the journal or the head damaged.
    pub on_damage: &'static str,
}

/// One log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// Short name, `[a-z0-9-]{1,63}`.
    pub name: String,
    /// Whose events it takes.
    pub tenant: String,
    /// Whether anybody may read its tiles.
    pub public: bool,
    /// File or folder that says which team owns which service.
    pub catalogue: Option<PathBuf>,
    /// File with the rules of the tenant's audit scope.
    pub scope: Option<PathBuf>,
}

/// What one principal may do in a second; 0 is as much as any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaConfig {
    /// Its tenant.
    pub tenant: String,
    /// Its name: that of its token.
    pub principal: String,
    /// Events a second.
    pub events_s_max: usize,
    /// Bytes a second.
    pub bytes_s_max: usize,
    /// Reads a second.
    pub reads_s_max: usize,
}

/// When a log is closed and the next one opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// At so many entries.
    pub entries_max: usize,
    /// At so many days.
    pub days_max: usize,
}

impl Default for Partition {
    fn default() -> Partition {
        let (entries_max, days_max) = (table::PARTITION_ENTRIES_MAX, table::PARTITION_DAYS_MAX);
        Partition { entries_max, days_max }
    }
}

impl Partition {
    pub(crate) fn limits(&self) -> PartitionLimits {
        let age_max = Duration::from_secs(self.days_max as u64 * 86_400);
        PartitionLimits { entries_max: Some(self.entries_max as u64), age_max: Some(age_max) }
    }
}

/// Bounds of what is held at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one request body, decompressed.
    pub body_bytes_max: usize,
    /// Bytes of all request bodies that wait for their answer.
    pub in_flight_bytes_max: usize,
    /// Events of one request.
    pub request_events_max: usize,
    /// Connections that are open at once.
    pub connections_max: usize,
    /// Those of them that one peer may have.
    pub connections_per_peer_max: usize,
    /// Events a second of one principal.
    pub producer_events_s_max: usize,
    /// Bytes a second of one principal.
    pub producer_bytes_s_max: usize,
    /// Reads a second of one principal.
    pub reads_s_max: usize,
}

/// What may be done about damage; the first is the default.
pub(crate) const ON_DAMAGE: &[&str] = &["refuse", "new-partition"];

impl Default for Config {
    fn default() -> Config {
        let log = LogConfig {
            name: "default-0".into(),
            tenant: "default".into(),
            ..LogConfig::default()
        };
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            origin: None,
            log: vec![log],
            quota: Vec::new(),
            limits: Limits::default(),
            disk: Disk::default(),
            partition: Partition::default(),
            on_damage: ON_DAMAGE[0],
        }
    }
}

/// Room that the disk is to keep; 0 is no threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Free bytes below which it is told.
    pub free_warn_bytes: usize,
    /// Free bytes below which no body is taken in.
    pub free_min_bytes: usize,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk { free_warn_bytes: 2 << 30, free_min_bytes: 256 << 20 }
    }
}

/// Each takes 4 KiB of the access log at least: 34 GB a day of who reads without end.
const READS_S_MAX: usize = 100;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: 16 << 20,
            in_flight_bytes_max: 128 << 20,
            request_events_max: table::REQUEST_EVENTS_MAX,
            connections_max: 1_024,
            connections_per_peer_max: 512,
            producer_events_s_max: table::RATE_MAX,
            producer_bytes_s_max: table::RATE_MAX,
            reads_s_max: READS_S_MAX,
        }
    }
}

impl Config {
    /// Reads a text, as the only source.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        load::of_text(text)
    }

    /// The logs to have.
    pub fn logs(&self) -> Vec<LogSpec> {
        let spec = |log: &LogConfig| LogSpec {
            name: log.name.clone(),
            tenant: log.tenant.clone(),
            public: log.public,
            purpose: Purpose::Events,
        };
        self.log.iter().map(spec).collect()
    }
}

#[cfg(test)]
mod tests;
