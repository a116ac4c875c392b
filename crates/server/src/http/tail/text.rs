//! What a tail says, as the text of server-sent events.

use query::{Batch, Followed, Mark};
use serde_json::json;

use super::super::error::Failure;
use super::super::shown::Shown;

/// How long a reader waits before it comes again, in milliseconds.
const RETRY_MS: u64 = 2_000;

/// Why a tail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The server stops.
    Stopping,
    /// The journal failed.
    Failed,
    /// The token is no longer in force, or its role was taken.
    Token,
    /// The logs could not be read.
    Unread,
}

impl Why {
    pub(super) fn word(self) -> &'static str {
        match self {
            Why::Stopping => "stopping",
            Why::Failed => "failed",
            Why::Token => "token",
            Why::Unread => "unread",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Why::Stopping => "the server stops; come again with the last id",
            Why::Failed => "the journal failed and the server ends; come again with the last id",
            Why::Token => "the token is not in force any more",
            Why::Unread => {
                "the logs could not be read, the server's traces say why; come again with the \
                 last id"
            }
        }
    }
}

/// Where the reader is before anything happened: who is cut off now loses nothing.
pub(super) fn hello(mark: &Mark) -> String {
    format!("retry: {RETRY_MS}\nid: {mark}\n\n")
}

/// A sign of life, and how far the logs were looked through.
pub(super) fn beat(mark: &Mark) -> String {
    format!(":\nid: {mark}\n\n")
}

/// The events of a batch, each with the place behind it.
pub(super) fn events(
    batch: &Batch,
    mark: impl Fn(&query::Places) -> Mark,
) -> Result<String, Failure> {
    let mut text = String::new();
    for (item, places) in batch.items.iter().zip(batch.places()) {
        let (name, data) = match item {
            Followed::Hit(hit) => ("", serde_json::to_string(&Shown::new(hit)?)),
            Followed::Unreadable(found) => {
                let what = json!({"log": found.log, "seq": found.seq, "reason": found.reason});
                ("event: unreadable\n", Ok(what.to_string()))
            }
        };
        let data = data.map_err(|error| Failure::internal(&error))?;
        text.push_str(&format!("{name}id: {}\ndata: {data}\n\n", mark(&places)));
    }
    Ok(text)
}

/// How many entries the reader is behind; they need not match.
pub(super) fn lag(entries: u64) -> String {
    format!("event: lag\ndata: {}\n\n", json!({"entries": entries}))
}

/// The last word.
pub(super) fn end(why: Why, events: u64) -> String {
    let data = json!({"why": why.word(), "detail": why.sentence(), "events": events});
    format!("event: end\nretry: {RETRY_MS}\ndata: {data}\n\n")
}
