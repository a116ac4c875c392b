//! Files outside the data folder, while the server runs: they may stand on a disk that hangs.
//!
//! Promises: they are read where no connection waits for them, and a stop waits for none.

use crate::app::App;
use crate::http::error::Failure;
use crate::ingest::{WITH_DISK, work};

/// Runs what reads them. Once the server stops, nobody hears what they said.
pub(crate) async fn read<T: Send + 'static>(
    app: &App,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let mut stops = app.stops.subscribe();
    tokio::select! {
        biased;
        stopped = stops.wait_for(|stops| *stops) => drop(stopped),
        read = work(WITH_DISK, job) => return read,
    }
    Err(Failure::busy("stopping", "the server stops; nothing was changed"))
}
