//! What readers do: they look an event up by its id, and search. What is found is held to what was
//! acknowledged: all of it, and nothing twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::judge::{Place, place_of, text};
use super::writing::{action, actor, nth};
use super::{Day, TENANTS};
use crate::app::App;

/// Events on a page.
const PAGE: usize = 200;

/// What is searched for.
enum Wanted {
    All,
    Did(u64),
    ByActor(u64),
    ByActorButDid(u64, u64),
    Phrase(u64),
}

impl Wanted {
    fn has(&self, of: u64) -> bool {
        match *self {
            Wanted::All => true,
            Wanted::Did(nth) => action(nth) == action(of),
            Wanted::ByActor(nth) => actor(nth) == actor(of),
            Wanted::ByActorButDid(one, other) => {
                actor(one) == actor(of) && action(other) != action(of)
            }
            Wanted::Phrase(nth) => nth == of,
        }
    }

    /// In the search language, as a URL has it.
    fn query(&self, tenant: &str) -> String {
        let ours = match *self {
            Wanted::All => String::new(),
            Wanted::Did(nth) => format!(" did:{}", action(nth)),
            Wanted::ByActor(nth) => format!(" actor:{}", actor(nth)),
            Wanted::ByActorButDid(one, other) => {
                format!(" who:{} -did:{}", actor(one), action(other))
            }
            Wanted::Phrase(nth) => format!(" \"text of {tenant} {nth}\""),
        };
        format!("service:billing{ours}").replace(' ', "%20").replace('"', "%22")
    }
}

impl Day {
    /// Reads an event that was acknowledged.
    pub(super) fn read(&mut self, app: &Arc<App>) {
        let known = self.kept.places.len() as u64;
        if known > 0 {
            let nth = self.dice.below(known) as usize;
            let (key, _) = self.kept.places.iter().nth(nth).expect("it is one of them");
            let (tenant, id) = key.clone();
            self.read_one(app, &tenant, &id);
        }
    }

    /// An event is found by its id, unless it stands where nothing can be read.
    pub(super) fn read_one(&mut self, app: &Arc<App>, tenant: &str, id: &str) {
        let at = TENANTS.iter().position(|known| *known == tenant).expect("a tenant");
        let how = format!("GET /v1/events/{id}");
        let mut answer = self.house.ask(app, &how, &self.admins[at], String::new());
        // Each waits for the index for a while; those that came too early are stated as well.
        while answer.code() == "indexing" {
            self.seen.count(tenant, "read", true);
            answer = self.house.ask(app, &how, &self.admins[at], String::new());
        }
        self.seen.count(tenant, "read", answer.status == 200);
        let places = &self.kept.places[&(tenant.to_owned(), id.to_owned())];
        let shown: Vec<&Place> = places.iter().filter(|place| self.kept.can_read(place)).collect();
        match (answer.status, answer.code().as_str()) {
            (200, _) => {
                let found = answer.json();
                let place = place_of(&found);
                // Of two, the newest by the logs' time, which may have been set back.
                let is_it = shown.contains(&&place) || self.kept.was_lost(&place);
                assert!(is_it || shown.is_empty(), "{id}: {place:?}, and not {shown:?}");
                let said = text(&found["event"]["attributes"]["text"]);
                assert_eq!(said, format!("text of {id}"));
            }
            (404, _) if shown.is_empty() => {}
            (503, "disk") if self.is_full => {}
            _ => self.died_of(&answer),
        }
    }

    /// Searches by a filter.
    pub(super) fn search(&mut self, app: &Arc<App>) {
        let at = self.dice.below(3) as usize;
        let one = self.dice.below(self.sent[at].max(1));
        let other = self.dice.below(self.sent[at].max(1));
        let wanted = match self.dice.below(12) {
            0 => Wanted::Did(one),
            1..5 => Wanted::ByActor(one),
            5..9 => Wanted::ByActorButDid(one, other),
            _ => Wanted::Phrase(one),
        };
        self.find(app, at, &wanted);
    }

    /// Every event of every tenant, and nothing else.
    pub(super) fn search_all(&mut self, app: &Arc<App>) {
        for at in 0..TENANTS.len() {
            assert!(self.find(app, at, &Wanted::All), "a list of all");
        }
    }

    /// Says whether the search came to its end.
    fn find(&mut self, app: &Arc<App>, at: usize, wanted: &Wanted) -> bool {
        let (tenant, query) = (TENANTS[at], wanted.query(TENANTS[at]));
        let Some(found) = self.list(app, at, &query) else { return false };
        let ids = self.kept.places.range((tenant.to_owned(), String::new())..);
        let ids = ids.take_while(|((of, _), _)| of == tenant);
        let ids = ids.filter(|((_, id), _)| wanted.has(nth(id)));
        let expected: BTreeSet<Place> = ids
            .flat_map(|(_, places)| places.iter().filter(|place| self.kept.can_read(place)))
            .cloned()
            .collect();
        let mut places = BTreeSet::new();
        for (id, place) in found {
            assert!(places.insert(place.clone()), "{query}: {place:?} stands there twice");
            assert!(wanted.has(nth(&id)) && nth(&id) < self.sent[at], "{query}: {id}");
            // Its sender may have heard nothing, for the process died; and sent it again while it
            // could not be read.
            let is_known = expected.contains(&place)
                || !self.kept.is_shown(tenant, &id)
                || self.kept.was_lost(&place);
            assert!(is_known, "{query}: {id} stands at {place:?}, where nobody sent it");
        }
        let missing: Vec<&Place> = expected.difference(&places).collect();
        assert!(missing.is_empty(), "{query}: {missing:?} of {} are missing", expected.len());
        true
    }

    /// All pages of a list; `None` if a page was not answered.
    fn list(&mut self, app: &Arc<App>, at: usize, query: &str) -> Option<Vec<(String, Place)>> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let how = format!("GET /v1/events?limit={PAGE}&q={query}{cursor}");
            let answer = self.house.ask(app, &how, &self.admins[at], String::new());
            let is_stated = answer.status == 200 || answer.code() == "indexing";
            self.seen.count(TENANTS[at], "search", is_stated);
            match (answer.status, answer.code().as_str()) {
                (200, _) => {}
                (503, "indexing") => continue,
                (503, "disk") if self.is_full => return None,
                _ => {
                    self.died_of(&answer);
                    return None;
                }
            }
            let page = answer.json();
            assert_eq!(page["partial"], false, "{how}");
            assert_eq!(page["unreadable"].as_array().map(Vec::len), Some(0), "{how}");
            let events = page["events"].as_array().expect("a list");
            found.extend(events.iter().map(|e| (text(&e["event"]["id"]), place_of(e))));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Some(found),
            }
        }
    }
}
