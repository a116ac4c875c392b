//! Buckets under a made-up clock.

use super::told::TurnedAway;
use super::*;
use crate::config::{Config, Limits, QuotaConfig, RATE_MAX};

fn config(events: usize, bytes: usize, reads: usize) -> Config {
    let limits = Limits {
        producer_events_s_max: events,
        producer_bytes_s_max: bytes,
        reads_s_max: reads,
        ..Limits::default()
    };
    Config { limits, ..Config::default() }
}

fn quotas(events: usize, bytes: usize, reads: usize) -> Quotas {
    Quotas::new(Rates::of_config(&config(events, bytes, reads)))
}

fn quotas_off() -> Quotas {
    quotas(RATE_MAX, RATE_MAX, RATE_MAX)
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn away(principal: &str, requests: u64, reads: u64) -> TurnedAway {
    TurnedAway { tenant: "t".into(), principal: principal.into(), requests, reads }
}

#[test]
fn what_is_taken_is_paid_off_with_time() {
    let quotas = quotas(10, RATE_MAX, RATE_MAX);
    quotas.take(at(0), "t", "a", 149, 1 << 30);
    let ask = |s, tenant, principal| quotas.ask(at(s), tenant, principal, Want::Send);
    assert_eq!(ask(0, "t", "a"), Err(5), "49 owed and one wanted, 10 a second");
    assert_eq!(ask(4, "t", "a"), Err(1));
    assert_eq!(ask(5, "t", "a"), Ok(()));
    assert_eq!(ask(0, "t", "b"), Ok(()), "each has its own");
    assert_eq!(ask(0, "u", "a"), Ok(()));
    assert_eq!(quotas.to_state(at(59)), []);
    assert_eq!(quotas.to_state(at(60)), [away("a", 2, 0)]);
    assert_eq!(quotas.to_state(at(120)), [], "stated once");
    quotas.give_back(&away("a", 2, 0));
    assert_eq!(quotas.to_state(at(180)), [away("a", 2, 0)], "but for what could not be");
}

#[test]
fn bytes_have_a_quota_of_their_own_and_none_is_none() {
    let bytes = quotas(RATE_MAX, 1_000, RATE_MAX);
    bytes.take(at(0), "t", "a", 1 << 20, 12_000);
    assert_eq!(bytes.ask(at(0), "t", "a", Want::Send), Err(3));
    let off = quotas_off();
    off.take(at(0), "t", "a", 1 << 20, 1 << 30);
    assert_eq!(off.ask(at(0), "t", "a", Want::Send), Ok(()));
    assert_eq!(off.ask(at(0), "t", "a", Want::Reads(1)), Ok(()));
    assert!(off.lock().by_principal.is_empty());
}

#[test]
fn a_change_takes_two_reads_and_may_owe_one() {
    let quotas = quotas(RATE_MAX, RATE_MAX, 1);
    let ask = |s, want| quotas.ask(at(s), "t", "a", want);
    assert_eq!(ask(0, Want::Reads(1)), Ok(()));
    assert!((0..5).all(|_| ask(0, Want::Change).is_ok()), "the fifth with one that was left");
    assert_eq!((ask(0, Want::Change), ask(0, Want::Reads(1))), (Err(2), Err(2)));
    assert_eq!(ask(2, Want::Change), Ok(()));
    assert_eq!(quotas.to_state(at(60)), [away("a", 0, 2)], "both are told as reads");
}

#[test]
fn a_long_question_is_taken_whole_once_there_is_any_room() {
    let quotas = quotas(RATE_MAX, RATE_MAX, 1);
    let ask = |s, want| quotas.ask(at(s), "t", "a", want);
    assert!((0..10).all(|_| ask(0, Want::Reads(1)).is_ok()));
    assert_eq!(ask(0, Want::Reads(5)), Err(1), "nothing is taken");
    assert_eq!(ask(1, Want::Reads(5)), Ok(()), "after the time that it was told");
    assert_eq!((ask(1, Want::Reads(1)), ask(6, Want::Reads(1))), (Err(5), Ok(())), "which it owes");
}

#[test]
fn a_revocation_is_held_up_by_nothing_but_those_that_revoked_nothing() {
    let quotas = quotas(RATE_MAX, RATE_MAX, 1);
    while quotas.ask(at(0), "t", "a", Want::Change).is_ok() {}
    for nth in 0..5 {
        assert!(quotas.may_revoke(at(0), "t", "a"), "{nth}: whatever was asked before");
        quotas.revoked_nothing(at(0), "t", "a");
    }
    assert!(!quotas.may_revoke(at(0), "t", "a") && quotas.may_revoke(at(0), "t", "b"));
    assert_eq!(quotas.ask(at(0), "t", "b", Want::Reads(1)), Ok(()));
    assert!(quotas.may_revoke(at(1), "t", "a"), "it is paid off with time");
    assert_eq!(quotas.to_state(at(60)), [away("a", 0, 1)], "nobody was turned away by it");
    let off = quotas_off();
    off.revoked_nothing(at(0), "t", "a");
    assert!(off.may_revoke(at(0), "t", "a") && off.lock().by_principal.is_empty());
}

#[test]
fn reads_have_theirs_and_take_from_no_other() {
    let quotas = quotas(1, RATE_MAX, 2);
    quotas.take(at(0), "t", "a", 1_000, 0);
    for nth in 0..20 {
        assert_eq!(quotas.ask(at(0), "t", "a", Want::Reads(1)), Ok(()), "{nth}");
    }
    assert_eq!(quotas.ask(at(0), "t", "a", Want::Reads(1)), Err(1));
    assert_eq!(quotas.ask(at(0), "t", "b", Want::Reads(1)), Ok(()));
    assert_eq!(quotas.ask(at(1), "t", "a", Want::Reads(1)), Ok(()), "two a second");
    assert_eq!(quotas.of_tenant("t"), [away("a", 0, 1)]);
}

#[test]
fn a_principal_that_is_named_has_its_own_and_a_reload_changes_it() {
    let named = |events, reads| QuotaConfig {
        tenant: "t".into(),
        principal: "a".into(),
        events_s_max: events,
        bytes_s_max: 0,
        reads_s_max: reads,
    };
    let rates = |quota| Rates::of_config(&Config { quota: vec![quota], ..config(10, 7, 1) });
    let quotas = Quotas::new(rates(named(100, 0)));
    let owes = |principal: &str| quotas.ask(at(0), "t", principal, Want::Send).is_err();
    for principal in ["a", "b"] {
        quotas.take(at(0), "t", principal, 500, 0);
    }
    assert_eq!((owes("a"), owes("b")), (false, true));
    quotas.take(at(0), "t", "a", 0, 71);
    assert!(owes("a"), "what is not said is as for all");

    quotas.change(rates(named(RATE_MAX, 3)));
    assert!(owes("a") && owes("b"), "bytes are bounded as they were, and b's events");
    quotas.take(at(2), "t", "a", 1 << 30, 0);
    assert_eq!(quotas.ask(at(2), "t", "a", Want::Send), Ok(()), "no bound is one too");
    let reads = |principal: &str| {
        (0..99).take_while(|_| quotas.ask(at(2), "t", principal, Want::Reads(1)).is_ok()).count()
    };
    assert_eq!((reads("a"), reads("b")), (30, 10));
}

#[test]
fn principals_are_bounded_whatever_they_owe() {
    let idle = quotas(10, RATE_MAX, RATE_MAX);
    for nth in 0..2 * PRINCIPALS_MAX {
        idle.take(at(nth as u64), "t", &nth.to_string(), 1, 1);
    }
    assert!(idle.lock().by_principal.len() <= PRINCIPALS_MAX + 1, "who is idle makes room");
    let busy = quotas(10, RATE_MAX, RATE_MAX);
    for nth in 0..PRINCIPALS_MAX + 20 {
        busy.take(at(0), "t", &nth.to_string(), 1_000, 1);
        assert!(busy.ask(at(0), "t", &nth.to_string(), Want::Send).is_err());
    }
    assert_eq!(busy.lock().by_principal.len(), PRINCIPALS_MAX + 1);
    let away = busy.of_tenant("t");
    let others = away.iter().find(|away| away.principal == "(others)").expect("they share one");
    assert_eq!(others.requests, 20);
}
