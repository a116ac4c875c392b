//! Waiting for a server that has just started and still makes its index: writes are open then,
//! reads answer 503 with the code `indexing`, how far it is, and when to ask again.

use std::time::Duration;

use indicatif::ProgressBar;

use crate::error::CliError;
use crate::out;

/// How long one question waits in all.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// A server that names no time, or none at all, is not asked in a tight loop.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// What is left of it, for one question.
#[derive(Default)]
pub(crate) struct Patience {
    waited: Duration,
    line: Option<ProgressBar>,
}

impl Patience {
    /// Waits as long as the server asks, and says why; fails where that is too long in all.
    pub(crate) fn wait(
        &mut self,
        detail: &str,
        retry_after: Option<Duration>,
    ) -> Result<(), CliError> {
        let pause = retry_after.unwrap_or(PAUSE).max(PAUSE_MIN);
        if self.waited + pause > WAIT_MAX {
            let (waited, pause) = (self.waited.as_secs(), pause.as_secs());
            return Err(CliError::Server(format!(
                "the server is not ready to be read: {detail}; waited {waited} s, try again in \
                 {pause} s or later"
            )));
        }
        self.say(detail);
        std::thread::sleep(pause);
        self.waited += pause;
        Ok(())
    }

    fn say(&mut self, detail: &str) {
        let line = self.line.get_or_insert_with(|| {
            let line = out::progress("  waiting  {msg}");
            if line.is_hidden() {
                out::note(&format!("waiting: {detail}"));
            }
            line
        });
        line.set_message(out::clean(detail));
        line.tick();
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}
