//! Starts, stops and clocks that were set stand as events in every open log.

use commit::{Log, Settings};
use platform::sim::{Crash, Fault};

use crate::world::{Outside, events, log_of};

/// A world whose logs state starts and stops.
fn stating() -> Outside {
    let mut outside = Outside::new(1, &["acme", "harbor"]);
    outside.settings = Settings { version: Some("1.2.3".into()), ..outside.settings };
    outside
}

/// The log's own statements from `first` on: action and the attributes named.
fn statements(log: &std::sync::Arc<Log>, first: u64, attributes: &[&str]) -> Vec<String> {
    let shown = |seq| {
        let (fields, _) = log.read_checked(seq).unwrap();
        let action = fields.string(r#"["action"]"#).unwrap_or_default();
        let text = |name: &&str| {
            let text = fields.text(&format!(r#"["attributes","{name}"]"#));
            text.map(|text| format!(" {name}={text}"))
        };
        let told: String = attributes.iter().filter_map(text).collect();
        action + &told
    };
    (first..log.checkpoint().size).map(shown).filter(|s| !s.starts_with("invoice")).collect()
}

#[test]
fn a_start_says_how_the_one_before_ended() {
    let mut outside = stating();
    let stepped = outside.open().unwrap();
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 2)).unwrap();
    outside.crash(Crash::Killed);
    let stepped = outside.open().unwrap();
    let names = ["version", "closed_in_order", "cut", "size"];
    let told = |closed, size| {
        format!(r#"server.start version="1.2.3" closed_in_order={closed} cut=false size="{size}""#)
    };
    let stop = r#"server.stop version="1.2.3""#.to_owned();
    for (tenant, last) in [("acme", 5), ("harbor", 3)] {
        let found = statements(&log_of(&stepped, tenant), 1, &names);
        assert_eq!(found, [stop.clone(), told(true, 2), told(false, last)], "{tenant}");
    }
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
}

#[test]
fn a_start_that_cut_says_so() {
    let mut outside = stating();
    let mut stepped = outside.open().unwrap();
    outside.disk.plan("sync data/journal/", 0, Fault::DieBefore);
    outside.write(&mut stepped, "acme", events("acme", "torn", 5)).unwrap_err();
    outside.crash(Crash::Killed);
    outside.disk.rot("data/journal/0000000000000001", 2 * 4096, 1).unwrap();
    let stepped = outside.open().unwrap();
    let found = statements(&log_of(&stepped, "harbor"), 1, &["closed_in_order", "cut"]);
    assert_eq!(found, ["journal.cut", "server.start closed_in_order=false cut=true"]);
}

#[test]
fn a_clock_that_was_set_is_stated_and_times_rise_all_the_same() {
    let mut outside = stating();
    let mut stepped = outside.open().unwrap();
    for by_ns in [-3_600_000_000_000, 1_000_000_000, 7_200_000_000_000] {
        outside.pass(1);
        outside.clock.jump(by_ns);
        stepped.tick();
        stepped.drain().unwrap();
        outside.write(&mut stepped, "acme", events("acme", &by_ns.to_string(), 1)).unwrap();
    }
    stepped.tick();
    stepped.drain().unwrap();
    // What was too little to tell is told with the next.
    let told = [r#"clock.jump by_ms="-3600000""#, r#"clock.jump by_ms="7201000""#];
    assert_eq!(statements(&log_of(&stepped, "acme"), 1, &["by_ms"]), told);
    assert_eq!(statements(&log_of(&stepped, "harbor"), 1, &["by_ms"]), told);
    outside.witness.look(&stepped.logs());
}

#[test]
fn a_start_behind_the_newest_entry_is_stated() {
    let mut outside = stating();
    outside.open().unwrap().close().unwrap();
    outside.clock.jump(-86_400_000_000_000);
    let stepped = outside.open().unwrap();
    let found = statements(&log_of(&stepped, "acme"), 2, &["by_ms"]);
    assert_eq!(found, ["server.start", r#"clock.jump by_ms="-86400000""#]);
}

#[test]
fn a_jittering_clock_does_not_fill_the_log() {
    let mut outside = stating();
    let mut stepped = outside.open().unwrap();
    for n in 0..3_000 {
        outside.pass(1);
        outside.clock.jump(if n % 2 == 0 { 5_000_000_000 } else { -5_000_000_000 });
        stepped.tick();
        stepped.drain().unwrap();
    }
    assert_eq!(statements(&log_of(&stepped, "acme"), 1, &[]).len(), 6);
    outside.pass(3_600);
    outside.clock.jump(5_000_000_000);
    stepped.tick();
    stepped.drain().unwrap();
    let last = statements(&log_of(&stepped, "acme"), 7, &["untold"]);
    assert_eq!(last, [r#"clock.jump untold="2994""#]);
}
