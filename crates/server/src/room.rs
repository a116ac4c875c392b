//! The watch on the disk's room: who sends is told in time, so that what the log itself has to
//! state, a stop, and the next start find room.
//!
//! Promises: below `disk.free_min_bytes` no body is taken in (503 `disk`; senders keep it), and
//! each crossing of a threshold is stated once in every tenant's log, as soon as that takes it.
//! Below [`RESERVE_BYTES`] nothing is read either, for each read is stated: what is left is for
//! tokens to be revoked, a stop, and the start after it.
//!
//! Never: stops what was taken in already.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admit::Statement;
use commit::Purpose;
use platform::Volume;

use crate::app::App;
use crate::config::Disk;
use crate::http::error::Failure;

/// How much more must be free before a level is left again: one journal file.
const BACK_BYTES: u64 = 64 << 20;

/// What a start may need: the journal file that it goes on in, and two ahead. Reads leave it alone,
/// `counterfoil status` and `counterfoil doctor` call less than it bad, and `disk.free_min_bytes`
/// keeps it unless it is set lower.
pub const RESERVE_BYTES: u64 = 192 << 20;

/// After so long without an answer nothing is known of the file system.
const SILENT: Duration = Duration::from_secs(30);

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Level {
    Enough = 0,
    /// Below `disk.free_warn_bytes`.
    Low = 1,
    /// Below `disk.free_min_bytes`: no body is taken in.
    Critical = 2,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Level::Enough => "enough",
            Level::Low => "low",
            Level::Critical => "critical",
        }
    }
}

/// The level after a look at the disk; what was low stays so until there is clearly more.
fn level(free: u64, before: Level, limits: &Disk) -> Level {
    let back = |at: Level| if before >= at { BACK_BYTES } else { 0 };
    let below = |bytes: usize, at| free < (bytes as u64).saturating_add(back(at)) && bytes > 0;
    if below(limits.free_min_bytes, Level::Critical) {
        Level::Critical
    } else if below(limits.free_warn_bytes, Level::Low) {
        Level::Low
    } else {
        Level::Enough
    }
}

/// What was seen last.
pub(crate) struct Room {
    limits: Disk,
    level: AtomicU8,
    /// Whether only the reserve is left.
    reserve: AtomicBool,
    /// What the file system said, and when it did on the machine's clock. Who asks from outside is
    /// answered with that: a volume that hangs would hold each of them.
    seen: Mutex<Option<(Volume, Duration)>>,
    told: Told,
}

/// The level that each tenant's log has last; a tenant that does not stand here has enough.
#[derive(Default)]
struct Told(Mutex<BTreeMap<String, Level>>);

impl Told {
    /// Whom there is something to tell, with the level that its log has.
    fn untold<'t>(
        &self,
        tenants: impl Iterator<Item = &'t String>,
        now: Level,
    ) -> Vec<(&'t String, Level)> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has = |tenant| told.get(tenant).copied().unwrap_or(Level::Enough);
        tenants.map(|tenant| (tenant, has(tenant))).filter(|(_, has)| *has != now).collect()
    }

    fn tell(&self, tenant: &str, now: Level) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(tenant.to_owned(), now);
    }
}

impl Room {
    pub(crate) fn new(limits: Disk) -> Room {
        let (level, reserve) = (AtomicU8::new(Level::Enough as u8), AtomicBool::new(false));
        Room { limits, level, reserve, seen: Mutex::default(), told: Told::default() }
    }

    pub(crate) fn level(&self) -> Level {
        match self.level.load(Relaxed) {
            0 => Level::Enough,
            1 => Level::Low,
            _ => Level::Critical,
        }
    }

    fn look(&self, volume: Volume, elapsed: Duration) {
        self.reserve.store(volume.bytes_free < RESERVE_BYTES, Relaxed);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((volume, elapsed));
    }

    /// What the file system said last; nothing where that is long ago.
    pub(crate) fn volume(&self, elapsed: Duration) -> Option<Volume> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |at: Duration| elapsed.saturating_sub(at) < SILENT;
        seen.filter(|(_, at)| is_new(*at)).map(|(volume, _)| volume)
    }

    /// Refuses a read where its statement would take from the reserve.
    pub(crate) fn read(&self) -> Result<(), Failure> {
        match self.reserve.load(Relaxed) {
            true => Err(Failure::busy(
                "disk",
                "the disk is full but for a reserve, and a read has to be stated in the access log",
            )),
            false => Ok(()),
        }
    }

    /// Refuses a body where there is no room for it.
    pub(crate) fn take_in(&self) -> Result<(), Failure> {
        match self.level() {
            Level::Critical => Err(Failure::busy(
                "disk",
                "the disk is nearly full; what is left is kept for the log itself. Retry with the \
                 same ids",
            )),
            _ => Ok(()),
        }
    }
}

/// Looks at the disk and states a crossing; a log that does not take it hears of it with a later
/// pulse. Called at the start and with every pulse, never twice at once.
pub(crate) async fn watch(app: &Arc<App>) {
    let Ok(volume) = app.store.world().disk.volume() else { return };
    app.room.look(volume, app.clock.elapsed());
    let before = app.room.level();
    let now = level(volume.bytes_free, before, &app.room.limits);
    // First, so that nothing more is taken in while it is stated.
    app.room.level.store(now as u8, Relaxed);
    let free = volume.bytes_free;
    if now != before {
        tracing::warn!(free, before = before.word(), now = now.word(), "room on the disk");
    }
    for (tenant, had) in app.room.told.untold(app.books.keys(), now) {
        match app.state(tenant, Purpose::Events, statement(had, now, free)).await {
            Ok(()) => app.room.told.tell(tenant, now),
            Err(_) if now == before => {}
            Err(_) => tracing::warn!(tenant, "the room on the disk is stated when there is some"),
        }
    }
}

fn statement(before: Level, now: Level, free: u64) -> Statement {
    let why = match now {
        Level::Enough => "there is room on the disk again",
        Level::Low => "less is free on the disk than disk.free_warn_bytes",
        Level::Critical => {
            "less is free on the disk than disk.free_min_bytes: senders are told to come again"
        }
    };
    let statement = Statement::new("disk.room", "system", "other").because(why);
    let statement = statement.noting("before", before.word()).noting("now", now.word());
    statement.noting("free_bytes", free.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_left_when_there_is_clearly_more() {
        let limits = Disk { free_warn_bytes: 1 << 30, free_min_bytes: 256 << 20 };
        let at = |mib: u64, before| level(mib << 20, before, &limits);
        use Level::{Critical, Enough, Low};
        assert_eq!(
            [at(1_024, Enough), at(1_023, Enough), at(255, Enough)],
            [Enough, Low, Critical]
        );
        assert_eq!([at(1_087, Low), at(1_088, Low)], [Low, Enough]);
        assert_eq!([at(319, Critical), at(320, Critical)], [Critical, Low]);
        assert_eq!(at(2_000, Critical), Enough);
        let off = Disk { free_warn_bytes: 0, free_min_bytes: 0 };
        assert_eq!(level(0, Enough, &off), Enough, "0 is no threshold");
    }

    #[test]
    fn a_crossing_stays_to_be_told_until_a_log_has_it() {
        use Level::{Critical, Enough, Low};
        let (told, all) = (Told::default(), ["a", "b"].map(str::to_owned));
        let [a, b] = &all;
        let untold = |now| told.untold(all.iter(), now);
        assert_eq!(untold(Enough), []);
        assert_eq!(untold(Critical), [(a, Enough), (b, Enough)]);
        told.tell(a, Critical);
        assert_eq!(untold(Critical), [(b, Enough)], "b's log did not take it");
        assert_eq!(untold(Low), [(a, Critical), (b, Enough)]);
        assert_eq!(untold(Enough), [(a, Critical)], "nothing happened that b's log would miss");
    }

    #[test]
    fn reads_leave_a_reserve_alone() {
        let room = Room::new(Disk { free_warn_bytes: 0, free_min_bytes: 0 });
        assert!(room.read().is_ok());
        let look = |bytes_free, at| {
            room.look(Volume { bytes_free, ..Volume::default() }, Duration::from_secs(at));
        };
        look(RESERVE_BYTES - 1, 5);
        assert_eq!(room.read().expect_err("the reserve").code(), "disk");
        look(RESERVE_BYTES, 6);
        assert!(room.read().is_ok(), "it ends when there is more");
        let free = |at| Some(room.volume(Duration::from_secs(at))?.bytes_free);
        assert_eq!([free(35), free(36)], [Some(RESERVE_BYTES), None], "a disk that says nothing");
    }
}
