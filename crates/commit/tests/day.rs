//! A day of operation: three tenants write, processes stop in order and die, logs are closed by
//! order and by limits, the clock is set, the disk fills and is freed.
//!
//! The clock and the disk are simulated, so the day takes seconds. One seed decides everything;
//! `COUNTERFOIL_DAYS` says how many seeds run, `COUNTERFOIL_SEED` which is the first. At the end
//! `verify` judges the folder from its bytes, the witness holds it to every receipt that was given,
//! and every incident must stand as an event in each log that was open.

use std::time::Duration;

use commit::{Answer, OpenError, Order, PartitionLimits, Stepped};
use platform::sim::{Crash, Dice, Fault};

use crate::world::{Outside, event, log_of, submit};

const TENANTS: [&str; 3] = ["acme", "globex", "initech"];
/// Simulated minutes.
const MINUTES: u64 = 24 * 60;

/// What happened, and must be told by the logs.
#[derive(Default)]
struct Incidents {
    stops: usize,
    deaths: usize,
    jumps: usize,
    /// By order.
    rotations: usize,
    turned_away: usize,
}

struct Day {
    dice: Dice,
    outside: Outside,
    seen: Incidents,
    /// Ids sent, by tenant.
    sent: [u64; 3],
}

impl Day {
    fn new(seed: u64) -> Day {
        let mut dice = Dice::new(seed);
        let mut outside = Outside::new(dice.roll(), &TENANTS);
        outside.settings.file_bytes = 256 << 10;
        outside.settings.version = Some("1.0.0".into());
        outside.settings.partitions = PartitionLimits {
            entries_max: Some(2_500),
            age_max: Some(Duration::from_secs(9 * 3_600)),
        };
        Day { dice, outside, seen: Incidents::default(), sent: [0; 3] }
    }

    fn run(mut self) {
        let mut stepped = self.outside.open().expect("a new folder");
        for _ in 0..MINUTES {
            self.outside.pass(60);
            if self.minute(&mut stepped).is_none() {
                stepped = self.revive();
            }
        }
        self.outside.disk.fill_at(u64::MAX);
        self.tells(&stepped);
        self.outside.witness.look(&stepped.logs());
        stepped.close().expect("nothing is wrong");
        self.outside.witness.judge_folder(&self.outside.disk);
        assert!(self.outside.witness.acknowledged() > 10_000, "tens of thousands of events");
    }

    /// One minute of a living process; `None` if it died.
    fn minute(&mut self, stepped: &mut Stepped) -> Option<()> {
        match self.dice.below(400) {
            0..4 => self.outside.disk.plan("", self.dice.below(12), Fault::DieAfter),
            4..6 => self.outside.disk.plan("", self.dice.below(12), Fault::DieBefore),
            6..8 => self.outside.disk.fail_sync_after(self.dice.below(4)),
            8..10 => self.outside.disk.fill_at(self.outside.disk.used() + (64 << 10)),
            10..40 => self.outside.disk.fill_at(u64::MAX),
            40..42 => self.set_the_clock(stepped)?,
            42..44 => self.close_a_log(stepped)?,
            44..47 => return self.stop_in_order(stepped),
            _ => {}
        }
        self.tick(stepped)?;
        let tenant = self.dice.below(3) as usize;
        for _ in 0..1 + self.dice.below(3) {
            self.batch(stepped, tenant)?;
        }
        stepped.rest().ok()
    }

    fn tick(&mut self, stepped: &mut Stepped) -> Option<()> {
        stepped.tick();
        stepped.drain().ok()
    }

    /// Sends events, some for a second time.
    fn batch(&mut self, stepped: &mut Stepped, tenant: usize) -> Option<()> {
        let name = TENANTS[tenant];
        // A process that died in the meantime cannot be read from.
        log_of(stepped, name).read(0).ok()?;
        let events = (0..1 + self.dice.below(20)).map(|_| {
            let is_retry = self.sent[tenant] > 0 && self.dice.chance(1, 8);
            let nth = if is_retry {
                self.dice.below(self.sent[tenant])
            } else {
                self.sent[tenant] += 1;
                self.sent[tenant] - 1
            };
            let id = format!("{name}-{nth}");
            event(name, Some(&id), &format!("text of {id}"))
        });
        let events = events.collect();
        let waiting = submit(stepped, name, events);
        let ended = stepped.drain();
        let answer = waiting.answer();
        self.seen.turned_away += usize::from(matches!(answer, Answer::NoRoom));
        self.outside.witness.hear(&waiting, &answer);
        ended.ok()
    }

    /// By a few seconds or hours, forward or back. What the disk cannot take is not counted.
    fn set_the_clock(&mut self, stepped: &mut Stepped) -> Option<()> {
        self.outside.disk.fill_at(u64::MAX);
        let by_s = self.dice.pick(&[-7_200, -30, 30, 600]);
        self.outside.clock.jump(by_s * 1_000_000_000);
        self.tick(stepped)?;
        self.seen.jumps += 1;
        Some(())
    }

    fn close_a_log(&mut self, stepped: &mut Stepped) -> Option<()> {
        let tenant = self.dice.pick(&TENANTS);
        let name = log_of(stepped, tenant).meta.name().to_owned();
        let order = Order { why: "the day's order".into(), by: Some("ops".into()) };
        let closed = stepped.rotate(&name, &order).is_ok();
        self.seen.rotations += usize::from(closed);
        stepped.drain().ok()
    }

    fn stop_in_order(&mut self, stepped: &mut Stepped) -> Option<()> {
        self.outside.disk.fill_at(u64::MAX);
        let next = Outside::new(0, &[]).open().expect("a folder of its own");
        let closed = std::mem::replace(stepped, next).close().is_ok();
        self.seen.stops += usize::from(closed);
        None
    }

    /// Starts until a process lives.
    fn revive(&mut self) -> Stepped {
        loop {
            let how = self.dice.pick(&[Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare]);
            self.outside.crash(how);
            self.outside.disk.fill_at(u64::MAX);
            match self.outside.open() {
                Ok(stepped) => {
                    self.seen.deaths += 1;
                    return stepped;
                }
                // What was planned for the one before strikes this one.
                Err(OpenError::Io { .. }) => {}
                Err(error) => panic!("what was lost was never acknowledged, yet: {error}"),
            }
        }
    }

    /// Every incident stands in the logs of every tenant.
    fn tells(&self, stepped: &Stepped) {
        let logs = stepped.logs();
        let mut ordered = 0;
        for tenant in TENANTS {
            let (mut starts, mut unclean, mut stops, mut jumps) = (0, 0, 0, 0);
            let (mut closes, mut partitions) = (0, 0);
            for log in logs.values().filter(|log| log.meta.tenant == tenant) {
                partitions += 1;
                for seq in 0..log.checkpoint().size {
                    let (fields, _) = log.read_checked(seq).expect("every entry can be read");
                    let unordered = fields.text(r#"["attributes","closed_in_order"]"#);
                    let why = fields.string(r#"["reason","text"]"#);
                    match fields.string(r#"["action"]"#).as_deref() {
                        Some("server.start") => {
                            starts += 1;
                            unclean += usize::from(unordered == Some("false"));
                        }
                        Some("server.stop") => stops += 1,
                        Some("clock.jump") => jumps += 1,
                        Some("log.close") => {
                            closes += 1;
                            ordered += usize::from(why.as_deref() == Some("the day's order"));
                        }
                        _ => {}
                    }
                }
            }
            let seen = &self.seen;
            assert!(starts >= seen.deaths, "{tenant}: {starts} of {} starts", seen.deaths);
            assert!(unclean >= seen.deaths - seen.stops, "{tenant}: {unclean} after a crash");
            assert!(stops >= seen.stops, "{tenant}: {stops} of {} stops", seen.stops);
            assert!(jumps >= seen.jumps, "{tenant}: {jumps} of {} jumps", seen.jumps);
            assert_eq!(closes, partitions - 1, "{tenant}: each log but the open one is closed");
        }
        assert!(ordered >= self.seen.rotations, "{ordered} of {}", self.seen.rotations);
        assert!(self.seen.stops > 0 && self.seen.deaths > self.seen.stops, "a day has incidents");
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn a_day_of_operation_loses_nothing() {
    let first = setting("COUNTERFOIL_SEED", 1);
    for seed in first..first + setting("COUNTERFOIL_DAYS", 1) {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Day::new(seed).run()));
        run.unwrap_or_else(|_| panic!("COUNTERFOIL_SEED={seed} shows it again"));
    }
}
