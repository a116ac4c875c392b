//! A damaged folder is set aside and the server goes on: what the damage does not touch is read and
//! proved as before, what is written since is kept, and a crash anywhere on the way ends the same.

use commit::journal::Place;
use commit::journal::file::file_name;
use commit::journal::frame::{Frame, HEADER_BYTES};
use commit::journal::section::{Section, sections};
use commit::{DamageNote, Earlier, Fate, Log, OnDamage, Order, Stepped};
use event::Fields;
use platform::Disk;
use platform::sim::{Crash, Dice, Fault, SimDisk};
use std::ops::Range;
use std::sync::Arc;

use crate::world::{Outside, events, log_of, submit};

mod cut;
mod keys;

/// A section of the journal: where its frame stands, and what it adds to which log.
pub struct Written {
    pub file: String,
    pub from: u64,
    pub end: u64,
    pub origin: String,
    pub first: u64,
    pub count: u64,
    /// Where the checkpoint of all before it stands in the file.
    pub note: Range<u64>,
}

/// A folder with two logs and a journal of several files, closed in order or not.
pub fn folder(closes: bool) -> Outside {
    folder_with(closes, &mut |_, _| {})
}

/// The same; `more` is done between two writes of each life.
fn folder_with(closes: bool, more: &mut dyn FnMut(&mut Stepped, usize)) -> Outside {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    outside.settings.file_bytes = 16 << 10;
    for life in 0..2 {
        let mut stepped = outside.open().unwrap();
        for n in 0..4 {
            let tenant = ["acme", "beta"][n % 2];
            outside.write(&mut stepped, tenant, events(tenant, &format!("{life}-{n}"), 8)).unwrap();
            if n == 1 {
                more(&mut stepped, life);
            }
        }
        if closes || life == 0 {
            stepped.close().unwrap();
        }
        outside.crash(Crash::Killed);
    }
    outside.settings.on_damage = OnDamage::NewPartition;
    outside
}

/// The sections of a folder's journal, in its order.
pub fn written(disk: &SimDisk) -> Vec<Written> {
    let data = disk.folder("data");
    let text = (&data as &dyn Disk).read_small("folder.json", 999).unwrap();
    let text = String::from_utf8(text).unwrap();
    let hex = text.split('"').nth_back(1).unwrap();
    let id = std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap());
    let mut found = Vec::new();
    let mut visit = |frame: &Frame<'_>, place: Place| {
        found.extend(sections_of(frame, &file_name(place.file), place.offset));
        Ok(())
    };
    commit::journal::scan(&data, id, &mut visit, &mut |_, _| {}).unwrap_or_else(|_| panic!());
    found
}

/// The sections of a frame that stands at a byte of a file.
pub fn sections_of(frame: &Frame<'_>, file: &str, at: u64) -> Vec<Written> {
    let written = |section: Section<'_>| {
        let inside = section.checkpoint.as_ptr().addr() - frame.sections.as_ptr().addr();
        let note = at + (HEADER_BYTES + inside) as u64;
        Written {
            file: file.to_owned(),
            from: at,
            end: at + frame.room(),
            origin: section.origin.to_owned(),
            first: section.first,
            count: section.leaves.len() as u64,
            note: note..note + section.checkpoint.len() as u64,
        }
    };
    sections(frame.sections, frame.header.sections).unwrap().into_iter().map(written).collect()
}

fn text(log: &Arc<Log>, seq: u64, path: &str) -> String {
    let (fields, _): (Fields, _) = log.read_checked(seq).unwrap();
    fields.string(path).unwrap_or_default()
}

/// Bytes of a file to flip: where it is not zero most, and some elsewhere.
fn offsets(disk: &SimDisk, file: &str, dice: &mut Dice, count: u64) -> Vec<u64> {
    let bytes = (&disk.folder("data") as &dyn Disk).read_small(file, 4 << 20).unwrap();
    let len = bytes.len() as u64;
    let used: Vec<u64> = (0..len).filter(|at| bytes[*at as usize] != 0).collect();
    (0..count).map(|n| if n % 8 == 0 { dice.below(len) } else { dice.pick(&used) }).collect()
}

/// The new log states the finding: in its file, which its first event binds, and in that event.
pub fn check_stated(log: &Arc<Log>, old: &Arc<Log>) -> DamageNote {
    let note = log.meta.damage.clone().unwrap();
    let at = |path: &str| text(log, 0, path);
    assert_eq!(at(r#"["action"]"#), "log.open");
    assert_eq!(at(r#"["attributes","damage","file"]"#), note.file);
    assert_eq!(at(r#"["attributes","damage","offset"]"#), note.offset.to_string());
    assert_eq!(at(r#"["attributes","damage","number"]"#), note.number.to_string());
    assert_eq!(at(r#"["attributes","damage","readable"]"#), note.readable.to_string());
    assert_eq!(at(r#"["attributes","damage","signed"]"#), note.signed.to_string());
    assert!(at(r#"["reason","text"]"#).contains(&format!("{}, byte {}", note.file, note.offset)));
    assert_eq!(at(r#"["attributes","follows","origin"]"#), old.meta.origin);
    let size: u64 = at(r#"["attributes","follows","size"]"#).parse().unwrap();
    let root = old.published().tree.root(size).unwrap();
    assert_eq!(at(r#"["attributes","follows","root"]"#), commit::hex(&root));
    assert_eq!(
        (old.successor(), log.predecessor().unwrap().meta.name()),
        (Some(log.meta.name()), old.meta.name())
    );
    note
}

/// The server goes on in new logs: it takes events, knows those that can be read again, and the
/// next starts find all of it.
fn goes_on(outside: &mut Outside, mut stepped: Stepped) {
    for life in 0..2 {
        for tenant in ["acme", "beta"] {
            let old = stepped.logs()[&format!("{tenant}-0")].clone();
            let log = log_of(&stepped, tenant);
            assert_eq!(log.meta.name(), format!("{tenant}-1"));
            check_stated(&log, &old);
            let again = events(tenant, &format!("0-{}", u8::from(tenant == "beta")), 8);
            let readable = old.checkpoint().size;
            let waiting = submit(&mut stepped, tenant, again);
            if readable > 8 {
                let known = |fate: &Fate| matches!(fate, Fate::Duplicate(Earlier::Stored(place)) if place.log == 1);
                assert!(waiting.fates.iter().all(known), "{:?}", waiting.fates);
            }
            stepped.drain().unwrap();
            outside.witness.hear(&waiting, &waiting.answer());
            outside.write(&mut stepped, tenant, events(tenant, &format!("new-{life}"), 3)).unwrap();
        }
        match life {
            0 => stepped.close().unwrap(),
            _ => drop(stepped),
        }
        outside.crash([Crash::PowerLossBare, Crash::Killed][life]);
        stepped = outside.open().unwrap();
        assert_eq!(stepped.set_aside().len(), 1);
    }
}

/// What came of flipping bits of a folder, each in a copy of it.
#[derive(Default)]
struct Tried {
    set_aside: usize,
    /// Logs that end right before the section that was hit.
    full: usize,
    /// Logs that end one section earlier: the signature over the one before was hit.
    short: usize,
}

/// Flips bits of head and journal, each in a copy: all that the damage does not touch is read and
/// proved, and the server goes on. `unsigned`: entries that no signature in the folder may cover.
fn flip_everywhere(whole: &Outside, count: u64, unsigned: u64) -> Tried {
    let sections = written(&whole.disk);
    let sizes: Vec<u64> = {
        let mut there = whole.copy();
        let stepped = there.open().unwrap();
        let size = |name: &&str| stepped.logs()[*name].checkpoint().size;
        ["acme-0", "beta-0"].iter().map(size).collect()
    };
    let mut dice = Dice::new(1);
    let mut tried = Tried::default();
    let files = whole.disk.folder("data").files();
    for (file, _) in files.iter().filter(|(f, _)| f == "head" || f.starts_with("journal/")) {
        for offset in offsets(&whole.disk, file, &mut dice, count) {
            let mut outside = whole.copy();
            outside.disk.rot(&format!("data/{file}"), offset, 1 << dice.below(8)).unwrap();
            let stepped = outside.open().unwrap_or_else(|e| panic!("{file}, {offset}: {e}"));
            let Some(aside) = stepped.set_aside().first().cloned() else { continue };
            tried.set_aside += 1;
            assert_eq!((aside.number, &aside.file[..]), (1, &file[..]), "{offset}");
            for (tenant, size) in ["acme", "beta"].iter().zip(&sizes) {
                let log = stepped.logs()[&format!("{tenant}-0")].clone();
                let damaged = log.damaged().unwrap();
                let of_log = |s: &&Written| s.origin == log.meta.origin;
                let hit = sections
                    .iter()
                    .filter(of_log)
                    .find(|s| s.file == *file && (s.from..s.end).contains(&offset));
                let readable = damaged.readable;
                let before = |first| {
                    sections.iter().filter(of_log).rev().map(|s| s.first).find(|f| *f < first)
                };
                match hit {
                    None => assert!(
                        readable + unsigned >= *size && damaged.signed >= readable,
                        "{file} {offset} {readable} {size}"
                    ),
                    Some(hit) if hit.first == readable => tried.full += 1,
                    Some(hit) => {
                        assert_eq!(Some(readable), before(hit.first), "{file}, {offset}");
                        assert!(hit.note.contains(&offset), "{file}, {offset}: its note is whole");
                        tried.short += 1;
                    }
                }
            }
            goes_on(&mut outside, stepped);
        }
    }
    tried
}

#[test]
fn what_the_damage_does_not_touch_is_read_and_proved() {
    // A start adds a statement of its own; of a folder that was not closed it signs the last batch.
    for (closes, unsigned) in [(true, 1), (false, 9)] {
        let Tried { set_aside, full, short } = flip_everywhere(&folder(closes), 40, unsigned);
        assert!(set_aside > 50, "{set_aside}");
        assert!(full > 0 && short > 0, "{full} {short}");
    }
}

/// Breaks the second frame of the first file.
pub fn break_it(outside: &Outside) {
    outside.disk.rot("data/journal/0000000000000001", 2 * 4096 + 700, 1).unwrap();
}

/// Everything below a folder, with its content.
pub fn content(disk: &SimDisk, folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = disk.folder(folder);
    let read = |(name, _): (String, u64)| {
        let bytes = (&folder as &dyn Disk).read_small(&name, 4 << 20).unwrap();
        (name, bytes)
    };
    folder.files().into_iter().map(read).collect()
}

#[test]
fn refused_is_left_as_it_is() {
    let mut outside = folder(true);
    outside.settings.on_damage = OnDamage::Refuse;
    break_it(&outside);
    let before = content(&outside.disk, "data");
    let error = outside.open().map(drop).unwrap_err().to_string();
    assert!(error.starts_with("the data folder is damaged: journal/0000000000000001"), "{error}");
    assert!(content(&outside.disk, "data") == before);
}

#[test]
fn what_is_set_aside_is_the_folder_byte_for_byte() {
    let mut outside = folder(true);
    break_it(&outside);
    let before = content(&outside.disk, "data");
    for _ in 0..2 {
        outside.open().unwrap().close().unwrap();
        let mut after = content(&outside.disk, "data/damaged/1");
        after.retain(|(name, _)| name != "finding.json" && name != "signed");
        let moved = before.iter().filter(|(name, _)| name != "id.check");
        assert!(after.iter().eq(moved));
        outside.crash(Crash::PowerLossBare);
        // It is done: no setting is needed any more.
        outside.settings.on_damage = OnDamage::Refuse;
    }
    let finding =
        content(&outside.disk, "data/damaged/1").into_iter().find(|f| f.0 == "finding.json");
    let finding = String::from_utf8(finding.unwrap().1).unwrap();
    assert!(
        finding.starts_with("{\"format\":\"counterfoil.finding/v1\",\"folder\":\""),
        "{finding}"
    );
    assert!(
        finding.contains("\"file\":\"journal/0000000000000001\",\"offset\":8192,"),
        "{finding}"
    );
}

#[test]
fn what_else_is_damaged_is_still_refused() {
    for (file, offset, what) in [
        ("folder.json", 60, "folder.json, byte 0"),
        ("logs/acme-0/log.json", 1, "logs/acme-0/log.json, byte 0"),
        ("logs/acme-0/birth", 40, "acme-0.key did not sign logs/acme-0/birth"),
    ] {
        let mut outside = folder(true);
        outside.disk.rot(&format!("data/{file}"), offset, 1).unwrap();
        let before = content(&outside.disk, "data");
        let error = outside.open().map(drop).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        break_it(&outside);
        let error = outside.open().map(drop).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        outside.disk.rot("data/journal/0000000000000001", 2 * 4096 + 700, 1).unwrap();
        assert!(content(&outside.disk, "data") == before, "{file}");
    }
}

#[test]
fn every_step_of_setting_aside_recovers_to_the_same() {
    let broken = folder(true);
    break_it(&broken);
    let without_head = folder(true);
    without_head.disk.remove("data/head").unwrap();
    for (whole, faults) in [(broken, 6), (without_head, 2)] {
        recovers_at_every_step(&whole, faults);
    }
}

fn recovers_at_every_step(whole: &Outside, faults: usize) {
    let mut there = whole.copy();
    there.disk.take_steps();
    let readable: Vec<u64> = {
        let stepped = there.open().unwrap();
        let logs = stepped.logs();
        ["acme-0", "beta-0"].iter().map(|name| logs[*name].checkpoint().size).collect()
    };
    let steps = there.disk.take_steps();
    assert!(steps.iter().any(|s| s.ends_with("rename data/damaged/1/folder.json")), "{steps:?}");
    for (at, step) in steps.iter().enumerate() {
        let kinds = [
            (Fault::Error, Crash::Killed),
            (Fault::DieAfter, Crash::PowerLossBare),
            (Fault::DieBefore, Crash::PowerLossBare),
            (Fault::DieBefore, Crash::PowerLoss),
            (Fault::DieAfter, Crash::Killed),
            (Fault::DieAfter, Crash::PowerLoss),
        ];
        for (fault, how) in kinds.into_iter().take(faults) {
            let mut outside = whole.copy();
            outside.disk.take_steps();
            outside.disk.plan("", at as u64, fault);
            let opened = outside.open();
            assert!(opened.is_err(), "{step}, {fault:?}");
            outside.crash(how);
            let stepped = outside.open();
            let stepped =
                stepped.unwrap_or_else(|e| panic!("{at}, {step}, {fault:?}, {how:?}: {e}"));
            assert_eq!(stepped.set_aside().len(), 1, "{step}, {fault:?}, {how:?}");
            let names: Vec<String> = stepped.logs().keys().cloned().collect();
            assert_eq!(names, ["acme-0", "acme-1", "beta-0", "beta-1"], "{step}, {fault:?}");
            for (name, size) in ["acme-0", "beta-0"].iter().zip(&readable) {
                assert_eq!(stepped.logs()[*name].checkpoint().size, *size, "{step}, {fault:?}");
            }
            goes_on(&mut outside, stepped);
        }
    }
}

#[test]
fn a_second_damage_is_set_aside_beside_the_first() {
    let mut outside = folder(true);
    break_it(&outside);
    let stepped = outside.open().unwrap();
    goes_on(&mut outside, stepped);
    outside.crash(Crash::Killed);
    outside.disk.rot("data/journal/0000000000000001", 4096 + 700, 1).unwrap();
    for _ in 0..2 {
        let mut stepped = outside.open().unwrap();
        let numbers: Vec<u64> = stepped.set_aside().iter().map(|aside| aside.number).collect();
        assert_eq!(numbers, [1, 2]);
        let log = log_of(&stepped, "acme");
        assert_eq!(log.meta.name(), "acme-2");
        assert_eq!(check_stated(&log, &stepped.logs()["acme-1"]).number, 2);
        outside.write(&mut stepped, "acme", events("acme", "third", 2)).unwrap();
        stepped.close().unwrap();
        outside.crash(Crash::PowerLossBare);
    }
}

#[test]
fn a_part_that_is_mended_is_whole_again() {
    let mut outside = folder(true);
    let whole = content(&outside.disk, "data");
    break_it(&outside);
    let stepped = outside.open().unwrap();
    let size = stepped.logs()["acme-0"].checkpoint().size;
    assert!(stepped.logs()["acme-0"].damaged().unwrap().signed > size);
    stepped.close().unwrap();
    outside.crash(Crash::Killed);
    let aside = outside.disk.folder("data/damaged/1");
    for (name, bytes) in whole.iter().filter(|(name, _)| name.starts_with("journal/")) {
        (&aside as &dyn Disk).replace_small(name, bytes).unwrap();
    }
    outside.crash(Crash::Killed);
    let mut stepped = outside.open().unwrap();
    for tenant in ["acme", "beta"] {
        let log = stepped.logs()[&format!("{tenant}-0")].clone();
        let damaged = log.damaged().unwrap();
        assert_eq!(damaged.readable, damaged.signed, "{tenant}");
        check_stated(&log_of(&stepped, tenant), &log);
    }
    // The verifier agrees, of the living folder and of the mended one.
    outside.witness.judge_folder(&outside.disk);
    // What could not be read is a duplicate now.
    let waiting = submit(&mut stepped, "acme", events("acme", "1-2", 8));
    assert!(waiting.fates.iter().all(|fate| matches!(fate, Fate::Duplicate(_))));
    outside.witness.hear(&waiting, &waiting.answer());
}

/// The power took the head's newest slot: nothing on the disk signs what was written last.
#[test]
fn what_no_signature_covers_is_told() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "first", 3)).unwrap();
    outside.write(&mut stepped, "acme", events("acme", "last", 3)).unwrap();
    drop(stepped);
    outside.crash(Crash::PowerLossBare);
    outside.settings.on_damage = OnDamage::NewPartition;
    let head = outside.disk.folder("data");
    for slot in [0, 1 << 20] {
        head.rot("head", slot, 1).unwrap();
    }
    let stepped = outside.open().unwrap();
    let damaged = stepped.logs()["acme-0"].damaged().unwrap().clone();
    assert_eq!((damaged.readable, damaged.signed), (4, 4));
    let told = "log acme-0: no signature that was found covers its entries 4 to 6";
    assert!(damaged.aside.troubles.contains(&told.to_owned()), "{:?}", damaged.aside.troubles);
}

#[test]
fn a_chain_of_partitions_goes_on_behind_its_end() {
    for break_at in [1_u64, 3, 5] {
        let mut outside = Outside::new(1, &["acme", "beta"]);
        let mut stepped = outside.open().unwrap();
        for n in 0..3 {
            outside.write(&mut stepped, "acme", events("acme", &n.to_string(), 3)).unwrap();
            if n < 2 {
                let why = "a test".to_owned();
                stepped.rotate(&format!("acme-{n}"), &Order { why, by: None }).unwrap();
            }
        }
        stepped.close().unwrap();
        outside.crash(Crash::Killed);
        outside.settings.on_damage = OnDamage::NewPartition;
        let file = "data/journal/0000000000000001";
        outside.disk.rot(file, break_at * 4096 + 700, 1).unwrap();
        for _ in 0..2 {
            let mut stepped = outside.open().unwrap();
            let log = log_of(&stepped, "acme");
            assert_eq!(log.meta.name(), "acme-3", "{break_at}");
            check_stated(&log, &stepped.logs()["acme-2"]);
            assert_eq!(stepped.logs()["acme-0"].successor(), Some("acme-1"));
            outside.write(&mut stepped, "acme", events("acme", "more", 2)).unwrap();
            let why = "a test".to_owned();
            let refused = stepped.rotate("acme-0", &Order { why, by: None }).err().unwrap();
            assert_eq!(
                refused.to_string(),
                "the log acme-0 is closed; acme-3 takes its tenant's events"
            );
            stepped.close().unwrap();
            outside.crash(Crash::PowerLossBare);
        }
        let mut stepped = outside.open().unwrap();
        stepped.rotate("acme-3", &Order { why: "a test".into(), by: None }).unwrap();
        assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-4");
        stepped.close().unwrap();
        outside.open().unwrap();
    }
}

/// What an operator may do to a part, short of mending it, keeps no server from starting.
#[test]
fn a_part_that_is_taken_away_is_not_made_anew() {
    let files = |outside: &Outside| outside.disk.folder("data/damaged/1").files();
    let all: fn(&str) -> bool = |_| true;
    let bytes: fn(&str) -> bool = |name| name.starts_with("journal/") || name == "head";
    let fixed: fn(&str) -> bool = |name| name.ends_with("log.json") || name == "finding.json";
    for gone in [all, bytes, fixed] {
        let mut outside = folder(true);
        break_it(&outside);
        outside.open().unwrap().close().unwrap();
        let disk = outside.disk.folder("data/damaged/1");
        for (name, _) in files(&outside).into_iter().filter(|(name, _)| gone(name)) {
            disk.remove(&name).unwrap();
        }
        outside.crash(Crash::Killed);
        for _ in 0..2 {
            // The witness would miss what was taken away.
            let mut stepped = outside.start().unwrap();
            let names: Vec<String> = stepped.logs().keys().cloned().collect();
            assert!(names.iter().all(|name| !name.ends_with("-2")), "{names:?}");
            for tenant in ["acme", "beta"] {
                let log = log_of(&stepped, tenant);
                assert_eq!(log.meta.name(), format!("{tenant}-1"));
                let waiting = submit(&mut stepped, tenant, events(tenant, "more", 2));
                stepped.drain().unwrap();
                assert!(matches!(waiting.answer(), commit::Answer::Committed { .. }));
            }
            stepped.close().unwrap();
        }
    }
}

/// What `verify` says of a folder whose journal broke, with the places of all findings.
fn judged(outside: &Outside) -> (verify::Class, Vec<String>) {
    let verdict = outside.witness.verdict(&outside.disk);
    (verdict.class, verdict.findings.into_iter().map(|finding| finding.place).collect())
}

#[test]
fn the_verifier_names_what_was_set_aside() {
    let mut outside = folder(true);
    break_it(&outside);
    outside.open().unwrap().close().unwrap();
    let (class, places) = judged(&outside);
    assert_eq!(class, verify::Class::Tampered, "what was signed is missing");
    assert!(places.iter().all(|place| place.starts_with("damaged/1/")), "{places:?}");
    let data = outside.disk.folder("data");
    let data: &dyn Disk = &data;
    for (file, from, to) in [
        ("damaged/1/finding.json", "8192", "8193"),
        ("logs/acme-1/log.json", "8192", "8193"),
        ("logs/acme-1/log.json", "tlog/acme-0", "tlog/beta-0"),
        ("logs/acme-1/log.json", "\"number\":1", "\"number\":2"),
    ] {
        let whole = data.read_small(file, 9_999).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        data.replace_small(file, text.replace(from, to).as_bytes()).unwrap();
        let (_, places) = judged(&outside);
        let is_named =
            |place: &String| place.starts_with("logs/") && place.ends_with("-1/log.json");
        assert!(places.iter().any(is_named), "{file}: {places:?}");
        data.replace_small(file, &whole).unwrap();
    }
}
