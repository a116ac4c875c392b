//! A day of operation: three tenants write, processes stop in order and die, logs are closed by
//! order and by limits, the clock is set, the disk fills and is freed.
//!
//! The clock and the disk are simulated, so the day takes seconds. One seed decides everything;
//! `COUNTERFOIL_DAYS` says how many seeds run, `COUNTERFOIL_SEED` which is the first. At the end
//! `verify` judges the folder from its bytes, the witness holds it to every receipt that was given,
//! and every incident must stand as an event in each log that was open. What a crash tore, `verify`
//! finds before the start does: the start has to say that it cut it.

use std::time::Duration;

use commit::{Answer, OpenError, Order, PartitionLimits, Stepped};
use event::Fields;
use platform::sim::{Crash, Dice, Fault};

use crate::world::{Outside, event, log_of, submit};

const TENANTS: [&str; 3] = ["north", "south", "west"];
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
    /// Batches that a full disk did not take.
    turned_away: usize,
    /// What crashes tore: journal file, and the first byte that belongs to no frame.
    torn: Vec<(String, u64)>,
}

struct Day {
    dice: Dice,
    outside: Outside,
    /// How the process ends, if that is decided.
    how: Option<Crash>,
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
        Day { dice, outside, how: None, seen: Incidents::default(), sent: [0; 3] }
    }

    fn run(mut self) {
        let mut stepped = self.outside.open().expect("a new folder");
        for _ in 0..MINUTES {
            self.outside.pass(60);
            if self.minute(&mut stepped).is_none() {
                stepped = self.revive();
            }
        }
        // The last process: no fault that was planned for one before strikes it.
        drop(stepped);
        let stepped = self.revive();
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
            // What a journal file has in reserve lasts a while; then the disk is full for an hour.
            8..11 => self.outside.disk.fill_at(self.outside.disk.used()),
            11..14 => self.outside.disk.fill_at(u64::MAX),
            14..18 => self.tear(),
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

    /// The power goes while a frame is on its way to the device.
    fn tear(&mut self) {
        self.outside.disk.plan("sync data/journal/", 0, Fault::DieBefore);
        self.how = Some(Crash::PowerLoss);
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
            self.outside.crash(self.how.take().unwrap_or(how));
            self.outside.disk.fill_at(u64::MAX);
            let torn = self.outside.witness.torn(&self.outside.disk);
            match self.outside.open() {
                Ok(stepped) => {
                    self.seen.deaths += 1;
                    self.seen.torn.extend(torn);
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
        let seen = &self.seen;
        let mut ordered = 0;
        for tenant in TENANTS {
            let told = Told::by(stepped, tenant);
            assert!(told.starts >= seen.deaths, "{tenant}: {} of {}", told.starts, seen.deaths);
            let unclean = seen.deaths - seen.stops;
            assert!(told.unclean >= unclean, "{tenant}: {} of {unclean}", told.unclean);
            assert!(told.stops >= seen.stops, "{tenant}: {} of {} stops", told.stops, seen.stops);
            assert!(told.jumps >= seen.jumps, "{tenant}: {} of {} jumps", told.jumps, seen.jumps);
            let closed = told.partitions - 1;
            assert_eq!(told.closes, closed, "{tenant}: each log but the open one is closed");
            for (file, byte) in &seen.torn {
                let mut cuts = told.cuts.iter();
                let told = cuts.any(|(cut, offset)| cut == file && offset <= byte);
                assert!(told, "{tenant}: {file} was cut at or before byte {byte}");
            }
            ordered += told.ordered;
        }
        assert!(ordered >= seen.rotations, "{ordered} of {}", seen.rotations);
        assert!(seen.stops > 0 && seen.deaths > seen.stops, "a day has incidents");
        assert!(seen.turned_away > 0, "the disk was full once");
        assert!(!seen.torn.is_empty(), "a frame was torn once");
    }
}

/// What the logs of a tenant tell of incidents.
#[derive(Default)]
struct Told {
    partitions: usize,
    starts: usize,
    /// Starts on a folder that was not closed.
    unclean: usize,
    stops: usize,
    jumps: usize,
    closes: usize,
    /// Closes by the day's order.
    ordered: usize,
    /// File and offset.
    cuts: Vec<(String, u64)>,
}

impl Told {
    fn by(stepped: &Stepped, tenant: &str) -> Told {
        let mut told = Told::default();
        for log in stepped.logs().values().filter(|log| log.meta.tenant == tenant) {
            told.partitions += 1;
            for seq in 0..log.checkpoint().size {
                let (fields, _) = log.read_checked(seq).expect("every entry can be read");
                told.hear(&fields);
            }
        }
        told
    }

    fn hear(&mut self, fields: &Fields) {
        let text = |path: &str| fields.string(path).unwrap_or_default();
        match text(r#"["action"]"#).as_str() {
            "server.start" => {
                let closed = fields.text(r#"["attributes","closed_in_order"]"#);
                self.starts += 1;
                self.unclean += usize::from(closed == Some("false"));
            }
            "server.stop" => self.stops += 1,
            "clock.jump" => self.jumps += 1,
            "log.close" => {
                self.closes += 1;
                self.ordered += usize::from(text(r#"["reason","text"]"#) == "the day's order");
            }
            "journal.cut" => {
                let offset = text(r#"["attributes","offset"]"#).parse();
                let file = text(r#"["attributes","file"]"#);
                self.cuts.push((file, offset.expect("an offset")));
            }
            _ => {}
        }
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
