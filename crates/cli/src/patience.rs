//! Waiting for a server that says to ask again: it makes its index after a start (code `indexing`),
//! others are before us, or there is no room. Nothing was done then, so asking again is harmless.

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::Value;

use crate::error::{CliError, Refused};
use crate::out;

/// How long one question waits in all.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// A server that names no time to speak of is not asked in a tight loop.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Who waits longer than this wants to know why.
const SILENT_MAX: Duration = Duration::from_secs(2);

/// What is left of it, for one question.
#[derive(Default)]
pub(crate) struct Patience {
    waited: Duration,
    line: Option<ProgressBar>,
}

impl Patience {
    /// Waits as long as the server asks, and says why; fails where that is too long in all.
    pub(crate) fn wait(&mut self, problem: &Value, pause: Duration) -> Result<(), CliError> {
        let detail = problem["detail"].as_str().unwrap_or("no reason was given");
        let pause = pause.max(PAUSE_MIN);
        if self.waited + pause > WAIT_MAX {
            let (waited, pause) = (self.waited.as_secs(), pause.as_secs().max(1));
            let text = |name: &str| problem[name].as_str().map(str::to_owned);
            return Err(CliError::Refused(Refused {
                status: 503,
                code: text("code"),
                detail: detail.to_owned(),
                request_id: text("request_id"),
                next: Some(format!("waited {waited} s, try again in {pause} s or later")),
            }));
        }
        if problem["code"] == "indexing" || self.waited + pause > SILENT_MAX {
            self.say(detail);
        }
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
