//! What a rules file may say and yet hardly means.

use super::pattern::Patterns;
use super::{Rule, Rules, Then, When};

/// What looks like a mistake, one sentence each.
pub(super) fn warnings(rules: &Rules) -> Vec<String> {
    let mut found = Vec::new();
    for (nth, rule) in rules.rules.iter().enumerate() {
        let place = format!("line {}: rule \"{}\"", rule.line, rule.name);
        if let Some(earlier) = rules.rules[..nth].iter().find(|e| e.when.covers(&rule.when)) {
            let (name, line) = (&earlier.name, earlier.line);
            found.push(format!("{place} never decides: \"{name}\" (line {line}) comes first"));
        }
        if rule.allow_sensitive && rule.then != Then::Keep {
            found.push(format!(
                "{place} may leave out logins, grants, denials and failures: allow_sensitive is set"
            ));
        }
        if rule.then == Then::Drop && rule.fits_every_service() {
            found.push(format!("{place} leaves out events of every service"));
        }
    }
    found
}

impl Rule {
    fn fits_every_service(&self) -> bool {
        let named = self.when.service.as_ref();
        named.is_none_or(|service| service.texts().iter().any(|pattern| pattern == "*"))
    }
}

impl When {
    fn all(&self) -> [Option<&Patterns>; 6] {
        let When { service, action, kind, verb, path, outcome } = self;
        [service, action, kind, verb, path, outcome].map(Option::as_ref)
    }

    /// Whether what fits `other` fits this too.
    fn covers(&self, other: &When) -> bool {
        self.all().into_iter().zip(other.all()).all(|(own, theirs)| match (own, theirs) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(theirs)) => own.cover(theirs),
        })
    }
}
