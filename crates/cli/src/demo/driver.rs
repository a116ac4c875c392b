//! Plays the shop: sends what happens, when it happens, as each service would.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::ProgressBar;
use serde_json::Value;

use super::shop::{Sent, Shop};
use crate::client::Client;
use crate::context::Server;
use crate::error::CliError;
use crate::out;

/// Time between the starts of two scenes: about 40 events a second.
const SCENE_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Driver {
    clients: BTreeMap<&'static str, Client>,
    bar: ProgressBar,
}

#[derive(Default)]
struct Tally {
    sent: u64,
    refused: u64,
}

impl Driver {
    pub(super) fn new(url: &str, tokens: &[(&'static str, String)]) -> Result<Driver, CliError> {
        let client = |(service, token): &(&'static str, String)| {
            let (url, token) = (url.to_owned(), Some(token.clone()));
            let server = Server { url, token, ..Server::default() };
            Ok((*service, Client::new(server)?))
        };
        let bar = out::progress("  web orders payments inventory identity mail   {msg}");
        Ok(Driver { clients: tokens.iter().map(client).collect::<Result<_, CliError>>()?, bar })
    }

    /// Plays until `events_max` were sent, or for ever. Scenes overlap, as in life: each begins
    /// on time and its events are sent when they are due.
    pub(super) fn run(&self, events_max: Option<u64>) -> Result<(), CliError> {
        let mut shop = Shop::new(now(), now() as i64);
        let (mut tally, mut due) = (Tally::default(), BTreeMap::new());
        let mut made: u64 = 0;
        while events_max.is_none_or(|most| tally.sent < most) {
            let started = now();
            for sent in shop.scene(started as i64).into_iter().filter(|sent| !sent.lost) {
                made += 1;
                due.insert((started + sent.after_ms * 1_000_000, made), sent);
            }
            while let Some(next) = due.first_entry() {
                if next.key().0 > now() {
                    break;
                }
                self.send(&next.remove(), &mut tally)?;
            }
            std::thread::sleep(SCENE_EVERY);
        }
        self.bar.finish();
        Ok(())
    }

    fn send(&self, sent: &Sent, tally: &mut Tally) -> Result<(), CliError> {
        let Some(client) = self.clients.get(sent.service) else { return Ok(()) };
        let body = sent.event.to_string();
        let answer = client.post("/v1/events", "application/json", body.as_bytes())?;
        let receipt: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        tally.sent += 1;
        tally.refused += u64::from(receipt["events"][0].get("refused").is_some());
        self.bar.inc(1);
        let rate = tally.sent as f64 / self.bar.elapsed().as_secs_f64().max(1.0);
        let (sent, refused) = (out::number(tally.sent), out::number(tally.refused));
        self.bar.set_message(format!("{rate:.0}/s · {sent} sent · {refused} refused"));
        Ok(())
    }
}

/// The shop happens now.
#[expect(clippy::disallowed_methods, reason = "the demo's events carry the real time")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64
}
