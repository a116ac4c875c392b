//! Work in turn: what needs the disk, or long, shares threads, and no kind of it must take all.
//!
//! Promises: so much work of a kind runs at once. Reads wait for [`WAIT_MAX`], and then hear that
//! there is no room; who hangs up while waiting is forgotten; a read that has begun goes on. Large
//! bodies wait as long as it takes: their bytes have a permit, and events in their long form are
//! in memory for a few bodies at once only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::http::error::Failure;
use crate::ingest::INLINE_BYTES_MAX;

/// Long reads at once, for each core. One that waits for the disk leaves its core to another.
const LONG_PER_CORE: usize = 2;
/// Short reads at once, for each core.
const SHORT_PER_CORE: usize = 8;
/// Files of evidence at once.
const PROOFS: usize = 1;
/// Tails that read at once; each reads for as long as one batch takes.
const TAILS: usize = 2;
/// Large bodies at once, for each core: one at work while another waits for the disk.
const BODIES_PER_CORE: usize = 2;
/// How long a read waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The turns there are.
pub(crate) struct Turns {
    long: Kind,
    short: Kind,
    proofs: Kind,
    tails: Kind,
    bodies: Kind,
}

/// The turns of one kind of work.
struct Kind {
    turns: Arc<Semaphore>,
    max: usize,
    waiting: AtomicU64,
    /// How often somebody was told to come again.
    busy: AtomicU64,
}

impl Kind {
    fn new(max: usize) -> Kind {
        let turns = Arc::new(Semaphore::new(max));
        Kind { turns, max, waiting: AtomicU64::new(0), busy: AtomicU64::new(0) }
    }

    /// Running, waiting, and told to come again.
    fn state(&self) -> [u64; 3] {
        let running = self.max.saturating_sub(self.turns.available_permits()) as u64;
        [running, self.waiting.load(Relaxed), self.busy.load(Relaxed)]
    }
}

/// Counts one that waits; who hangs up is not counted any more.
struct Waits<'k>(&'k Kind);

impl<'k> Waits<'k> {
    fn new(kind: &'k Kind) -> Waits<'k> {
        kind.waiting.fetch_add(1, Relaxed);
        Waits(kind)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

/// One of them, while it lasts.
pub(crate) type Turn = OwnedSemaphorePermit;

impl Turns {
    /// As many as this machine's cores allow.
    pub(crate) fn new() -> Turns {
        let cores = available_parallelism().map_or(1, usize::from);
        Turns::with(LONG_PER_CORE * cores, SHORT_PER_CORE * cores, BODIES_PER_CORE * cores)
    }

    fn with(long: usize, short: usize, bodies: usize) -> Turns {
        let (long, short) = (Kind::new(long), Kind::new(short));
        let (proofs, tails, bodies) = (Kind::new(PROOFS), Kind::new(TAILS), Kind::new(bodies));
        Turns { long, short, proofs, tails, bodies }
    }

    /// Of each kind of work: running, waiting, and told to come again.
    pub(crate) fn state(&self) -> [(&'static str, [u64; 3]); 5] {
        [
            ("long", self.long.state()),
            ("short", self.short.state()),
            ("proof", self.proofs.state()),
            ("tail", self.tails.state()),
            ("body", self.bodies.state()),
        ]
    }

    /// The turn of a body of `bytes`; a small one needs none.
    pub(crate) async fn admission(&self, bytes: usize) -> Result<Option<Turn>, Failure> {
        if bytes <= INLINE_BYTES_MAX {
            return Ok(None);
        }
        let _waits = Waits::new(&self.bodies);
        let turn = self.bodies.turns.clone().acquire_owned().await;
        turn.map(Some).map_err(|closed| Failure::internal(&closed))
    }

    /// A read of unknown length: a list, a trace.
    pub(crate) async fn long<T, J>(&self, job: J) -> Result<T, Failure>
    where
        J: FnOnce() -> Result<T, Failure> + Send,
    {
        in_turn(&self.long, job).await
    }

    /// Evidence, which holds many events at once, each several times.
    pub(crate) async fn proof<T, J>(&self, job: J) -> Result<T, Failure>
    where
        J: FnOnce() -> Result<T, Failure> + Send,
    {
        in_turn(&self.proofs, job).await
    }

    /// A tail's next batch. It waits as long as it takes, and takes no list's turn.
    pub(crate) async fn follow<T, J>(&self, job: J) -> Result<T, Failure>
    where
        J: FnOnce() -> Result<T, Failure> + Send,
    {
        let waits = Waits::new(&self.tails);
        let turn = self.tails.turns.acquire().await;
        let turn = turn.map_err(|closed| Failure::internal(&closed))?;
        drop(waits);
        block_in_place(move || {
            let _turn = turn;
            job()
        })
    }

    /// A read of a few events.
    pub(crate) async fn short<T, J>(&self, job: J) -> Result<T, Failure>
    where
        J: FnOnce() -> Result<T, Failure> + Send,
    {
        in_turn(&self.short, job).await
    }
}

async fn in_turn<T, J>(kind: &Kind, job: J) -> Result<T, Failure>
where
    J: FnOnce() -> Result<T, Failure> + Send,
{
    let full = |_| {
        kind.busy.fetch_add(1, Relaxed);
        Failure::busy("busy", "too many reads are under way; retry soon")
    };
    let turn = match kind.turns.try_acquire() {
        Ok(turn) => turn,
        Err(_) => {
            let _waits = Waits::new(kind);
            timeout(WAIT_MAX, kind.turns.acquire())
                .await
                .map_err(full)?
                .map_err(|closed| Failure::internal(&closed))?
        }
    };
    // On this very thread, whose other connections move to another: a lookup takes less time than
    // waking somebody else for it.
    block_in_place(move || {
        let _turn = turn;
        job()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use axum::http::StatusCode;
    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_read_that_does_not_get_its_turn_is_told() {
        let reads = Arc::new(Turns::with(1, 1, 1));
        let (open, gate) = channel::<()>();
        let (theirs, held) = (reads.clone(), move || Ok(gate.recv().is_ok()));
        let first = tokio::spawn(async move { theirs.long(held).await });
        while reads.long.turns.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = reads.long(|| Ok("too soon")).await.expect_err("no room").into_response();
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(second.headers()["retry-after"], "1");
        assert_eq!(
            reads.short(|| Ok("short")).await.expect("these have turns of their own"),
            "short"
        );
        first.abort();
        assert_eq!(reads.state()[0], ("long", [1, 0, 1]), "it goes on, though nobody waits for it");
        drop(open);
        assert_eq!(reads.long(|| Ok("at last")).await.expect("its turn"), "at last");
    }
}
