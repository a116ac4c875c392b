//! Waiting for a server that says to ask again: it makes its index after a start (code `indexing`),
//! others are before us, or there is no room. Nothing was done then, so asking again is harmless.
//! And waiting for one that says nothing.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::client::Answer;
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
    pub(crate) fn wait(&mut self, answer: &Answer, pause: Duration) -> Result<(), CliError> {
        let problem = answer.problem();
        let detail = problem["detail"].as_str().unwrap_or("no reason was given");
        let pause = pause.max(PAUSE_MIN);
        if self.waited + pause > WAIT_MAX {
            let (waited, pause) = (self.waited.as_secs(), pause.as_secs().max(1));
            let text = |name: &str| problem[name].as_str().map(str::to_owned);
            return Err(CliError::Refused(Refused {
                status: answer.status,
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

/// Says that nothing came yet, after two seconds and whenever it took twice as long, until it is
/// dropped.
pub(crate) struct Waiting {
    over: Option<Sender<()>>,
    teller: Option<JoinHandle<()>>,
}

impl Waiting {
    pub(crate) fn of(url: &str) -> Waiting {
        let url = url.to_owned();
        Waiting::telling(SILENT_MAX, move |waited| {
            out::note(&format!("waiting for {url} ({} s)", waited.as_secs()));
        })
    }

    fn telling(first: Duration, say: impl Fn(Duration) + Send + 'static) -> Waiting {
        let (over, ended) = channel::<()>();
        let tell = move || {
            let (mut waited, mut pause) = (Duration::ZERO, first);
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                waited += pause;
                pause = waited;
                say(waited);
            }
        };
        Waiting { over: Some(over), teller: Some(std::thread::spawn(tell)) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.over.take());
        // Nothing is said any more once this is gone.
        let _ = self.teller.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_again_and_again_and_then_no_more() {
        let (say, said) = channel();
        let waiting = Waiting::telling(Duration::from_millis(1), move |waited| {
            let _ = say.send(waited.as_millis());
        });
        assert_eq!(said.iter().take(3).collect::<Vec<_>>(), [1, 2, 4]);
        drop(waiting);
        assert!(said.iter().count() < 9, "its end is not waited for");
    }
}
