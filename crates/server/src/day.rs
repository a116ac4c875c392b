//! A day of the whole server: three tenants write and read over its router, tokens come and go, the
//! configuration is read again, logs are closed, the disk fills, the clock is set, processes stop
//! in order and die.
//!
//! Disk and clock are simulated and the router is called in the process, so the day takes seconds.
//! The seed decides what is done and what the disk does; threads are the machine's, so two runs of
//! a seed may differ in what a death cuts off. `COUNTERFOIL_DAYS` says how many seeds run,
//! `COUNTERFOIL_SEED` which is the first. At the end every acknowledged event is read by its id,
//! `verify` judges every receipt and the folder, and what was done is counted against the logs.

mod damage;
mod house;
mod judge;
mod seen;

use std::sync::Arc;

use platform::Clock;
use platform::sim::{Crash, Dice, Fault};

use crate::app::App;
use crate::compose::Composed;
use crate::reload::{Asker, reload};
use crate::start_error::StartError;
use commit::{OpenError, Purpose};
use house::{Answer, House};
use judge::{Kept, text};
use seen::Seen;

const TENANTS: [&str; 3] = ["north", "south", "west"];
/// Steps of a day, of two simulated minutes each.
const STEPS: u64 = 12 * 60;
const STEP_S: u64 = 120;
/// Starts that may fail one after the other, each by a fault that was planned.
const STARTS_MAX: usize = 50;

/// A token that somebody was given.
struct Given {
    tenant: &'static str,
    text: String,
    expires_at: i64,
    /// `None` where the process died over it.
    revoked: Option<bool>,
}

struct Day {
    dice: Dice,
    house: House,
    seen: Seen,
    kept: Kept,
    /// Admins' and senders', by tenant.
    admins: Vec<String>,
    senders: Vec<String>,
    given: Vec<Given>,
    /// Ids sent, by tenant.
    sent: [u64; 3],
    /// Events of a request that are in force as the bound; `None` where it is not known.
    events_max: Option<u64>,
    is_full: bool,
    turned_away: u64,
    too_many: u64,
}

impl Day {
    fn new(seed: u64) -> Day {
        let mut dice = Dice::new(seed);
        let house = House::new(dice.roll(), seed);
        let (seen, kept) = (Seen::default(), Kept::default());
        let (admins, senders, given) = (Vec::new(), Vec::new(), Vec::new());
        let (sent, events_max, is_full) = ([0; 3], None, false);
        let (turned_away, too_many) = (0, 0);
        Day {
            dice,
            house,
            seen,
            kept,
            admins,
            senders,
            given,
            sent,
            events_max,
            is_full,
            turned_away,
            too_many,
        }
    }

    fn run(mut self) {
        let mut living = self.first();
        for _ in 0..STEPS {
            self.house.pass(STEP_S);
            let app = living.app.clone();
            let how = self.step(&app);
            drop(app);
            if let Some(end) = how {
                self.end(living, end);
                living = self.revive(end);
            }
        }
        self.end(living, End::Died);
        let living = self.revive(End::Died);
        self.finish(living);
    }

    /// The first process: tokens are handed out.
    fn first(&mut self) -> Composed {
        self.configure(20, "");
        let living = self.house.start().expect("a new folder");
        TENANTS.iter().for_each(|tenant| self.seen.count(tenant, "configuration loaded", true));
        for tenant in TENANTS {
            let mut first = living.first_tokens.iter();
            let (_, admin) = first.find(|(of, _)| of == tenant).expect("an admin");
            self.admins.push(admin.clone());
            let body = r#"{"name":"sender","role":"producer","services":["billing"]}"#;
            let made = self.house.ask(&living.app, "POST /v1/tokens", admin, body.into());
            self.seen.count(tenant, "token made", true);
            self.senders.push(text(&made.json()["token"]));
        }
        living
    }

    /// One step of a process; how it ended, if it did.
    fn step(&mut self, app: &Arc<App>) -> Option<End> {
        match self.dice.below(200) {
            0..2 => self.house.disk.plan("", self.dice.below(12), Fault::DieAfter),
            2..3 => self.house.disk.plan("sync data/journal/", 0, Fault::DieBefore),
            3..5 => self.fill(app, true),
            5..9 => self.fill(app, false),
            9..11 => self.set_the_clock(app),
            11..14 => self.close_a_log(app),
            14..16 if !self.is_full => return Some(End::Stopped),
            16..18 => return Some(End::Died),
            18..22 => self.reload(app),
            22..30 => self.token(app),
            _ => {}
        }
        self.house.beat(app);
        for _ in 0..2 + self.dice.below(5) {
            self.write(app);
        }
        self.read(app);
        self.use_a_token(app);
        (!self.house.is_alive()).then_some(End::Died)
    }

    fn configure(&self, events_max: u64, more: &str) {
        let logs = TENANTS.map(|t| format!("[[log]]\nname = \"{t}-0\"\ntenant = \"{t}\"\n"));
        self.house.configure(&format!(
            "origin = \"audit.example.com\"\n[limits]\nrequest_events_max = {events_max}\n{more}\n\
             [partition]\nentries_max = 1500\n{}",
            logs.concat()
        ));
    }

    /// Sends events, some for a second time.
    fn write(&mut self, app: &Arc<App>) {
        let at = self.dice.below(3) as usize;
        let tenant = TENANTS[at];
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..1 + self.dice.below(8) {
            let is_retry = self.sent[at] > 0 && self.dice.chance(1, 8);
            let nth = if is_retry { self.dice.below(self.sent[at]) } else { self.sent[at] };
            self.sent[at] += u64::from(!is_retry);
            let id = format!("{tenant}-{nth}");
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let events: Vec<String> = ids.iter().map(|id| event(id)).collect();
        let body = format!("[{}]", events.join(","));
        let answer = self.house.ask(app, "POST /v1/events", &self.senders[at], body);
        let is_too_many = self.events_max.map(|max| ids.len() as u64 > max);
        match (answer.status, answer.code().as_str()) {
            (200, _) => {
                assert_ne!(is_too_many, Some(true), "{} events are too many", ids.len());
                self.kept.take(tenant, &ids, &answer);
            }
            (503, "disk") if self.is_full => self.turned_away += 1,
            (413, _) if is_too_many != Some(false) => self.too_many += 1,
            _ => self.died_of(&answer),
        }
    }

    /// An answer that only a process gives that was struck.
    fn died_of(&self, answer: &Answer) {
        let Answer { status, body } = answer;
        assert!(!self.house.is_alive(), "{status} without a reason: {body}");
    }

    /// Reads an event that was acknowledged.
    fn read(&mut self, app: &Arc<App>) {
        let known = self.kept.places.len() as u64;
        if known > 0 {
            let nth = self.dice.below(known) as usize;
            let (key, _) = self.kept.places.iter().nth(nth).expect("it is one of them");
            let (tenant, id) = key.clone();
            self.read_one(app, &tenant, &id);
        }
    }

    fn read_one(&mut self, app: &Arc<App>, tenant: &str, id: &str) {
        let at = TENANTS.iter().position(|known| *known == tenant).expect("a tenant");
        let how = format!("GET /v1/events/{id}");
        let mut answer = self.house.ask(app, &how, &self.admins[at], String::new());
        // Each waits for the index for a while; those that came too early are stated as well.
        while answer.code() == "indexing" {
            self.seen.count(tenant, "read", true);
            answer = self.house.ask(app, &how, &self.admins[at], String::new());
        }
        self.seen.count(tenant, "read", answer.status == 200);
        match (answer.status, answer.code().as_str()) {
            (200, _) => {
                let found = answer.json();
                let place = (text(&found["origin"]), found["seq"].as_u64().expect("a place"));
                assert_eq!(self.kept.places[&(tenant.to_owned(), id.to_owned())], place, "{id}");
                let said = text(&found["event"]["attributes"]["text"]);
                assert_eq!(said, format!("text of {id}"));
            }
            (503, "disk") if self.is_full => {}
            _ => self.died_of(&answer),
        }
    }

    /// Takes the disk's room, or gives it back.
    fn fill(&mut self, app: &Arc<App>, is_full: bool) {
        let room = self.house.disk.used().saturating_add(100 << 20);
        self.house.disk.fill_at(if is_full { room } else { u64::MAX });
        self.house.beat(app);
        if self.is_full != is_full {
            let is_certain = self.house.is_alive();
            let kind = "crossing of the disk's room";
            TENANTS.iter().for_each(|tenant| self.seen.count(tenant, kind, is_certain));
        }
        self.is_full = is_full;
    }

    fn set_the_clock(&mut self, app: &Arc<App>) {
        let by_s = self.dice.pick(&[-7_200, -30, 30, 600]);
        self.house.clock.jump(by_s * 1_000_000_000);
        self.house.beat(app);
        let is_certain = self.house.is_alive();
        TENANTS.iter().for_each(|tenant| self.seen.count(tenant, "clock set", is_certain));
    }

    fn close_a_log(&mut self, app: &Arc<App>) {
        let at = self.dice.below(3) as usize;
        let purpose = self.dice.pick(&[Purpose::Events, Purpose::Access]);
        let log = app.open_log(TENANTS[at], purpose).expect("an open log");
        let how = format!("POST /v1/logs/{}/rotate", log.meta.name());
        let body = r#"{"why":"the day's order"}"#.to_owned();
        let answer = self.house.ask(app, &how, &self.admins[at], body);
        self.seen.count(TENANTS[at], "log closed", answer.status == 200);
        // One was closed a short time ago, or there is no room.
        let has_reason = matches!(answer.status, 200 | 429) || self.is_full;
        if !has_reason {
            self.died_of(&answer);
        }
    }

    /// The configuration changes, or its file is none.
    fn reload(&mut self, app: &Arc<App>) {
        let (events_max, is_good) = (4 + self.dice.below(8), self.dice.chance(2, 3));
        self.configure(events_max, if is_good { "" } else { "no_such_limit = 1" });
        // A start takes what the file says.
        let in_force = app.limits().request_events_max as u64;
        let before = self.events_max.take();
        let (kind, asked) = match is_good {
            true => ("reload", self.dice.chance(1, 2)),
            false => ("reload that failed", self.dice.chance(1, 2)),
        };
        let changed = if asked {
            let answer = self.house.ask(app, "POST /v1/config/reload", &self.admins[0], "".into());
            answer.status == 200
        } else {
            self.house.wait(reload(app, &Asker::Signal)).is_ok()
        };
        let is_certain = self.house.is_alive() && !self.is_full;
        assert!(!is_certain || changed == is_good, "a file that is none changes nothing");
        let all_hear = !asked || (is_good && in_force != events_max);
        for tenant in TENANTS {
            if all_hear || tenant == TENANTS[0] {
                self.seen.count(tenant, kind, is_certain);
            }
        }
        self.events_max = if !is_certain {
            None
        } else if is_good {
            Some(events_max)
        } else {
            before
        };
        // The next start reads it.
        if !is_good {
            self.configure(before.unwrap_or(20), "");
        }
    }

    /// Makes a token for a while, or revokes one.
    fn token(&mut self, app: &Arc<App>) {
        let at = self.dice.below(3) as usize;
        let nth = self.given.len();
        if nth > 0 && self.dice.chance(1, 2) {
            let given = &mut self.given[self.dice.below(nth as u64) as usize];
            let at = TENANTS.iter().position(|known| *known == given.tenant).expect("a tenant");
            let id = given.text.split('_').nth(1).expect("an id");
            let how = format!("DELETE /v1/tokens/{id}");
            let answer = self.house.ask(app, &how, &self.admins[at], String::new());
            let is_certain = answer.status == 204;
            self.seen.count(given.tenant, "token revoked", is_certain);
            given.revoked =
                if is_certain { Some(true) } else { given.revoked.filter(|gone| *gone) };
            return;
        }
        let life_s = self.dice.pick(&[600, 7_200, 40_000]);
        let body = format!(
            r#"{{"name":"t{nth}-{life_s}-{}","role":"reader","expires_in_s":{life_s}}}"#,
            self.house.clock.now()
        );
        let answer = self.house.ask(app, "POST /v1/tokens", &self.admins[at], body);
        self.seen.count(TENANTS[at], "token made", answer.status == 201);
        if answer.status == 201 {
            let expires_at = self.house.clock.now() + life_s * 1_000_000_000;
            let (tenant, text) = (TENANTS[at], text(&answer.json()["token"]));
            self.given.push(Given { tenant, text, expires_at, revoked: Some(false) });
        } else if !self.is_full {
            self.died_of(&answer);
        }
    }

    /// A token is in force until it expires or is revoked, whatever happened to the process.
    fn use_a_token(&mut self, app: &Arc<App>) {
        if self.given.is_empty() {
            return;
        }
        let nth = self.dice.below(self.given.len() as u64) as usize;
        let given = &mut self.given[nth];
        let answer = self.house.ask(app, "GET /v1/logs", &given.text, String::new());
        let has_expired = self.house.clock.now() >= given.expires_at;
        if let Some(revoked) = given.revoked {
            let is_in_force = !revoked && !has_expired;
            let what = format!("{}: revoked {revoked}, expired {has_expired}", answer.status);
            assert_eq!(answer.status != 401, is_in_force, "{what}");
        }
        // Whether a clock that is set back revives it is not asked.
        given.revoked = given.revoked.filter(|gone| *gone || !has_expired);
    }

    /// A process stops in order, or is gone.
    fn end(&mut self, living: Composed, end: End) {
        living.begin_stop();
        if end == End::Died {
            let how = [Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare];
            self.house.crash(self.dice.pick(&how));
        }
        let closed = self.house.wait(living.close());
        match end {
            End::Stopped => {
                let is_certain = closed.is_ok();
                assert!(is_certain || !self.house.is_alive(), "it stops in order: {closed:?}");
                TENANTS.iter().for_each(|tenant| self.seen.count(tenant, "stop", is_certain));
                let how = if is_certain { Crash::Killed } else { Crash::PowerLoss };
                self.house.crash(how);
            }
            End::Died => assert!(closed.is_err(), "a process that is gone closes nothing"),
        }
    }

    /// Starts until a process lives.
    fn revive(&mut self, end: End) -> Composed {
        self.house.disk.fill_at(u64::MAX);
        (self.is_full, self.events_max) = (false, None);
        for nth in 0..STARTS_MAX {
            let started = self.house.start();
            let is_certain = started.is_ok() && self.house.is_alive();
            for tenant in TENANTS {
                // One that failed may have stated either.
                let kinds = ["start after a stop", "start after a death"];
                let first = usize::from(end == End::Died || nth > 0);
                self.seen.count(tenant, kinds[first], is_certain);
                self.seen.count(tenant, kinds[1 - first], false);
                self.seen.count(tenant, "configuration loaded", is_certain);
                // It sees that the clock was set back while no process lived.
                self.seen.count(tenant, "clock set", false);
            }
            match started {
                Ok(living) if is_certain => return living,
                Ok(living) => self.end(living, End::Died),
                Err(StartError::Open(OpenError::Damaged(damage))) => {
                    panic!("what was lost was never acknowledged, yet: {damage}")
                }
                Err(error) => {
                    assert!(!self.house.is_alive(), "it starts: {error}");
                    self.house.crash(Crash::PowerLoss);
                }
            }
        }
        panic!("{STARTS_MAX} starts failed");
    }

    /// Nothing that was acknowledged is lost, and everything that was done is told.
    fn finish(mut self, living: Composed) {
        let app = living.app.clone();
        let all: Vec<_> = self.kept.places.keys().cloned().collect();
        assert!(all.len() > 2_000, "{} events were acknowledged", all.len());
        for (tenant, id) in &all {
            self.house.pass(1);
            self.read_one(&app, tenant, id);
        }
        assert!(self.house.is_alive());
        self.seen.judge(&app, &TENANTS);
        for kind in KINDS {
            assert!(self.seen.certain(kind) > 0, "a day has at least one: {kind}");
        }
        assert!(self.turned_away > 0, "senders were turned away by a full disk");
        assert!(self.too_many > 0, "a bound that was read again turned senders away");
        let vkeys: Vec<String> = app.store.logs().values().map(|log| log.vkey()).collect();
        drop(app);
        living.begin_stop();
        self.house.wait(living.close()).expect("nothing is wrong");
        self.kept.judge(&self.house.disk, &vkeys);
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    Died,
}

/// What a day must have had.
const KINDS: [&str; 11] = [
    "start after a stop",
    "start after a death",
    "stop",
    "clock set",
    "crossing of the disk's room",
    "configuration loaded",
    "reload",
    "reload that failed",
    "log closed",
    "token made",
    "token revoked",
];

fn event(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","action":"invoice.delete","actor":{{"type":"user","id":"alice"}},
            "service":{{"name":"billing"}},"occurred_at":"2026-01-02T03:04:05Z",
            "attributes":{{"text":"text of {id}"}}}}"#
    )
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn a_day_of_the_server_loses_nothing() {
    let first = setting("COUNTERFOIL_SEED", 1);
    for seed in first..first + setting("COUNTERFOIL_DAYS", 1) {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Day::new(seed).run()));
        run.unwrap_or_else(|_| panic!("COUNTERFOIL_SEED={seed} shows it again"));
    }
}
