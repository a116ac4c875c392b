//! A day of the whole server: three tenants write and read over its router, tokens come and go, the
//! configuration is read again, logs are closed, their keys change, a tail breaks and goes on, the
//! disk fills, the clock is set, processes stop in order and die, and bytes are spoilt between two.
//!
//! Disk and clock are simulated and the router is called in the process, so the day takes seconds.
//! The seed decides what is done and what the disk does; threads are the machine's, so two runs of
//! a seed may differ in what a death cuts off. `COUNTERFOIL_DAYS` says how many seeds run,
//! `COUNTERFOIL_SEED` which is the first. What was spoilt is set aside, and mended from a copy at
//! the end: then lists hold every acknowledged event once, those that were lost and many others are
//! read by their ids, `verify` judges every receipt and the folder, and what was done is counted
//! against the logs.

mod breaking;
mod damage;
mod following;
mod house;
mod judge;
mod operating;
mod reading;
mod seen;
mod writing;

use std::collections::BTreeSet;
use std::sync::Arc;

use platform::sim::{Dice, Fault};

use crate::app::App;
use crate::compose::Composed;
use breaking::{End, Spoilt};
use following::Follower;
use house::{Answer, House};
use judge::{Kept, text};
use operating::Given;
use seen::Seen;
use writing::GREEDY_EVENTS_S;

const TENANTS: [&str; 3] = ["north", "south", "west"];
/// Steps of a day, of two simulated minutes each.
const STEPS: u64 = 12 * 60;
const STEP_S: u64 = 120;

struct Day {
    dice: Dice,
    house: House,
    seen: Seen,
    kept: Kept,
    /// Tokens by tenant.
    admins: Vec<String>,
    auditors: Vec<String>,
    senders: Vec<String>,
    /// Of senders with a quota.
    greedy: Vec<String>,
    given: Vec<Given>,
    /// Ids sent, by tenant, and those of them that greedy senders sent.
    sent: [u64; 3],
    by_greedy: BTreeSet<(usize, u64)>,
    /// Events of a request that are in force as the bound; `None` where it is not known.
    events_max: Option<u64>,
    is_full: bool,
    turned_away: u64,
    too_many: u64,
    follower: Follower,
    /// Step after which bytes are spoilt, if no fault strikes then.
    spoils_at: u64,
    spoilt: Vec<Spoilt>,
}

impl Day {
    fn new(seed: u64) -> Day {
        let mut dice = Dice::new(seed);
        let house = House::new(dice.roll(), seed);
        let (seen, kept) = (Seen::default(), Kept::default());
        let spoils_at = STEPS / 4 + dice.below(STEPS / 2);
        Day {
            dice,
            house,
            seen,
            kept,
            admins: Vec::new(),
            auditors: Vec::new(),
            senders: Vec::new(),
            greedy: Vec::new(),
            given: Vec::new(),
            sent: [0; 3],
            by_greedy: BTreeSet::new(),
            events_max: None,
            is_full: false,
            turned_away: 0,
            too_many: 0,
            follower: Follower::default(),
            spoils_at,
            spoilt: Vec::new(),
        }
    }

    fn run(mut self) {
        let mut living = self.first();
        self.begin_to_follow(&living.app);
        for step in 0..STEPS {
            self.house.pass(STEP_S);
            if step >= self.spoils_at && self.spoilt.is_empty() {
                let was_struck = !self.house.is_alive();
                let end = self.dice.pick(&[End::Stopped, End::Killed]);
                self.house.disk.fill_at(u64::MAX);
                let end = self.end(living, end);
                let is_certain = !was_struck && end != End::Struck;
                living =
                    if is_certain { self.spoil(end == End::Stopped) } else { self.revive(end) };
                continue;
            }
            let app = living.app.clone();
            let how = self.step(&app);
            drop(app);
            if let Some(end) = how {
                let end = self.end(living, end);
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
            for (tokens, name, role) in [
                (&mut self.senders, "sender", r#""producer","services":["billing"]"#),
                (&mut self.greedy, "greedy", r#""producer","services":["billing"]"#),
                (&mut self.auditors, "auditor", r#""auditor""#),
            ] {
                let body = format!(r#"{{"name":"{name}","role":{role}}}"#);
                let made = self.house.ask(&living.app, "POST /v1/tokens", admin, body);
                self.seen.count(tenant, "token made", true);
                tokens.push(text(&made.json()["token"]));
            }
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
            14 if !self.is_full => return Some(End::Stopped),
            15 => return Some(End::Died),
            16..18 => self.overdraw(app),
            18..22 => self.reload(app),
            22..30 => self.token(app),
            30..33 => self.change_a_key(app),
            33..53 => self.follow(app),
            _ => {}
        }
        self.house.beat(app);
        for _ in 0..2 + self.dice.below(5) {
            self.write(app);
        }
        self.read(app);
        if self.dice.chance(1, 6) {
            self.search(app);
        }
        self.use_a_token(app);
        (!self.house.is_alive()).then_some(End::Died)
    }

    fn configure(&self, events_max: u64, more: &str) {
        let logs = TENANTS.map(|t| {
            format!(
                "[[log]]\nname = \"{t}-0\"\ntenant = \"{t}\"\n[[quota]]\ntenant = \"{t}\"\n\
                 principal = \"greedy\"\nevents_s_max = {GREEDY_EVENTS_S}\n"
            )
        });
        self.house.configure(&format!(
            "origin = \"audit.example.com\"\non_damage = \"new-partition\"\n\
             [limits]\nrequest_events_max = {events_max}\n{more}\n\
             [partition]\nentries_max = 1500\n{}",
            logs.concat()
        ));
    }

    /// An answer that only a process gives that was struck.
    fn died_of(&self, answer: &Answer) {
        let Answer { status, body } = answer;
        assert!(!self.house.is_alive(), "{status} without a reason: {body}");
    }

    /// Nothing that was acknowledged is lost, and everything that was done is told.
    fn finish(mut self, living: Composed) {
        self.end_overlaps(&living.app);
        let lost = self.kept.lost();
        // Each read is taken from a quota.
        for (tenant, id) in &lost {
            self.house.pass(1);
            self.read_one(&living.app, tenant, id);
        }
        self.search_all(&living.app);
        let (missing, vkeys) = (living.app.lost(), vkeys(&living.app));
        assert_eq!(self.end(living, End::Stopped), End::Stopped);
        self.mend(missing, &vkeys);
        let living = self.revive(End::Stopped);
        let app = living.app.clone();
        assert_eq!(app.lost(), 0, "with the bytes put back nothing is lost");
        let all: Vec<_> = self.kept.places.keys().cloned().collect();
        assert!(all.len() > 2_000, "{} events were acknowledged", all.len());
        for (tenant, id) in all.iter().step_by(4).chain(&lost) {
            self.house.pass(1);
            self.read_one(&app, tenant, id);
        }
        self.search_all(&app);
        self.follow_to_the_end(&app);
        // A short day may have had none.
        self.reload_to(&app, 9, false);
        assert!(self.house.is_alive());
        self.seen.judge(&app, &TENANTS);
        for kind in KINDS {
            assert!(self.seen.certain(kind) > 0, "a day has at least one: {kind}");
        }
        assert!(self.turned_away > 0, "senders were turned away by a full disk");
        assert!(self.too_many > 0, "a bound that was read again turned senders away");
        assert!(self.follower.breaks > 10, "a tail broke now and then");
        let vkeys = self::vkeys(&app);
        drop(app);
        living.begin_stop();
        self.house.wait(living.close()).expect("nothing is wrong");
        self.kept.judge_receipts(&vkeys);
        self.judge_mended(&vkeys);
    }
}

/// Every key that ever signed.
fn vkeys(app: &App) -> Vec<String> {
    let logs = app.store.logs();
    logs.values().flat_map(|log| log.key_periods()).map(|key| key.vkey).collect()
}

/// What a day must have had.
const KINDS: [&str; 16] = [
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
    "key changed",
    "turned away by a quota",
    "log that goes on for a damaged one",
    "search",
    "tail",
];

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
