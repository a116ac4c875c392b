//! What a start has yet to do when it accepts writes already: index the events that it found, and
//! then compare each with its signed entry. Lists and lookups wait for the first; the second
//! keeps nobody waiting.
//!
//! Promises: an entry of the living folder that is not what was signed ends the process, whoever
//! comes upon it, and the next start looks at it before it takes anything.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use commit::{Log, OpenError, Replay, Unfit, Unreadable, compare};
use query::Hot;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::App;
use crate::compose;
use crate::http::error::Failure;

/// How long a read waits for the index before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the check steps back for senders at once: a stop waits for it, and a clock may leap.
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Batches that are read before they are indexed.
const AHEAD_MAX: usize = 2;

/// How far that is.
pub(crate) struct Backlog {
    /// Events that the start found.
    events: AtomicU64,
    indexed: AtomicU64,
    checked: AtomicU64,
    /// Whether an event of the living folder is not what was signed; the process ends.
    is_damaged: AtomicBool,
    /// What a read found; what the work itself finds is its error.
    by_read: Mutex<Option<OpenError>>,
    /// Whether all is indexed.
    is_open: watch::Sender<bool>,
    stop: AtomicBool,
}

impl Backlog {
    pub(crate) fn new() -> Backlog {
        Backlog {
            events: AtomicU64::new(0),
            indexed: AtomicU64::new(0),
            checked: AtomicU64::new(0),
            is_damaged: AtomicBool::new(false),
            by_read: Mutex::default(),
            is_open: watch::Sender::new(false),
            stop: AtomicBool::new(false),
        }
    }

    /// Returns when lists and lookups find everything.
    pub(crate) async fn indexed(&self) -> Result<(), Failure> {
        self.wait(PATIENCE).await
    }

    async fn wait(&self, patience: Duration) -> Result<(), Failure> {
        let mut open = self.is_open.subscribe();
        let waited = timeout(patience, open.wait_for(|open| *open)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Failure::busy("indexing", self.sentence())),
        }
    }

    /// Whether lists and lookups find everything.
    pub(crate) fn is_open(&self) -> bool {
        *self.is_open.borrow()
    }

    /// Events indexed, checked, and found at the start.
    pub(crate) fn progress(&self) -> [u64; 3] {
        [&self.indexed, &self.checked, &self.events].map(|count| count.load(Relaxed))
    }

    /// Whether an event of the living folder is not what was signed.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Relaxed)
    }

    /// What a read found: why the process ends.
    pub(crate) fn found_by_reads(&self) -> Result<(), OpenError> {
        let mut found = self.by_read.lock().unwrap_or_else(PoisonError::into_inner);
        found.take().map_or(Ok(()), Err)
    }

    /// Lets the work end early.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    fn sentence(&self) -> String {
        let [indexed, _, events] = self.progress();
        let percent = indexed * 100 / events.max(1);
        format!(
            "the server is indexing what it has: {percent} % of {events} events; writes are \
             accepted meanwhile"
        )
    }
}

/// Does the work, on a thread of its own. An error is damage that no checksum shows: it is kept,
/// so that the next start looks there before it takes anything.
pub(crate) fn work(app: &App) -> Result<(), OpenError> {
    look_at_all(app).map_err(|unfit| {
        app.backlog.is_damaged.store(true, Relaxed);
        keep(app, unfit)
    })
}

/// Takes in that a read came upon an entry that is not what was signed. It is looked at once more,
/// for memory and disks err now and then; what was set aside is known to have such entries.
pub(crate) fn found_by_read(app: &App, log: &Arc<Log>, seq: u64) {
    if app.backlog.is_damaged() {
        return;
    }
    let Some(unfit) = Unfit::look(log, seq) else { return };
    if app.backlog.is_damaged.swap(true, Relaxed) {
        return;
    }
    let error = keep(app, unfit);
    let cause = format!("a read found what cannot be believed: {error}");
    *app.backlog.by_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    compose::fail(app, &app.stops, &cause);
}

fn keep(app: &App, unfit: Unfit) -> OpenError {
    if let Err(cause) = app.store.keep(&unfit) {
        let what = "what was found is not kept: a start takes writes until it is found again";
        tracing::error!(%cause, what);
    }
    unfit.error
}

fn look_at_all(app: &App) -> Result<(), Unfit> {
    let backlog = &app.backlog;
    let replay = app.store.replay();
    backlog.events.store(replay.progress().1, Relaxed);
    if !index(backlog, replay, &app.hot)? {
        return Ok(());
    }
    backlog.is_open.send_replace(true);
    check(app, app.store.replay())
}

/// Reads on one thread and indexes on another. Returns whether all was indexed.
fn index(backlog: &Backlog, mut replay: Replay, hot: &Arc<Hot>) -> Result<bool, Unfit> {
    let (give, take) = sync_channel(AHEAD_MAX);
    thread::scope(|scope| {
        scope.spawn(move || {
            while let Some(replayed) = replay.next() {
                // Who takes them may have stopped.
                if give.send((replayed, replay.progress().0)).is_err() {
                    return;
                }
            }
        });
        for (replayed, done) in take {
            let replayed = match replayed {
                Ok(replayed) => replayed,
                Err(unreadable) => {
                    pass_over(unreadable)?;
                    backlog.indexed.store(done, Relaxed);
                    continue;
                }
            };
            hot.replay(&replayed.log.meta, replayed.first, &replayed.leaves, &replayed.events);
            backlog.indexed.store(done, Relaxed);
            if backlog.stop.load(Relaxed) {
                return Ok(false);
            }
        }
        hot.resumed();
        Ok(true)
    })
}

/// Damage of what was set aside ends nothing: what is whole is found, the rest is answered as
/// damaged, entry by entry, and told when it is compared.
fn pass_over(unreadable: Unreadable) -> Result<(), Unfit> {
    if unreadable.log.damaged().is_none() { Err(unreadable.into()) } else { Ok(()) }
}

fn check(app: &App, mut replay: Replay) -> Result<(), Unfit> {
    let backlog = &app.backlog;
    while let Some(replayed) = replay.next() {
        let began = app.clock.elapsed();
        let unfit = compare(replayed)?;
        if let Some(first) = unfit.first() {
            let (log, seq, entries) = (first.log.meta.name(), first.seq, unfit.len());
            let what = "what was set aside is damaged here";
            tracing::warn!(log, seq, entries, cause = %first.error, what);
        }
        backlog.checked.store(replay.progress().0, Relaxed);
        if backlog.stop.load(Relaxed) {
            return Ok(());
        }
        // Senders have the processor first.
        if app.permits.held() > 0 {
            thread::sleep(pause(began, app.clock.elapsed()));
        }
    }
    Ok(())
}

/// As long as the work took, within bounds.
fn pause(began: Duration, ended: Duration) -> Duration {
    ended.saturating_sub(began).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_steps_back_as_long_as_it_worked_but_no_stop_waits_for_it() {
        let second = Duration::from_secs(1);
        assert_eq!(pause(second, second + PAUSE_MAX / 2), PAUSE_MAX / 2);
        assert_eq!(pause(second, 3_600 * second), PAUSE_MAX);
        assert_eq!(pause(second, Duration::ZERO), Duration::ZERO);
    }

    #[tokio::test]
    async fn reads_wait_for_the_index_and_hear_how_far_it_is() {
        let backlog = Backlog::new();
        backlog.events.store(200, Relaxed);
        backlog.indexed.store(86, Relaxed);
        let failure = backlog.wait(Duration::ZERO).await.unwrap_err();
        assert!(format!("{failure:?}").contains("43 % of 200 events"), "{failure:?}");
        assert!(!backlog.is_open());
        backlog.is_open.send_replace(true);
        assert!(backlog.wait(Duration::ZERO).await.is_ok());
    }
}
