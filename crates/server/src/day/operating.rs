//! What operators do: tokens come and go, the configuration is read again, logs are closed, keys
//! change, the disk fills and is freed, the clock is set.

use std::sync::Arc;

use commit::Purpose;
use platform::Clock;

use super::judge::text;
use super::{Day, TENANTS};
use crate::app::App;
use crate::reload::{Asker, reload};

/// The longest that two keys of a log sign together.
const OVERLAP_MAX_S: u64 = 4 * 3_600;

/// Hours after which every overlap is over.
const HOURS_MAX: usize = 48;

/// A token that somebody was given.
pub(super) struct Given {
    tenant: &'static str,
    text: String,
    expires_at: i64,
    /// `None` where the process died over it.
    revoked: Option<bool>,
}

impl Day {
    /// Takes the disk's room, or gives it back.
    pub(super) fn fill(&mut self, app: &Arc<App>, is_full: bool) {
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

    pub(super) fn set_the_clock(&mut self, app: &Arc<App>) {
        let by_s = self.dice.pick(&[-7_200, -30, 30, 600]);
        self.house.clock.jump(by_s * 1_000_000_000);
        self.house.beat(app);
        let is_certain = self.house.is_alive();
        TENANTS.iter().for_each(|tenant| self.seen.count(tenant, "clock set", is_certain));
    }

    pub(super) fn close_a_log(&mut self, app: &Arc<App>) {
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
    pub(super) fn reload(&mut self, app: &Arc<App>) {
        let (events_max, is_good) = (4 + self.dice.below(8), self.dice.chance(2, 3));
        self.reload_to(app, events_max, is_good);
    }

    pub(super) fn reload_to(&mut self, app: &Arc<App>, events_max: u64, is_good: bool) {
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
    pub(super) fn token(&mut self, app: &Arc<App>) {
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
    pub(super) fn use_a_token(&mut self, app: &Arc<App>) {
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

    /// Somebody agrees, somebody else gives the order; at once or with a time in which both sign.
    pub(super) fn change_a_key(&mut self, app: &Arc<App>) {
        let at = self.dice.below(3) as usize;
        let purpose = self.dice.pick(&[Purpose::Events, Purpose::Access]);
        let log = app.open_log(TENANTS[at], purpose).expect("an open log");
        let keys = format!("/v1/logs/{}/keys", log.meta.name());
        let how = format!("POST {keys}/agreement");
        let agreed = self.house.ask(app, &how, &self.auditors[at], String::new());
        let how = format!("POST {keys}/rotate");
        let together_s = self.dice.pick(&[0, 600, 3_600, OVERLAP_MAX_S]);
        let body = format!(r#"{{"why":"the day's order","together_s":{together_s}}}"#);
        let answer = self.house.ask(app, &how, &self.admins[at], body);
        self.seen.count(TENANTS[at], "key changed", answer.status == 200);
        match (answer.status, answer.code().as_str()) {
            (200, _) => {}
            // One change at a time.
            (409, "key_change") => {}
            _ if self.is_full => {}
            _ if agreed.status != 204 => self.died_of(&agreed),
            _ => self.died_of(&answer),
        }
    }

    /// Hours pass until one key signs each log, however often the clock was set back.
    pub(super) fn end_overlaps(&mut self, app: &Arc<App>) {
        let overlaps = || {
            let logs = app.store.logs();
            let signing = |log: &commit::Log| log.key_periods().iter().filter(|k| k.signs).count();
            logs.values().any(|log| signing(log) > 1)
        };
        for _ in 0..HOURS_MAX {
            self.house.pass(3_600);
            self.house.beat(app);
            if !overlaps() {
                return;
            }
        }
        panic!("two keys sign after {HOURS_MAX} hours");
    }
}
