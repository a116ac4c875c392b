//! What is packaged for Prometheus and Grafana, held against the code: every metric that a rule or
//! panel asks for exists, and every alert and every operational code has its runbook.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::families::{FAMILIES, Kind};
use crate::http::error::CODES;

const ALERTS: &str = include_str!("../../../../packaging/prometheus/alerts.yaml");
const DASHBOARD: &str = include_str!("../../../../packaging/grafana/counterfoil.json");
const RUNBOOKS: &str = include_str!("../../../../docs/operations/runbooks/README.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The values of a key of the rules, one for each line that has it.
fn of_alerts(key: &str) -> Vec<&'static str> {
    let lines = ALERTS.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).collect()
}

/// The metrics that an expression asks for; `up` is Prometheus' own.
fn metrics(expression: &str) -> Vec<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |word: &&str| word.starts_with("counterfoil_") || word.starts_with("process_");
    words.filter(ours).map(str::to_owned).collect()
}

fn is_known(metric: &str) -> bool {
    FAMILIES.iter().any(|family| match family.kind {
        Kind::Histogram => {
            let rest = metric.strip_prefix(family.name);
            rest.is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest))
        }
        _ => metric == family.name,
    })
}

fn check(expressions: &[String], at_least: usize) {
    assert!(expressions.len() >= at_least, "{} expressions", expressions.len());
    for expression in expressions {
        let metrics = metrics(expression);
        assert!(!metrics.is_empty() || expression.starts_with("up{"), "{expression}");
        for metric in metrics {
            assert!(is_known(&metric), "{metric} in {expression}");
        }
    }
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| expressions(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn rules_and_panels_ask_for_metrics_that_exist() {
    let rules: Vec<String> = of_alerts("expr").into_iter().map(str::to_owned).collect();
    assert_eq!(rules.len(), of_alerts("alert").len());
    check(&rules, 10);
    let mut panels = Vec::new();
    expressions(&serde_json::from_str(DASHBOARD).expect("JSON"), &mut panels);
    check(&panels, 10);
    assert!(!is_known("counterfoil_commit_seconds") && !is_known("counterfoil_made_up_total"));
}

/// `CounterfoilNotReady` → `counterfoil-not-ready.md`.
fn page(alert: &str) -> String {
    let mut page = String::new();
    for c in alert.chars() {
        if c.is_ascii_uppercase() && !page.is_empty() {
            page.push('-');
        }
        page.push(c.to_ascii_lowercase());
    }
    page + ".md"
}

#[test]
fn every_alert_has_its_runbook_and_the_other_way_round() {
    let folder = "docs/operations/runbooks";
    let wanted: BTreeSet<String> = of_alerts("alert").into_iter().map(page).collect();
    let named: BTreeSet<String> = of_alerts("runbook")
        .iter()
        .map(|path| path.strip_prefix(folder).expect("a runbook")[1..].to_owned())
        .collect();
    assert_eq!(named, wanted);
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder").flatten();
    let mut there: BTreeSet<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    assert!(there.remove("README.md"));
    assert_eq!(there, wanted);
    for page in &there {
        let text = std::fs::read_to_string(root().join(folder).join(page)).expect("text");
        for part in ["means", "How to see", "What to do", "What not to do"] {
            assert!(text.contains(part), "{page} has no part {part:?}");
        }
        assert!(RUNBOOKS.contains(&format!("]({page})")), "{page} is not in the list");
    }
}

#[test]
fn every_operational_code_has_a_runbook() {
    let operational = CODES.iter().filter(|(status, _)| *status >= 500);
    for code in operational.flat_map(|(_, codes)| codes.iter()) {
        let row = RUNBOOKS.lines().find(|line| line.starts_with(&format!("| `{code}` | [")));
        let page = row.and_then(|row| row.split("](").nth(1)?.split(')').next()).expect(code);
        assert!(root().join("docs/operations/runbooks").join(page).is_file(), "{page}");
    }
}
