//! A day of operation: three tenants write, processes stop in order and die, logs are closed by
//! order and by limits, their keys change, the clock is set, the disk fills and is freed, and twice
//! bytes of the folder are spoilt.
//!
//! The clock and the disk are simulated, so the day takes seconds. One seed decides everything;
//! `COUNTERFOIL_DAYS` says how many seeds run, `COUNTERFOIL_SEED` which is the first. At the end
//! `verify` judges the folder from its bytes, the witness holds it to every receipt that was given,
//! and every incident must stand as an event in each log that was open. What a crash tore, `verify`
//! finds before the start does: the start has to say that it cut it. What was spoilt is set aside;
//! it is read as far as it can be proved, and mended at the end from a copy: then nothing is lost.

mod spoil;
mod told;

use std::time::Duration;

use commit::{
    Answer, KeyError, KeyOrder, OnDamage, OpenError, Order, PartitionLimits, RotateError, Stepped,
    TickError,
};
use platform::Disk;
use platform::sim::{Crash, Dice, Fault};
use verify::{Class, Reason};

use crate::world::{Outside, event, log_of, submit};
use spoil::Spoilt;
use told::Told;

const TENANTS: [&str; 3] = ["north", "south", "west"];
/// Starts that may fail one after the other, each by a fault that was planned.
const STARTS_MAX: usize = 50;
/// Simulated minutes.
const MINUTES: u64 = 24 * 60;
/// The longest that two keys of a log sign together.
const OVERLAP_MAX_S: u64 = 6 * 3_600;

/// What happened, and must be told by the logs.
#[derive(Default)]
struct Incidents {
    stops: usize,
    /// Of these, stops for whose event no journal file could be made.
    untold_stops: usize,
    deaths: usize,
    jumps: usize,
    /// By order.
    rotations: usize,
    /// Keys that took over, and overlaps that ended.
    keys: usize,
    overlaps: usize,
    /// Batches that a full disk did not take.
    turned_away: usize,
    /// What crashes tore: number that the folder would be set aside with, journal file, and the
    /// first byte that belongs to no frame.
    torn: Vec<(u64, String, u64)>,
}

struct Day {
    dice: Dice,
    outside: Outside,
    /// How the process ends, if that is decided.
    how: Option<Crash>,
    seen: Incidents,
    /// Ids sent, by tenant.
    sent: [u64; 3],
    /// Minutes after which bytes are spoilt.
    spoils_at: [u64; 2],
    spoilt: Vec<Spoilt>,
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
        let spoils_at = [200, 800].map(|from| from + dice.below(600));
        let (seen, spoilt) = (Incidents::default(), Vec::new());
        Day { dice, outside, how: None, seen, sent: [0; 3], spoils_at, spoilt }
    }

    fn run(mut self) {
        let mut stepped = self.outside.open().expect("a new folder");
        for minute in 0..MINUTES {
            self.outside.pass(60);
            if self.spoils_at.contains(&minute) {
                stepped = self.spoil(stepped);
            } else if self.minute(&mut stepped).is_none() {
                drop(stepped);
                stepped = self.revive();
            }
        }
        // The last process: no fault that was planned for one before strikes it.
        drop(stepped);
        let mut stepped = self.revive();
        while overlaps(&stepped).iter().any(|(_, both)| *both) {
            self.outside.pass(3_600);
            self.tick(&mut stepped).expect("every overlap ends");
        }
        self.outside.witness.look(&stepped.logs());
        self.mend(stepped);
        let stepped = self.outside.open().expect("nothing is wrong");
        self.spoilt.iter().for_each(|spoilt| spoilt.judge_mended(&stepped));
        self.tells(&stepped);
        stepped.close().expect("nothing is wrong");
        self.judge_mended();
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
            47..51 => self.change_a_key(stepped)?,
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
        let before = overlaps(stepped);
        for (_, error) in stepped.tick() {
            let is_over = matches!(
                error,
                TickError::Partition(RotateError::Failed) | TickError::Keys(KeyError::Failed)
            );
            if is_over {
                return None;
            }
        }
        // Of a log that was closed meanwhile, no event can say that its overlap is over.
        let after = overlaps(stepped);
        let ended =
            before.iter().filter(|(log, both)| *both && after.contains(&(log.clone(), false)));
        self.seen.overlaps += ended.count();
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
        let closed = stepped.rotate(&name, &order);
        if matches!(closed, Err(RotateError::Failed)) {
            return None;
        }
        self.seen.rotations += usize::from(closed.is_ok());
        stepped.drain().ok()
    }

    /// At once, or with a time in which both sign.
    fn change_a_key(&mut self, stepped: &mut Stepped) -> Option<()> {
        let tenant = self.dice.pick(&TENANTS);
        let name = log_of(stepped, tenant).meta.name().to_owned();
        let together = Duration::from_secs(self.dice.pick(&[0, 600, 7_200, OVERLAP_MAX_S]));
        let order = KeyOrder { why: "the day's order".into(), by: Some("ops".into()), together };
        match stepped.rotate_key(&name, &order) {
            Ok(_) => self.seen.keys += 1,
            Err(KeyError::Failed) => return None,
            // One at a time; or the disk is full, or struck.
            Err(KeyError::Together { .. } | KeyError::NoRoom | KeyError::Files(_)) => {}
            Err(error) => panic!("{name}: {error}"),
        }
        stepped.drain().ok()
    }

    fn stop_in_order(&mut self, stepped: &mut Stepped) -> Option<()> {
        self.outside.disk.fill_at(u64::MAX);
        let next = Outside::new(0, &[]).open().expect("a folder of its own");
        let closed = std::mem::replace(stepped, next).close_told();
        self.seen.stops += usize::from(closed.is_ok());
        self.seen.untold_stops += usize::from(closed.is_ok_and(|is_told| !is_told));
        None
    }

    /// Starts until a process lives.
    fn revive(&mut self) -> Stepped {
        for _ in 0..STARTS_MAX {
            let how = self.dice.pick(&[Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare]);
            self.outside.crash(self.how.take().unwrap_or(how));
            self.outside.disk.fill_at(u64::MAX);
            let torn = self.outside.witness.torn(&self.outside.disk);
            if let Some(stepped) = self.start() {
                let number = self.spoilt.len() as u64 + 1;
                self.seen.torn.extend(torn.map(|(file, byte)| (number, file, byte)));
                return stepped;
            }
        }
        panic!("{STARTS_MAX} starts failed");
    }

    /// Starts a process; it may be struck.
    fn start(&mut self) -> Option<Stepped> {
        match self.outside.open() {
            Ok(stepped) => {
                self.seen.deaths += 1;
                assert_eq!(stepped.set_aside().len(), self.spoilt.len());
                Some(stepped)
            }
            Err(OpenError::Io { .. }) => None,
            Err(error) => panic!("what was lost was never acknowledged, yet: {error}"),
        }
    }

    /// The process stops in order or dies, and before the next one starts bytes are spoilt. What
    /// they spoil is set aside, whatever strikes the starts that do it.
    fn spoil(&mut self, mut stepped: Stepped) -> Stepped {
        let stops = self.seen.stops;
        if self.dice.chance(1, 2) {
            self.stop_in_order(&mut stepped);
        }
        drop(stepped);
        let was_closed = self.seen.stops > stops;
        let how = [Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare];
        self.outside.crash(self.how.take().unwrap_or(self.dice.pick(&how)));
        self.outside.disk.fill_at(u64::MAX);
        let number = self.spoilt.len() as u64 + 1;
        let spoilt = Spoilt::strike(&self.outside, &mut self.dice, number, was_closed);
        self.spoilt.push(spoilt);
        self.outside.settings.on_damage = OnDamage::NewPartition;
        if self.dice.chance(1, 2) {
            self.outside.disk.plan("", self.dice.below(60), Fault::DieAfter);
        }
        let mut starts = (0..STARTS_MAX).map(|nth| {
            if nth > 0 {
                self.outside.crash(self.dice.pick(&how));
            }
            self.start()
        });
        let stepped = starts.find_map(|started| started).expect("no more faults are planned");
        self.outside.settings.on_damage = OnDamage::Refuse;
        let spoilt = self.spoilt.last().expect("it was pushed");
        spoilt.judge(&mut self.outside, &stepped, &TENANTS);
        stepped
    }

    /// The last process of the day stops. `verify` finds what is missing, and nothing else; then
    /// the bytes are put back.
    fn mend(&mut self, stepped: Stepped) {
        let missing: Vec<u64> = self.spoilt.iter().map(|s| s.missing(&stepped)).collect();
        stepped.close().expect("nothing is wrong");
        self.seen.stops += 1;
        let verdict = self.outside.witness.verdict(&self.outside.disk);
        for finding in &verdict.findings {
            let what = format!("{}: {}", finding.place, finding.sentence);
            assert!(finding.place.starts_with("damaged/"), "the living folder is whole: {what}");
        }
        for (spoilt, missing) in self.spoilt.iter().zip(&missing) {
            let place = format!("damaged/{}/", spoilt.number);
            let mut found = verdict.findings.iter().filter(|f| f.place.starts_with(&place));
            let is_told = found.any(|f| f.reason == Reason::Truncated || *missing == 0);
            assert!(is_told, "{place}: {missing} are missing, {:?}", verdict.findings);
        }
        if missing.iter().any(|missing| *missing > 0) {
            assert_eq!(verdict.class, Class::Tampered, "{}: {}", verdict.place, verdict.sentence);
        }
        self.outside.crash(Crash::PowerLossBare);
        self.spoilt.iter().for_each(|spoilt| spoilt.mend(&self.outside.disk));
    }

    /// `verify` finds all that was ever acknowledged, and nothing wrong. Of a process that died, it
    /// may say what its crash tore.
    fn judge_mended(&self) {
        let died = self.spoilt.iter().filter(|spoilt| !spoilt.was_closed);
        let died: Vec<String> = died.map(|spoilt| format!("damaged/{}/", spoilt.number)).collect();
        for verdict in self.outside.witness.verdicts(&self.outside.disk) {
            for finding in verdict.findings.iter().filter(|f| f.reason != Reason::Verified) {
                let is_torn = finding.reason == Reason::TornTail
                    && died.iter().any(|place| finding.place.starts_with(place));
                assert!(is_torn, "{}: {}", finding.place, finding.sentence);
            }
            assert!(verdict.is_verified() || !died.is_empty(), "{}", verdict.sentence);
        }
    }

    /// Every incident stands in the logs of every tenant.
    fn tells(&self, stepped: &Stepped) {
        let seen = &self.seen;
        let (mut ordered, mut keys, mut retired) = (0, 0, 0);
        let unsigned: Vec<_> = self.spoilt.iter().flat_map(|s| s.unsigned.clone()).collect();
        let numbers: Vec<u64> = self.spoilt.iter().map(|spoilt| spoilt.number).collect();
        for tenant in TENANTS {
            let mut told = Told::by(stepped, tenant, &unsigned);
            assert!(told.starts >= seen.deaths, "{tenant}: {} of {}", told.starts, seen.deaths);
            let unclean = seen.deaths - seen.stops;
            assert!(told.unclean >= unclean, "{tenant}: {} of {unclean}", told.unclean);
            let stops = seen.stops - seen.untold_stops;
            assert!(told.stops >= stops, "{tenant}: {} of {stops} stops", told.stops);
            assert!(told.jumps >= seen.jumps, "{tenant}: {} of {} jumps", told.jumps, seen.jumps);
            told.findings.sort_unstable();
            assert_eq!(told.findings, numbers, "{tenant}: each damage is stated once");
            let closed = told.partitions - 1 - numbers.len();
            assert_eq!(
                told.closes, closed,
                "{tenant}: each log but those that were last is closed"
            );
            for (number, file, byte) in &seen.torn {
                let mut cuts = told.cuts.iter();
                let told = cuts.any(|(of, cut, at)| (of, cut) == (number, file) && at <= byte);
                assert!(told, "{tenant}: {number}, {file} was cut at or before byte {byte}");
            }
            ordered += told.ordered;
            keys += told.keys;
            retired += told.retired;
            let open = log_of(stepped, tenant);
            let name = format!("keys/{}.key", open.meta.name());
            let secrets = (&self.outside.disk as &dyn Disk).read_small(&name, 4_096).unwrap();
            let lines = secrets.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(lines, 1, "{tenant}: one key signs in the end");
        }
        assert!(ordered >= seen.rotations, "{ordered} of {}", seen.rotations);
        assert!(keys >= seen.keys, "{keys} of {} keys", seen.keys);
        assert!(retired >= seen.overlaps, "{retired} of {} overlaps", seen.overlaps);
        assert!(seen.keys > seen.overlaps && seen.overlaps > 0, "keys changed, and overlapped");
        assert!(seen.stops > 0 && seen.deaths > seen.stops, "a day has incidents");
        assert!(seen.turned_away > 0, "the disk was full once");
        assert!(!seen.torn.is_empty(), "a frame was torn once");
    }
}

/// Open logs, and whether two keys sign their checkpoints.
fn overlaps(stepped: &Stepped) -> Vec<(String, bool)> {
    let both = TENANTS.map(|tenant| {
        let log = log_of(stepped, tenant);
        let signing = log.key_periods().iter().filter(|period| period.signs).count();
        (log.meta.name().to_owned(), signing == 2)
    });
    both.into()
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
