//! The server's pulse: once a second the store looks whether its clock was set, whether a log
//! has reached a limit, and whether the time is over that two keys of a log sign together; and what
//! the server owes its logs is stated.
//!
//! Promises: a pulse that panics ends the process. Without it a full disk would not be noticed, and
//! nothing else would show that it is gone.
//!
//! A thread of its own, for what a beat does may wait for the disk.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use tokio::sync::watch;

use crate::access::{denials, owed};
use crate::app::App;
use crate::compose;
use crate::{owners, quotas, room};

/// From one beat to the next.
const BEAT: Duration = Duration::from_secs(1);

/// Beats until it is stopped.
pub(crate) struct Pulse {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Pulse {
    /// Starts to beat; `died` hears it when it cannot go on.
    pub(crate) fn start(app: Arc<App>, died: watch::Sender<bool>) -> std::io::Result<Pulse> {
        let (stop, stopped) = channel();
        let runtime = Handle::current();
        let run = move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let beaten = catch_unwind(AssertUnwindSafe(|| beat(&app, &runtime)));
                if let Err(panic) = beaten {
                    compose::fail(&app, &died, "the pulse panicked");
                    resume_unwind(panic);
                }
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
    runtime.block_on(app.state_all_left_out(false));
    runtime.block_on(owners::again(app));
    for (log, error) in app.store.tick() {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(log, cause, "{error}");
    }
}
