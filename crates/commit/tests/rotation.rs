//! Partitions: a log is closed, the next one opened, and nothing lost in between.

use std::sync::Arc;
use std::time::Duration;

use commit::{
    Answer, Earlier, Fate, Log, ORDERS_DAY_MAX, Order, PartitionLimits, Place, RotateError,
};
use platform::Disk;
use platform::sim::{Crash, Fault};

use crate::world::{Outside, event, events, log_of, submit};

fn order() -> Order {
    Order { why: "a new year".into(), by: Some("ops".into()) }
}

fn text(log: &Arc<Log>, seq: u64, path: &str) -> String {
    let (fields, _) = log.read_checked(seq).unwrap();
    fields.string(path).unwrap_or_default()
}

#[test]
fn the_two_logs_name_each_other() {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    let old = log_of(&stepped, "acme");
    let new = stepped.rotate("acme-0", &order()).unwrap();
    assert_eq!((new.meta.name(), new.meta.tenant.as_str()), ("acme-1", "acme"));
    assert_eq!(new.meta.follows.as_deref(), Some(old.meta.origin.as_str()));
    assert_eq!((old.successor(), old.checkpoint().size), (Some("acme-1"), 5));
    let last = |path| text(&old, 4, path);
    assert_eq!(last(r#"["action"]"#), "log.close");
    assert_eq!(last(r#"["reason","text"]"#), "a new year");
    assert_eq!(last(r#"["actor","on_behalf_of",0,"id"]"#), "ops");
    assert_eq!(last(r#"["attributes","successor","origin"]"#), new.meta.origin);
    assert!(last(r#"["attributes","successor","vkey"]"#).starts_with("sha256:"));
    let first = |path| text(&new, 0, path);
    assert_eq!(first(r#"["action"]"#), "log.open");
    assert_eq!(first(r#"["attributes","follows","origin"]"#), old.meta.origin);
    assert_eq!(first(r#"["attributes","follows","size"]"#), "5");
    let root = commit::hex(&old.checkpoint().root);
    assert_eq!(first(r#"["attributes","follows","root"]"#), root);
    outside.write(&mut stepped, "acme", events("acme", "b", 3)).unwrap();
    assert_eq!((old.checkpoint().size, new.checkpoint().size), (5, 4));
    for how in [Crash::Killed, Crash::PowerLossBare] {
        stepped.close().unwrap();
        outside.witness.judge_folder(&outside.disk);
        outside.crash(how);
        stepped = outside.open().unwrap();
        assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-1");
        assert_eq!(log_of(&stepped, "beta").meta.name(), "beta-0");
    }
    let why = stepped.rotate("acme-0", &order()).err().unwrap().to_string();
    assert_eq!(why, "the log acme-0 is closed; acme-1 takes its tenant's events");
    assert!(matches!(stepped.rotate("nobody", &order()), Err(RotateError::Absent(_))));
}

#[test]
fn what_waits_for_a_closed_log_is_prepared_again() {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    let [one, other] =
        ["acme", "beta"].map(|tenant| submit(&mut stepped, tenant, events(tenant, "waits", 2)));
    let late = stepped.prepare(&log_of(&stepped, "acme"), &one.sent).unwrap();
    stepped.rotate("acme-0", &order()).unwrap();
    assert!(matches!(one.answer(), Answer::Stale));
    let heard = Arc::new(std::sync::Mutex::new(None));
    let hears = heard.clone();
    let reply = Box::new(move |answer| *hears.lock().unwrap() = Some(answer));
    stepped.submit(late, Box::new(|_| {}), reply);
    assert!(matches!(*heard.lock().unwrap(), Some(Answer::Stale)), "also what comes later");
    stepped.drain().unwrap();
    assert!(matches!(other.answer(), Answer::Committed { .. }), "other logs go on");
    outside.write(&mut stepped, "acme", one.sent).unwrap();
    assert_eq!(log_of(&stepped, "acme").checkpoint().size, 3);
}

#[test]
fn a_closed_log_answers_duplicates() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let place = |log, seq| Earlier::Stored(Place { log, seq });
    for (round, name) in ["acme-0", "acme-1"].into_iter().enumerate() {
        let sent = vec![event("acme", Some(&format!("id-{round}")), "text")];
        outside.write(&mut stepped, "acme", sent).unwrap();
        stepped.rotate(name, &order()).unwrap();
    }
    for _ in 0..2 {
        let sent = [("id-0", "text"), ("new", "text"), ("id-1", "text"), ("id-0", "other")];
        let sent = sent.map(|(id, text)| event("acme", Some(id), text)).to_vec();
        let waiting = submit(&mut stepped, "acme", sent.clone());
        assert_eq!(waiting.fates[0], Fate::Duplicate(place(2, 1)));
        assert_eq!(waiting.fates[2], Fate::Duplicate(place(1, 1)));
        let names: Vec<&str> = waiting.logs.iter().map(|log| log.meta.name()).collect();
        assert_eq!(names, ["acme-2", "acme-1", "acme-0"]);
        if let Fate::Conflict(_, earlier) = waiting.fates[3] {
            assert_eq!(earlier, place(2, 1));
        }
        stepped.drain().unwrap();
        // The witness proves the receipt, which spans three logs.
        outside.witness.hear(&waiting, &waiting.answer());
        stepped.close().unwrap();
        stepped = outside.open().unwrap();
    }
    let open = log_of(&stepped, "acme");
    assert_eq!(open.checkpoint().size, 4, "the second time all were duplicates");
    outside.pass(25 * 3_600);
    let sent = vec![event("acme", Some("id-1"), "text")];
    let waiting = submit(&mut stepped, "acme", sent);
    assert_eq!(waiting.fates, [Fate::New(0)], "past the window a retry is a new event");
}

#[test]
fn limits_close_a_log() {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    outside.settings.partitions =
        PartitionLimits { entries_max: Some(100), age_max: Some(Duration::from_secs(86_400)) };
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 98)).unwrap();
    assert!(stepped.tick().is_empty());
    assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-0");
    outside.write(&mut stepped, "acme", events("acme", "b", 1)).unwrap();
    assert!(stepped.tick().is_empty());
    assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-1");
    assert_eq!(log_of(&stepped, "beta").meta.name(), "beta-0");
    let why = text(&log_of(&stepped, "acme"), 0, r#"["reason","text"]"#);
    assert_eq!(why, "the log has 100 entries, which is the limit");
    outside.pass(86_400);
    assert!(stepped.tick().is_empty());
    assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-2");
    assert_eq!(log_of(&stepped, "beta").meta.name(), "beta-1");
}

#[test]
fn a_full_disk_leaves_the_log_open() {
    let mut outside = Outside::new(1, &["acme"]);
    outside.settings.file_bytes = 16 << 10;
    let mut stepped = outside.open().unwrap();
    // One frame is left in the file.
    outside.write(&mut stepped, "acme", events("acme", "a", 1)).unwrap();
    outside.write(&mut stepped, "acme", events("acme", "b", 1)).unwrap();
    outside.disk.fill_at(outside.disk.used() + 4_096);
    let refused = stepped.rotate("acme-0", &order());
    assert!(matches!(refused, Err(RotateError::NoRoom)), "{:?}", refused.err());
    outside.disk.fill_at(u64::MAX);
    outside.write(&mut stepped, "acme", events("acme", "c", 1)).unwrap();
    assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-0");
    let next = stepped.rotate("acme-0", &order()).unwrap();
    assert_eq!(next.meta.name(), "acme-1", "what was made ready is used");
    outside.witness.look(&stepped.logs());
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
}

#[test]
fn nobody_closes_a_log_by_hand_every_minute() {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    let name = |n: usize| format!("acme-{n}");
    for n in 0..ORDERS_DAY_MAX - 1 {
        outside.pass(60);
        stepped.rotate(&name(n), &order()).unwrap();
    }
    let last = name(ORDERS_DAY_MAX - 1);
    let refused = stepped.rotate(&last, &order()).err().unwrap();
    // The oldest of them is 23 minutes old.
    let left = 86_400 - 23 * 60;
    assert!(
        matches!(&refused, RotateError::TooSoon { log, wait_s } if *log == last
            && (left..=left + 1).contains(&u64::from(*wait_s))),
        "{refused}"
    );
    assert!(stepped.rotate("beta-0", &order()).is_ok(), "others are not held up");
    let limit = Order { why: "a limit".into(), by: None };
    stepped.rotate(&last, &limit).unwrap();
    outside.pass(left + 60);
    assert!(stepped.rotate(&name(ORDERS_DAY_MAX), &order()).is_ok(), "a day later");
}

#[test]
fn a_rotation_costs_the_same_however_many_logs_there_are() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let limit = Order { why: "a limit".into(), by: None };
    let mut steps = Vec::new();
    for n in 0..40 {
        outside.disk.take_steps();
        stepped.rotate(&format!("acme-{n}"), &limit).unwrap();
        steps.push(outside.disk.take_steps().len());
    }
    // The first may come with a journal file, or a head that is due.
    assert_eq!(steps[5..10].iter().max(), steps[35..].iter().max(), "{steps:?}");
}

/// A folder whose log is about to be closed; the steps up to there are taken.
fn before() -> (Outside, commit::Stepped) {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    outside.disk.take_steps();
    (outside, stepped)
}

#[test]
fn every_step_recovers_to_one_side() {
    let (outside, mut stepped) = before();
    stepped.rotate("acme-0", &order()).unwrap();
    let steps = outside.disk.take_steps();
    let made = steps.iter().position(|s| s.ends_with("rename data/logs/acme-1/log.json")).unwrap();
    assert!(steps[made..].iter().any(|step| step.starts_with("sync data/journal/")));
    for (at, step) in steps.iter().enumerate() {
        for (fault, how) in [
            (Fault::Error, Crash::Killed),
            (Fault::Error, Crash::PowerLossBare),
            (Fault::DieBefore, Crash::PowerLossBare),
            (Fault::DieAfter, Crash::Killed),
            (Fault::DieAfter, Crash::PowerLossBare),
        ] {
            let (mut outside, mut stepped) = before();
            outside.disk.plan("", at as u64, fault);
            let waiting = submit(&mut stepped, "acme", events("acme", "waits", 2));
            let closed = stepped.rotate("acme-0", &order());
            let went_on = closed.is_ok() || stepped.drain().is_ok();
            outside.witness.hear(&waiting, &waiting.answer());
            outside.crash(how);
            let mut stepped = outside.open().unwrap_or_else(|e| panic!("{step}, {fault:?}: {e}"));
            let open = log_of(&stepped, "acme");
            let (name, first) = (open.meta.name(), text(&open, 0, r#"["action"]"#));
            assert_eq!(first, "log.open", "{step}");
            if closed.is_ok() {
                assert_eq!(name, "acme-1", "{step}, {fault:?}, {how:?}: {went_on}");
            }
            if name == "acme-1" {
                let old = stepped.logs()["acme-0"].clone();
                let last = text(&old, old.checkpoint().size - 1, r#"["action"]"#);
                assert_eq!(last, "log.close", "{step}, {fault:?}");
            }
            outside.write(&mut stepped, "acme", waiting.sent).unwrap();
            outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
            stepped.close().unwrap();
            outside.witness.judge_folder(&outside.disk);
        }
    }
}

#[test]
fn a_log_that_follows_none_is_refused() {
    let (outside, mut stepped) = before();
    stepped.rotate("acme-0", &order()).unwrap();
    stepped.close().unwrap();
    let disk: &dyn Disk = &outside.disk;
    let name = "data/logs/acme-1/log.json";
    let text = String::from_utf8(disk.read_small(name, 4_096).unwrap()).unwrap();
    for (from, to, what) in [
        ("tlog/acme-0", "tlog/acme-9", "the log that it follows is missing"),
        ("tlog/acme-0", "tlog/beta-0", "the log that it follows is another tenant's"),
        ("tlog/acme-0", "tlog/acme-1", "the logs that it follows lead back to it"),
    ] {
        disk.replace_small(name, text.replace(from, to).as_bytes()).unwrap();
        let error = outside.start().map(drop).unwrap_err().to_string();
        assert!(error.ends_with(what), "{error}");
    }
}

#[test]
fn a_log_file_without_what_it_follows_is_as_before() {
    let (outside, stepped) = before();
    stepped.close().unwrap();
    let disk: &dyn Disk = &outside.disk;
    let text = disk.read_small("data/logs/acme-0/log.json", 4_096).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.ends_with("Z\"}\n") && !text.contains("follows"), "{text}");
    let odd = text.replace("}\n", ",\"folows\":\"x\"}\n");
    disk.replace_small("data/logs/acme-0/log.json", odd.as_bytes()).unwrap();
    let error = outside.start().map(drop).unwrap_err().to_string();
    assert!(error.contains("unknown field `folows`"), "{error}");
}
