//! The settings of the terminal at standard input.

use std::io::Result;
use std::os::fd::AsFd;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// `_POSIX_VDISABLE`: the signal has no key.
const NO_KEY: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

/// How a terminal is set.
#[derive(Clone)]
pub struct TerminalSettings(Termios);

impl TerminalSettings {
    /// As they are now.
    pub fn now() -> Result<TerminalSettings> {
        Ok(TerminalSettings(tcgetattr(std::io::stdin().as_fd())?))
    }

    /// The same, but that keys come at once and are not shown, and that a read waits for nothing.
    /// Ctrl-C stays a signal; Ctrl-Z and Ctrl-\ are none.
    pub fn for_keys(&self) -> TerminalSettings {
        let mut keys = self.0.clone();
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        keys.special_codes[SpecialCodeIndex::VMIN] = 0;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        for signal in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
            keys.special_codes[signal] = NO_KEY;
        }
        TerminalSettings(keys)
    }

    /// Sets the terminal so.
    pub fn put(&self) -> Result<()> {
        Ok(tcsetattr(std::io::stdin().as_fd(), OptionalActions::Now, &self.0)?)
    }
}
