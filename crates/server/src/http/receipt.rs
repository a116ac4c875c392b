//! The answer to a write: `counterfoil.receipt/v1`, or what `Prefer: return=` asks for in its place
//! (docs/formats/receipt.md).

use std::sync::Arc;

use admit::Refusal;
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use commit::evidence::{Evidence, evidence_of_all};
use commit::receipt::{Named, ReceiptLog, Run, runs};
use commit::{Checkpoint, Log, hex};
use serde::Serialize;

use super::error::Failure;
use crate::ingest::{Item, Stored};

/// Bytes of the fields of a request whose events are answered whole. With names, salts and proofs
/// the answer has several times as many.
const REPRESENTATION_BYTES_MAX: usize = 4 << 20;

/// What a sender wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Where its events stand, with proofs.
    Receipt,
    /// Where they stand.
    Minimal,
    /// Where they stand, and each of them with all it takes to prove it.
    Representation,
}

impl Wanted {
    /// The first preference for an answer counts, as RFC 7240 has it; others are passed over.
    pub(super) fn of(headers: &HeaderMap) -> Wanted {
        let texts = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let words = texts.flat_map(|text| text.split(',')).filter_map(|preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            let named = name.trim().eq_ignore_ascii_case("return");
            named.then(|| value.trim().trim_matches('"'))
        });
        match words.map(str::to_ascii_lowercase).next().as_deref() {
            Some("minimal") => Wanted::Minimal,
            Some("representation") => Wanted::Representation,
            _ => Wanted::Receipt,
        }
    }

    /// The same, where the events have so many bytes: a preference need not be followed.
    pub(super) fn where_bytes_are(self, bytes: usize) -> Wanted {
        match self {
            Wanted::Representation if bytes > REPRESENTATION_BYTES_MAX => Wanted::Receipt,
            wanted => wanted,
        }
    }

    fn format(self) -> &'static str {
        match self {
            Wanted::Receipt => "counterfoil.receipt/v1",
            Wanted::Minimal => "counterfoil.acknowledgement/v1",
            Wanted::Representation => "counterfoil.representation/v1",
        }
    }

    /// Says that a preference was followed.
    fn applied(self) -> Option<[(HeaderName, HeaderValue); 1]> {
        let applied = match self {
            Wanted::Receipt => return None,
            Wanted::Minimal => HeaderValue::from_static("return=minimal"),
            Wanted::Representation => HeaderValue::from_static("return=representation"),
        };
        Some([(HeaderName::from_static("preference-applied"), applied)])
    }
}

#[derive(Serialize)]
struct Receipt {
    format: &'static str,
    events: Vec<Entry>,
    logs: Vec<ReceiptLog>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Stored {
        log: u32,
        seq: u64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        conflict: Option<Place>,
    },
    Refused {
        refused: Refused,
    },
}

#[derive(Serialize)]
struct Place {
    log: u32,
    seq: u64,
}

impl From<commit::Place> for Place {
    fn from(commit::Place { log, seq }: commit::Place) -> Place {
        Place { log, seq }
    }
}

#[derive(Serialize)]
struct Refused {
    code: &'static str,
    path: String,
    reason: String,
}

impl From<Refusal> for Entry {
    fn from(Refusal { code, path, reason, .. }: Refusal) -> Entry {
        Entry::Refused { refused: Refused { code, path, reason } }
    }
}

/// Nothing was admitted, or all had to be and were not.
pub(super) fn refuse_all(items: Vec<Item>) -> Response {
    let entry = |item: Item| match item {
        Item::Refused(refusal) | Item::LeftOut(refusal) => refusal.into(),
        Item::Admitted(_) => {
            let alone = "admitted alone, but the request is atomic and another event is refused";
            Refusal::new("atomic", alone).into()
        }
    };
    let events = items.into_iter().map(entry).collect();
    let format = Wanted::Receipt.format();
    let receipt = Receipt { format, events, logs: Vec::new(), evidence: None };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(receipt)).into_response()
}

/// What became of a request of which something was stored or found.
pub(super) struct Outcome {
    /// One for each event sent, in order.
    pub(super) items: Vec<Item>,
    /// The ids that the server gave, of those admitted.
    pub(super) given: Vec<Option<String>>,
    pub(super) stored: Stored,
}

impl Outcome {
    /// Reads the disk if the events themselves are wanted.
    pub(super) fn answer(self, wanted: Wanted) -> Result<Response, Failure> {
        let Outcome { items, mut given, stored } = self;
        let mut named = Named::default();
        let entry = |item: Item| match item {
            Item::Refused(refusal) | Item::LeftOut(refusal) => refusal.into(),
            Item::Admitted(nth) => {
                let standing = stored.fates[nth].standing(stored.first);
                let Place { log, seq } = named.event(standing.place).into();
                Entry::Stored {
                    log,
                    seq,
                    duplicate: standing.duplicate,
                    id: given[nth].take(),
                    conflict: standing.conflict.map(|place| named.earlier(place).into()),
                }
            }
        };
        let events = items.into_iter().map(entry).collect();
        let parts: Vec<_> = named
            .logs()
            .into_iter()
            .map(|(log, seqs)| {
                let newest = stored.logs[log].checkpoint();
                let checkpoint = if log == 0 { stored.checkpoint.clone() } else { newest };
                (&stored.logs[log], checkpoint, seqs)
            })
            .collect();
        let proved = |(log, checkpoint, seqs): &(&Arc<Log>, Arc<Checkpoint>, Vec<u64>)| {
            let origin = log.meta.origin.clone();
            let mut part = ReceiptLog { origin, checkpoint: checkpoint.note.clone(), runs: None };
            if wanted == Wanted::Receipt {
                part.runs = Some(proofs(log, checkpoint, seqs)?);
            }
            Ok(part)
        };
        let logs = parts.iter().map(proved).collect::<Result<_, Failure>>()?;
        let mut whole = None;
        if wanted == Wanted::Representation {
            // A log that only a conflict names has nothing to show.
            let shown = parts.iter().filter(|(_, _, seqs)| !seqs.is_empty());
            let shown: Vec<_> = shown.map(|(l, c, seqs)| (*l, &**c, seqs.clone())).collect();
            let made = evidence_of_all(&shown);
            whole = Some(made.map_err(|error| Failure::internal(&error))?);
        }
        let receipt = Receipt { format: wanted.format(), events, logs, evidence: whole };
        Ok((wanted.applied().into_iter().flatten().collect::<HeaderMap>(), Json(receipt))
            .into_response())
    }
}

fn proofs(log: &Log, checkpoint: &Checkpoint, seqs: &[u64]) -> Result<Vec<Run>, Failure> {
    let broken = || {
        let root = hex(&checkpoint.root);
        Failure::internal(&format!("the tree does not bear out its signed root {root}"))
    };
    runs(log, checkpoint, seqs).ok_or_else(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_preference_for_an_answer_counts() {
        for (lines, want) in [
            (&[][..], Wanted::Receipt),
            (&["return=minimal"], Wanted::Minimal),
            (&["respond-async, Return = \"representation\"; a=b"], Wanted::Representation),
            (&["wait=3", "return=minimal, return=representation"], Wanted::Minimal),
            (&["return=everything"], Wanted::Receipt),
            (&["return"], Wanted::Receipt),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("prefer", HeaderValue::from_static(line));
            }
            assert_eq!(Wanted::of(&headers), want, "{lines:?}");
        }
        let wanted = Wanted::Representation;
        assert_eq!(wanted.where_bytes_are(REPRESENTATION_BYTES_MAX), wanted);
        assert_eq!(wanted.where_bytes_are(REPRESENTATION_BYTES_MAX + 1), Wanted::Receipt);
    }
}
