//! The elements of an array, read one at a time, and the object that may wrap the array.
//!
//! Promises: what stands around the elements is as strictly JSON as the elements are: the
//! wrapping object's other members are read, its keys are unique, nothing stands behind it.

use std::collections::BTreeSet;

use event::Text;
use event::json::{self, JsonError};

use crate::body::Part;

/// Members of an object that wraps records; one with more wraps none.
const KEYS_MAX: usize = 1_000;

/// An array that is being read.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    text: &'a str,
    at: usize,
    state: State,
    /// The wrapping object's keys so far.
    keys: Option<BTreeSet<Text<'a>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In front of the first element.
    First,
    /// Behind an element.
    Next,
    /// Behind the array; what wraps it is still to be read.
    Behind,
    Done,
}

impl<'a> Items<'a> {
    /// The array whose bracket stands at `at`.
    pub(crate) fn array(text: &'a str, at: usize) -> Items<'a> {
        Items { text, at: at + 1, state: State::First, keys: None }
    }

    /// The array in the member `name` of the object at `at`, if there is one. `null` serves as
    /// an array without elements, for so a Go program writes a list that has none.
    pub(crate) fn wrapped(
        text: &'a str,
        at: usize,
        name: Option<&str>,
    ) -> Result<Option<Items<'a>>, JsonError> {
        let Some(name) = name.filter(|_| text.as_bytes().get(at) == Some(&b'{')) else {
            return Ok(None);
        };
        let keys = Some(BTreeSet::new());
        let mut items = Items { text, at: at + 1, state: State::Behind, keys };
        items.blank();
        if items.peek() == Some(b'}') {
            return Ok(None);
        }
        loop {
            let found = items.key()? == name;
            if items.keys.as_ref().is_some_and(|keys| keys.len() > KEYS_MAX) {
                return Ok(None);
            }
            match items.peek() {
                Some(b'[') if found => {
                    items.at += 1;
                    items.state = State::First;
                    return Ok(Some(items));
                }
                Some(b'n') if found => {
                    items.skip()?;
                    return Ok(Some(items));
                }
                _ => items.skip()?,
            }
            if !items.comma()? {
                return Ok(None);
            }
        }
    }

    /// The next element; `None` behind the last, when all around it was read too.
    pub(crate) fn next(&mut self) -> Result<Option<Part<'a>>, JsonError> {
        self.blank();
        match (self.peek(), self.state) {
            (_, State::Done) => return Ok(None),
            (_, State::Behind) => return self.close(),
            (Some(b']'), _) => {
                self.at += 1;
                return self.close();
            }
            (Some(b','), State::Next) => self.at += 1,
            (_, State::First) => {}
            (_, State::Next) => return Err(self.error("expected ',' or ']'")),
        }
        self.state = State::Next;
        self.blank();
        let start = self.at;
        let (part, end) = Part::read(self.text, start)?;
        self.at = end;
        Ok(Some(part))
    }

    /// Reads what stands behind the array.
    fn close(&mut self) -> Result<Option<Part<'a>>, JsonError> {
        if self.keys.is_some() {
            while self.comma()? {
                self.key()?;
                self.skip()?;
                if self.keys.as_ref().is_some_and(|keys| keys.len() > KEYS_MAX) {
                    return Err(self.error("too many members around the records"));
                }
            }
        }
        self.blank();
        if self.at != self.text.len() {
            return Err(self.error("something stands behind the value"));
        }
        self.state = State::Done;
        Ok(None)
    }

    /// Steps over a comma (`true`) or the wrapping object's brace (`false`).
    fn comma(&mut self) -> Result<bool, JsonError> {
        self.blank();
        let more = match self.peek() {
            Some(b',') => true,
            Some(b'}') => false,
            _ => return Err(self.error("expected ',' or '}'")),
        };
        self.at += 1;
        Ok(more)
    }

    /// Reads a key of the wrapping object and stops in front of its value.
    fn key(&mut self) -> Result<Text<'a>, JsonError> {
        self.blank();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in double quotes"));
        }
        let (key, end) = json::read_at(self.text, start)?;
        let event::Value::String(key) = key else {
            return Err(self.error("expected a key in double quotes"));
        };
        if self.keys.as_mut().is_some_and(|keys| !keys.insert(key.clone())) {
            let shown: String = key.chars().take(64).flat_map(char::escape_debug).collect();
            return Err(self.error(&format!("the key \"{shown}\" stands twice in one object")));
        }
        self.at = end;
        self.blank();
        if self.peek() != Some(b':') {
            return Err(self.error("expected ':' after the key"));
        }
        self.at += 1;
        self.blank();
        Ok(key)
    }

    fn skip(&mut self) -> Result<(), JsonError> {
        self.at = Part::read(self.text, self.at)?.1;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        self.at += json::blank(&self.text.as_bytes()[self.at..]);
    }

    fn error(&self, what: &str) -> JsonError {
        JsonError { offset: self.at, what: what.into() }
    }
}
