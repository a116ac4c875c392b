//! When a tail says something though nothing happens, and looks whether it may go on.

#![expect(clippy::disallowed_methods, reason = "a peer's time on its connection is real time")]

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long nothing is sent: less than what proxies and [`super::super::Patience`] wait.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How often the token is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How often a reader that is behind hears by how much.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at the logs: what comes meanwhile comes together.
const REST: Duration = Duration::from_millis(50);
/// What no wake announced is found by then.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The times of one tail.
pub(super) struct Pace {
    sent: Instant,
    looked: Instant,
    lagged: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Pace {
        let now = Instant::now();
        Pace { sent: now, looked: now, lagged: None }
    }

    /// Something was sent.
    pub(super) fn sent(&mut self) {
        self.sent = Instant::now();
    }

    /// Whether it was silent for too long.
    pub(super) fn beat_is_due(&self) -> bool {
        self.sent.elapsed() >= SILENCE_MAX
    }

    /// Whether the token is to be looked at; it is, then.
    pub(super) fn look_is_due(&mut self) -> bool {
        let due = self.looked.elapsed() >= LOOK_EVERY;
        if due {
            self.looked = Instant::now();
        }
        due
    }

    /// Whether the reader is to hear that it is behind, or that it is no longer; it does, then.
    pub(super) fn lag_is_due(&mut self, is_behind: bool) -> bool {
        let due = match self.lagged {
            None => is_behind,
            Some(at) => !is_behind || at.elapsed() >= LAG_EVERY,
        };
        if due {
            self.lagged = is_behind.then(Instant::now);
        }
        due
    }

    /// Waits until it is worth looking again: when `moved` says so, at the latest in a second.
    pub(super) async fn rest(&self, moved: impl Future<Output = ()>) {
        sleep(REST).await;
        tokio::select! {
            () = moved => {}
            () = sleep(LOOK_AGAIN) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tail_is_never_silent_for_more_than_fifteen_seconds() {
        let (began, mut pace) = (Instant::now(), Pace::new());
        let mut beats = Vec::new();
        while began.elapsed() < Duration::from_secs(60) {
            pace.rest(pending()).await;
            if pace.beat_is_due() {
                beats.push(began.elapsed().as_secs());
                pace.sent();
            }
        }
        assert_eq!(beats, [15, 31, 47], "with the second that it may take to look");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_behind_hears_it_now_and_then_and_when_it_is_over() {
        let mut pace = Pace::new();
        assert!(!pace.lag_is_due(false));
        assert!(pace.lag_is_due(true) && !pace.lag_is_due(true));
        sleep(LAG_EVERY).await;
        assert!(pace.lag_is_due(true) && !pace.lag_is_due(true));
        assert!(pace.lag_is_due(false) && !pace.lag_is_due(false));
    }

    #[tokio::test(start_paused = true)]
    async fn the_token_is_looked_at_whatever_happens() {
        let mut pace = Pace::new();
        assert!(!pace.look_is_due());
        sleep(LOOK_EVERY).await;
        pace.sent();
        assert!(pace.look_is_due() && !pace.look_is_due());
    }
}
