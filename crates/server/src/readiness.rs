//! Whether the server may be sent to, and if not, why.
//!
//! Promises: every condition is named, holds or not, and says what was found. It is open to all: no
//! tenant, log, path or service stands in it.

use std::sync::atomic::Ordering::Relaxed;

use commit::Damaged;
use serde::Serialize;

use crate::app::App;
use crate::room::Level;

/// The condition that makes a server degraded which takes writes all the same.
const ASIDE: &str = "aside";

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Condition {
    pub(crate) name: &'static str,
    pub(crate) holds: bool,
    /// Whether writes are turned away where it does not hold.
    pub(crate) needed: bool,
    pub(crate) found: String,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Readiness {
    pub(crate) conditions: Vec<Condition>,
}

/// What conditions are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) failed: bool,
    pub(crate) stopping: bool,
    /// Bytes free on the disk; `None` where it does not say.
    pub(crate) disk_free: Option<u64>,
    /// What the watch on it says.
    pub(crate) room: Level,
    /// Events indexed, compared with their entries, and found at the start.
    pub(crate) start: [u64; 3],
    /// Whether all of them are indexed.
    pub(crate) indexed: bool,
    /// Damaged folders that were set aside.
    pub(crate) set_aside: usize,
    /// What else stands beside them and is not used.
    pub(crate) strangers: usize,
    /// Entries in them that were signed and cannot be read.
    pub(crate) lost: u64,
    /// Whether an event of the living folder is not what was signed.
    pub(crate) damaged: bool,
}

impl Readiness {
    /// Judges.
    pub(crate) fn of(facts: &Facts) -> Readiness {
        let of_work = [journal(facts), disk(facts), stopping(facts), index(facts)];
        let of_content = [checked(facts), aside(facts), damage(facts)];
        Readiness { conditions: of_work.into_iter().chain(of_content).collect() }
    }

    /// In words, the verdict first and what does not hold before the rest.
    pub(crate) fn text(&self) -> String {
        let is_damaged = self.conditions.iter().any(|it| it.name == ASIDE && !it.holds);
        let mut text = String::from(match (self.is_ready(), is_damaged) {
            (false, _) => "not ready\n",
            (true, true) => "degraded\n",
            (true, false) => "ok\n",
        });
        for holds in [false, true] {
            for condition in self.conditions.iter().filter(|condition| condition.holds == holds) {
                let mark = match condition {
                    Condition { holds: true, .. } => "ok",
                    Condition { needed: true, .. } => "bad",
                    _ => "warning",
                };
                let Condition { name, found, .. } = condition;
                text.push_str(&format!("{mark:<8} {name:<8} {found}\n"));
            }
        }
        text
    }

    /// Whether writes are accepted.
    pub(crate) fn is_ready(&self) -> bool {
        self.conditions.iter().all(|condition| condition.holds || !condition.needed)
    }
}

impl App {
    /// Whether this server may be sent to.
    pub(crate) fn readiness(&self) -> Readiness {
        Readiness::of(&Facts {
            failed: self.failed.load(Relaxed),
            stopping: self.stopping.load(Relaxed),
            disk_free: self.room.volume(self.clock.elapsed()).map(|volume| volume.bytes_free),
            room: self.room.level(),
            start: self.backlog.progress(),
            indexed: self.backlog.is_open(),
            set_aside: self.set_aside(),
            strangers: self.store.set_aside().len() - self.set_aside(),
            lost: self.lost(),
            damaged: self.backlog.is_damaged(),
        })
    }

    /// Damaged folders that were set aside.
    pub(crate) fn set_aside(&self) -> usize {
        self.store.set_aside().iter().filter(|part| part.is_ours).count()
    }

    /// Entries that were signed and cannot be read, of all logs that were set aside.
    pub(crate) fn lost(&self) -> u64 {
        let logs = self.store.logs();
        let of_logs = logs.values().filter_map(|log| log.damaged()).map(Damaged::unreadable);
        of_logs.sum::<u64>() + self.store.set_aside().iter().map(|part| part.lost).sum::<u64>()
    }
}

fn journal(facts: &Facts) -> Condition {
    let found = if facts.failed {
        "the journal failed; the process ends, and a start finds out what is durable"
    } else {
        "writing"
    };
    Condition { name: "journal", holds: !facts.failed, needed: true, found: found.into() }
}

fn disk(facts: &Facts) -> Condition {
    let free = match facts.disk_free {
        Some(free) => format!("{} MiB free", free >> 20),
        None => "the file system has not said for 30 s how much is free".into(),
    };
    let (holds, needed, what) = match facts.room {
        Level::Critical => (false, true, ", less than disk.free_min_bytes: give the disk room"),
        Level::Low => (false, false, ", less than disk.free_warn_bytes: give the disk room"),
        Level::Enough => (facts.disk_free.is_some(), false, ""),
    };
    Condition { name: "disk", holds, needed, found: format!("{free}{what}") }
}

fn stopping(facts: &Facts) -> Condition {
    let found = if facts.stopping { "the server stops" } else { "the server runs" };
    Condition { name: "running", holds: !facts.stopping, needed: true, found: found.into() }
}

fn index(facts: &Facts) -> Condition {
    let [indexed, _, found] = facts.start;
    let text = if facts.indexed {
        format!("{found} events of the start are indexed")
    } else {
        format!("{indexed} of {found} events of the start are indexed; writes do not wait for it")
    };
    Condition { name: "index", holds: facts.indexed, needed: false, found: text }
}

fn checked(facts: &Facts) -> Condition {
    let [_, checked, found] = facts.start;
    let holds = facts.indexed && checked >= found;
    let text = format!("{checked} of {found} events of the start are compared with their entries");
    Condition { name: "checked", holds, needed: false, found: text }
}

fn aside(facts: &Facts) -> Condition {
    let mut found = match facts.set_aside {
        0 => "nothing was set aside".to_owned(),
        parts => format!(
            "{parts} {} of the data folder set aside as damaged; read as far as it can be proved, \
             and stated in the first event of the logs that go on",
            if parts == 1 { "part" } else { "parts" }
        ),
    };
    if facts.strangers > 0 {
        found.push_str("; something else stands below damaged/ and is not used: see the traces");
    }
    let holds = facts.set_aside == 0 && facts.strangers == 0;
    Condition { name: ASIDE, holds, needed: false, found }
}

fn damage(facts: &Facts) -> Condition {
    let found = match facts.lost {
        _ if facts.damaged => {
            "an event is not what was signed: the process ends, and the next start looks at it \
             before it takes anything: docs/operations/damage.md"
                .to_owned()
        }
        0 => "nothing that was signed is known to be lost".to_owned(),
        lost => {
            let entries = if lost == 1 { "entry" } else { "entries" };
            let what = "signed cannot be read: mend what was set aside";
            format!("{lost} {entries} that {} {what}", if lost == 1 { "was" } else { "were" })
        }
    };
    Condition { name: "damage", holds: facts.lost == 0 && !facts.damaged, needed: false, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Facts {
        let (disk_free, room) = (Some(1 << 40), Level::Enough);
        let (start, indexed) = ([7, 7, 7], true);
        Facts {
            failed: false,
            stopping: false,
            disk_free,
            room,
            start,
            indexed,
            set_aside: 0,
            strangers: 0,
            lost: 0,
            damaged: false,
        }
    }

    /// The names of what does not hold, and whether writes are accepted.
    fn judged(facts: &Facts) -> (Vec<&'static str>, bool) {
        let readiness = Readiness::of(facts);
        let broken = readiness.conditions.iter().filter(|condition| !condition.holds);
        (broken.map(|condition| condition.name).collect(), readiness.is_ready())
    }

    #[test]
    fn each_condition_is_told_and_only_some_turn_writes_away() {
        assert_eq!(judged(&well()), (vec![], true));
        assert_eq!(judged(&Facts { failed: true, ..well() }), (vec!["journal"], false));
        assert_eq!(judged(&Facts { stopping: true, ..well() }), (vec!["running"], false));
        assert_eq!(judged(&Facts { disk_free: None, ..well() }), (vec!["disk"], true));
        assert_eq!(judged(&Facts { room: Level::Low, ..well() }), (vec!["disk"], true));
        assert_eq!(judged(&Facts { room: Level::Critical, ..well() }), (vec!["disk"], false));
        let starting = Facts { start: [3, 0, 7], indexed: false, ..well() };
        assert_eq!(judged(&starting), (vec!["index", "checked"], true));
        let mended = Facts { set_aside: 2, ..well() };
        assert_eq!(judged(&mended), (vec!["aside"], true));
        let damaged = Facts { lost: 9, ..mended };
        assert_eq!(judged(&damaged), (vec!["aside", "damage"], true));
        let found = Facts { failed: true, damaged: true, ..well() };
        assert_eq!(judged(&found), (vec!["journal", "damage"], false));
        let text = |facts: &Facts| Readiness::of(facts).text();
        assert!(text(&damaged).starts_with("degraded\nwarning  aside    2 parts of the"));
        assert!(text(&damaged).contains("\nwarning  damage   9 entries"));
        let one = text(&Facts { set_aside: 1, lost: 1, ..well() });
        assert!(
            one.contains(" 1 part of the") && one.contains(" 1 entry that was signed"),
            "{one}"
        );
        assert!(text(&well()).starts_with("ok\n"));
        assert!(text(&Facts { failed: true, ..damaged }).starts_with("not ready\n"));
        let checking = Facts { start: [7, 3, 7], ..well() };
        assert_eq!(judged(&checking), (vec!["checked"], true));
    }
}
