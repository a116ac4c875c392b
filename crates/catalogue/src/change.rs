//! What differs between two catalogues.

use crate::model::Catalogue;

/// A service that another team owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its name or pattern.
    pub service: String,
    /// The team before.
    pub from: String,
    /// The team after.
    pub to: String,
}

/// What differs, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Services that were in none before.
    pub added: Vec<String>,
    /// Services that are in none any more.
    pub removed: Vec<String>,
    /// Services of another team.
    pub moved: Vec<Moved>,
    /// Services of the same team, of which something else is declared.
    pub declared: Vec<String>,
}

impl Change {
    /// What `after` has that `before` has not, and the other way round.
    pub fn between(before: &Catalogue, after: &Catalogue) -> Change {
        let mut change = Change::default();
        for (name, service) in after.services() {
            match before.get(name) {
                None => change.added.push(name.to_owned()),
                Some(old) if old.team != service.team => change.moved.push(Moved {
                    service: name.to_owned(),
                    from: old.team.clone(),
                    to: service.team.clone(),
                }),
                Some(old) if old != service => change.declared.push(name.to_owned()),
                Some(_) => {}
            }
        }
        let gone = before.services().filter(|(name, _)| after.get(name).is_none());
        change.removed = gone.map(|(name, _)| name.to_owned()).collect();
        change
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Change::default()
    }
}
