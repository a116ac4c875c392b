//! Live logs, from entry bundles.

use crate::support::*;
use verify::live::{LiveLog, LiveVerdict, NotStarted};
use verify::{Policy, Question};

fn leaves(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|i| leaf(TIME + i as i64, &sha(&[&i.to_be_bytes()]))).collect()
}

fn bundles(leaves: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let entry = |leaf: &Vec<u8>| [&(leaf.len() as u16).to_be_bytes()[..], leaf].concat();
    leaves.chunks(256).map(|chunk| chunk.iter().flat_map(entry).collect()).collect()
}

fn question(saved: Option<String>) -> Question {
    Question { policy: Some(Policy::of_key(VKEY).unwrap()), saved, ..Question::default() }
}

fn judge(note: &str, bundles: &[Vec<u8>], saved: Option<String>) -> LiveVerdict {
    let mut live = LiveLog::new(&question(saved), note).unwrap();
    bundles.iter().for_each(|bundle| live.push_bundle(bundle));
    live.finish()
}

fn note(leaves: &[Vec<u8>]) -> String {
    checkpoint(&Key::vector(), leaves.len() as u64, &root(leaves))
}

#[test]
fn whole_logs_of_every_size_near_a_bundle() {
    for n in [0, 1, 2, 255, 256, 257, 511, 512, 513] {
        let leaves = leaves(n);
        let end = judge(&note(&leaves), &bundles(&leaves), None);
        assert!(end.verdict.is_verified(), "{n}: {:?}", end.verdict);
        assert_eq!(end.remember, Some(note(&leaves)));
        assert_eq!(end.verdict.counts.entries, n as u64);
    }
}

#[test]
fn a_bundle_may_hold_newer_entries() {
    let leaves = leaves(300);
    let end = judge(&note(&leaves[..290]), &bundles(&leaves), None);
    assert!(end.verdict.is_verified(), "{:?}", end.verdict);
}

#[test]
fn the_saved_checkpoint_must_be_extended() {
    let leaves = leaves(300);
    for saved in [0, 1, 255, 256, 257, 300] {
        let end = judge(&note(&leaves), &bundles(&leaves), Some(note(&leaves[..saved])));
        assert_eq!(end.verdict.logs[0].extends_saved, Some(saved as u64));
        assert!(end.verdict.is_verified());
    }
    let mut other = leaves.clone();
    other[7][20] ^= 1;
    let end = judge(&note(&other), &bundles(&other), Some(note(&leaves[..100])));
    assert_eq!((end.verdict.reason.word(), end.verdict.exit_code()), ("fork", 1));
    assert_eq!(end.remember, None);
    let end = judge(&note(&leaves[..9]), &bundles(&leaves[..9]), Some(note(&leaves[..100])));
    assert_eq!((end.verdict.reason.word(), end.verdict.exit_code()), ("no-consistency", 3));
}

#[test]
fn changed_cut_or_late_entries() {
    let leaves = leaves(300);
    let mut other = leaves.clone();
    other[299][40] ^= 1;
    let end = judge(&note(&leaves), &bundles(&other), None);
    assert_eq!((end.verdict.reason.word(), end.verdict.seq), ("not-in-log", Some(0)));
    let mut cut = bundles(&leaves);
    cut[1].pop();
    let end = judge(&note(&leaves), &cut, None);
    assert_eq!((end.verdict.reason.word(), end.verdict.seq), ("malformed", Some(299)));
    cut.pop();
    let end = judge(&note(&leaves), &cut, None);
    assert_eq!((end.verdict.reason.word(), end.verdict.seq), ("malformed", Some(256)));
    other = leaves.clone();
    other[5] = leaves[4].clone();
    let end = judge(&note(&other), &bundles(&other), None);
    assert_eq!((end.verdict.reason.word(), end.verdict.seq), ("time-order", Some(5)));
}

#[test]
fn what_cannot_start() {
    let not_started = |note: &str, saved| LiveLog::new(&question(saved), note).unwrap_err();
    assert!(matches!(not_started("x", None), NotStarted::Verdict(_)));
    let whole = note(&leaves(3));
    assert!(matches!(not_started(&whole, Some("x".into())), NotStarted::Usage(_)));
}
