//! Events, places, gaps and damage as reads answer them.
//!
//! An event's text is made once and goes into the answer as it is: a number in it must reach the
//! caller as it was digested.

use axum::Json;
use axum::response::{IntoResponse, Response};
use commit::{Damaged, SetAside};
use event::format_time;
use query::{Gap, Hit};
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::Failure;

/// An event with its place.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    log: &'a str,
    origin: &'a str,
    seq: u64,
    recorded_at: String,
    event: Box<RawValue>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(hit: &'a Hit) -> Result<Shown<'a>, Failure> {
        let object = hit.fields.to_value().map_err(|error| Failure::internal(&error))?;
        let text = event::Value::Object(object).to_json();
        let Place { log, seq } = Place::new(hit);
        Ok(Shown {
            log,
            origin: &hit.log.meta.origin,
            seq,
            recorded_at: format_time(hit.recorded_at),
            event: RawValue::from_string(text).map_err(|error| Failure::internal(&error))?,
        })
    }

    pub(super) fn all(hits: &'a [Hit]) -> Result<Vec<Shown<'a>>, Failure> {
        hits.iter().map(Shown::new).collect()
    }
}

/// Where an event stands.
#[derive(Serialize)]
pub(super) struct Place<'a> {
    log: &'a str,
    seq: u64,
}

impl<'a> Place<'a> {
    pub(super) fn new(hit: &'a Hit) -> Place<'a> {
        Place { log: hit.log.meta.name(), seq: hit.seq }
    }
}

/// Numbers of a stream that never came.
#[derive(Serialize)]
pub(super) struct ShownGap<'a> {
    log: &'a str,
    principal: &'a str,
    producer: &'a str,
    stream: &'a str,
    first: u64,
    count: u64,
    since: String,
}

impl<'a> ShownGap<'a> {
    pub(super) fn all(gaps: &'a [Gap]) -> Vec<ShownGap<'a>> {
        let shown = |gap: &'a Gap| ShownGap {
            log: &gap.log,
            principal: &gap.principal,
            producer: &gap.producer,
            stream: &gap.stream,
            first: gap.first,
            count: gap.count,
            since: format_time(gap.since),
        };
        gaps.iter().map(shown).collect()
    }
}

/// What is left of a log that was set aside. What was found there is not repeated: it may name
/// another tenant's log.
#[derive(Serialize)]
pub(super) struct ShownDamage<'a> {
    /// The number of the folder below `damaged/`.
    part: u64,
    found_at: &'a str,
    file: &'a str,
    offset: u64,
    signed: u64,
    unreadable: u64,
}

impl<'a> ShownDamage<'a> {
    pub(super) fn new(damaged: &'a Damaged) -> ShownDamage<'a> {
        let SetAside { number: part, found_at, file, offset, .. } = damaged.aside.as_ref();
        let (part, offset, signed) = (*part, *offset, damaged.signed);
        ShownDamage { part, found_at, file, offset, signed, unreadable: damaged.unreadable() }
    }
}

/// The answer that shows something, as JSON.
pub(super) fn answer(value: &impl Serialize) -> Response {
    Json(value).into_response()
}
