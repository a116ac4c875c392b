//! Logs with two keys, set aside: while both sign a checkpoint has two lines, and what they prove is
//! read as before.

use std::time::Duration;

use commit::{KeyOrder, Stepped};
use platform::Disk;
use platform::sim::{Crash, Fault, SimDisk};

use super::{Tried, break_it, flip_everywhere, folder_with};
use crate::world::{Outside, events, log_of};

const DAY: u64 = 86_400;

fn order(days: u64) -> KeyOrder {
    let together = Duration::from_secs(days * DAY);
    KeyOrder { why: "a year is over".into(), by: None, together }
}

/// A folder in whose first life the key of one log changed: both keys sign from there on. That of
/// the other one changed at once.
fn overlapping(closes: bool) -> Outside {
    folder_with(closes, &mut |stepped, life| {
        if life == 0 {
            stepped.rotate_key("acme-0", &order(30)).unwrap();
            stepped.rotate_key("beta-0", &order(0)).unwrap();
        }
    })
}

fn lines(disk: &SimDisk, name: &str) -> usize {
    let text = (disk as &dyn Disk).read_small(name, 4_096).unwrap();
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Which of a log's keys sign, and how many lines its newest checkpoint has.
fn signing(stepped: &Stepped, name: &str) -> (Vec<bool>, usize) {
    let log = stepped.logs()[name].clone();
    let signs = log.key_periods().iter().map(|period| period.signs).collect();
    (signs, log.signers(&log.checkpoint()).len())
}

#[test]
fn what_two_keys_sign_is_read_and_proved() {
    for (closes, unsigned) in [(true, 1), (false, 9)] {
        let Tried { set_aside, full, short } = flip_everywhere(&overlapping(closes), 24, unsigned);
        assert!(set_aside > 30, "{set_aside}");
        assert!(full > 0 && short > 0, "{full} {short}");
    }
}

#[test]
fn an_overlap_ends_for_a_log_that_was_set_aside() {
    let mut outside = overlapping(true);
    break_it(&outside);
    let mut stepped = outside.open().unwrap();
    assert_eq!(signing(&stepped, "acme-0").0, [false, false], "nothing is signed there");
    assert_eq!(signing(&stepped, "acme-1"), (vec![true], 1), "it has a key of its own");
    stepped.rotate_key("acme-1", &order(1)).unwrap();
    let before = outside.disk.folder("data/damaged").files();
    assert_eq!(lines(&outside.disk, "keys/acme-0.key"), 2);
    outside.pass(31 * DAY);
    assert!(stepped.tick().is_empty());
    stepped.drain().unwrap();
    assert_eq!(lines(&outside.disk, "keys/acme-0.key"), 1);
    assert_eq!(signing(&stepped, "acme-0").0, [false, false]);
    assert_eq!(signing(&stepped, "acme-1").0, [false, true]);
    let refused = stepped.rotate_key("acme-0", &order(1)).unwrap_err().to_string();
    assert!(refused.ends_with("acme-1 is open"), "{refused}");
    assert_eq!(outside.disk.folder("data/damaged").files(), before, "nothing is written there");
    outside.write(&mut stepped, "acme", events("acme", "more", 2)).unwrap();
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
    let stepped = outside.open().unwrap();
    assert_eq!(signing(&stepped, "acme-0").0, [false, false]);
    assert_eq!(signing(&stepped, "acme-1").0, [false, true]);
}

/// A process that died over a change of keys, at every step of it, in a folder that broke then.
#[test]
fn a_change_of_keys_that_was_under_way_is_no_hindrance() {
    let begin = || {
        let mut outside = Outside::new(1, &["acme", "beta"]);
        let mut stepped = outside.open().unwrap();
        for tenant in ["acme", "beta"] {
            outside.write(&mut stepped, tenant, events(tenant, tenant, 8)).unwrap();
        }
        // The head is young: what stands there is signed.
        outside.pass(2);
        stepped.rest().unwrap();
        outside.disk.take_steps();
        (outside, stepped)
    };
    let (outside, mut stepped) = begin();
    stepped.rotate_key("acme-0", &order(30)).unwrap();
    let steps = outside.disk.take_steps();
    for (at, step) in steps.iter().enumerate() {
        for how in [Crash::Killed, Crash::PowerLossBare] {
            let (mut outside, mut stepped) = begin();
            outside.disk.plan("", at as u64, Fault::DieAfter);
            let _ = stepped.rotate_key("acme-0", &order(30));
            drop(stepped);
            outside.crash(how);
            outside.settings.on_damage = commit::OnDamage::NewPartition;
            let whole = outside.copy();
            break_it(&outside);
            let stepped = outside.open().unwrap_or_else(|e| panic!("{step}, {how:?}: {e}"));
            let log = log_of(&stepped, "acme");
            assert_eq!(log.meta.name(), "acme-1", "{step}, {how:?}");
            assert_eq!(signing(&stepped, "acme-1").0, [true], "{step}, {how:?}");
            drop(stepped);
            // Mended, all that was signed is there.
            let name = "journal/0000000000000001";
            let bytes =
                (&whole.disk.folder("data") as &dyn Disk).read_small(name, 4 << 20).unwrap();
            let aside = outside.disk.folder("data/damaged/1");
            (&aside as &dyn Disk).replace_small(name, &bytes).unwrap();
            outside.crash(Crash::Killed);
            let stepped = outside.open().unwrap_or_else(|e| panic!("{step}, {how:?}: {e}"));
            let damaged = stepped.logs()["acme-0"].damaged().unwrap().clone();
            assert_eq!(damaged.readable, damaged.signed, "{step}, {how:?}");
            assert!(damaged.readable >= 9, "{step}, {how:?}: {damaged:?}");
        }
    }
}
