//! How processes end, how the next ones start, and what is spoilt in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use commit::journal::file::{BLOCK, file_name};
use commit::journal::frame::Frame;
use commit::{OpenError, Purpose};
use platform::Disk;
use platform::sim::{Crash, SimDisk};
use verify::Reason;

use super::judge::{text, verdict};
use super::{Day, TENANTS};
use crate::app::App;
use crate::compose::Composed;
use crate::start_error::StartError;

/// Starts that may fail one after the other, each by a fault that was planned.
const STARTS_MAX: usize = 50;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Stopped,
    Died,
    /// It dies, and what it wrote is there: the head has all that was acknowledged.
    Killed,
    /// A fault struck it while it stopped: the folder is closed or is not.
    Struck,
}

/// A file of which bytes were spoilt.
pub(super) struct Spoilt {
    /// The folder is set aside under this one.
    number: u64,
    file: String,
    /// As it was.
    whole: Vec<u8>,
    was_stopped: bool,
}

/// Where a frame stands in its file.
type Place = (String, u64, u64);

impl Day {
    /// A process stops in order, or is gone. Says how it ended.
    pub(super) fn end(&mut self, living: Composed, end: End) -> End {
        living.begin_stop();
        if end != End::Stopped {
            let how = [Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare];
            let how = if end == End::Killed { Crash::Killed } else { self.dice.pick(&how) };
            self.house.crash(how);
        }
        let closed = self.house.wait(living.close());
        if end != End::Stopped {
            assert!(closed.is_err(), "a process that is gone closes nothing");
            return end;
        }
        let is_certain = closed.is_ok();
        assert!(is_certain || !self.house.is_alive(), "it stops in order: {closed:?}");
        TENANTS.iter().for_each(|tenant| self.seen.count(tenant, "stop", is_certain));
        let how = if is_certain { Crash::Killed } else { Crash::PowerLoss };
        self.house.crash(how);
        if is_certain { End::Stopped } else { End::Struck }
    }

    /// Starts until a process lives.
    pub(super) fn revive(&mut self, end: End) -> Composed {
        self.house.disk.fill_at(u64::MAX);
        (self.is_full, self.events_max) = (false, None);
        for nth in 0..STARTS_MAX {
            let started = self.house.start();
            let is_certain = started.is_ok() && self.house.is_alive();
            for tenant in TENANTS {
                // One that failed may have stated either.
                let kinds = ["start after a stop", "start after a death"];
                let first = usize::from(end != End::Stopped || nth > 0);
                let is_known = end != End::Struck || nth > 0;
                self.seen.count(tenant, kinds[first], is_certain && is_known);
                self.seen.count(tenant, kinds[1 - first], false);
            }
            self.count_start(is_certain);
            match started {
                Ok(living) if is_certain => {
                    let parts = living.app.store.set_aside().len();
                    assert_eq!(parts, self.spoilt.len(), "what was lost was never acknowledged");
                    return living;
                }
                Ok(living) => {
                    self.end(living, End::Died);
                }
                Err(StartError::Open(OpenError::Damaged(damage))) => {
                    panic!("what was lost was never acknowledged, yet: {damage}")
                }
                Err(error) => {
                    assert!(!self.house.is_alive(), "it starts: {error}");
                    self.house.crash(Crash::PowerLoss);
                }
            }
        }
        panic!("{STARTS_MAX} starts failed");
    }

    fn count_start(&mut self, is_certain: bool) {
        for tenant in TENANTS {
            self.seen.count(tenant, "configuration loaded", is_certain);
            // It sees that the clock was set back while no process lived.
            self.seen.count(tenant, "clock set", false);
        }
    }

    /// Spoils bytes of the journal or of the head while no process lives, and starts one that sets
    /// the folder aside and goes on.
    pub(super) fn spoil(&mut self, was_stopped: bool) -> Composed {
        self.house.disk.fill_at(u64::MAX);
        (self.is_full, self.events_max) = (false, None);
        let data = self.house.disk.folder("data");
        let frames = frames(&data, was_stopped);
        let (file, from, end) = frames[self.dice.below(frames.len() as u64) as usize].clone();
        let at = from + self.dice.below(end - from);
        let (file, bytes) = match self.dice.below(4) {
            0 => ("head".to_owned(), vec![7, (1 << 20) + 7]),
            1 => (file, vec![8]),
            _ => (file, vec![at]),
        };
        let whole = content(&data, &file);
        bytes.iter().for_each(|at| data.rot(&file, *at, 1).expect("it is there"));
        let number = self.spoilt.len() as u64 + 1;
        self.spoilt.push(Spoilt { number, file, whole, was_stopped });
        let living = self.house.start().expect("it sets aside what is damaged");
        self.count_start(true);
        for tenant in TENANTS {
            // One of events and one of statements.
            for _ in 0..2 {
                self.seen.count(tenant, "log that goes on for a damaged one", true);
            }
        }
        self.look_at_what_is_left(&living.app);
        living
    }

    /// What is set aside is what was spoilt, and the server says how much of it can be read.
    fn look_at_what_is_left(&mut self, app: &Arc<App>) {
        let (spoilt, aside) = (self.spoilt.last().expect("it was pushed"), app.store.set_aside());
        assert_eq!(aside.len(), self.spoilt.len());
        let found = aside.last().expect("one for each");
        assert_eq!(found.number, spoilt.number);
        assert!(found.file == spoilt.file || spoilt.was_stopped, "{} is damaged", found.file);
        self.kept.readable = readable(app);
        for (at, tenant) in TENANTS.iter().enumerate() {
            let answer = self.house.ask(app, "GET /v1/logs", &self.admins[at], String::new());
            let (logs, json) = (app.store.logs(), answer.json());
            let told = json["logs"].as_array().expect("a list").iter();
            let told: BTreeMap<String, u64> = told
                .filter(|log| log["damaged"].is_object())
                .map(|log| (text(&log["origin"]), log["damaged"]["unreadable"].as_u64()))
                .map(|(origin, missing)| (origin, missing.expect("a number")))
                .collect();
            let ours = logs.values().filter(|log| log.meta.tenant == *tenant);
            let ours =
                ours.filter_map(|log| Some((log.meta.origin.clone(), log.damaged()?.unreadable())));
            assert_eq!(told, ours.collect(), "{tenant}: each log says how much of it is missing");
            for purpose in [Purpose::Events, Purpose::Access] {
                let mut log = app.open_log(tenant, purpose).expect("an open log");
                let is_it = |log: &commit::Log| {
                    log.meta.damage.as_ref().is_some_and(|note| note.number == spoilt.number)
                };
                while !is_it(&log) {
                    log = log.predecessor().expect("a log goes on for each").clone();
                }
                let (fields, _) = log.read_checked(0).expect("it is open");
                let file = fields.string(r#"["attributes","damage","file"]"#);
                assert_eq!(file.as_deref(), Some(&found.file[..]), "its first event states it");
            }
        }
    }

    /// `verify` finds what is missing, and nothing else; with the bytes put back, all is there.
    pub(super) fn mend(&mut self, lost: u64, vkeys: &[String]) {
        let verdict = verdict(&self.house.disk, vkeys, None);
        let mut findings = verdict.findings.iter();
        let stray = findings.find(|finding| !finding.place.starts_with("damaged/"));
        assert!(stray.is_none(), "the living folder is whole: {stray:?}");
        let is_told = verdict.findings.iter().any(|f| f.reason == Reason::Truncated);
        assert!(is_told || lost == 0, "{lost} are missing: {}", verdict.sentence);
        for spoilt in &self.spoilt {
            let aside = self.house.disk.folder(&format!("data/damaged/{}", spoilt.number));
            (&aside as &dyn Disk)
                .replace_small(&spoilt.file, &spoilt.whole)
                .expect("it is written");
        }
        self.kept.was_readable = std::mem::take(&mut self.kept.readable);
    }

    /// `verify` finds nothing wrong. Of a process that was killed it may say that something came
    /// too late to be signed: no one was answered for it.
    pub(super) fn judge_mended(&self, vkeys: &[String]) {
        let killed = self.spoilt.iter().filter(|spoilt| !spoilt.was_stopped);
        let killed: Vec<String> = killed.map(|s| format!("damaged/{}/", s.number)).collect();
        for verdict in self.kept.verdicts(&self.house.disk, vkeys) {
            let wrong = verdict.findings.iter().find(|finding| {
                let is_late = finding.reason == Reason::TornTail;
                !is_late || !killed.iter().any(|place| finding.place.starts_with(place))
            });
            let wrong = wrong.filter(|_| !verdict.is_verified());
            assert!(wrong.is_none(), "{wrong:?}");
        }
    }
}

/// By origin: how much can be read of what was set aside.
pub(super) fn readable(app: &App) -> BTreeMap<String, u64> {
    let logs = app.store.logs();
    let damaged =
        logs.values().filter_map(|log| Some((log.meta.origin.clone(), log.damaged()?.readable)));
    damaged.collect()
}

fn content(data: &SimDisk, file: &str) -> Vec<u8> {
    (data as &dyn Disk).read_small(file, 64 << 20).expect("it can be read")
}

/// Frames that others follow, and the last one too where the folder was closed in order: else it
/// would be taken for what a crash tore. Of one that a start copied, the copy.
fn frames(data: &SimDisk, was_stopped: bool) -> Vec<Place> {
    let mut found: BTreeMap<u64, Place> = BTreeMap::new();
    for (name, _) in data.files().into_iter().filter(|(name, _)| name.starts_with("journal/")) {
        let bytes = content(data, &name);
        let mut at = BLOCK;
        while at < bytes.len() {
            let frame = Frame::decode(&bytes[at..]);
            let Some(frame) = frame.filter(|frame| file_name(frame.header.file) == name) else {
                at += BLOCK;
                continue;
            };
            let end = at as u64 + frame.room();
            found.insert(frame.header.number, (name.clone(), at as u64, end));
            at = end as usize;
        }
    }
    if !was_stopped {
        found.pop_last();
    }
    found.into_values().collect()
}
