//! A tail of one tenant that breaks again and again and goes on by its cursor. It must show every
//! event that was committed once, over breaks, stops, deaths, closed logs and damage.

use std::collections::BTreeSet;
use std::sync::Arc;

use commit::Purpose;

use super::judge::{Place, place_of};
use super::{Day, TENANTS};
use crate::app::App;

/// Whose events it shows.
const AT: usize = 0;

/// Somebody who follows.
#[derive(Default)]
pub(super) struct Follower {
    /// The last id that it took.
    cursor: Option<String>,
    seen: BTreeSet<Place>,
    /// Entries of the log that were there before it began.
    before: Place,
    pub(super) breaks: u64,
}

/// What a tail says at once.
#[derive(Default)]
struct Said {
    id: Option<String>,
    name: String,
    data: String,
    is_beat: bool,
}

impl Day {
    /// Begins to follow.
    pub(super) fn begin_to_follow(&mut self, app: &Arc<App>) {
        let log = app.open_log(TENANTS[AT], Purpose::Events).expect("an open log");
        self.follower.before = (log.meta.origin.clone(), log.checkpoint().size);
        self.follow(app);
        assert!(self.follower.cursor.is_some(), "it says where it is");
    }

    /// Goes on where it broke, takes some events or all that were acknowledged, and breaks.
    pub(super) fn follow(&mut self, app: &Arc<App>) {
        let takes = if self.dice.chance(1, 3) { 1 + self.dice.below(30) } else { u64::MAX };
        self.follow_some(app, takes, self.missing());
    }

    fn follow_some(&mut self, app: &Arc<App>, takes: u64, mut missing: BTreeSet<Place>) {
        let cursor = self.follower.cursor.as_ref();
        let cursor = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        let how = format!("GET /v1/tail{cursor}");
        let mut body = loop {
            let opened = self.house.open(app, &how, &self.admins[AT]);
            let is_early = opened.as_ref().is_err_and(|answer| answer.code() == "indexing");
            self.seen.count(TENANTS[AT], "tail", opened.is_ok() || is_early);
            match opened {
                Ok(body) => break body,
                Err(_) if is_early => {}
                Err(answer) if answer.code() == "disk" && self.is_full => return,
                Err(answer) => return self.died_of(&answer),
            }
        };
        self.follower.breaks += 1;
        let mut taken = 0;
        while let Some(text) = self.house.piece(&mut body) {
            for said in text.split_terminator("\n\n").map(Said::read) {
                self.take(said, &mut missing, &mut taken);
                if taken >= takes {
                    return;
                }
            }
            if missing.is_empty() {
                return;
            }
        }
        assert!(!self.house.is_alive(), "a tail ends though nothing happened");
    }

    /// Takes what is said. A beat says that there is nothing more.
    fn take(&mut self, said: Said, missing: &mut BTreeSet<Place>, taken: &mut u64) {
        let is_alive = self.house.is_alive();
        assert!(!(said.is_beat && is_alive), "the tail is silent: {missing:?} are missing");
        self.follower.cursor = said.id.or(self.follower.cursor.take());
        match said.name.as_str() {
            "" if said.data.is_empty() => {}
            "" => {
                let event = serde_json::from_str(&said.data).expect("JSON");
                let place = place_of(&event);
                missing.remove(&place);
                *taken += 1;
                assert!(self.follower.seen.insert(place.clone()), "{place:?} comes twice");
            }
            "lag" => {}
            other => assert!(!is_alive, "{other}: {}", said.data),
        }
    }

    /// What was acknowledged, can be read and was not shown.
    fn missing(&self) -> BTreeSet<Place> {
        let ours = self.kept.places.iter().filter(|((tenant, _), _)| tenant == TENANTS[AT]);
        let places = ours.flat_map(|(_, places)| places);
        let places = places.filter(|place| self.kept.can_read(place));
        places.filter(|place| !self.follower.seen.contains(*place)).cloned().collect()
    }

    /// In the end it has seen every entry of every log, the server's own too; but for what it
    /// passed while it could not be read.
    pub(super) fn follow_to_the_end(&mut self, app: &Arc<App>) {
        let logs = app.store.logs();
        let ours = logs
            .values()
            .filter(|log| log.meta.tenant == TENANTS[AT] && log.meta.purpose == Purpose::Events);
        let (origin, before) = &self.follower.before;
        let places = ours.flat_map(|log| {
            let first = if log.meta.origin == *origin { *before } else { 0 };
            let place = |seq| (log.meta.origin.clone(), seq);
            let size = self.kept.was_readable.get(&log.meta.origin).copied();
            (first..size.unwrap_or(log.checkpoint().size)).map(place).collect::<Vec<_>>()
        });
        let missing = places.filter(|place| !self.follower.seen.contains(place)).collect();
        self.follow_some(app, u64::MAX, missing);
    }
}

impl Said {
    fn read(text: &str) -> Said {
        let mut said = Said::default();
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => said.id = Some(id.to_owned()),
                Some(("event", name)) => said.name = name.to_owned(),
                Some(("data", data)) => said.data = data.to_owned(),
                _ => said.is_beat |= line == ":",
            }
        }
        said
    }
}
