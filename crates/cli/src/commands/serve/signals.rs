//! The signals that a server hears.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;

pub(super) fn hear(kind: SignalKind) -> Result<Signal, CliError> {
    signal(kind).map_err(|error| CliError::Server(format!("cannot hear signals: {error}")))
}

/// The signals that ask for an orderly end, heard from the moment on that this is made.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Signals, CliError> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Signals { interrupt: hear(interrupt)?, terminate: hear(terminate)? })
    }

    /// Waits for one.
    pub(crate) async fn heard(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
