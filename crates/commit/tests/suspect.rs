//! An event that is not what its entry says, though the checksums hold: what the process that finds
//! it keeps, and what the next start makes of it.

use commit::journal::frame::{Frame, HEADER_BYTES};
use commit::journal::section::sections;
use commit::{Earlier, Fate, OnDamage, OpenError, Stepped, Unfit, compare};
use platform::Disk;
use platform::sim::{Crash, Fault};

use crate::aside::{check_stated, content};
use crate::tamper::{Case, forge, frame_key, with};
use crate::world::{Outside, check_all, events, log_of, submit, unfit};

const FILE: &str = "journal/0000000000000001";
const SUSPECT: &str = "suspect.json";
const SIGNED: &str = "\"invoice.delete\"";

/// A folder with entries 1 to 5 of acme-0 in the second frame and 6 to 10 in the third, closed.
fn folder() -> Outside {
    let mut outside = Outside::new(7, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    for name in ["first", "second"] {
        outside.write(&mut stepped, "acme", events("acme", name, 5)).unwrap();
    }
    stepped.close().unwrap();
    outside.crash(Crash::Killed);
    outside
}

/// Has the events of the second frame say another action, with every checksum as it should be.
fn say(outside: &Outside, action: &str) {
    let case = Case::of(outside, &[]);
    let forged = forge(&case, FILE, 1, &|fields| with(fields, r#"["action"]"#, action));
    for (name, bytes) in forged.0.iter().filter(|(name, _)| name.starts_with("journal/")) {
        open(outside, name).write_at(0, bytes).unwrap();
        open(outside, name).sync().unwrap();
    }
}

fn open(outside: &Outside, name: &str) -> std::sync::Arc<dyn platform::File> {
    (&outside.disk.folder("data") as &dyn Disk).open(name).unwrap()
}

/// Breaks the list of the last frame so that it cannot be unpacked.
fn break_last(outside: &Outside) {
    let case = Case::of(outside, &[]);
    let (name, frames) = case.frames().pop().unwrap();
    let at = frames.last().unwrap().0;
    let file = &case.folder.0[&name];
    let frame = Frame::decode(&file[at..]).unwrap();
    let mut bytes = [&[0; HEADER_BYTES], frame.sections].concat();
    let section = sections(frame.sections, frame.header.sections).unwrap().pop().unwrap();
    bytes[HEADER_BYTES + section.event_list_at] ^= 1;
    frame_key(outside).finish(&mut bytes, frame.header);
    open(outside, &name).write_at(at as u64, &bytes).unwrap();
    open(outside, &name).sync().unwrap();
}

/// The process that finds it, up to what it keeps.
fn find(outside: &mut Outside) -> (Stepped, Unfit) {
    let stepped = outside.start().unwrap();
    let found = unfit(&stepped).unwrap_err();
    (stepped, found)
}

/// It keeps what it found and ends in order.
fn end(outside: &mut Outside) {
    let (stepped, found) = find(outside);
    stepped.keep(&found).unwrap();
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
}

fn is_kept(outside: &Outside) -> bool {
    outside.disk.folder("data").files().iter().any(|(name, _)| name == SUSPECT)
}

fn put(outside: &Outside, text: &[u8]) {
    (&outside.disk.folder("data") as &dyn Disk).replace_small(SUSPECT, text).unwrap();
}

#[test]
fn what_was_found_is_refused_before_anything_is_written() {
    let mut outside = folder();
    say(&outside, "\"invoice.create\"");
    let (stepped, found) = find(&mut outside);
    assert_eq!((found.log.meta.name(), found.seq), ("acme-0", 1));
    stepped.keep(&found).unwrap();
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
    let kept = (&outside.disk.folder("data") as &dyn Disk).read_small(SUSPECT, 999).unwrap();
    let kept = String::from_utf8(kept).unwrap();
    let first = "{\"format\":\"counterfoil.suspect/v1\",\"found_at\":\"2026-01-02T03:04:05.000000000Z\",\
                 \"log\":\"acme-0\",\"seq\":1,\"file\":\"journal/0000000000000001\",\"offset\":";
    assert!(kept.starts_with(first) && kept.ends_with("\"}\n"), "{kept}");
    let before = content(&outside.disk, "data");
    for _ in 0..2 {
        let error = outside.start().map(drop).unwrap_err();
        let OpenError::Damaged(damage) = &error else { panic!("{error}") };
        assert_eq!((&damage.file[..], damage.offset), (FILE, 2 * 4096), "{error}");
        let what = "log acme-0, entries from 1: entry 1: an event is not what its entry says";
        assert_eq!(damage.what, what);
        outside.crash(Crash::Killed);
        assert!(content(&outside.disk, "data") == before);
    }
}

#[test]
fn what_was_mended_is_forgotten() {
    let mut outside = folder();
    say(&outside, "\"invoice.create\"");
    end(&mut outside);
    say(&outside, SIGNED);
    let stepped = outside.open().unwrap();
    let cleared = &stepped.remarks()[0];
    assert!(cleared.starts_with("entry 1 of the log acme-0"), "{cleared}");
    assert!(cleared.contains("is as it was signed"), "{cleared}");
    assert!(!is_kept(&outside) && stepped.set_aside().is_empty());
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
    assert!(outside.open().unwrap().remarks().is_empty());
}

/// Opens with `new-partition`, compares all, and demands that so many entries of acme-0, from
/// `first` on, cannot be read, one of which is known at once.
fn goes_on_past(outside: &mut Outside, first: u64, count: u64) -> Stepped {
    let stepped = outside.start().unwrap();
    let parts = stepped.set_aside();
    assert_eq!((parts.len(), parts[0].number), (1, 1));
    let place = format!("entry {first} is damaged");
    assert!(parts[0].troubles.iter().any(|what| what.contains(&place)), "{:?}", parts[0].troubles);
    let old = stepped.logs()["acme-0"].clone();
    let damaged = old.damaged().unwrap();
    let size = old.checkpoint().size;
    assert_eq!((damaged.readable, damaged.signed), (size, size), "all of it can be proved");
    assert_eq!(damaged.unreadable(), 1, "what was found is known at once");
    let found: Vec<Unfit> =
        stepped.replay().flat_map(|read| compare(read).expect("the living folder fits")).collect();
    assert_eq!((found.len() as u64, damaged.unreadable()), (count, count));
    let seqs: Vec<u64> = (0..size).filter(|seq| old.read_checked(*seq).is_err()).collect();
    assert_eq!(seqs, (first..first + count).collect::<Vec<_>>());
    let of_other = stepped.logs()["beta-0"].damaged().unwrap().unreadable();
    assert_eq!(of_other, 0);
    let note = check_stated(&log_of(&stepped, "acme"), &old);
    assert!(note.what.contains("acme-0"), "{note:?}");
    assert!(!is_kept(outside), "it went along with what was set aside");
    stepped
}

/// What cannot be read is stored when it comes again, and what can is known.
fn takes_again(stepped: &mut Stepped, lost: &str, known: &str) {
    let waiting = submit(stepped, "acme", events("acme", lost, 5));
    assert!(waiting.fates.iter().all(|fate| matches!(fate, Fate::New(_))), "{:?}", waiting.fates);
    let waiting = submit(stepped, "acme", events("acme", known, 5));
    let is_known =
        |fate: &Fate| matches!(fate, Fate::Duplicate(Earlier::Stored(place)) if place.log == 1);
    assert!(waiting.fates.iter().all(is_known), "{:?}", waiting.fates);
}

#[test]
fn it_is_set_aside_and_read_past() {
    let mut outside = folder();
    say(&outside, "\"invoice.create\"");
    end(&mut outside);
    outside.settings.on_damage = OnDamage::NewPartition;
    for _ in 0..2 {
        let mut stepped = goes_on_past(&mut outside, 1, 5);
        takes_again(&mut stepped, "first", "second");
        drop(stepped);
        outside.crash(Crash::PowerLossBare);
        outside.settings.on_damage = OnDamage::Refuse;
    }
    let finding = content(&outside.disk, "data/damaged/1");
    let finding = finding.iter().find(|(name, _)| name == "finding.json").unwrap();
    let finding = String::from_utf8(finding.1.clone()).unwrap();
    assert!(finding.contains("entry 1: an event is not what its entry says"), "{finding}");
    let verdict = outside.witness.verdict(&outside.disk);
    assert!(verdict.place.starts_with("damaged/1/"), "{verdict:?}");
}

#[test]
fn a_list_that_cannot_be_unpacked_is_the_same() {
    let mut outside = folder();
    break_last(&outside);
    end(&mut outside);
    let error = outside.start().map(drop).unwrap_err().to_string();
    assert!(error.ends_with("the event list cannot be unpacked"), "{error}");
    outside.settings.on_damage = OnDamage::NewPartition;
    let mut stepped = goes_on_past(&mut outside, 6, 5);
    takes_again(&mut stepped, "second", "first");
}

/// Whoever can write this one file can neither keep a folder from opening nor have it moved.
#[test]
fn a_file_that_lies_changes_nothing() {
    let mut outside = folder();
    say(&outside, "\"invoice.create\"");
    end(&mut outside);
    say(&outside, SIGNED);
    let honest = (&outside.disk.folder("data") as &dyn Disk).read_small(SUSPECT, 999).unwrap();
    let honest = String::from_utf8(honest).unwrap();
    let lies = [
        String::new(),
        "{".into(),
        "x".repeat(70_000),
        honest.replace("/v1", "/v2"),
        honest.replace("\"seq\":1", "\"seq\":-1"),
        honest.replace("\"seq\":1", "\"seq\":0"),
        honest.replace("\"seq\":1", "\"seq\":7"),
        honest.replace("\"seq\":1", "\"seq\":18446744073709551615"),
        honest.replace("acme-0", "beta-0"),
        honest.replace("acme-0", "nobody-0"),
        honest.replace("acme-0", "../../keys"),
        honest.replace(FILE, "../keys/acme-0.key"),
        honest.replace(FILE, "head"),
        honest.replace("\"seq\"", "\"more\":1,\"seq\""),
    ];
    for on_damage in [OnDamage::Refuse, OnDamage::NewPartition] {
        outside.settings.on_damage = on_damage;
        for lie in &lies {
            put(&outside, lie.as_bytes());
            let stepped = outside.open().unwrap_or_else(|error| panic!("{lie:.200}: {error}"));
            assert!(stepped.set_aside().is_empty() && stepped.remarks().len() == 1, "{lie:.200}");
            assert!(!is_kept(&outside), "{lie:.200}");
            stepped.close().unwrap();
            outside.crash(Crash::PowerLossBare);
        }
    }
    // A file that is none keeps its place, and nothing else.
    outside.disk.folder("data").create_folder(SUSPECT).unwrap();
    let stepped = outside.open().unwrap();
    assert!(stepped.set_aside().is_empty());
    stepped.close().unwrap();
}

const STRIKES: [(Fault, Crash); 6] = [
    (Fault::Error, Crash::Killed),
    (Fault::DieBefore, Crash::PowerLossBare),
    (Fault::DieBefore, Crash::PowerLoss),
    (Fault::DieAfter, Crash::Killed),
    (Fault::DieAfter, Crash::PowerLossBare),
    (Fault::DieAfter, Crash::PowerLoss),
];

/// The same folder again, in a world of its own.
fn copy(outside: &Outside) -> Outside {
    let mut same = Outside::new(7, &["acme", "beta"]);
    same.disk = outside.disk.snapshot();
    same.clock.pass(std::time::Duration::from_secs(60));
    same
}

#[test]
fn a_crash_at_each_step_of_keeping_it_leaves_it_kept_or_found_again() {
    let whole = folder();
    say(&whole, "\"invoice.create\"");
    let steps = {
        let mut outside = copy(&whole);
        let (stepped, found) = find(&mut outside);
        outside.disk.take_steps();
        stepped.keep(&found).unwrap();
        outside.disk.take_steps()
    };
    assert!(steps.iter().any(|step| step == "rename data/suspect.json"), "{steps:?}");
    let mut outcomes = [0, 0];
    for (at, step) in steps.iter().enumerate() {
        for (fault, how) in STRIKES {
            let mut outside = copy(&whole);
            let (stepped, found) = find(&mut outside);
            outside.disk.take_steps();
            outside.disk.plan("", at as u64, fault);
            assert!(stepped.keep(&found).is_err(), "{step}, {fault:?}");
            drop(stepped);
            outside.crash(how);
            let is_kept = is_kept(&outside);
            outcomes[usize::from(is_kept)] += 1;
            match outside.start() {
                Ok(stepped) => {
                    assert!(!is_kept, "{step}, {fault:?}, {how:?}: what was kept is looked at");
                    let found = unfit(&stepped).unwrap_err();
                    assert_eq!(found.seq, 1, "{step}, {fault:?}, {how:?}");
                    stepped.keep(&found).unwrap();
                    drop(stepped);
                    outside.crash(Crash::PowerLossBare);
                    assert!(outside.start().is_err(), "{step}, {fault:?}, {how:?}");
                }
                Err(error) => {
                    assert!(is_kept, "{step}, {fault:?}, {how:?}: {error}");
                    assert!(matches!(error, OpenError::Damaged(_)), "{error}");
                }
            }
        }
    }
    assert!(outcomes[0] > 5 && outcomes[1] > 0, "{outcomes:?}");
}

#[test]
fn a_crash_at_each_step_of_what_follows_ends_the_same() {
    for is_mended in [true, false] {
        let mut whole = folder();
        say(&whole, "\"invoice.create\"");
        end(&mut whole);
        if is_mended {
            say(&whole, SIGNED);
        }
        let mut there = copy(&whole);
        there.settings.on_damage = OnDamage::NewPartition;
        there.disk.take_steps();
        drop(there.start().unwrap());
        let steps = there.disk.take_steps();
        let step = if is_mended {
            "remove data/suspect.json"
        } else {
            "rename data/damaged/1/suspect.json"
        };
        assert!(steps.iter().any(|it| it.ends_with(step)), "{steps:?}");
        for (at, step) in steps.iter().enumerate() {
            for (fault, how) in STRIKES {
                let mut outside = copy(&whole);
                outside.settings.on_damage = OnDamage::NewPartition;
                outside.disk.take_steps();
                outside.disk.plan("", at as u64, fault);
                // That the file stays is no failure.
                drop(outside.start());
                outside.crash(how);
                if is_mended {
                    let stepped = outside.start().unwrap();
                    check_all(&stepped).unwrap();
                    assert!(stepped.set_aside().is_empty(), "{step}, {fault:?}, {how:?}");
                    assert!(!is_kept(&outside), "{step}, {fault:?}, {how:?}");
                } else {
                    drop(goes_on_past(&mut outside, 1, 5));
                }
            }
        }
    }
}
