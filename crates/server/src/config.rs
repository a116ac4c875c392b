//! The configuration: one TOML file, every key optional, unknown keys refused.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use commit::LogSpec;
use serde::Deserialize;

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Host part of the origin of logs made now: a name, not an address to reach. Fixed for a
    /// folder once its first log is made.
    pub origin: Option<String>,
    /// The logs, one for each tenant.
    pub log: Vec<LogConfig>,
    /// Bounds.
    pub limits: Limits,
}

/// One log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Short name, `[a-z0-9-]{1,63}`.
    pub name: String,
    /// Whose events it takes.
    pub tenant: String,
    /// Whether anybody may read its tiles.
    #[serde(default)]
    pub public: bool,
}

/// Bounds of what is held at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one request body, decompressed.
    pub body_bytes_max: usize,
    /// Bytes of all request bodies that wait for their answer.
    pub in_flight_bytes_max: usize,
    /// Events of one request.
    pub request_events_max: usize,
    /// Connections that are open at once.
    pub connections_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        let log = LogConfig { name: "default-0".into(), tenant: "default".into(), public: false };
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            origin: None,
            log: vec![log],
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: 16 << 20,
            in_flight_bytes_max: 128 << 20,
            request_events_max: REQUEST_EVENTS_MAX,
            connections_max: 1_024,
        }
    }
}

/// A configuration that cannot be used: where and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("cannot read {shown}: {error}")))?;
        Config::parse(&text).map_err(|ConfigError(what)| ConfigError(format!("{shown}: {what}")))
    }

    /// Reads a text.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            ConfigError(format!("{place}{}{}", error.message(), suggestion(error.message())))
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let mut names = BTreeSet::new();
        let mut tenants = BTreeSet::new();
        for spec in self.logs() {
            spec.check().map_err(ConfigError)?;
            check_tenant(&spec.tenant).map_err(ConfigError)?;
            if !names.insert(spec.name.clone()) || !tenants.insert(spec.tenant.clone()) {
                let what = format!("log {}: its name or its tenant stands twice", spec.name);
                return Err(ConfigError(what));
            }
        }
        if names.is_empty() || names.len() > LOGS_MAX {
            return Err(ConfigError(format!("1 to {LOGS_MAX} logs are allowed")));
        }
        let Limits { body_bytes_max: body, in_flight_bytes_max: all, .. } = self.limits;
        if !(1..=BODY_BYTES_MAX).contains(&body) || all < 4 * body {
            return Err(ConfigError(format!(
                "limits: body_bytes_max must be 1 to {BODY_BYTES_MAX}, in_flight_bytes_max at \
                 least 4 times as much: one tenant gets at most half of what is free"
            )));
        }
        if !(1..=REQUEST_EVENTS_MAX).contains(&self.limits.request_events_max) {
            let what = format!("limits: request_events_max must be 1 to {REQUEST_EVENTS_MAX}");
            return Err(ConfigError(what));
        }
        if !(1..=CONNECTIONS_MAX).contains(&self.limits.connections_max) {
            let what = format!("limits: connections_max must be 1 to {CONNECTIONS_MAX}");
            return Err(ConfigError(what));
        }
        if let Some(host) = &self.origin {
            check_host(host).map_err(ConfigError)?;
        }
        Ok(())
    }

    /// The logs to have.
    pub fn logs(&self) -> Vec<LogSpec> {
        let spec = |log: &LogConfig| LogSpec {
            name: log.name.clone(),
            tenant: log.tenant.clone(),
            public: log.public,
        };
        self.log.iter().map(spec).collect()
    }

    /// The log that takes a tenant's events, by tenant.
    pub(crate) fn open_logs(&self) -> BTreeMap<String, String> {
        self.log.iter().map(|log| (log.tenant.clone(), log.name.clone())).collect()
    }
}

/// Each may come with an event of our own, and all must fit into one event list of 64 MiB.
const REQUEST_EVENTS_MAX: usize = 20_000;
/// Each takes an open file, and up to 64 KiB of what is read ahead.
const CONNECTIONS_MAX: usize = 65_536;
/// A body's events must fit into one journal file.
const BODY_BYTES_MAX: usize = 32 << 20;

/// Tenants' names stand in file names and on the command line.
fn check_tenant(name: &str) -> Result<(), String> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if (1..=63).contains(&name.len()) && name.bytes().all(known) && !name.starts_with('.') {
        return Ok(());
    }
    Err(format!("the tenant {name:?} must be 1 to 63 letters, digits, '-', '_' or '.'"))
}

/// Logs of one lane; the head has room for as many.
const LOGS_MAX: usize = 1_000;

/// Checks the host part of an origin: a lower-case DNS name or address, optional port, no scheme.
pub fn check_host(host: &str) -> Result<(), String> {
    let known = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'[' | b']');
    if (1..=180).contains(&host.len()) && host.bytes().all(known) {
        return Ok(());
    }
    Err(format!(
        "the origin {host:?} must be a lower-case host name or address with optional port, \
         such as audit.example.com, without scheme or path"
    ))
}

/// "did you mean" for serde's "unknown field `x`, expected one of `a`, `b`".
fn suggestion(message: &str) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    let Some(unknown) = words.next().filter(|_| message.starts_with("unknown field")) else {
        return String::new();
    };
    let near = words.map(|w| (strsim::damerau_levenshtein(w, unknown), w)).min();
    match near {
        Some((distance, word)) if distance <= 3 => format!("; did you mean `{word}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text).expect_err("refused").to_string()
    }

    #[test]
    fn unknown_keys_are_refused_with_line_and_suggestion() {
        let text = "listen = \"127.0.0.1:1\"\n[limits]\nbody_byte_max = 1\n";
        let said = error(text);
        assert!(said.starts_with("line 3: unknown field `body_byte_max`"), "{said}");
        assert!(said.ends_with("did you mean `body_bytes_max`?"), "{said}");
    }

    #[test]
    fn wrong_values_are_refused() {
        assert!(error("origin = \"https://a\"").contains("without scheme"));
        assert!(error("[[log]]\nname = \"A\"\ntenant = \"a\"").contains("a-z"));
        assert!(error("log = []").contains("1 to 1000 logs"));
        let twice = "[[log]]\nname=\"a\"\ntenant=\"a\"\n[[log]]\nname=\"a\"\ntenant=\"b\"\n";
        assert!(error(twice).contains("stands twice"));
        let twice = "[[log]]\nname=\"a\"\ntenant=\"a\"\n[[log]]\nname=\"b\"\ntenant=\"a\"\n";
        assert!(error(twice).contains("stands twice"));
    }

    const PAGE: &str = include_str!("../../../docs/configuration.md");

    /// The names that a table knows, as its own refusal lists them.
    fn known(table: &str, prefix: &str) -> BTreeSet<String> {
        let said = error(&format!("{table}\nnobody_has_this = 1\n"));
        let words = said.split('`').skip(3).step_by(2);
        words.map(|word| format!("{prefix}{word}")).collect()
    }

    #[test]
    fn the_page_names_every_setting_and_no_other() {
        let mut settings = known("", "");
        assert!(settings.remove("limits"), "a table is named by what is in it: {settings:?}");
        settings.extend(known("[limits]", "limits."));
        settings.extend(known("[[log]]", "log."));
        let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
        let named: BTreeSet<String> =
            rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect();
        assert_eq!(named, settings);
        assert!(named.contains("limits.connections_max") && named.contains("log.public"));
    }

    #[test]
    fn the_page_tells_the_defaults_and_its_example_is_sound() {
        let default = Config::default();
        let limits = &default.limits;
        for (name, value) in [
            ("listen", format!("`\"{}\"`", default.listen)),
            ("limits.body_bytes_max", limits.body_bytes_max.to_string()),
            ("limits.in_flight_bytes_max", limits.in_flight_bytes_max.to_string()),
            ("limits.request_events_max", limits.request_events_max.to_string()),
            ("limits.connections_max", limits.connections_max.to_string()),
        ] {
            let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{name}` ")));
            let cells: Vec<&str> = row.expect("a row").split(" | ").collect();
            assert_eq!(cells[2], value, "{name}");
        }
        let example = PAGE.split("```").nth(1).expect("an example");
        let config = Config::parse(example.trim_start_matches("toml")).expect("sound");
        assert_eq!((config.log.len(), config.limits.connections_max), (2, 4096));
    }
}
