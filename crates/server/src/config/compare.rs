//! Two configurations beside each other, and one in a few bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Loaded, Place, Shown, Value};

/// A value that is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Of its setting, or of what a part read anew.
    pub name: String,
    /// What was in force.
    pub old: Value,
    /// What is in force from now on.
    pub new: Value,
    /// Where the new one came from.
    pub place: Place,
    /// Whether it can change while the server runs.
    #[serde(skip)]
    pub live: bool,
    /// The tenant whose own it is: it is told to no other.
    #[serde(skip)]
    pub tenant: Option<String>,
}

impl Change {
    /// Whether a tenant may know of it.
    pub(crate) fn is_for(&self, tenant: &str) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }
}

impl Loaded {
    /// What differs in `next`, in the order of the table.
    pub fn changes(&self, next: &Loaded) -> Vec<Change> {
        let owner = |name: &str| next.owner(name).or_else(|| self.owner(name));
        let (now, next) = (self.shown(), next.shown());
        let old: BTreeMap<&str, &Shown> = now.iter().map(|s| (s.name.as_str(), s)).collect();
        let stays: BTreeSet<&str> = next.iter().map(|shown| shown.name.as_str()).collect();
        let nothing = Value::Nothing;
        let change = |shown: &Shown, old: &Value, new: &Value| Change {
            name: shown.name.clone(),
            old: old.clone(),
            new: new.clone(),
            place: shown.place.clone(),
            live: shown.live,
            tenant: owner(&shown.name).map(str::to_owned),
        };
        let changed = next.iter().filter_map(|new| {
            let old = old.get(new.name.as_str()).map_or(&nothing, |old| &old.value);
            (*old != new.value).then(|| change(new, old, &new.value))
        });
        let gone = now.iter().filter(|old| !stays.contains(old.name.as_str()));
        changed.chain(gone.map(|old| change(old, &old.value, &nothing))).collect()
    }

    /// What a tenant may see of it: of the logs, its own.
    pub fn shown_to(&self, tenant: &str) -> Vec<Shown> {
        let own = |shown: &Shown| self.owner(&shown.name).is_none_or(|own| own == tenant);
        self.shown().into_iter().filter(own).collect()
    }

    /// The tenant whose own a value is, by its name; nothing for what concerns all.
    fn owner(&self, name: &str) -> Option<&str> {
        let (list, rest) = name.split_once('[')?;
        let row = rest.split_once(']')?.0.parse::<usize>().ok()?;
        match list {
            "log" => self.config.log.get(row).map(|log| log.tenant.as_str()),
            "quota" => self.config.quota.get(row).map(|quota| quota.tenant.as_str()),
            _ => None,
        }
    }
}

/// SHA-256 of a line for each value: its name, ` = `, and the value as the file would have it.
pub fn digest(shown: &[Shown]) -> String {
    let mut hash = Sha256::new();
    for Shown { name, value, .. } in shown {
        hash.update(format!("{name} = {value}\n"));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
