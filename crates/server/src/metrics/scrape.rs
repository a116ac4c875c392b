//! One page: everything there is to know, read when somebody asks.

use std::sync::atomic::Ordering::Relaxed;

use super::page::Page;
use crate::app::App;
use crate::http::error::CODES;
use crate::left_out::Sums;

/// Microseconds of a second.
const MICROS: f64 = 1e6;

/// Writes the page.
pub(crate) fn scrape(app: &App) -> String {
    let mut page = Page::default();
    requests(&mut page, app);
    writes(&mut page, app);
    lane(&mut page, app);
    start(&mut page, app);
    room(&mut page, app);
    disk(&mut page, app);
    process(&mut page, app);
    page.text()
}

fn requests(page: &mut Page, app: &App) {
    let requests = &app.metrics.requests;
    requests.each(|labels, n| page.put("counterfoil_requests_total", &labels, n as f64));
    requests.each_time(|route, micros| {
        page.histogram("counterfoil_request_seconds", &[route], micros, MICROS);
    });
    let mut codes: Vec<&str> = CODES.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        page.put("counterfoil_failures_total", &[code], requests.failures(code) as f64);
    }
    for (token, count) in app.metrics.strangers.counts() {
        page.put("counterfoil_strangers_total", &[token], count as f64);
    }
}

fn writes(page: &mut Page, app: &App) {
    let counters = &app.counters;
    page.count("counterfoil_writes_total", counters.requests.load(Relaxed));
    page.count("counterfoil_events_total", counters.events.load(Relaxed));
    page.count("counterfoil_duplicates_total", counters.duplicates.load(Relaxed));
    page.count("counterfoil_conflicts_total", counters.conflicts.load(Relaxed));
    for (code, n) in app.refusals.by_code() {
        page.put("counterfoil_refusals_total", &[code], n as f64);
    }
    let Sums { saved, no_room } = app.left_out.sums();
    for (fate, events) in [
        ("left_out", saved.left_out),
        ("counted", saved.counted),
        ("spared", saved.spared),
        ("no_room", no_room),
    ] {
        page.put("counterfoil_scope_events_total", &[fate], events as f64);
    }
    page.count("counterfoil_scope_saved_bytes_total", saved.bytes_saved);
}

fn lane(page: &mut Page, app: &App) {
    let measures = app.store.measures();
    page.histogram("counterfoil_commit_seconds", &[], &app.metrics.commit_micros, MICROS);
    page.histogram("counterfoil_frame_events", &[], &measures.frame_events, 1.0);
    page.histogram("counterfoil_sync_seconds", &[], &measures.sync_micros, MICROS);
    page.count("counterfoil_frame_bytes_total", measures.frame_bytes.load(Relaxed));
    page.count("counterfoil_no_room_total", measures.no_room.load(Relaxed));
    page.count("counterfoil_lane_waiting", measures.waiting.load(Relaxed));
    let logs = app.store.logs();
    page.count("counterfoil_entries", logs.values().map(|log| log.checkpoint().size).sum());
    page.count("counterfoil_logs", logs.len() as u64);
    page.count("counterfoil_parts_set_aside", app.set_aside() as u64);
    page.count("counterfoil_entries_unreadable", app.lost());
}

fn start(page: &mut Page, app: &App) {
    let [indexed, checked, found] = app.backlog.progress();
    let lag = if app.backlog.is_open() { 0 } else { found.saturating_sub(indexed) };
    page.count("counterfoil_index_lag_events", lag);
    page.count("counterfoil_start_events", found);
    page.count("counterfoil_start_events_indexed", indexed);
    page.count("counterfoil_start_events_checked", checked);
}

fn room(page: &mut Page, app: &App) {
    page.count("counterfoil_in_flight_bytes", app.permits.held() as u64);
    page.count("counterfoil_in_flight_bytes_max", app.limits().in_flight_bytes_max as u64);
    page.count("counterfoil_connections", app.connections.open.load(Relaxed));
    page.count("counterfoil_connections_max", app.connections.max.load(Relaxed) as u64);
    page.count("counterfoil_connections_refused_total", app.connections.refused.load(Relaxed));
    let kinds = app.turns.state();
    for (name, value) in [
        ("counterfoil_reads_running", kinds.map(|(kind, [running, _, _])| (kind, running))),
        ("counterfoil_reads_waiting", kinds.map(|(kind, [_, waiting, _])| (kind, waiting))),
        ("counterfoil_reads_busy_total", kinds.map(|(kind, [_, _, busy])| (kind, busy))),
    ] {
        value.iter().for_each(|(kind, value)| page.put(name, &[kind], *value as f64));
    }
}

fn disk(page: &mut Page, app: &App) {
    page.count("counterfoil_journal_bytes", app.store.measures().journal_bytes.load(Relaxed));
    // A disk that does not answer has no numbers; /readyz says so.
    if let Some(volume) = app.room.volume(app.clock.elapsed()) {
        page.count("counterfoil_disk_bytes", volume.bytes);
        page.count("counterfoil_disk_free_bytes", volume.bytes_free);
        page.count("counterfoil_disk_free_inodes", volume.inodes_free);
    }
    let readiness = app.readiness();
    page.count("counterfoil_ready", u64::from(readiness.is_ready()));
    for condition in &readiness.conditions {
        let holds = if condition.holds { 1.0 } else { 0.0 };
        page.put("counterfoil_condition", &[condition.name], holds);
    }
}

fn process(page: &mut Page, app: &App) {
    page.put("counterfoil_build_info", &[env!("CARGO_PKG_VERSION")], 1.0);
    page.put("process_start_time_seconds", &[], app.metrics.started_at);
    let Ok(own) = platform::own_process() else { return };
    page.put("process_cpu_seconds_total", &[], own.cpu_seconds);
    page.count("process_resident_memory_bytes", own.memory_bytes);
    page.count("process_open_fds", own.files_open);
    if let Some(max) = own.files_max {
        page.count("process_max_fds", max);
    }
}
