//! The parts that follow a reload. To add one: a row in [`STEPS`] and a function that makes its
//! candidate.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::app::App;
use crate::config::{Change, Config};
use crate::descriptors;

/// A part that follows the configuration.
pub(super) struct Step {
    /// Its name in an error.
    pub(super) name: &'static str,
    /// Reads and judges all that the part needs, and changes nothing. It may read files.
    pub(super) prepare: fn(&Arc<App>, &Config) -> Result<Candidate, String>,
}

/// What a part will have once every part has its candidate.
pub(super) struct Candidate {
    /// What it changes beside the settings themselves, such as the content of a file.
    pub(super) changes: Vec<Change>,
    /// Puts it in force. It cannot fail, and does not wait.
    pub(super) take: Box<dyn FnOnce(&App) + Send>,
}

pub(super) const STEPS: &[Step] = &[Step { name: "limits", prepare: limits }];

/// Bounds that live beside what they bound. The others are asked for with each request.
fn limits(_: &Arc<App>, next: &Config) -> Result<Candidate, String> {
    let in_flight_bytes_max = next.limits.in_flight_bytes_max;
    let connections_max = descriptors::connections(next.limits.connections_max);
    let per_peer_max = next.limits.connections_per_peer_max;
    let take = move |app: &App| {
        app.permits.resize(in_flight_bytes_max);
        app.connections.max.store(connections_max, Relaxed);
        app.connections.per_peer_max.store(per_peer_max, Relaxed);
    };
    Ok(Candidate { changes: Vec::new(), take: Box::new(take) })
}
