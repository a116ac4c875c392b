//! What values must be, alone and beside each other.

use std::collections::{BTreeMap, BTreeSet};

use super::load::Draft;
use super::{Config, Limits, QuotaConfig};
use crate::books::books;

/// Logs of one lane; each has its access log, and the head has room for both.
const LOGS_MAX: usize = 500;
/// Principals with a quota of their own.
const QUOTAS_MAX: usize = 1_000;

/// Checks what no value says of itself.
pub(super) fn check(draft: &mut Draft) {
    let Limits { body_bytes_max: body, in_flight_bytes_max: all, .. } = draft.config.limits;
    if all < body.saturating_mul(4) {
        // Whoever set one of the two is told there.
        let names = ["limits.in_flight_bytes_max", "limits.body_bytes_max"];
        let set = names.into_iter().find(|name| draft.is_given(name)).unwrap_or(names[0]);
        let least = body.saturating_mul(4);
        draft.fault(
            set,
            format!(
                "limits.in_flight_bytes_max ({all}) must be at least {least}, 4 times \
                 limits.body_bytes_max ({body}): one tenant gets at most half of what is free"
            ),
        );
    }
    logs(draft);
    quotas(draft);
}

fn quotas(draft: &mut Draft) {
    let quotas = draft.config.quota.clone();
    if quotas.len() > QUOTAS_MAX {
        let count = quotas.len();
        draft.fault("quota", format!("at most {QUOTAS_MAX} quotas are allowed, not {count}"));
        return;
    }
    let mut seen = BTreeSet::new();
    for (at, QuotaConfig { tenant, principal, .. }) in quotas.iter().enumerate() {
        if !draft.config.log.iter().any(|log| log.tenant == *tenant) {
            let what = format!("quota.tenant {tenant:?} is the tenant of no log");
            draft.fault(&format!("quota[{at}].tenant"), what);
        }
        if !seen.insert((tenant, principal)) {
            let what = format!("quota.principal {principal:?} of {tenant:?} stands twice");
            draft.fault(&format!("quota[{at}].principal"), what);
        }
    }
}

fn logs(draft: &mut Draft) {
    let count = draft.config.log.len();
    if !(1..=LOGS_MAX).contains(&count) {
        draft.fault("log", format!("1 to {LOGS_MAX} logs are allowed, not {count}"));
        return;
    }
    let again = twice(&draft.config);
    // What stands twice would be told twice.
    if again.is_empty()
        && let Err(what) = books(draft.config.logs())
    {
        draft.fault("log", what);
    }
    for (at, what) in again {
        draft.fault(&at, what);
    }
}

/// Names and tenants that an earlier log has, by the name of their place.
fn twice(config: &Config) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut names, mut tenants) = (BTreeMap::new(), BTreeMap::new());
    for (at, log) in config.log.iter().enumerate() {
        let values = [("name", &log.name, &mut names), ("tenant", &log.tenant, &mut tenants)];
        for (field, value, seen) in values {
            // What is empty was refused already, or is missing.
            if !value.is_empty() && seen.insert(value.clone(), at).is_some() {
                let what = format!("log.{field} {value:?} stands twice; each log has its own");
                found.push((format!("log[{at}].{field}"), what));
            }
        }
    }
    found
}

/// Tenants' names stand in file names and on the command line.
pub(super) fn check_tenant(name: &str) -> Result<(), String> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if (1..=63).contains(&name.len()) && name.bytes().all(known) && !name.starts_with('.') {
        return Ok(());
    }
    Err("must be 1 to 63 letters, digits, '-', '_' or '.', and not begin with '.'".into())
}

/// Checks the host part of an origin: a lower-case DNS name or address, optional port, no scheme.
pub fn check_host(host: &str) -> Result<(), String> {
    let known = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'[' | b']');
    if (1..=180).contains(&host.len()) && host.bytes().all(known) {
        return Ok(());
    }
    Err("must be a lower-case host name or address with optional port, such as \
         audit.example.com, without scheme or path"
        .into())
}
