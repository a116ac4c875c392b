//! The text that Prometheus reads (exposition format, version 0.0.4).

use std::fmt::Write;

use commit::Histogram;

use super::families::{FAMILIES, Family};

/// A page being written.
#[derive(Default)]
pub(crate) struct Page {
    text: String,
    /// The family whose series are being written.
    family: &'static str,
}

impl Page {
    /// A series. Those of one family stand together.
    pub(crate) fn put(&mut self, name: &str, labels: &[&str], value: f64) {
        let Some(family) = self.begin(name) else { return };
        self.series(family.name, "", &pairs(family, labels), value);
    }

    /// A whole number, written as one.
    pub(crate) fn count(&mut self, name: &str, value: u64) {
        self.put(name, &[], value as f64);
    }

    /// A histogram, whose values are `scale` times what is shown.
    pub(crate) fn histogram(
        &mut self,
        name: &str,
        labels: &[&str],
        values: &Histogram,
        scale: f64,
    ) {
        let Some(family) = self.begin(name) else { return };
        let pairs = pairs(family, labels);
        let (counts, sum) = values.read();
        for (bound, count) in &counts {
            let bound = bound.map_or("+Inf".into(), |bound| (bound as f64 / scale).to_string());
            let comma = if pairs.is_empty() { "" } else { "," };
            let pairs = format!("{pairs}{comma}le=\"{bound}\"");
            self.series(family.name, "_bucket", &pairs, *count as f64);
        }
        self.series(family.name, "_sum", &pairs, sum as f64 / scale);
        let all = counts.last().map_or(0, |(_, count)| *count);
        self.series(family.name, "_count", &pairs, all as f64);
    }

    pub(crate) fn text(self) -> String {
        self.text
    }

    /// The family's head, before its first series.
    fn begin(&mut self, name: &str) -> Option<&'static Family> {
        let family = FAMILIES.iter().find(|family| family.name == name);
        debug_assert!(family.is_some(), "{name} is not in the table of metrics");
        let family = family?;
        if self.family != family.name {
            let Family { name, kind, help, .. } = family;
            let head = format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.word());
            self.text.push_str(&head);
            self.family = name;
        }
        Some(family)
    }

    fn series(&mut self, name: &str, suffix: &str, pairs: &str, value: f64) {
        let (open, close) = if pairs.is_empty() { ("", "") } else { ("{", "}") };
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{name}{suffix}{open}{pairs}{close} {value}");
    }
}

/// `name="value"` with commas between. Values come from lists of ours, which need no escaping but
/// are given it.
fn pairs(family: &Family, labels: &[&str]) -> String {
    debug_assert_eq!(family.labels.len(), labels.len(), "{}", family.name);
    let pair = |(name, value): (&&str, &&str)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    family.labels.iter().zip(labels).map(pair).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_prometheus_reads() {
        let mut page = Page::default();
        page.count("counterfoil_events_total", 7);
        page.put("counterfoil_failures_total", &["a\"b"], 1.0);
        page.put("counterfoil_failures_total", &["busy"], 2.0);
        let histogram = Histogram::new(&[500, 1_000]);
        histogram.add(700);
        page.histogram("counterfoil_commit_seconds", &[], &histogram, 1e6);
        let text = page.text();
        let want = "# HELP counterfoil_events_total New events committed.
# TYPE counterfoil_events_total counter
counterfoil_events_total 7
# HELP counterfoil_failures_total Requests that failed, by code.
# TYPE counterfoil_failures_total counter
counterfoil_failures_total{code=\"a\\\"b\"} 1
counterfoil_failures_total{code=\"busy\"} 2
# HELP counterfoil_commit_seconds From a batch handed to the lane to its answer.
# TYPE counterfoil_commit_seconds histogram
counterfoil_commit_seconds_bucket{le=\"0.0005\"} 0
counterfoil_commit_seconds_bucket{le=\"0.001\"} 1
counterfoil_commit_seconds_bucket{le=\"+Inf\"} 1
counterfoil_commit_seconds_sum 0.0007
counterfoil_commit_seconds_count 1
";
        assert_eq!(text, want);
    }
}
