//! The server's pulse: once a second the store looks whether its clock was set, whether a log
//! has reached a limit, and whether the time is over that two keys of a log sign together.
//!
//! A thread of its own, for what a beat does may wait for the disk.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::access::{denials, owed};
use crate::app::App;
use crate::{owners, quotas, room};

/// From one beat to the next.
const BEAT: Duration = Duration::from_secs(1);

/// Beats until it is stopped.
pub(crate) struct Pulse {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Pulse {
    /// Starts to beat.
    pub(crate) fn start(app: Arc<App>) -> std::io::Result<Pulse> {
        let (stop, stopped) = channel();
        let runtime = Handle::current();
        let run = move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                beat(&app, &runtime);
            }
        };
        let thread = std::thread::Builder::new().name("pulse".into()).spawn(run)?;
        Ok(Pulse { stop, thread })
    }

    /// Returns when the last beat is done.
    pub(crate) fn stop(self) -> Result<(), String> {
        drop(self.stop);
        self.thread.join().map_err(|_| "the pulse panicked".to_owned())
    }
}

/// One beat. It waits for the disk.
pub(crate) fn beat(app: &Arc<App>, runtime: &Handle) {
    runtime.block_on(room::watch(app));
    runtime.block_on(quotas::state(app));
    runtime.block_on(denials::state(app, false));
    runtime.block_on(owed::state(app));
    runtime.block_on(owners::again(app));
    for (log, error) in app.store.tick() {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(log, cause, "{error}");
    }
}
