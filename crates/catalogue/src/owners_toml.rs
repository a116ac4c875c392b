//! `owners.toml`.
//!
//! ```toml
//! [team.team-payments]
//! contact = "payments@shop.example"
//!
//! [service.payments]
//! team = "team-payments"
//! tier = "1"
//! actions = ["refund.*", "payment.capture"]
//!
//! [service."pay-*"]
//! team = "team-payments"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::draft::{Draft, Owned};
use crate::error::{CatalogueError, Place};
use crate::model::Service;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owners {
    #[serde(default)]
    team: BTreeMap<Spanned<String>, Team>,
    #[serde(default)]
    service: BTreeMap<Spanned<String>, Service>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Team {
    contact: Option<String>,
}

/// Reads a file into the draft.
pub(crate) fn read(file: &str, text: &str, draft: &mut Draft) -> Result<(), CatalogueError> {
    let lines = Lines::new(text);
    let place = |at: usize| Place { file: file.to_owned(), line: lines.line(at) };
    let owners: Owners = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        CatalogueError::at(&place(at), error.message())
    })?;
    for (name, team) in owners.team {
        let place = place(name.span().start);
        let taken = draft.team(name.get_ref(), team.contact, place.clone());
        taken.map_err(|what| CatalogueError::at(&place, what))?;
    }
    for (name, service) in owners.service {
        let place = place(name.span().start);
        if service.team.is_empty() {
            let what = format!("the service {:?} needs a team that is not empty", name.get_ref());
            return Err(CatalogueError::at(&place, what));
        }
        let owned = Owned { service, system: None };
        let taken = draft.service(name.get_ref(), owned, place.clone());
        taken.map_err(|what| CatalogueError::at(&place, what))?;
    }
    Ok(())
}

/// Where lines begin: a catalogue has many places to name.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Lines {
        Lines(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}
