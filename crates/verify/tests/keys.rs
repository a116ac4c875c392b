//! A log that had several keys: who trusts one of them is led to the others, by what the log
//! states and both keys signed, and by nothing else.

use crate::folder::{check, judge};
use crate::support::folder::*;
use verify::{Policy, Question};

/// Whoever trusts these of the keys, by number.
fn trusting(keys: &[String], which: &[usize]) -> Question {
    let keys = which.iter().map(|nth| keys[*nth].as_str());
    let policy = Policy::parse(policy_of(keys).as_bytes()).unwrap();
    Question { policy: Some(policy), ..Question::default() }
}

fn name(vkey: &str) -> String {
    vkey.splitn(3, '+').take(2).collect::<Vec<_>>().join("+")
}

/// A log that had three keys, the second and the third after an overlap, closed in order.
fn three() -> Writer {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    for from in [3, 9] {
        writer.rotate(0, |_| {});
        writer.frame(&[(0, events(from, 2))]);
        writer.retire(0);
        writer.frame(&[(0, events(from + 2, 2))]);
    }
    writer.close();
    writer
}

#[test]
fn one_key_leads_to_the_others() {
    let writer = three();
    let keys = writer.vkeys(0);
    for which in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
        let verdict = check(&writer.files, &trusting(&keys, which), "Verified verified");
        let log = &verdict.logs[0];
        assert_eq!(log.signed_by, [name(&keys[2])]);
        let led_from = (!which.contains(&2)).then(|| name(&keys[*which.last().unwrap()]));
        assert_eq!(log.led_from, led_from, "{which:?}");
        let led = led_from.map_or(String::new(), |key| format!(", which {key} leads to"));
        assert_eq!(verdict.rests_on, format!("log's key only{led}"));
    }
    let strangers = Writer::new(&["x-0", "a-0"]).vkeys(1);
    check(&writer.files, &trusting(&strangers, &[0]), "Unverifiable unknown-key a-0");
}

#[test]
fn while_two_sign_either_is_enough() {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.rotate(0, |_| {});
    writer.frame(&[(0, events(3, 2))]);
    writer.close();
    let keys = writer.vkeys(0);
    for nth in [0, 1] {
        let verdict = check(&writer.files, &trusting(&keys, &[nth]), "Verified verified");
        assert_eq!((verdict.logs[0].signed_by.len(), &verdict.logs[0].led_from), (2, &None));
    }
}

#[test]
fn no_byte_of_the_history_may_flip() {
    let writer = three();
    let keys = writer.vkeys(0);
    let file = "logs/a-0/keys.json";
    for (which, step) in [(&[0][..], 5), (&[2], 7), (&[0, 1, 2], 1)] {
        let question = trusting(&keys, which);
        for at in (0..writer.files.0[file].len()).step_by(step) {
            let mut files = writer.files.clone();
            files.0.get_mut(file).unwrap()[at] ^= 1 << (at % 7);
            let verdict = judge(&files, &question);
            assert!(!verdict.is_verified(), "byte {at}");
            let places = verdict.findings.iter().map(|finding| &finding.place);
            assert!(places.clone().any(|place| place.contains(file)), "byte {at}: {verdict:#?}");
        }
    }
}

#[test]
fn a_history_that_is_gone_is_missed() {
    let mut writer = three();
    let keys = writer.vkeys(0);
    writer.files.0.remove("logs/a-0/keys.json");
    let verdict = check(&writer.files, &trusting(&keys, &[0, 1, 2]), "Incomplete missing a-0");
    assert_eq!(verdict.place, "logs/a-0/keys.json");
    check(&writer.files, &trusting(&keys, &[2]), "Unverifiable unknown-key a-0");
}

/// What a statement says must be just this, and said by the server: a sender may write what it
/// likes, and may have a checkpoint over it that the log's key signed.
#[test]
fn nobody_is_led_by_another_statement() {
    for field in 0..5 {
        for other in [Some("\"other\""), None] {
            let mut writer = Writer::new(&["a-0"]);
            writer.frame(&[(0, events(0, 3))]);
            writer.rotate(0, |fields| match other {
                Some(text) => fields[field].2 = text.to_owned(),
                None => drop(fields.remove(field)),
            });
            writer.close();
            let keys = writer.vkeys(0);
            for which in [&[0][..], &[1], &[0, 1]] {
                let question = trusting(&keys, which);
                let verdict = check(&writer.files, &question, "Unverifiable malformed a-0 3");
                assert_eq!(verdict.place, "logs/a-0/keys.json", "field {field}");
            }
        }
    }
}

#[test]
fn a_handover_needs_the_key_before() {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.retire(0);
    writer.rotate(0, |_| {});
    writer.close();
    let question = trusting(&writer.vkeys(0), &[0]);
    let verdict = check(&writer.files, &question, "Unverifiable malformed a-0");
    let says = |what: &str| verdict.findings.iter().any(|finding| finding.sentence.contains(what));
    assert!(says("key 2: its handover is not signed by the key before"), "{verdict:#?}");
}

/// Whoever stole a key that was retired signs a log that goes on without the new one.
#[test]
fn a_retired_key_is_not_believed_past_its_time() {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.rotate(0, |_| {});
    writer.usurp(0);
    writer.frame(&[(0, events(3, 2))]);
    writer.close();
    let keys = writer.vkeys(0);
    for which in [&[0][..], &[0, 1]] {
        let question = trusting(&keys, which);
        let verdict = check(&writer.files, &question, "Unverifiable unknown-key a-0");
        assert_eq!(
            verdict.sentence,
            format!("{} was in force at 6, and did not sign", name(&keys[1]))
        );
    }
}
