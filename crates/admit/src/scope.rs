//! The audit scope: rules that say which events are kept whole, which are only counted, and which
//! are left out.
//!
//! Promises: the first rule that fits decides, and without one an event is kept. What an auditor
//! would miss (see [`sensitive`]) is kept whole whatever a rule says, unless the rule says
//! `allow_sensitive` itself. The same rules have the same digest, whatever their comments.
//!
//! Never: leaves out anything itself, counts, or knows the time. It says what is to be done.

mod file;
mod lint;
mod pattern;
mod sensitive;

pub use file::{FILE_BYTES_MAX, RULES_MAX, ScopeError};
pub use sensitive::sensitive;

use event::Object;
use serde::{Deserialize, Serialize};

use pattern::Patterns;

/// The rules of one tenant, in their order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    digest: String,
}

/// What becomes of the events that a rule fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// They are stored.
    Keep,
    /// They are left out, and counted by rule and service.
    Drop,
    /// The first of a kind within the window is stored, the further ones are counted.
    Aggregate,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, unique among the rules.
    pub name: String,
    /// Digest of what it says, 16 hexadecimal digits.
    pub digest: String,
    /// What becomes of the events that it fits.
    pub then: Then,
    /// Why, in its author's words.
    pub reason: Option<String>,
    /// Whether it may leave out what an auditor would miss.
    pub allow_sensitive: bool,
    /// Of `aggregate`: seconds in which events of a kind are counted together.
    pub window_s: u32,
    /// Of `aggregate`: whether events of different `request.path` are told apart.
    pub by_path: bool,
    /// Its line in the file.
    pub line: usize,
    when: When,
}

/// What an event must be like; what is not said is not asked.
#[derive(Clone, Debug, Default)]
struct When {
    service: Option<Patterns>,
    action: Option<Patterns>,
    kind: Option<Patterns>,
    verb: Option<Patterns>,
    path: Option<Patterns>,
    outcome: Option<Patterns>,
}

/// What the rules say of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'r> {
    /// No rule fits: keep it.
    Default,
    /// A rule says keep.
    Keep(&'r Rule),
    /// A rule would leave it out or only count it, but it is one that an auditor would miss.
    Spared(&'r Rule),
    /// Leave it out.
    Drop(&'r Rule),
    /// Store it if it is the first of its kind in the window, else count it.
    Aggregate(&'r Rule),
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        (&self.name, &self.digest) == (&other.name, &other.digest)
    }
}

impl Eq for Rule {}

impl Rules {
    /// Reads a rules file.
    pub fn parse(text: &str) -> Result<Rules, ScopeError> {
        file::parse(text)
    }

    /// What is to be done with an event in its one form.
    pub fn decide(&self, event: &Object<'_>) -> Decision<'_> {
        let facts = Facts::of(event);
        match self.rules.iter().find(|rule| rule.fits(&facts)) {
            None => Decision::Default,
            Some(rule) if rule.then == Then::Keep => Decision::Keep(rule),
            Some(rule) if !rule.allow_sensitive && sensitive(event).is_some() => {
                Decision::Spared(rule)
            }
            Some(rule) if rule.then == Then::Drop => Decision::Drop(rule),
            Some(rule) => Decision::Aggregate(rule),
        }
    }

    /// The rules in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// Digest of all rules, 16 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What is allowed and yet looks like a mistake, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        lint::warnings(self)
    }
}

/// What rules ask of an event.
struct Facts<'e> {
    service: Option<&'e str>,
    action: Option<&'e str>,
    kind: Option<&'e str>,
    verb: Option<&'e str>,
    path: Option<&'e str>,
    outcome: Option<&'e str>,
}

impl<'e> Facts<'e> {
    fn of(event: &'e Object<'_>) -> Facts<'e> {
        let within = |object: &str, member: &str| event.object(object).and_then(|o| o.str(member));
        Facts {
            service: within("service", "name"),
            action: event.str("action"),
            kind: event.str("kind"),
            verb: event.str("verb"),
            path: within("request", "path"),
            outcome: within("outcome", "result"),
        }
    }
}

impl Rule {
    fn fits(&self, facts: &Facts<'_>) -> bool {
        let When { service, action, kind, verb, path, outcome } = &self.when;
        let passes = |patterns: &Option<Patterns>, text: Option<&str>| match patterns {
            None => true,
            Some(patterns) => text.is_some_and(|text| patterns.fit(text)),
        };
        passes(service, facts.service)
            && passes(action, facts.action)
            && passes(kind, facts.kind)
            && passes(verb, facts.verb)
            && passes(path, facts.path)
            && passes(outcome, facts.outcome)
    }
}

#[cfg(test)]
mod tests;
