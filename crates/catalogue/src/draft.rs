//! What was read so far, with its places.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::error::{CatalogueError, Place};
use crate::limits::{
    ACTIONS_MAX, NAME_BYTES_MAX, SERVICE_ACTIONS_MAX, SERVICES_MAX, WORD_BYTES_MAX,
};
use crate::model::{Catalogue, Service};

/// Services and teams as they are read.
#[derive(Default)]
pub(crate) struct Draft {
    services: BTreeMap<String, (Owned, Place)>,
    /// How a team is reached.
    teams: BTreeMap<String, (Option<String>, Place)>,
    /// The teams of what services are parts of.
    systems: BTreeMap<String, (Option<String>, Place)>,
    actions: usize,
}

/// A service and where its team is found.
pub(crate) struct Owned {
    /// Its team may be empty: then it is that of its system.
    pub(crate) service: Service,
    /// The system that it is a part of.
    pub(crate) system: Option<String>,
}

impl Draft {
    /// Takes a service in, once.
    pub(crate) fn service(
        &mut self,
        name: &str,
        mut owned: Owned,
        place: Place,
    ) -> Result<(), String> {
        check_name("service", name)?;
        check(&mut owned.service)?;
        self.actions += owned.service.actions.len();
        if self.actions > ACTIONS_MAX || self.services.len() >= SERVICES_MAX {
            return Err(format!(
                "a catalogue has at most {SERVICES_MAX} services with {ACTIONS_MAX} actions in all"
            ));
        }
        let what = format!("the service {name:?} has an owner");
        once(&mut self.services, name, owned, place, &what)
    }

    /// Takes in how a team is reached, once.
    pub(crate) fn team(
        &mut self,
        name: &str,
        contact: Option<String>,
        place: Place,
    ) -> Result<(), String> {
        check_name("team", name)?;
        check_word("contact", contact.as_deref())?;
        let what = format!("the team {name:?} stands");
        once(&mut self.teams, name, contact, place, &what)
    }

    /// Takes a system in, once.
    pub(crate) fn system(
        &mut self,
        name: &str,
        team: Option<String>,
        place: Place,
    ) -> Result<(), String> {
        check_name("system", name)?;
        let what = format!("the system {name:?} stands");
        once(&mut self.systems, name, team, place, &what)
    }

    /// Puts together what stands in different places.
    pub(crate) fn finish(self) -> Result<Catalogue, CatalogueError> {
        let Draft { services, teams, systems, .. } = self;
        if services.is_empty() {
            let what = "no service stands in it: a folder that is not mounted looks the same; to \
                        have no catalogue, take its setting out";
            return Err(CatalogueError::new(what));
        }
        let finish = |(name, (owned, place)): (String, (Owned, Place))| {
            let Owned { mut service, system } = owned;
            if service.team.is_empty() {
                let found = system.as_ref().and_then(|system| systems.get(system)?.0.clone());
                service.team = found.ok_or_else(|| {
                    let what = format!("the service {name:?} has no owner, nor has its system");
                    CatalogueError::at(&place, what)
                })?;
            }
            check_name("team", &service.team).map_err(|what| CatalogueError::at(&place, what))?;
            if service.contact.is_none() {
                service.contact = teams.get(&service.team).and_then(|(contact, _)| contact.clone());
            }
            Ok((name, service))
        };
        Ok(Catalogue::new(services.into_iter().map(finish).collect::<Result<_, _>>()?))
    }
}

/// Puts in what may stand once in all files.
fn once<V>(
    map: &mut BTreeMap<String, (V, Place)>,
    name: &str,
    value: V,
    place: Place,
    what: &str,
) -> Result<(), String> {
    match map.entry(name.to_owned()) {
        Entry::Vacant(free) => {
            free.insert((value, place));
            Ok(())
        }
        Entry::Occupied(taken) => {
            let (_, first) = taken.get();
            Err(format!("{what} at {first} too; allowed is one place"))
        }
    }
}

fn check(service: &mut Service) -> Result<(), String> {
    if service.actions.len() > SERVICE_ACTIONS_MAX {
        return Err(format!("a service declares at most {SERVICE_ACTIONS_MAX} actions"));
    }
    for action in &service.actions {
        check_name("action", action)?;
    }
    service.actions.sort();
    service.actions.dedup();
    check_word("contact", service.contact.as_deref())?;
    check_word("tier", service.tier.as_deref())?;
    check_word("lifecycle", service.lifecycle.as_deref())
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let body = match what {
        "service" | "action" => name.strip_suffix('*').unwrap_or(name),
        _ => name,
    };
    let is_sound = (1..=NAME_BYTES_MAX).contains(&name.len())
        && !body.contains('*')
        && !name.chars().any(|c| c.is_control() || c.is_whitespace());
    if is_sound {
        return Ok(());
    }
    let star =
        if body.len() == name.len() && !body.contains('*') { "" } else { ", one '*' at its end" };
    let shown: String = name.chars().take(64).collect();
    Err(format!("the {what} {shown:?}: a name has 1 to {NAME_BYTES_MAX} bytes, no blanks{star}"))
}

fn check_word(what: &str, word: Option<&str>) -> Result<(), String> {
    let is_sound = |word: &str| {
        (1..=WORD_BYTES_MAX).contains(&word.len()) && !word.chars().any(char::is_control)
    };
    match word.is_none_or(is_sound) {
        true => Ok(()),
        false => Err(format!("{what}: allowed are 1 to {WORD_BYTES_MAX} bytes without line ends")),
    }
}
