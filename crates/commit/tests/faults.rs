//! The fault table: what becomes of the log if a step fails, or the process dies at it.
//!
//! Two histories are played once for each step in them and each thing that can happen there: a
//! folder that is made, used and closed; and one that is opened after a crash that tore a frame,
//! used and closed, and the same as an earlier build left it. The table has a row for each kind of step, phase and end.
//!
//! - *error*: the step fails. `goes on`: who waits hears `NoRoom` and the next try succeeds;
//!   `refuses`: the folder is not opened, and the error names what could not be used; `ends`: the
//!   journal failed, the process must end, and who waits hears `Unknown`.
//! - *kept*: the process dies after the step, and all it wrote is there for the next one. *lost*:
//!   it dies before the step, the power goes, and nothing is left that was not synced.
//!
//! Whatever happens, the next process must open the folder, have all that was ever answered, and
//! write and close as if nothing had been. `goes on` under *kept* and *lost* says that.

use commit::Answer;
use platform::sim::{Crash, Fault};

use crate::marks::strip;
use crate::world::{Outside, events, log_of};

const MADE: &[&str] = &[
    "open  create keys/id.key.new       | refuses: keys/id.key         | goes on | goes on",
    "open  write keys/id.key.new        | refuses: keys/id.key         | goes on | goes on",
    "open  sync keys/id.key.new         | refuses: keys/id.key         | goes on | goes on",
    "open  rename keys/id.key           | refuses: keys/id.key         | goes on | goes on",
    "open  sync_folder keys             | refuses: keys/id.key         | goes on | goes on",
    "open  create id.check.new          | refuses: id.check            | goes on | goes on",
    "open  write id.check.new           | refuses: id.check            | goes on | goes on",
    "open  sync id.check.new            | refuses: id.check            | goes on | goes on",
    "open  rename id.check              | refuses: id.check            | goes on | goes on",
    "open  sync_folder data             | refuses: id.check            | goes on | goes on",
    "open  create_folder journal        | refuses: the new data folder | goes on | goes on",
    "open  create_folder logs           | refuses: the new data folder | goes on | goes on",
    "open  create head.new              | refuses: the new data folder | goes on | goes on",
    "open  write head.new               | refuses: the new data folder | goes on | goes on",
    "open  sync head.new                | refuses: the new data folder | goes on | goes on",
    "open  rename head                  | refuses: the new data folder | goes on | goes on",
    "open  sync_folder data             | refuses: the new data folder | goes on | goes on",
    "open  create folder.json.new       | refuses: the new data folder | goes on | goes on",
    "open  write folder.json.new        | refuses: the new data folder | goes on | goes on",
    "open  sync folder.json.new         | refuses: the new data folder | goes on | goes on",
    "open  rename folder.json           | refuses: the new data folder | goes on | goes on",
    "open  sync head                    | refuses: head                | goes on | goes on",
    "open  create keys/frame.key.new    | refuses: keys/frame.key      | goes on | goes on",
    "open  write keys/frame.key.new     | refuses: keys/frame.key      | goes on | goes on",
    "open  sync keys/frame.key.new      | refuses: keys/frame.key      | goes on | goes on",
    "open  rename keys/frame.key        | refuses: keys/frame.key      | goes on | goes on",
    "open  sync_folder keys             | refuses: keys/frame.key      | goes on | goes on",
    "open  create keys/LOG.key.new      | refuses: logs/LOG            | goes on | goes on",
    "open  write keys/LOG.key.new       | refuses: logs/LOG            | goes on | goes on",
    "open  sync keys/LOG.key.new        | refuses: logs/LOG            | goes on | goes on",
    "open  rename keys/LOG.key          | refuses: logs/LOG            | goes on | goes on",
    "open  sync_folder keys             | refuses: logs/LOG            | goes on | goes on",
    "open  create_folder logs/LOG       | refuses: logs/LOG            | goes on | goes on",
    "open  sync_folder logs             | refuses: logs/LOG            | goes on | goes on",
    "open  create logs/LOG/birth.new    | refuses: logs/LOG            | goes on | goes on",
    "open  write logs/LOG/birth.new     | refuses: logs/LOG            | goes on | goes on",
    "open  sync logs/LOG/birth.new      | refuses: logs/LOG            | goes on | goes on",
    "open  rename logs/LOG/birth        | refuses: logs/LOG            | goes on | goes on",
    "open  sync_folder logs/LOG         | refuses: logs/LOG            | goes on | goes on",
    "open  create logs/LOG/log.json.new | refuses: logs/LOG            | goes on | goes on",
    "open  write logs/LOG/log.json.new  | refuses: logs/LOG            | goes on | goes on",
    "open  sync logs/LOG/log.json.new   | refuses: logs/LOG            | goes on | goes on",
    "open  rename logs/LOG/log.json     | refuses: logs/LOG            | goes on | goes on",
    "open  create journal/N.new         | refuses: journal             | goes on | goes on",
    "open  write journal/N.new          | refuses: journal             | goes on | goes on",
    "open  sync journal/N.new           | refuses: journal             | goes on | goes on",
    "open  rename journal/N             | refuses: journal             | goes on | goes on",
    "open  sync_folder journal          | refuses: journal             | goes on | goes on",
    "open  write head                   | refuses: head                | goes on | goes on",
    "open  write journal/N              | refuses: the journal         | goes on | goes on",
    "open  sync journal/N               | refuses: the journal         | goes on | goes on",
    "open  write head                   | refuses: the journal         | goes on | goes on",
    "open  create keys/signed.new       | refuses: keys/signed         | goes on | goes on",
    "open  write keys/signed.new        | refuses: keys/signed         | goes on | goes on",
    "open  sync keys/signed.new         | refuses: keys/signed         | goes on | goes on",
    "open  rename keys/signed           | refuses: keys/signed         | goes on | goes on",
    "open  sync_folder keys             | refuses: keys/signed         | goes on | goes on",
    "open  sync keys/signed             | refuses: keys/signed         | goes on | goes on",
    "run   write journal/N              | ends                         | goes on | goes on",
    "run   sync journal/N               | ends                         | goes on | goes on",
    "run   write head                   | ends                         | goes on | goes on",
    "run   sync head                    | ends                         | goes on | goes on",
    "run   write keys/signed            | ends                         | goes on | goes on",
    "run   sync keys/signed             | ends                         | goes on | goes on",
    "run   create journal/N.new         | goes on                      | goes on | goes on",
    "run   write journal/N.new          | goes on                      | goes on | goes on",
    "run   sync journal/N.new           | goes on                      | goes on | goes on",
    "run   rename journal/N             | goes on                      | goes on | goes on",
    "run   sync_folder journal          | goes on                      | goes on | goes on",
    "close sync head                    | ends                         | goes on | goes on",
    "close write keys/signed            | ends                         | goes on | goes on",
    "close sync keys/signed             | ends                         | goes on | goes on",
    "close write head                   | ends                         | goes on | goes on",
];

const RECOVERED: &[&str] = &[
    "open  sync_folder data             | refuses: folder.json         | goes on | goes on",
    "open  sync head                    | refuses: head                | goes on | goes on",
    "open  sync_folder keys             | refuses: keys/frame.key      | goes on | goes on",
    "open  sync_folder logs/LOG         | refuses: logs/LOG            | goes on | goes on",
    "open  sync journal/N               | refuses: journal/N           | goes on | goes on",
    "open  create journal/N.new         | refuses: journal             | goes on | goes on",
    "open  write journal/N.new          | refuses: journal             | goes on | goes on",
    "open  sync journal/N.new           | refuses: journal             | goes on | goes on",
    "open  rename journal/N             | refuses: journal             | goes on | goes on",
    "open  sync_folder journal          | refuses: journal             | goes on | goes on",
    "open  write journal/N              | refuses: journal             | goes on | goes on",
    "open  sync journal/N               | refuses: journal             | goes on | goes on",
    "open  write head                   | refuses: head                | goes on | goes on",
    "open  write journal/N              | refuses: the journal         | goes on | goes on",
    "open  sync journal/N               | refuses: the journal         | goes on | goes on",
    "open  write head                   | refuses: the journal         | goes on | goes on",
    "open  write journal/N              | refuses: journal/N           | goes on | goes on",
    "open  remove journal/N             | refuses: journal/N           | goes on | goes on",
    "open  sync keys/signed             | refuses: keys/signed         | goes on | goes on",
    "open  write keys/signed            | refuses: keys/signed         | goes on | goes on",
    "run   write journal/N              | ends                         | goes on | goes on",
    "run   sync journal/N               | ends                         | goes on | goes on",
    "run   write head                   | ends                         | goes on | goes on",
    "run   create journal/N.new         | goes on                      | goes on | goes on",
    "run   write journal/N.new          | goes on                      | goes on | goes on",
    "run   sync journal/N.new           | goes on                      | goes on | goes on",
    "run   rename journal/N             | goes on                      | goes on | goes on",
    "run   sync_folder journal          | goes on                      | goes on | goes on",
    "run   sync head                    | ends                         | goes on | goes on",
    "run   write keys/signed            | ends                         | goes on | goes on",
    "run   sync keys/signed             | ends                         | goes on | goes on",
    "close sync head                    | ends                         | goes on | goes on",
    "close write keys/signed            | ends                         | goes on | goes on",
    "close sync keys/signed             | ends                         | goes on | goes on",
    "close write head                   | ends                         | goes on | goes on",
];

/// What an earlier build's folder has in place of the third row above, behind the first sync of the
/// head that covers all of it.
const KEY_OF_FRAMES: &[&str] = &[
    "open  create keys/frame.key.new    | refuses: keys/frame.key      | goes on | goes on",
    "open  write keys/frame.key.new     | refuses: keys/frame.key      | goes on | goes on",
    "open  sync keys/frame.key.new      | refuses: keys/frame.key      | goes on | goes on",
    "open  rename keys/frame.key        | refuses: keys/frame.key      | goes on | goes on",
    "open  sync_folder keys             | refuses: keys/frame.key      | goes on | goes on",
];

/// Plays one process; `phase` hears where it is. Says how the process ended.
fn process(
    outside: &mut Outside,
    id: &str,
    phase: &mut dyn FnMut(&Outside, &'static str),
) -> String {
    phase(outside, "open");
    let mut stepped = match outside.open() {
        Ok(stepped) => stepped,
        Err(error) => {
            return format!("refuses: {}", alike(&error.to_string()).replace("cannot use ", ""));
        }
    };
    phase(outside, "run");
    for n in 0..6 {
        // Two logs, batches that fill a journal file, and a head that gets old now and then.
        outside.pass(n % 2);
        let tenant = ["acme", "beta"][n as usize % 2];
        let sent = events(tenant, &format!("{id}-{n}"), 24);
        let mut answer = outside.write(&mut stepped, tenant, sent.clone());
        if matches!(answer, Ok(Answer::NoRoom)) {
            answer = outside.write(&mut stepped, tenant, sent);
        }
        match answer {
            Ok(Answer::Committed { .. }) => {}
            Ok(_) => return "turns away".into(),
            Err(_) => return "ends".into(),
        }
    }
    phase(outside, "close");
    stepped.close().map_or_else(|_| "ends".into(), |()| "goes on".into())
}

/// No folder yet.
fn nothing() -> Outside {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    outside.settings.file_bytes = 16 << 10;
    outside
}

/// A folder whose process died while it wrote a frame, of which a part is on the disk.
fn torn() -> Outside {
    let mut outside = nothing();
    outside.disk.plan("sync data/journal/0000000000000002", 1, Fault::DieBefore);
    assert_eq!(process(&mut outside, "torn", &mut |_, _| {}), "ends");
    outside.crash(Crash::Killed);
    outside.disk.rot("data/journal/0000000000000002", 4096, 1).expect("a frame stands there");
    outside.disk.take_steps();
    outside
}

/// The same as an earlier build leaves it.
fn unmarked() -> Outside {
    let outside = torn();
    strip(&outside);
    outside.disk.take_steps();
    outside
}

/// How the process ends in which `fault` strikes step number `at`; and how the next one does.
fn play(world: fn() -> Outside, at: u64, fault: Fault, crash: Crash) -> (String, String) {
    let mut outside = world();
    outside.disk.plan("", at, fault);
    let ended = process(&mut outside, "one", &mut |_, _| {});
    outside.crash(crash);
    let next = process(&mut outside, "next", &mut |_, _| {});
    outside.witness.judge_folder(&outside.disk);
    (ended, next)
}

/// One line for each kind of step and each way it ends: phase, step | error | kept | lost.
fn table(world: fn() -> Outside) -> Vec<String> {
    let mut rows = Vec::new();
    for (at, step) in steps(world).into_iter().enumerate() {
        let at = at as u64;
        let (error, next) = play(world, at, Fault::Error, Crash::Killed);
        assert_eq!(next, "goes on", "{step}: error, killed");
        let again = play(world, at, Fault::Error, Crash::PowerLossBare);
        assert_eq!(again, (error.clone(), next), "{step}: error, power loss");
        let (_, kept) = play(world, at, Fault::DieAfter, Crash::Killed);
        let (_, lost) = play(world, at, Fault::DieBefore, Crash::PowerLossBare);
        let row = format!("{step:<34} | {error:<28} | {kept} | {lost}");
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// The steps of a process that nothing happens to, with their phases.
fn steps(world: fn() -> Outside) -> Vec<String> {
    let mut outside = world();
    let (mut found, mut phase) = (Vec::new(), "");
    let mut collect = |outside: &Outside, next| {
        let steps = outside.disk.take_steps();
        found.extend(steps.iter().map(|step| format!("{phase:<5} {}", kind(step))));
        phase = next;
    };
    assert_eq!(process(&mut outside, "one", &mut collect), "goes on");
    collect(&outside, "");
    found
}

/// A step without what differs among steps of its kind: which file of the journal, which log.
fn kind(step: &str) -> String {
    let (verb, path) = step.split_once(' ').expect("a step has a verb and a path");
    let path = path.strip_prefix("data/").unwrap_or(path);
    format!("{verb} {}", alike(path))
}

/// A path without which file of the journal and which log it is.
fn alike(path: &str) -> String {
    let part = |part: &str| match part.split_once('.') {
        Some((name, rest)) => format!("{}.{rest}", alike(name)),
        None if part.len() == 16 => "N".into(),
        None if part == "acme-0" || part == "beta-0" => "LOG".into(),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn a_folder_that_is_made() {
    assert_eq!(table(nothing), MADE);
}

#[test]
fn a_folder_that_is_recovered() {
    assert_eq!(table(torn), RECOVERED);
}

#[test]
fn a_folder_of_an_earlier_build_is_recovered() {
    let mut rows: Vec<&str> = RECOVERED.to_vec();
    assert!(rows.remove(2).contains("sync_folder keys"));
    let is_head = |row: &&str| row.starts_with("open  write head ") && row.contains(": head ");
    let behind = rows.iter().position(is_head).expect("the head is written") + 1;
    rows.splice(behind..behind, KEY_OF_FRAMES.iter().copied());
    assert_eq!(table(unmarked), rows);
}

#[test]
fn a_cut_is_stated_whatever_happens_to_its_recovery() {
    for at in 0..steps(torn).len() as u64 {
        for (fault, crash) in [
            (Fault::Error, Crash::Killed),
            (Fault::DieBefore, Crash::PowerLossBare),
            (Fault::DieAfter, Crash::Killed),
        ] {
            let mut outside = torn();
            outside.disk.plan("", at, fault);
            process(&mut outside, "one", &mut |_, _| {});
            outside.crash(crash);
            let stepped = outside.open().expect("it opens");
            for tenant in ["acme", "beta"] {
                let log = log_of(&stepped, tenant);
                let action = |seq| log.read_checked(seq).unwrap().0.string(r#"["action"]"#);
                let cuts = (0..log.checkpoint().size)
                    .filter(|seq| action(*seq).as_deref() == Some("journal.cut"));
                assert_eq!(cuts.count(), 1, "{tenant}, step {at}, {fault:?}");
            }
        }
    }
}
