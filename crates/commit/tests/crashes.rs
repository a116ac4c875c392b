//! Two crashes, one after the other: what the first left unsynced, the second takes away after a
//! start-up that relied on it. Chance alone finds these rarely.

use platform::sim::{Crash, Fault};

use crate::world::{Outside, events, log_of};

/// Plays one life that ends in `before`; then a start-up that dies after `step`, when the power
/// goes. The folder must open again, whatever of the unsynced is kept.
fn check(close: bool, before: Crash, step: &str) {
    for seed in 0..40 {
        // Three logs: a slot of the head takes more than one sector and can tear.
        let mut outside = Outside::new(seed, &["acme", "harbor", "orchard"]);
        let mut stepped = outside.open().unwrap();
        outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
        if close {
            stepped.close().unwrap();
        }
        outside.crash(before);
        outside.disk.plan(step, 0, Fault::DieAfter);
        assert!(outside.open().is_err(), "seed {seed}: start-up takes the step {step}");
        outside.crash(Crash::PowerLoss);
        let opened = outside.open();
        assert!(opened.is_ok(), "seed {seed}, {step}: {}", opened.err().unwrap());
    }
}

#[test]
fn a_head_that_was_not_synced_is_not_the_only_one() {
    check(false, Crash::Killed, "write data/head");
}

#[test]
fn a_torn_head_after_an_orderly_close_is_no_damage() {
    check(true, Crash::PowerLossBare, "write data/head");
}

#[test]
fn a_torn_copy_is_no_damage() {
    for before in [Crash::Killed, Crash::PowerLossBare] {
        check(false, before, "write data/journal/0000000000000002");
        check(true, before, "write data/journal/0000000000000002");
    }
}

#[test]
fn names_that_a_killed_process_did_not_sync_are_not_lost_later() {
    for step in ["rename data/folder.json", "rename data/logs/acme-0/log.json"] {
        let mut outside = Outside::new(1, &["acme"]);
        outside.disk.plan(step, 0, Fault::DieAfter);
        assert!(outside.open().is_err());
        outside.crash(Crash::Killed);
        let mut stepped = outside.open().unwrap();
        outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
        outside.crash(Crash::PowerLossBare);
        assert!(outside.open().is_ok(), "{step}");
    }
}

#[test]
fn zeros_that_a_killed_process_did_not_sync_are_not_relied_on() {
    let file = "data/journal/0000000000000001";
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.disk.plan("sync data/journal/", 1, Fault::DieBefore);
    for n in 0..2 {
        // The second one is torn.
        let sent = events("acme", &n.to_string(), 3);
        assert_eq!(outside.write(&mut stepped, "acme", sent).is_err(), n == 1);
    }
    outside.crash(Crash::Killed);
    outside.disk.rot(file, 3 * 4096 + 600, 1).unwrap();
    // Start-up clears the rest of the file and is killed before it syncs that.
    outside.disk.plan(&format!("write {file}"), 0, Fault::DieAfter);
    assert!(outside.open().is_err());
    outside.crash(Crash::Killed);
    outside.open().unwrap().close().unwrap();
    outside.crash(Crash::PowerLossBare);
    assert!(outside.open().is_ok(), "what was cleared does not come back");
}

#[test]
fn a_sweep_that_was_interrupted_is_not_taken_for_a_cut() {
    let file = "write data/journal/0000000000000001";
    for (seed, skip) in (0..40).flat_map(|seed| [(seed, 0), (seed, 1)]) {
        let mut outside = Outside::new(seed, &["acme"]);
        let mut stepped = outside.open().unwrap();
        // A frame of several blocks, of which the second start-up makes a copy.
        outside.write(&mut stepped, "acme", events("acme", "a", 60)).unwrap();
        outside.crash(Crash::Killed);
        outside.disk.plan(file, skip, Fault::DieAfter);
        assert!(outside.open().is_err(), "start-up clears the frame that it copied");
        outside.crash(Crash::PowerLoss);
        let stepped = outside.open().unwrap();
        assert_eq!(log_of(&stepped, "acme").checkpoint().size, 61, "seed {seed}, write {skip}");
    }
}
