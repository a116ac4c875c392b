//! An event in the making: the source's record, emptied member by member, and the event it fills.
//!
//! Promises: what was not carried over is in `attributes.<adapter>` when the draft is finished,
//! in the shape it had; what an event cannot hold is a string there, and `origin.stringified`
//! says so; no secret's place is lost on the way.

use event::{Object, Step, Value, parse_time};

use crate::Record;
use crate::moves::{Names, at, put, take, text};
use crate::secrets;
use crate::shape;

/// A record on its way to an event.
pub(crate) struct Draft<'a> {
    /// What the source sent and nobody has taken.
    pub(crate) source: Object<'a>,
    /// The event so far.
    pub(crate) event: Object<'a>,
}

impl<'a> Draft<'a> {
    /// A draft of an event of which nothing is known.
    pub(crate) fn new(source: Object<'a>) -> Draft<'a> {
        Draft { source, event: Object::new() }
    }

    /// Moves a string as it is, unless it is empty or its place is taken.
    pub(crate) fn carry(&mut self, from: &[&str], to: &[&'static str]) {
        if at(&self.event, to).is_some() {
            return;
        }
        if let Some(text) = take(&mut self.source, from) {
            put(&mut self.event, to, text);
        }
    }

    /// Moves many strings as they are.
    pub(crate) fn carry_all(&mut self, moves: &[(Names, Names)]) {
        for (from, to) in moves {
            self.carry(from, to);
        }
    }

    /// Moves a time, unless it is none that an event can have: such a text stays where it is.
    pub(crate) fn carry_time(&mut self, from: &[&str], to: &[&'static str]) {
        if text(&self.source, from).is_some_and(|time| parse_time(time).is_ok()) {
            self.carry(from, to);
        }
    }

    /// Puts what is left under `attributes.<adapter>` and fits the event into its limits.
    /// `found`: where in the source's record secrets stand.
    pub(crate) fn finish(self, adapter: &'static str, found: Vec<Vec<Step>>) -> Record<'a> {
        let Draft { source, mut event } = self;
        put(&mut event, &["origin", "adapter"], adapter);
        let mut named = secrets::in_texts(&event);
        if !source.0.is_empty() {
            put(&mut event, &["attributes", adapter], source);
        }
        let outer = ["attributes", adapter].map(|name| Step::Key(name.to_owned()));
        named.extend(found.into_iter().map(|steps| [&outer[..], &steps].concat()));
        let stringified = shape::fit(&mut event, adapter);
        note_stringified(&mut event, &stringified);
        Record { event, secrets: secrets::settle(named, &stringified) }
    }
}

/// Lists in `origin.stringified` what became a string.
pub(crate) fn note_stringified(event: &mut Object<'_>, paths: &[Vec<Step>]) {
    if paths.is_empty() {
        return;
    }
    let texts = paths.iter().map(|path| event::PathText::from_steps(path).as_str().to_owned());
    let texts: Vec<Value<'_>> = texts.map(Value::from).collect();
    put(event, &["origin", "stringified"], texts);
}
