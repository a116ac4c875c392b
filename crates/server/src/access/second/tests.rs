//! What somebody's word counts for.

use std::sync::Arc;
use std::time::Duration;

use platform::sim::{SimClock, SimDisk};
use platform::{Clock, SystemEntropy};

use super::*;
use crate::tokens::NewToken;

/// Tokens of two tenants, and what was agreed with them.
struct Desk {
    tokens: Tokens,
    clock: Arc<SimClock>,
    second: SecondPerson,
}

impl Desk {
    fn new() -> Desk {
        let (disk, clock) = (Arc::new(SimDisk::new(1)), Arc::new(SimClock::new(0)));
        let tokens = Tokens::open(disk, clock.clone(), Arc::new(SystemEntropy));
        Desk { tokens: tokens.expect("opens"), clock, second: SecondPerson::default() }
    }

    fn make(&self, tenant: &str, name: &str, expires_in_s: Option<i64>) -> Principal {
        let (role, services) = (Role::Auditor, Vec::new());
        let new = NewToken { name: name.into(), role, services, expires_in_s };
        let text = self.tokens.create(tenant, new).expect("made");
        self.tokens.authenticate(&text).expect("in force")
    }

    fn agree(&self, act: &Act, by: &Principal) {
        self.second.agree(act.clone(), by, self.clock.now());
    }

    fn word(&self, act: &Act, caller: &Principal) -> Option<Word> {
        self.second.word(act, caller, &self.tokens, self.clock.now())
    }

    fn spend(&self, word: &Word, tenant: &str) -> bool {
        self.second.spend(word, tenant, &self.tokens, self.clock.now())
    }
}

fn revoke(id: &str) -> Act {
    Act::RevokeToken(id.into())
}

#[test]
fn nobody_is_two_people_and_a_word_counts_once() {
    let desk = Desk::new();
    let [a, b] = ["a", "b"].map(|name| desk.make("acme", name, None));
    let other = desk.make("beta", "c", None);
    let x = revoke("x");
    assert_eq!(desk.word(&x, &b), None);
    desk.agree(&x, &a);
    assert_eq!(desk.word(&x, &a), None, "the same one");
    assert_eq!(desk.word(&x, &other), None, "another tenant's");
    assert_eq!(desk.word(&revoke("y"), &b), None, "another act");
    assert_eq!(desk.word(&Act::RotateKey("x".into()), &b), None);
    desk.agree(&x, &b);
    let word = desk.word(&x, &b).expect("what somebody else says stays beside one's own");
    assert!(!desk.spend(&word, "beta"));
    assert!(desk.spend(&word, "acme"));
    assert!(!desk.spend(&word, "acme") && desk.word(&x, &b).is_none(), "it counts once");
}

#[test]
fn a_word_grows_old_and_ends_with_its_token() {
    let desk = Desk::new();
    let [a, b] = ["a", "b"].map(|name| desk.make("acme", name, None));
    let short = desk.make("acme", "short", Some(60));
    let x = revoke("x");
    desk.agree(&x, &short);
    let of_short = desk.word(&x, &b).expect("it is in force");
    desk.clock.pass(Duration::from_secs(60));
    assert_eq!(desk.word(&x, &b), None, "its token has expired");
    assert!(!desk.spend(&of_short, "acme"));
    desk.agree(&x, &a);
    let of_a = desk.word(&x, &b).expect("it is in force");
    let minutes = Duration::from_secs(15 * 60);
    desk.clock.pass(minutes - Duration::from_nanos(1));
    assert_eq!(desk.word(&x, &b).as_ref(), Some(&of_a), "just in time");
    desk.clock.pass(Duration::from_nanos(1));
    assert!(desk.word(&x, &b).is_none() && !desk.spend(&of_a, "acme"), "too long ago");
    desk.agree(&x, &a);
    let of_a = desk.word(&x, &b).expect("it is in force");
    assert!(desk.second.word(&x, &b, &desk.tokens, 0).is_none(), "the clock was set back");
    let revoked = desk.tokens.revoke("acme", &a.token_id, || true).expect("written");
    assert_eq!(revoked, crate::tokens::Revoked::Done);
    assert!(desk.word(&x, &b).is_none() && !desk.spend(&of_a, "acme"), "it was revoked");
}

#[test]
fn of_two_words_the_one_is_taken_that_lasts_longer() {
    let desk = Desk::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| desk.make("acme", name, None));
    let x = revoke("x");
    desk.agree(&x, &a);
    desk.clock.pass(Duration::from_secs(15 * 60) - Duration::from_nanos(1));
    desk.agree(&x, &b);
    let word = desk.word(&x, &c).expect("both count");
    desk.clock.pass(Duration::from_nanos(1));
    assert!(desk.spend(&word, "acme"), "the older one is too old by now");
}

#[test]
fn a_word_that_is_given_back_counts_for_the_rest_of_its_time() {
    let desk = Desk::new();
    let [a, b] = ["a", "b"].map(|name| desk.make("acme", name, None));
    let x = revoke("x");
    desk.agree(&x, &a);
    let word = desk.word(&x, &b).expect("it counts");
    assert!(desk.spend(&word, "acme") && desk.word(&x, &b).is_none());
    desk.second.give_back(word.clone(), "acme");
    assert_eq!(desk.word(&x, &b).as_ref(), Some(&word));
    desk.clock.pass(Duration::from_secs(60));
    desk.agree(&x, &a);
    let newer = desk.word(&x, &b).expect("said again");
    desk.second.give_back(word, "acme");
    assert!(desk.spend(&newer, "acme") && desk.word(&x, &b).is_none(), "there is one word");
}

#[test]
fn a_tenant_takes_no_room_from_another() {
    let desk = Desk::new();
    let [a, b] = ["a", "b"].map(|name| desk.make("acme", name, None));
    let [c, d] = ["c", "d"].map(|name| desk.make("beta", name, None));
    desk.agree(&revoke("x"), &c);
    let acts: Vec<Act> = (0..=KEPT_MAX).map(|n| revoke(&n.to_string())).collect();
    acts.iter().for_each(|act| desk.agree(act, &a));
    assert!(desk.word(&revoke("x"), &d).is_some(), "another tenant's stands");
    assert!(desk.word(&acts[0], &b).is_none(), "the oldest fell away");
    assert!(acts[1..].iter().all(|act| desk.word(act, &b).is_some()), "all others are kept");
    acts[1..].iter().for_each(|act| desk.agree(act, &a));
    assert!(desk.word(&acts[1], &b).is_some(), "said again, a word takes no more room");
}

#[test]
fn who_agreed_stands_in_the_statement() {
    let (name, token_id) = ("eve".to_owned(), "0000000a".to_owned());
    let word = Word { act: revoke("x"), name, token_id, role: Role::Auditor, at: 5 };
    let statement = Statement::new("token.revoke", "audit", "revoke");
    let statement = Word::stated(Some(&word), statement);
    let admitted = statement.admit(6, "acme", || "id".into()).expect("conforms");
    let event = admitted.fields().to_value().expect("well formed");
    let reason = event.object("reason").expect("a reason").clone();
    assert_eq!(
        Value::Object(reason).to_json(),
        r#"{"approvals":[{"at":"1970-01-01T00:00:00.000000005Z","by":"eve","decision":"approved","role":"auditor"}]}"#
    );
    let attributes = event.object("attributes").expect("attributes");
    assert_eq!(attributes.str("agreed_by_token"), Some("0000000a"));
}
