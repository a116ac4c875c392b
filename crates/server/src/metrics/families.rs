//! Every metric: what docs/metrics.md documents and a page shows, no more and no less.

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Labels; each takes its values from a list that the code has.
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

/// What may become of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Grows until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of values in ranges.
    Histogram,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels: &[], help }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels: &[], help }
}

const fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, labels: &[], help }
}

const fn by(labels: &'static [&'static str], family: Family) -> Family {
    Family { labels, ..family }
}

/// In the order of docs/metrics.md.
pub(crate) const FAMILIES: &[Family] = &[
    by(
        &["method", "route", "status"],
        counter("counterfoil_requests_total", "Requests answered, by route and class of status."),
    ),
    by(
        &["route"],
        histogram("counterfoil_request_seconds", "From a request's head to its answer's head."),
    ),
    by(&["code"], counter("counterfoil_failures_total", "Requests that failed, by code.")),
    by(
        &["token"],
        counter(
            "counterfoil_strangers_total",
            "Requests turned away without a token in force, by what is wrong with it.",
        ),
    ),
    counter("counterfoil_writes_total", "Write requests received."),
    counter("counterfoil_events_total", "New events committed."),
    counter("counterfoil_duplicates_total", "Retries answered."),
    counter("counterfoil_conflicts_total", "Ids sent twice with other content."),
    by(&["code"], counter("counterfoil_refusals_total", "Records refused, by code.")),
    by(
        &["fate"],
        counter("counterfoil_scope_events_total", "Events that a rule of the audit scope fits."),
    ),
    counter("counterfoil_scope_saved_bytes_total", "Bytes of those that are not in the log."),
    histogram("counterfoil_commit_seconds", "From a batch handed to the lane to its answer."),
    histogram("counterfoil_frame_events", "Events of one frame."),
    histogram("counterfoil_sync_seconds", "One fdatasync of the journal."),
    counter("counterfoil_frame_bytes_total", "Bytes of all frames written."),
    counter("counterfoil_no_room_total", "Batches that heard that there is no room."),
    gauge("counterfoil_lane_waiting", "Batches in the lane or before it."),
    gauge("counterfoil_entries", "Entries of all logs."),
    gauge("counterfoil_logs", "Logs in the folder, closed ones too."),
    gauge("counterfoil_parts_set_aside", "Parts of the data folder set aside as damaged."),
    gauge("counterfoil_entries_unreadable", "Entries in them that were signed and cannot be read."),
    gauge("counterfoil_index_lag_events", "Events found at the start that are not indexed yet."),
    gauge("counterfoil_start_events", "Events that the start found."),
    gauge("counterfoil_start_events_indexed", "Those of them that are indexed."),
    gauge("counterfoil_start_events_checked", "Those of them compared with their entries."),
    gauge("counterfoil_in_flight_bytes", "Bytes of bodies that wait for their answers."),
    gauge("counterfoil_in_flight_bytes_max", "How many there may be."),
    gauge("counterfoil_connections", "Connections open."),
    gauge("counterfoil_connections_max", "How many there may be."),
    counter("counterfoil_connections_refused_total", "Connections turned away at the bound."),
    by(&["kind"], gauge("counterfoil_reads_running", "Reads and large bodies under way.")),
    by(&["kind"], gauge("counterfoil_reads_waiting", "Those that wait for their turn.")),
    by(&["kind"], counter("counterfoil_reads_busy_total", "Those that were told to come again.")),
    gauge("counterfoil_journal_bytes", "Bytes of the journal's files."),
    gauge("counterfoil_disk_bytes", "Bytes of the data folder's file system."),
    gauge("counterfoil_disk_free_bytes", "Bytes of it that may still be written."),
    gauge("counterfoil_disk_free_inodes", "Files that may still be made on it."),
    gauge("counterfoil_ready", "Whether writes are accepted: 1 or 0."),
    by(&["condition"], gauge("counterfoil_condition", "Conditions of /readyz: 1 holds, 0 not.")),
    by(&["version"], gauge("counterfoil_build_info", "Always 1; the label says what runs.")),
    gauge("process_start_time_seconds", "When the process started, since 1970."),
    counter("process_cpu_seconds_total", "Seconds that the process's threads have run."),
    gauge("process_resident_memory_bytes", "Memory in use."),
    gauge("process_open_fds", "Files open, sockets among them."),
    gauge("process_max_fds", "How many may be open."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../../docs/metrics.md");

    #[test]
    fn the_page_documents_every_metric_and_no_other() {
        let row = |family: &Family| {
            let Family { name, kind, labels, help } = family;
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{name}` | {} | {} | {help} |", kind.word(), labels.join(", "))
        };
        let code: Vec<String> =
            FAMILIES.iter().map(row).map(|row| row.replace("|  |", "| |")).collect();
        let told = PAGE.lines().filter(|line| line.starts_with("| `"));
        let told: Vec<String> = told.map(|line| line.replace("|  |", "| |")).collect();
        assert_eq!(told, code);
    }

    #[test]
    fn names_say_their_units_and_stand_once() {
        let names: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for Family { name, kind, help, .. } in FAMILIES {
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}: {help}");
            let ours = ["counterfoil_", "process_"].iter().any(|start| name.starts_with(start));
            assert!(ours, "{name}");
        }
    }
}
