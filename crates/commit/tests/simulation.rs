//! Random lives of a data folder: writes, retries, conflicts, clocks that jump, full disks, syncs
//! that fail, processes that die anywhere, start-up included.
//!
//! One seed decides everything; two runs of it are alike step by step. `COUNTERFOIL_SEEDS` says
//! how many seeds run, `COUNTERFOIL_SEED` which is the first.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use commit::{Answer, KeyError, KeyOrder, OpenError, Order, RotateError, Stepped, TickError};
use platform::sim::{Crash, Dice, Fault};

use crate::world::{FILE_BYTES, Outside, Waiting, event, log_of, submit};

const TENANTS: [&str; 3] = ["acme", "harbor", "orchard"];
/// Steps that are rare among all, or between which little time passes.
const STEPS: [&str; 8] = [
    "write data/head",
    "sync data/head",
    "write data/journal/",
    "sync data/journal/",
    "sync_folder",
    "create",
    "rename",
    "remove",
];
/// Seeds that every `cargo test` runs.
const SEEDS: u64 = 60;

struct Run {
    dice: Dice,
    outside: Outside,
    trace: DefaultHasher,
    /// What was sent: tenant, id, how many texts the id has had.
    past: Vec<(&'static str, String, u64)>,
    /// Whether anything may go wrong in this life.
    mischief: bool,
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    trace: u64,
    acknowledged: usize,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut dice = Dice::new(seed);
        let logs = 1 + dice.below(TENANTS.len() as u64) as usize;
        let mut outside = Outside::new(dice.roll(), &TENANTS[..logs]);
        outside.settings.file_bytes = FILE_BYTES << dice.below(2);
        let trace = DefaultHasher::new();
        Run { dice, outside, trace, past: Vec::new(), mischief: true }
    }

    fn run(mut self) -> Outcome {
        for _ in 0..2 + self.dice.below(5) {
            self.life();
        }
        self.mischief = false;
        self.outside.disk.fill_at(u64::MAX);
        self.life();
        let stepped = self.outside.open().expect("nothing is wrong any more");
        self.outside.witness.judge_folder(&self.outside.disk);
        stepped.close().expect("nothing is wrong any more");
        self.outside.witness.judge_folder(&self.outside.disk);
        Outcome { trace: self.trace.finish(), acknowledged: self.outside.witness.acknowledged() }
    }

    /// One process, from its start to its end.
    fn life(&mut self) {
        if self.mischief {
            self.plan(80);
        }
        let opened = self.outside.open();
        if let (Err(error), false) = (&opened, self.mischief) {
            panic!("a folder that nothing happened to cannot be opened: {error}");
        }
        match opened {
            Ok(stepped) => self.work(stepped),
            Err(OpenError::Io { what, source }) => self.note(&format!("{what}: {source}")),
            Err(error) => panic!("what was lost was never acknowledged, yet: {error}"),
        }
        for step in self.outside.disk.take_steps() {
            self.note(&step);
        }
        let how = self.dice.pick(&[Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare]);
        self.note(&how);
        self.outside.crash(how);
    }

    /// Chooses what goes wrong within the next `steps` steps.
    fn plan(&mut self, steps: u64) {
        let (disk, skip) = (&self.outside.disk, self.dice.below(steps));
        let fault = self.dice.pick(&[Fault::Error, Fault::DieBefore, Fault::DieAfter]);
        match self.dice.below(8) {
            0 | 1 => disk.plan("", skip, fault),
            2 | 3 => disk.plan(self.dice.pick(&STEPS), self.dice.below(6), fault),
            4 => disk.fail_sync_after(skip / 3),
            5 => disk.fill_at(disk.used() + self.dice.below(4 * FILE_BYTES)),
            6 => disk.fill_at(u64::MAX),
            _ => {}
        }
    }

    /// Works until something fails or the time has come; perhaps closes in order.
    fn work(&mut self, mut stepped: Stepped) {
        // What a start could not write of a log's keys it tells, and writes at the next tick.
        let is_whole = !stepped.remarks().iter().any(|remark| remark.contains("keys.json"));
        if self.dice.chance(1, 8) && is_whole {
            self.outside.witness.judge_folder(&self.outside.disk);
        }
        for _ in 0..self.dice.below(8) {
            if self.mischief && self.dice.chance(1, 4) {
                self.plan(12);
            }
            self.time();
            if self.dice.chance(1, 6) && !self.close_a_log(&mut stepped) {
                return;
            }
            if self.dice.chance(1, 6) && !self.change_a_key(&mut stepped) {
                return;
            }
            let alive = self.round(&mut stepped);
            for log in stepped.logs().values() {
                self.note(&log.checkpoint().note);
            }
            if !alive {
                return;
            }
        }
        if self.dice.chance(1, 2) {
            let closed = stepped.close();
            self.note(&closed.is_ok());
        }
    }

    /// Closes a log and opens the next; says whether the process lives on.
    fn close_a_log(&mut self, stepped: &mut Stepped) -> bool {
        let tenant = self.dice.pick(&TENANTS[..self.outside.settings.logs.len()]);
        let name = log_of(stepped, tenant).meta.name().to_owned();
        // What waits for the log is sent back to be prepared for the next one.
        let sent = self.batch(tenant);
        let Ok(_) = log_of(stepped, tenant).read(0) else { return false };
        let waiting = submit(stepped, tenant, sent);
        let closed = stepped.rotate(&name, &Order { why: "a test".into(), by: None });
        let ended = matches!(closed, Err(RotateError::Failed | RotateError::Files(_)));
        self.note(&closed.map_err(|error| error.to_string()).map(|log| log.vkey()));
        let drained = stepped.drain();
        self.outside.witness.hear(&waiting, &waiting.answer());
        !ended && drained.is_ok()
    }

    /// Gives a log a new key, or ends an overlap; says whether the process lives on.
    fn change_a_key(&mut self, stepped: &mut Stepped) -> bool {
        let tenant = self.dice.pick(&TENANTS[..self.outside.settings.logs.len()]);
        let log = log_of(stepped, tenant);
        let Ok(_) = log.read(0) else { return false };
        let together = Duration::from_secs(self.dice.pick(&[0, 60, 3_600]));
        let order = KeyOrder { why: "a test".into(), by: None, together };
        let changed = stepped.rotate_key(log.meta.name(), &order);
        self.note(&changed.as_ref().map_err(ToString::to_string).map(|turn| turn.new.clone()));
        if matches!(changed, Err(KeyError::Failed | KeyError::Files(_))) {
            return false;
        }
        let kept_from: Vec<_> = stepped.tick();
        self.note(&kept_from.len());
        let broken = |error: &TickError| {
            matches!(error, TickError::Keys(KeyError::Failed | KeyError::Files(_)))
        };
        !kept_from.iter().any(|(_, error)| broken(error)) && stepped.drain().is_ok()
    }

    fn time(&mut self) {
        match self.dice.below(8) {
            0 => self.outside.clock.jump(-3_600_000_000_000),
            1 => self.outside.clock.jump(1_200_000_000_000),
            2 => self.outside.pass(70),
            3 => self.outside.clock.jump(1),
            _ => {}
        }
    }

    /// Sends some batches and lets the lane write them; says whether the process lives on.
    fn round(&mut self, stepped: &mut Stepped) -> bool {
        let mut waiting: Vec<Waiting> = Vec::new();
        for _ in 0..1 + self.dice.below(3) {
            let tenant = self.dice.pick(&TENANTS[..self.outside.settings.logs.len()]);
            let sent = self.batch(tenant);
            match log_of(stepped, tenant).read(0) {
                Ok(_) => waiting.push(submit(stepped, tenant, sent)),
                // The process died in the meantime; a read says so.
                Err(_) => break,
            }
        }
        let ended = stepped.drain().and_then(|()| stepped.rest());
        for batch in &waiting {
            let answer = batch.answer();
            self.note(&format!("{answer:?}"));
            self.outside.witness.hear(batch, &answer);
            if matches!(answer, Answer::NoRoom) && self.dice.chance(1, 2) {
                self.outside.disk.fill_at(u64::MAX);
            }
        }
        ended.is_ok()
    }

    fn batch(&mut self, tenant: &'static str) -> Vec<admit::Admitted> {
        let most = self.dice.pick(&[2, 4, 40]);
        (0..1 + self.dice.below(most)).map(|_| self.event(tenant)).collect()
    }

    /// An event: fresh, a retry, or another one with an id that was used.
    fn event(&mut self, tenant: &'static str) -> admit::Admitted {
        let known: Vec<usize> =
            (0..self.past.len()).filter(|n| self.past[*n].0 == tenant).collect();
        let kind = self.dice.below(10);
        if known.is_empty() || kind < 6 {
            let id = format!("id-{}", self.past.len());
            let given = self.dice.chance(1, 8);
            self.past.push((tenant, id.clone(), 1));
            return event(tenant, (!given).then_some(&id), &format!("{id} text 0"));
        }
        let (_, id, texts) = &mut self.past[self.dice.pick(&known)];
        // Few enough texts for one id that all are kept to compare with.
        if kind == 6 && *texts < 4 {
            *texts += 1;
        }
        let text = self.dice.below(*texts);
        event(tenant, Some(id), &format!("{id} text {text}"))
    }

    fn note(&mut self, what: &impl Hash) {
        what.hash(&mut self.trace);
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn nothing_that_was_answered_is_ever_lost() {
    let first = setting("COUNTERFOIL_SEED", 1);
    let mut acknowledged = 0;
    for seed in first..first + setting("COUNTERFOIL_SEEDS", SEEDS) {
        let run = catch_unwind(AssertUnwindSafe(|| Run::new(seed).run()));
        let outcome = run.unwrap_or_else(|_| panic!("COUNTERFOIL_SEED={seed} shows it again"));
        acknowledged += outcome.acknowledged;
    }
    assert!(acknowledged > 0, "the simulation writes something");
}

#[test]
fn a_seed_gives_the_same_trace_twice() {
    for seed in 1..6 {
        let [one, two] = [(); 2].map(|()| Run::new(seed).run());
        assert_eq!(one, two, "seed {seed}");
    }
}
