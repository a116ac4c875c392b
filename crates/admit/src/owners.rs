//! Which team owns a service, as admission asks: once for every event.

use std::collections::HashMap;

use event::{Object, format_time};

/// The owners that a catalogue names, and since when they are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// In the event's own form.
    as_of: String,
    teams: HashMap<String, String>,
    /// Beginnings of names, ascending.
    beginnings: Vec<Beginning>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Beginning {
    start: String,
    team: String,
    /// The longest other one that this one begins with.
    shorter: Option<usize>,
}

impl Owners {
    /// Teams by service, in force since `as_of`; `*` at the end of a name stands for any rest.
    pub fn new(as_of: i64, teams: impl Iterator<Item = (String, String)>) -> Owners {
        let (mut exact, mut patterns) = (HashMap::new(), Vec::new());
        for (name, team) in teams {
            match name.strip_suffix('*') {
                Some(start) => patterns.push((start.to_owned(), team)),
                None => drop(exact.insert(name, team)),
            }
        }
        patterns.sort();
        let mut beginnings: Vec<Beginning> = Vec::with_capacity(patterns.len());
        for (start, team) in patterns {
            let last = beginnings.len().checked_sub(1);
            let shorter = longest(&beginnings, last, &start);
            beginnings.push(Beginning { start, team, shorter });
        }
        Owners { as_of: format_time(as_of), teams: exact, beginnings }
    }

    /// The team of a service: under its name, else under the longest beginning of it.
    pub fn team_of(&self, service: &str) -> Option<&str> {
        if let Some(team) = self.teams.get(service) {
            return Some(team);
        }
        let behind = self.beginnings.partition_point(|known| known.start.as_str() <= service);
        let found = longest(&self.beginnings, behind.checked_sub(1), service)?;
        Some(&self.beginnings[found].team)
    }

    /// What `recorded.owner` says of a service; nothing of one that nobody owns.
    pub(crate) fn recorded<'a>(&self, service: &str) -> Option<Object<'a>> {
        let mut owner = Object::new();
        owner.set("team", self.team_of(service)?.to_owned());
        owner.set("as_of", self.as_of.clone());
        Some(owner)
    }
}

/// The longest beginning of `name`, from the last one that is not behind it: each that `name`
/// begins with is a beginning of that one too.
fn longest(all: &[Beginning], last: Option<usize>, name: &str) -> Option<usize> {
    let mut at = last;
    while let Some(found) = at {
        if name.starts_with(&all[found].start) {
            return at;
        }
        at = all[found].shorter;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(names: &[&str]) -> Owners {
        Owners::new(0, names.iter().map(|name| ((*name).to_owned(), format!("of {name}"))))
    }

    fn check(names: &[&str], service: &str, expected: Option<&str>) {
        let team = expected.map(|name| format!("of {name}"));
        assert_eq!(owners(names).team_of(service), team.as_deref(), "{service} in {names:?}");
    }

    #[test]
    fn a_name_comes_before_the_longest_beginning() {
        let names = ["pay", "pay*", "pay-eu*", "pay-eu-1*", "pay-us*", "web"];
        check(&names, "pay", Some("pay"));
        check(&names, "pay-eu-1", Some("pay-eu-1*"));
        check(&names, "pay-eu-2", Some("pay-eu*"));
        check(&names, "pay-ev", Some("pay*"));
        check(&names, "pay-zz", Some("pay*"));
        check(&names, "pa", None);
        check(&names, "web-1", None);
        check(&["*", "a*"], "b", Some("*"));
        check(&["*", "a*"], "", Some("*"));
        check(&[], "a", None);
    }

    /// Every set of five patterns over two letters against a search that looks at all of them.
    #[test]
    fn beginnings_are_found_as_by_looking_at_all() {
        let all = ["*", "a*", "b*", "aa*", "ab*", "ba*", "aab*", "abb*", "bab*"];
        for set in 0_u32..1 << all.len() {
            let names: Vec<&str> =
                (0..all.len()).filter(|n| set >> n & 1 == 1).map(|n| all[n]).collect();
            let owners = owners(&names);
            for service in ["", "a", "b", "aa", "ab", "ba", "bb", "aaa", "aab", "abb", "baba"] {
                let starts = |name: &&&str| service.starts_with(name.trim_end_matches('*'));
                let longest = names.iter().filter(starts).max_by_key(|name| name.len());
                let team = longest.map(|name| format!("of {name}"));
                assert_eq!(owners.team_of(service), team.as_deref(), "{service} in {names:?}");
            }
        }
    }
}
