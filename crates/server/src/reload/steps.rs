//! The parts that follow a reload. To add one: a row in [`STEPS`] and a function that makes its
//! candidate.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use admit::scope::Rules;

use crate::app::App;
use crate::config::{Change, Config, LogConfig, Place, Value};
use crate::quotas::Rates;
use crate::{descriptors, scope_file};

/// A part that follows the configuration.
pub(super) struct Step {
    /// Its name in an error.
    pub(super) name: &'static str,
    /// Reads and judges all that the part needs, and changes nothing. It may read files.
    pub(super) prepare: fn(&Arc<App>, &Config) -> Result<Candidate, String>,
}

/// What a part will have once every part has its candidate.
pub(super) struct Candidate {
    /// What it changes beside the settings themselves, such as the content of a file.
    pub(super) changes: Vec<Change>,
    /// Puts it in force. It cannot fail, and does not wait.
    pub(super) take: Box<dyn FnOnce(&App) + Send>,
}

pub(super) const STEPS: &[Step] = &[
    Step { name: "limits", prepare: limits },
    Step { name: "the audit scope", prepare: audit_scope },
    Step { name: "quotas", prepare: quotas },
];

/// Bounds that live beside what they bound. The others are asked for with each request.
fn limits(_: &Arc<App>, next: &Config) -> Result<Candidate, String> {
    let in_flight_bytes_max = next.limits.in_flight_bytes_max;
    let connections_max = descriptors::connections(next.limits.connections_max);
    let per_peer_max = next.limits.connections_per_peer_max;
    let take = move |app: &App| {
        app.permits.resize(in_flight_bytes_max);
        app.connections.max.store(connections_max, Relaxed);
        app.connections.per_peer_max.store(per_peer_max, Relaxed);
    };
    Ok(Candidate { changes: Vec::new(), take: Box::new(take) })
}

/// What each principal may send and read.
fn quotas(_: &Arc<App>, next: &Config) -> Result<Candidate, String> {
    let rates = Rates::of_config(next);
    let take = move |app: &App| app.quotas.change(rates);
    Ok(Candidate { changes: Vec::new(), take: Box::new(take) })
}

/// The rules of every tenant, read anew: what stands in a file may be other than it was, though the
/// file's name is the same. What was counted under rules that are gone is stated as it becomes due.
fn audit_scope(app: &Arc<App>, next: &Config) -> Result<Candidate, String> {
    let mut changes = Vec::new();
    let mut taken = Vec::with_capacity(next.log.len());
    for (at, log) in next.log.iter().enumerate() {
        let rules = rules(log)?;
        let now =
            app.policies.of(&log.tenant).scope.as_ref().map(|rules| rules.digest().to_owned());
        let then = rules.as_ref().map(|rules| rules.digest().to_owned());
        if now != then {
            changes.push(of_rules(at, log, now, then));
        }
        taken.push((log.tenant.clone(), rules));
    }
    let take = move |app: &App| {
        for (tenant, rules) in taken {
            app.policies.change(&tenant, |policy| policy.with_scope(rules));
        }
    };
    Ok(Candidate { changes, take: Box::new(take) })
}

fn rules(log: &LogConfig) -> Result<Option<Arc<Rules>>, String> {
    let Some(file) = &log.scope else { return Ok(None) };
    let shown = file.display();
    let rules = scope_file::read(file).map_err(|what| format!("{shown}: {what}"))?;
    for warning in rules.warnings() {
        tracing::warn!(file = %shown, warning, "a rule of the audit scope");
    }
    // A file without a rule is as good as none, and a policy does not name it.
    Ok(Some(rules).filter(|rules| rules.iter().len() > 0))
}

/// Other rules, by the digest that `recorded.policy` of every event judged by them has.
fn of_rules(at: usize, log: &LogConfig, now: Option<String>, then: Option<String>) -> Change {
    let value = |digest: Option<String>| {
        digest.map_or(Value::Nothing, |digest| Value::Text(format!("scope/{digest}")))
    };
    let file =
        |file: &std::path::PathBuf| Place::File { file: file.display().to_string(), line: 1 };
    Change {
        name: format!("log[{at}].scope.rules"),
        old: value(now),
        new: value(then),
        place: log.scope.as_ref().map_or(Place::Default, file),
        live: true,
        tenant: Some(log.tenant.clone()),
    }
}
