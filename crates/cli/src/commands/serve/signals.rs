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
    /// For what goes with its terminal.
    hangup: Option<Signal>,
}

impl Signals {
    pub(crate) fn listen() -> Result<Signals, CliError> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Signals { interrupt: hear(interrupt)?, terminate: hear(terminate)?, hangup: None })
    }

    /// The same with the end of the terminal, unless somebody (nohup) said that it is none of ours.
    pub(crate) fn listen_to_terminal() -> Result<Signals, CliError> {
        let hangup = match ignores_hangup() {
            true => None,
            false => Some(hear(SignalKind::hangup())?),
        };
        Ok(Signals { hangup, ..Signals::listen()? })
    }

    /// Waits for one.
    pub(crate) async fn heard(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether this process was started to outlive its terminal; asked before anything hears the
/// signal. Where the system does not tell, it was not.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, SignalKind::hangup())
}

/// What a process of that status in /proc does.
fn ignores(status: &str, kind: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_said_is_read() {
        let ignores = |mask: &str| {
            ignores(&format!("SigBlk:\t1\nSigIgn:\t{mask}\nSigCgt:\t1\n"), SignalKind::hangup())
        };
        assert_eq!(
            ["0000000000001001", "0000000000001000", "x"].map(ignores),
            [true, false, false]
        );
    }
}
