//! `GET /v1/status`: what is needed to say whether a tenant's record is complete, unchanged, and
//! the server healthy. Facts alone; `counterfoil status` judges them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::Json;
use axum::extract::State;
use event::format_time;
use query::{Losses, Overview, Seen};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::Failure;
use super::read::reading;
use super::shown::{ShownDamage, ShownGap};
use crate::app::App;
use crate::capacity::Capacity;

/// Services that the status lists, and silent ones.
const SERVICES_SHOWN: usize = 20;
/// Principals that the status lists, of those that a quota turned away.
const PRINCIPALS_SHOWN: usize = 20;
/// How long a retry is known as one.
const DUPLICATES_HOURS: i64 = commit::WINDOW_NS / HOUR_NS;
const HOUR_NS: i64 = 3_600_000_000_000;
/// A service that was heard and then not for so long is silent, until it is gone.
const SILENT_NS: i64 = 24 * HOUR_NS;
const GONE_NS: i64 = 7 * 24 * HOUR_NS;
/// A service that was heard once may have had no more to say.
const SILENT_EVENTS_MIN: u64 = 2;

pub(crate) async fn status(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
) -> Result<Json<Value>, Failure> {
    caller.may_oversee()?;
    let scope = caller.overview()?;
    let now = app.clock.now();
    let mut status = of_server(&app, now);
    status["logs"] = logs(&app, &caller.tenant);
    let away = app.quotas.of_tenant(&caller.tenant);
    status["quotas"] = json!(away.iter().take(PRINCIPALS_SHOWN).collect::<Vec<_>>());
    status["quotas_more"] = away.len().saturating_sub(PRINCIPALS_SHOWN).into();
    status["refused"] = app.refusals.total_of(&caller.tenant).into();
    // Before all is indexed, a gap may be one that is filled.
    if app.backlog.is_open() {
        let [gaps, more, services, dropped] = app.turns.short(|| heard(&app, &scope, now)).await?;
        status["gaps"] = gaps;
        status["gaps_more"] = more;
        status["services"] = services;
        status["dropped"] = dropped;
    }
    Ok(Json(status))
}

/// What was heard of a tenant's producers: gaps, how many more, services, and events dropped.
fn heard(app: &App, scope: &Overview, now: i64) -> Result<[Value; 4], Failure> {
    let (gaps, services, losses) = reading(app, |source| {
        let services = query::services(source, scope);
        Ok((query::gaps(source, scope), services, query::losses(source, scope)))
    })?;
    let all = json!(ShownGap::all(&gaps.gaps));
    Ok([all, gaps.more.into(), of_services(services, now), dropped(&losses)])
}

/// What is the same for all tenants; what is the tenant's own is null until it is filled in.
fn of_server(app: &App, now: i64) -> Value {
    let [indexed, checked, found] = app.backlog.progress();
    let readiness = app.readiness();
    let measures = app.store.measures();
    let (journal, written) =
        (measures.journal_bytes.load(Relaxed), measures.frame_bytes.load(Relaxed));
    let volume = app.room.volume(app.clock.elapsed());
    let capacity = volume.map(|volume| Capacity::of(volume, journal, written, app.clock.elapsed()));
    let lag = if app.backlog.is_open() { 0 } else { found.saturating_sub(indexed) };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "now": format_time(now),
        "uptime_s": app.clock.elapsed().as_secs(),
        "ready": readiness.is_ready(),
        "conditions": readiness.conditions,
        "logs": Value::Null,
        "refused": Value::Null,
        "quotas": Value::Null,
        "quotas_more": Value::Null,
        "dropped": Value::Null,
        "services": Value::Null,
        "gaps": Value::Null,
        "gaps_more": Value::Null,
        "start": {"events": found, "indexed": indexed, "checked": checked},
        "lag_events": lag,
        "lane_waiting": measures.waiting.load(Relaxed),
        "disk": capacity,
        "in_flight_bytes": app.permits.held(),
        "duplicates_window": {"events": commit::IDS_MAX, "hours": DUPLICATES_HOURS},
    })
}

fn logs(app: &App, tenant: &str) -> Value {
    let all = app.store.logs();
    let unnamed = app.unnamed_logs();
    let logs = all.values().filter(|log| log.meta.tenant == tenant).map(|log| {
        let size = log.checkpoint().size;
        let damaged = log.damaged().map(ShownDamage::new);
        let mut shown = json!({
            "name": log.meta.name(), "origin": log.meta.origin, "size": size, "vkey": log.vkey(),
        });
        if log.may_grow() {
            let named = unnamed.iter().all(|other| other.meta.name() != log.meta.name());
            shown["named"] = named.into();
        }
        if let Some(damaged) = damaged {
            shown["damaged"] = json!(damaged);
        }
        shown
    });
    logs.collect()
}

/// How many services were heard, those heard last, and those that fell silent.
fn of_services(mut services: Vec<Seen>, now: i64) -> Value {
    let heard = services.len();
    services.sort_by_key(|seen| std::cmp::Reverse(seen.last_seen));
    let latest: Vec<Value> = services.iter().take(SERVICES_SHOWN).map(service).collect();
    let silent = services.iter().filter(|seen| is_silent(seen, now));
    let count = silent.clone().count();
    let silent: Vec<Value> = silent.take(SERVICES_SHOWN).map(service).collect();
    json!({"heard": heard, "latest": latest, "silent": silent, "silent_count": count})
}

fn is_silent(seen: &Seen, now: i64) -> bool {
    let silence = now.saturating_sub(seen.last_seen);
    seen.events >= SILENT_EVENTS_MIN && (SILENT_NS..GONE_NS).contains(&silence)
}

fn service(seen: &Seen) -> Value {
    let Seen { log, service, events, last_seen } = seen;
    json!({
        "log": log, "service": service, "events": events, "last_seen": format_time(*last_seen),
    })
}

/// Events that producers say they dropped themselves.
fn dropped(losses: &BTreeMap<String, Losses>) -> Value {
    losses.values().map(|losses| losses.dropped).fold(0_u64, u64::saturating_add).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_silent_between_a_day_and_a_week() {
        let seen = |hours: i64, events| Seen {
            log: "l".into(),
            service: "s".into(),
            last_seen: -hours * HOUR_NS,
            events,
        };
        for (hours, events, silent) in
            [(23, 9, false), (24, 9, true), (24, 1, false), (167, 9, true), (168, 9, false)]
        {
            assert_eq!(is_silent(&seen(hours, events), 0), silent, "{hours} h, {events} events");
        }
    }
}
