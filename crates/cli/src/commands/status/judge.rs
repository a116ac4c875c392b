//! From the facts of a status to what is wrong with them: pure, so that a table can test it.

use event::parse_time;
use serde_json::{Value, json};
use server::RESERVE_BYTES;

use crate::commands::search::describe_gap;
use crate::out;
use crate::view::{self, list};

/// A gap that showed so lately may still be mended where it came from.
const GAP_NEW_NS: i64 = 24 * 3_600_000_000_000;
/// Days of room below which there is a remark, and something bad.
const DAYS_WARN: u64 = 30;
const DAYS_BAD: u64 = 3;
/// A disk with less of itself free is nearly full, however slowly it fills.
const FREE_WARN_PERCENT: u64 = 10;
/// How far two clocks may be apart before somebody is told.
const CLOCKS_APART_NS: u64 = 5_000_000_000;
/// Batches that wait for the lane and are many.
const WAITING_WARN: u64 = 1_000;

/// What is next where a part of the data folder is damaged.
const DAMAGE_NEXT: &str = "counterfoil verify DATA --key VKEY; docs/operations/damage.md";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Bad,
    Remark,
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// Which of the three questions it answers: complete, unchanged, healthy.
    pub(super) area: &'static str,
    pub(super) what: String,
    /// The command to look further.
    pub(super) next: &'static str,
}

impl Finding {
    pub(super) fn json(&self) -> Value {
        let level = if self.level == Level::Bad { "bad" } else { "remark" };
        json!({ "level": level, "area": self.area, "what": self.what, "next": self.next })
    }
}

/// Whether this is a status: of an answer without these everything would be well.
pub(super) fn is_one(status: &Value) -> bool {
    let has_conditions = !list(&status["conditions"]).is_empty();
    has_conditions && status["version"].is_string() && status["logs"].is_array()
}

/// Everything that is to be said of a status at `now` (nanoseconds since 1970), the worst first.
pub(super) fn judge(status: &Value, now: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    conditions(&mut found, &status["conditions"]);
    gaps(&mut found, status, now);
    counts(&mut found, status);
    logs(&mut found, &status["logs"]);
    disk(&mut found, &status["disk"]);
    clock(&mut found, status, now);
    found.sort_by_key(|finding| finding.level);
    found
}

fn conditions(found: &mut Vec<Finding>, conditions: &Value) {
    for condition in list(conditions).iter().filter(|condition| condition["holds"] == false) {
        let is_damage = condition["name"] == "damage";
        let is_bad = condition["needed"] == true || is_damage;
        let level = if is_bad { Level::Bad } else { Level::Remark };
        let of_content = ["checked", "aside", "damage"];
        let is_of_content = of_content.iter().any(|name| condition["name"] == *name);
        let area = if is_of_content { "unchanged" } else { "healthy" };
        let what =
            format!("{}: {}", view::text(&condition["name"]), view::text(&condition["found"]));
        let next = if is_damage { DAMAGE_NEXT } else { "counterfoil doctor" };
        found.push(Finding { level, area, what, next });
    }
}

fn gaps(found: &mut Vec<Finding>, status: &Value, now: i64) {
    let (area, next) = ("complete", "counterfoil services");
    if status["gaps"].is_null() {
        let what = "gaps are known when all is indexed".into();
        found.push(Finding { level: Level::Remark, area, what, next: "counterfoil status" });
        return;
    }
    let is_new = |gap: &&Value| {
        let since = gap["since"].as_str().and_then(|since| parse_time(since).ok());
        since.is_none_or(|since| now.saturating_sub(since) < GAP_NEW_NS)
    };
    let (new, old): (Vec<&Value>, Vec<&Value>) = list(&status["gaps"]).iter().partition(is_new);
    let more = status["gaps_more"].as_u64().unwrap_or_default();
    for (level, gaps, age) in
        [(Level::Bad, new, "in the last day"), (Level::Remark, old, "from before the last day")]
    {
        let Some(first) = gaps.first() else { continue };
        let count = out::count(gaps.len() as u64, "gap");
        let what = format!(
            "{count} {age}: numbers of a stream never came; first: {}",
            describe_gap(first)
        );
        found.push(Finding { level, area, what, next });
    }
    if more > 0 {
        // What is listed is not the newest, so one of today may be among these. KNOWN: a server
        // that keeps no more of a stream's gaps counts the others until it forgets the stream.
        let count = out::count(more, "gap");
        let what = format!("{count} beyond those that the server lists, of unknown age");
        found.push(Finding { level: Level::Bad, area, what, next });
    }
}

fn counts(found: &mut Vec<Finding>, status: &Value) {
    let mut remark = |n: Option<u64>, one: &str, what: &str, next| {
        if let Some(n) = n.filter(|n| *n > 0) {
            let what = format!("{} {what}", out::count(n, one));
            found.push(Finding { level: Level::Remark, area: "complete", what, next });
        }
    };
    let refused = status["refused"].as_u64();
    remark(refused, "record", "refused since the start", "counterfoil refusals");
    let away = list(&status["quotas"]);
    let names: Vec<String> =
        away.iter().take(5).map(|away| view::text(&away["principal"])).collect();
    let count = away.len() as u64 + status["quotas_more"].as_u64().unwrap_or_default();
    let what = format!("turned away by a quota since the start: {}", names.join(", "));
    remark(Some(count), "principal", &what, "counterfoil refusals");
    let dropped = status["dropped"].as_u64();
    let next = "counterfoil services";
    remark(dropped, "event", "dropped by producers, who said so", next);
    let services = &status["services"];
    let silent = services["silent_count"].as_u64();
    let names: Vec<String> =
        list(&services["silent"]).iter().take(5).map(|seen| view::text(&seen["service"])).collect();
    let what = format!("silent for more than a day: {}", names.join(", "));
    remark(silent, "service", &what, "counterfoil services --silent 24h");
    let waiting = status["lane_waiting"].as_u64().filter(|waiting| *waiting >= WAITING_WARN);
    if let Some(waiting) = waiting {
        let what = format!("{} batches wait for the disk", out::number(waiting));
        let next = "counterfoil doctor";
        found.push(Finding { level: Level::Remark, area: "healthy", what, next });
    }
}

fn disk(found: &mut Vec<Finding>, disk: &Value) {
    let Some(free) = disk["free_bytes"].as_u64() else { return };
    let all = disk["bytes"].as_u64().unwrap_or(free).max(1);
    let days = disk["days_left"].as_u64();
    let is_bad = free < RESERVE_BYTES || days.is_some_and(|days| days < DAYS_BAD);
    let is_low = free / (all / 100).max(1) < FREE_WARN_PERCENT;
    if !is_bad && !is_low && days.is_none_or(|days| days >= DAYS_WARN) {
        return;
    }
    let left = days.map(|days| format!(", {} left", out::count(days, "day"))).unwrap_or_default();
    let what =
        format!("disk: {} of {} free{left}; give it room", out::bytes(free), out::bytes(all));
    let level = if is_bad { Level::Bad } else { Level::Remark };
    found.push(Finding { level, area: "healthy", what, next: "counterfoil doctor" });
}

/// Logs that nothing goes to, though nobody closed them.
fn logs(found: &mut Vec<Finding>, logs: &Value) {
    let unnamed = list(logs).iter().filter(|log| log["named"] == false);
    let names: Vec<String> = unnamed.map(|log| view::text(&log["name"])).collect();
    if !names.is_empty() {
        let what = format!(
            "{} open and named by no setting, so nothing goes there: {}; is a log.name misspelt?",
            out::count(names.len() as u64, "log"),
            names.join(", ")
        );
        let next = "counterfoil config show --running";
        found.push(Finding { level: Level::Remark, area: "healthy", what, next });
    }
}

fn clock(found: &mut Vec<Finding>, status: &Value, now: i64) {
    let theirs = status["now"].as_str().and_then(|time| parse_time(time).ok());
    let Some(apart) = theirs.map(|theirs| theirs.abs_diff(now)) else { return };
    if apart > CLOCKS_APART_NS {
        let seconds = out::count(apart / 1_000_000_000, "second");
        let what = format!("clocks: the server's and this machine's are {seconds} apart");
        let next = "counterfoil doctor";
        found.push(Finding { level: Level::Remark, area: "healthy", what, next });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-02T00:00:00Z";
    const LATELY: &str = "2026-01-01T23:00:00Z";
    const LONG_AGO: &str = "2025-12-01T00:00:00Z";

    fn well() -> Value {
        json!({
            "logs": [], "version": "0.1.0",
            "conditions": [{"name": "journal", "holds": true, "needed": true, "found": "writing"}],
            "gaps": [], "gaps_more": 0, "refused": 0, "quotas": [], "dropped": 0, "now": NOW,
            "services": {"silent_count": 0, "silent": []}, "lane_waiting": 3,
            "disk": {"bytes": 100_u64 << 30, "free_bytes": 50_u64 << 30, "days_left": 400},
        })
    }

    /// Level and first word of what is said when `pointer` is `value`.
    fn said(pointer: &str, value: Value) -> Vec<String> {
        let mut status = well();
        *status.pointer_mut(pointer).expect("a fact") = value;
        words(&status)
    }

    /// The same of all that is said.
    fn words(status: &Value) -> Vec<String> {
        let found = judge(status, parse_time(NOW).expect("a time"));
        let word = |finding: &Finding| {
            let word = finding.what.split([' ', ':']).next().unwrap_or_default();
            format!("{:?} {} {word}", finding.level, finding.area)
        };
        found.iter().map(word).collect()
    }

    fn gap(since: &str) -> Value {
        json!({"producer": "p", "stream": "s", "count": 2, "since": since})
    }

    #[test]
    fn nothing_is_said_of_what_is_well() {
        assert_eq!(said("/refused", json!(0)), [""; 0]);
    }

    #[test]
    fn what_is_no_status_is_not_judged() {
        assert!(is_one(&well()) && !is_one(&json!({})) && !is_one(&json!([])));
        for lacking in ["conditions", "version", "logs"] {
            let mut status = well();
            status.as_object_mut().expect("an object").remove(lacking);
            assert!(!is_one(&status), "{lacking}");
        }
    }

    #[test]
    fn each_fact_is_judged() {
        let broken = json!({"name": "journal", "holds": false, "needed": true, "found": "x"});
        assert_eq!(said("/conditions/0", broken), ["Bad healthy journal"]);
        let late = json!({"name": "checked", "holds": false, "needed": false, "found": "x"});
        assert_eq!(said("/conditions/0", late), ["Remark unchanged checked"]);
        let hurt = json!({ "name": "damage", "holds": false, "needed": false, "found": "1" });
        assert_eq!(said("/conditions/0", hurt), ["Bad unchanged damage"]);
        let gaps = json!([gap(LONG_AGO), gap(LATELY)]);
        assert_eq!(said("/gaps", gaps), ["Bad complete 1", "Remark complete 1"]);
        // Beside none, as where all that are kept count are gone; and beside what is old or new.
        let unlisted = "Bad complete 1,234";
        assert_eq!(said("/gaps_more", json!(1_234)), [unlisted]);
        for (since, listed) in [(LATELY, "Bad complete 1"), (LONG_AGO, "Remark complete 1")] {
            let mut status = well();
            (status["gaps"], status["gaps_more"]) = (json!([gap(since)]), json!(1_234));
            let mut wanted = [listed, unlisted];
            wanted.sort();
            assert_eq!(words(&status), wanted);
        }
        assert_eq!(said("/gaps", Value::Null), ["Remark complete gaps"]);
        assert_eq!(said("/refused", json!(7)), ["Remark complete 7"]);
        let away = json!([{"principal": "loop", "requests": 0, "reads": 9}]);
        assert_eq!(said("/quotas", away), ["Remark complete 1"]);
        assert_eq!(said("/dropped", json!(8)), ["Remark complete 8"]);
        assert_eq!(said("/services/silent_count", json!(2)), ["Remark complete 2"]);
        assert_eq!(said("/lane_waiting", json!(1_000)), ["Remark healthy 1,000"]);
        assert_eq!(said("/disk/days_left", json!(29)), ["Remark healthy disk"]);
        assert_eq!(said("/disk/days_left", json!(2)), ["Bad healthy disk"]);
        assert_eq!(said("/disk/free_bytes", json!(9_u64 << 30)), ["Remark healthy disk"]);
        assert_eq!(said("/disk/free_bytes", json!(RESERVE_BYTES - 1)), ["Bad healthy disk"]);
        assert_eq!(said("/disk", Value::Null), [""; 0]);
        let lost = json!([{"name": "a-0", "named": false}, {"name": "a-1", "named": true}]);
        assert_eq!(said("/logs", lost), ["Remark healthy 1"]);
        let later = json!("2026-01-02T00:00:06Z");
        assert_eq!(said("/now", later), ["Remark healthy clocks"]);
    }
}
