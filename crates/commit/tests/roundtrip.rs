//! What goes in comes out, and proofs of it hold.

use commit::{Answer, Fate, Place};
use event::parse_time;
use platform::sim::Crash;

use crate::world::{Outside, event, events, log_of, submit};

fn committed(answer: &Answer) -> u64 {
    let Answer::Committed { first, .. } = answer else { panic!("{answer:?}") };
    *first
}

#[test]
fn what_was_written_is_read_back_after_a_restart() {
    let mut outside = Outside::new(1, &["acme", "harbor", "orchard"]);
    let mut stepped = outside.open().unwrap();
    for round in 0..30 {
        for tenant in ["acme", "harbor", "orchard"] {
            let sent = events(tenant, &format!("{tenant}-{round}"), 1 + round * 7 % 40);
            outside.write(&mut stepped, tenant, sent).unwrap();
        }
    }
    outside.witness.look(&stepped.logs());
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
    for how in [Crash::Killed, Crash::PowerLossBare] {
        outside.crash(how);
        let stepped = outside.open().unwrap();
        outside.witness.judge_folder(&outside.disk);
        stepped.close().unwrap();
    }
    assert!(outside.disk.files().len() > 8, "the journal went through several files");
    assert_eq!(outside.witness.acknowledged(), 3 * (0..30).map(|r| 1 + r * 7 % 40).sum::<usize>());
}

#[test]
fn a_log_begins_with_who_opened_it() {
    let mut outside = Outside::new(1, &["acme"]);
    let stepped = outside.open().unwrap();
    let log = log_of(&stepped, "acme");
    assert_eq!(log.checkpoint().size, 1);
    let (first, _) = log.read_checked(0).unwrap();
    assert_eq!(first.string(r#"["action"]"#).as_deref(), Some("log.open"));
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
    let stepped = outside.open().unwrap();
    assert_eq!(log_of(&stepped, "acme").checkpoint().size, 1, "it is not stated twice");
}

#[test]
fn many_batches_of_many_logs_go_into_one_frame() {
    let mut outside = Outside::new(1, &["acme", "harbor"]);
    let mut stepped = outside.open().unwrap();
    outside.disk.take_steps();
    let batches: Vec<_> = (0..20)
        .map(|n| {
            let tenant = ["acme", "harbor"][n % 2];
            submit(&mut stepped, tenant, events(tenant, &n.to_string(), 3))
        })
        .collect();
    stepped.frame().unwrap();
    let syncs = outside.disk.take_steps().into_iter().filter(|step| step.starts_with("sync "));
    assert_eq!(syncs.count(), 1);
    for (n, batch) in batches.iter().enumerate() {
        assert_eq!(committed(&batch.answer()), 1 + n as u64 / 2 * 3, "batch {n}");
        outside.witness.hear(batch, &batch.answer());
    }
}

#[test]
fn time_rises_though_the_clock_does_not() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let early = parse_time("2026-01-02T03:04:05Z").unwrap();
    for n in 0..4 {
        outside.write(&mut stepped, "acme", events("acme", &n.to_string(), 2)).unwrap();
        outside.clock.jump(-3_600_000_000_000);
    }
    let times = |size| {
        let log = log_of(&stepped, "acme");
        let times: Vec<_> =
            (0..size).map(|s| log.published().tree.recorded_at(s).unwrap()).collect();
        times
    };
    assert_eq!(times(9), (early..early + 9).collect::<Vec<_>>());
    stepped.close().unwrap();
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "later", 1)).unwrap();
    assert_eq!(log_of(&stepped, "acme").published().tree.recorded_at(9), Some(early + 9));
}

#[test]
fn a_batch_larger_than_a_journal_file_is_turned_away() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let sent = events("acme", "many", 3_000);
    let answer = outside.write(&mut stepped, "acme", sent).unwrap();
    assert!(matches!(answer, Answer::NoRoom), "{answer:?}");
    outside.write(&mut stepped, "acme", events("acme", "few", 3)).unwrap();
}

#[test]
fn what_needs_no_frame_is_answered_at_once() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let sent = vec![event("acme", Some("a"), "one")];
    assert_eq!(committed(&outside.write(&mut stepped, "acme", sent.clone()).unwrap()), 1);
    outside.disk.take_steps();
    let again = submit(&mut stepped, "acme", sent);
    assert_eq!(again.fates, [Fate::Duplicate(commit::Earlier::Stored(Place { log: 0, seq: 1 }))]);
    outside.witness.hear(&again, &again.answer());
    assert_eq!(outside.disk.take_steps(), Vec::<String>::new());
}

#[test]
fn a_folder_opens_on_a_disk_that_its_own_spare_files_fill() {
    let mut outside = Outside::new(1, &["acme"]);
    outside.settings.files_ahead = true;
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    stepped.close().unwrap();
    let files = outside.disk.folder("data").files();
    let journal = files.iter().filter(|(name, _)| name.starts_with("journal/"));
    assert!(journal.count() >= 2, "the file in use and one ahead");
    outside.disk.fill_at(outside.disk.used());
    outside.settings.files_ahead = false;
    assert_eq!(log_of(&outside.open().unwrap(), "acme").checkpoint().size, 4);
}
