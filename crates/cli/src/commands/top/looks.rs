//! Looking at a server again and again, beside the screen.
//!
//! Promises: a server that is slow or gone holds up no key.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use platform::{Clock, SystemClock};

use super::sample::Sample;
use crate::client::Client;
use crate::error::CliError;

/// From the end of one look to the next.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// One look at a time.
pub(super) struct Eye {
    client: Client,
    clock: SystemClock,
}

impl Eye {
    pub(super) fn new(client: Client) -> Eye {
        Eye { client, clock: SystemClock::new() }
    }

    pub(super) fn look(&self) -> Result<Sample, CliError> {
        let status = self.client.get_json("/v1/status")?;
        let at = self.clock.elapsed();
        let refusals = self.client.get_json("/v1/refusals")?;
        let metrics = self.client.get("/metrics")?.text()?;
        Ok(Sample::new(at, &status, refusals, &metrics))
    }

    /// Looks until nobody takes what is seen. The screen says itself what does not come.
    pub(super) fn watch(self) -> Receiver<Result<Sample, CliError>> {
        let eye = Eye { client: self.client.silent(), ..self };
        let (give, take) = sync_channel(1);
        std::thread::spawn(move || {
            while give.send(eye.look()).is_ok() {
                std::thread::sleep(EVERY);
            }
        });
        take
    }
}
