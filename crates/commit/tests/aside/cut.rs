//! A damaged folder that has less than was signed, as the folder of keys says: what is gone is
//! counted, and what stands there whole is proved though the folder's own head is lost.

use commit::{OnDamage, Order, Stepped};
use platform::Disk;
use platform::sim::Crash;
use verify::Reason;

use super::{check_stated, content, folder, goes_on, written};
use crate::marks::{read, write};
use crate::world::{Outside, events, log_of};

const JOURNAL: &str = "data/journal/0000000000000001";
const COPY: &str = "data/damaged/1/signed";

/// A log with five batches of four in one file, closed in order.
fn one_log() -> Outside {
    let mut outside = Outside::new(31, &["acme"]);
    let mut stepped = outside.open().unwrap();
    for n in 0..5 {
        outside.write(&mut stepped, "acme", events("acme", &n.to_string(), 4)).unwrap();
    }
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
    outside
}

/// Zeros a file from a block on.
fn cut(outside: &Outside, block: usize) {
    let mut bytes = read(outside, JOURNAL).unwrap();
    bytes[block * 4096..].fill(0);
    write(&outside.disk, JOURNAL, &bytes);
}

/// Readable and signed entries of a log that was set aside.
fn left(stepped: &Stepped, log: &str) -> (u64, u64) {
    let log = &stepped.logs()[log];
    let damaged = log.damaged().unwrap();
    (damaged.readable, damaged.signed)
}

#[test]
fn what_was_cut_off_is_counted_and_named() {
    let mut outside = one_log();
    let size = log_of(&outside.start().unwrap(), "acme").checkpoint().size;
    cut(&outside, 4);
    outside.disk.remove("data/head").unwrap();
    let before = content(&outside.disk, "data");
    let refused = outside.start().map(drop).unwrap_err().to_string();
    let named = format!("more was signed than can be read here: log acme-0 up to size {size}, of");
    assert!(refused.contains(&named) && refused.contains(" can be proved"), "{refused}");
    assert!(content(&outside.disk, "data") == before, "it was read, and nothing else");
    outside.settings.on_damage = OnDamage::NewPartition;
    for life in 0..3 {
        let stepped = outside.start().unwrap();
        let (readable, signed) = left(&stepped, "acme-0");
        assert!(readable < 13 && signed == size, "{readable} {signed}");
        assert!(refused.contains(&format!("of which {readable} can be proved")), "{refused}");
        let note = check_stated(&log_of(&stepped, "acme"), &stepped.logs()["acme-0"]);
        assert_eq!((note.readable, note.signed), (readable, size), "for ever");
        stepped.close().unwrap();
        outside.crash([Crash::Killed, Crash::PowerLossBare, Crash::PowerLoss][life]);
    }
    assert_eq!(read(&outside, "keys/signed.1").map(|it| it.len()), Some(2 << 20));
    let verdict = outside.witness.verdict(&outside.disk);
    let is_it =
        |f: &verify::Finding| f.reason == Reason::Truncated && f.place.starts_with("damaged/1/");
    assert!(verdict.findings.iter().any(is_it), "{:?}", verdict.findings);
}

#[test]
fn a_head_that_is_lost_takes_nothing_with_it() {
    let mut outside = folder(true);
    let sizes = ["acme-0", "beta-0"].map(|name| {
        let sections = written(&outside.disk).into_iter();
        let of_log = sections.filter(|section| section.origin.ends_with(name));
        of_log.map(|section| section.first + section.count).max().unwrap()
    });
    outside.disk.remove("data/head").unwrap();
    let stepped = outside.open().unwrap();
    for (name, size) in ["acme-0", "beta-0"].into_iter().zip(sizes) {
        let (readable, signed) = left(&stepped, name);
        assert_eq!((readable, signed), (size, size), "{name}");
    }
    // Without what says how far, here and there, the last section would be under no signature.
    let bare = outside.copy();
    bare.disk.remove(COPY).unwrap();
    assert_eq!(left(&bare.copy().start().unwrap(), "beta-0"), left(&stepped, "beta-0"));
    bare.disk.remove("keys/signed.1").unwrap();
    let again = bare.start().unwrap();
    assert!(left(&again, "beta-0").0 < left(&stepped, "beta-0").0);
    let lost: u64 = again.set_aside().iter().map(|part| part.lost).sum();
    assert!(lost > 0, "the log that goes on says how far it was signed");
    goes_on(&mut outside, stepped);
    // The verifier misses the head and no entry.
    let verdict = outside.witness.verdict(&outside.disk);
    let mut found = verdict.findings.iter();
    assert!(found.all(|f| f.place.starts_with("damaged/1/head, ")), "{:?}", verdict.findings);
}

/// As a start would do it, but with what was signed last left out.
#[test]
fn who_sets_a_folder_aside_by_hand_hides_nothing() {
    let mut outside = one_log();
    let size = log_of(&outside.start().unwrap(), "acme").checkpoint().size;
    cut(&outside, 4);
    outside.disk.remove("data/head").unwrap();
    let mut there = outside.copy();
    there.settings.on_damage = OnDamage::NewPartition;
    there.start().unwrap();
    let finding = read(&there, "data/damaged/1/finding.json").unwrap();
    for (name, bytes) in content(&outside.disk, "data") {
        let to = format!("data/damaged/1/{name}");
        outside.disk.create_folder(to.rsplit_once('/').unwrap().0).unwrap();
        write(&outside.disk, &to, &bytes);
        outside.disk.remove(&format!("data/{name}")).unwrap();
    }
    write(&outside.disk, "data/damaged/1/finding.json", &finding);
    for life in 0..2 {
        let stepped = outside.start().unwrap();
        assert_eq!(left(&stepped, "acme-0").1, size, "{life}");
        let note = log_of(&stepped, "acme").meta.damage.clone().unwrap();
        assert_eq!(note.signed, size);
        stepped.close().unwrap();
        outside.crash(Crash::Killed);
    }
}

/// Whoever has the data folder can write there what he likes.
#[test]
fn what_stands_beside_a_finding_is_believed_by_its_signature_alone() {
    let mut outside = one_log();
    cut(&outside, 4);
    outside.settings.on_damage = OnDamage::NewPartition;
    outside.start().unwrap().close().unwrap();
    outside.disk.remove("keys/signed.1").unwrap();
    let whole = left(&outside.start().unwrap(), "acme-0");
    let origin = "audit.example.com/tlog/acme-0";
    let honest = String::from_utf8_lossy(&read(&outside, COPY).unwrap()[..2048]).into_owned();
    let honest = &honest[honest.rfind(&format!("{origin}\n")).unwrap()..];
    let honest = &honest[..honest.rfind('\n').unwrap() + 1];
    let grown = honest.replacen(&format!("{origin}\n"), &format!("{origin}\n9"), 1);
    let at = honest.len() - 20;
    let other = if honest.as_bytes()[at] == b'A' { "B" } else { "A" };
    let flipped = format!("{}{other}{}", &honest[..at], &honest[at + 1..]);
    let elsewhere = grown.replace("acme-0", "acme-9");
    assert!(grown != honest && flipped != honest);
    for notes in [
        vec![(origin, flipped.as_str())],
        vec![(origin, grown.as_str())],
        vec![("audit.example.com/tlog/acme-9", elsewhere.as_str())],
        vec![("x/../id", "y"), ("", "")],
    ] {
        let there = outside.copy();
        write(&there.disk, COPY, &slots(&notes));
        let stepped = there.start().unwrap();
        // Nothing of it counts; what the living log states still does.
        let part = stepped.set_aside()[0].clone();
        let (readable, signed) = left(&stepped, "acme-0");
        assert_eq!((readable, signed + part.lost), whole, "{notes:?}: {part:?}");
    }
    let there = outside.copy();
    write(&there.disk, COPY, &slots(&[(origin, honest)]));
    assert_eq!(left(&there.start().unwrap(), "acme-0"), whole, "as it was written");
}

/// Two slots that say these checkpoints.
fn slots(notes: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = vec![0; 2 << 20];
    for counter in 0..2_u64 {
        let mut slot = b"CFHEAD\0\x01".to_vec();
        slot.extend(counter.to_be_bytes());
        slot.extend([1; 16]);
        slot.extend((notes.len() as u32).to_be_bytes());
        slot.extend([0; 12]);
        for text in notes.iter().flat_map(|(origin, note)| [origin, note]) {
            slot.extend((text.len() as u16).to_be_bytes());
            slot.extend(text.as_bytes());
        }
        let length = slot.len() as u32 + 4;
        slot[40..44].copy_from_slice(&length.to_be_bytes());
        slot.extend(crc32c::crc32c(&slot).to_be_bytes());
        let at = counter as usize * (1 << 20);
        bytes[at..at + slot.len()].copy_from_slice(&slot);
    }
    bytes
}

#[test]
fn what_says_how_far_is_of_this_folder_and_can_be_read() {
    let whole = one_log();
    cut(&whole, 4);
    whole.disk.remove("data/head").unwrap();
    // Another folder's is not taken along, and says nothing of this one.
    let mut outside = whole.copy();
    outside.settings.on_damage = OnDamage::NewPartition;
    let mut other = Outside::new(99, &["harbor"]);
    other.open().unwrap().close().unwrap();
    write(&outside.disk, "keys/signed", &read(&other, "keys/signed").unwrap());
    outside.start().unwrap().close().unwrap();
    assert!(read(&outside, COPY).is_none());
    // One that cannot be read would hide what is lost: nothing is set aside over it.
    let mut outside = whole.copy();
    outside.settings.on_damage = OnDamage::NewPartition;
    write(&outside.disk, "keys/signed", b"");
    let before = content(&outside.disk, "data");
    let refused = outside.start().map(drop).unwrap_err().to_string();
    assert!(refused.starts_with("the file signed in the folder of keys cannot be"), "{refused}");
    assert!(content(&outside.disk, "data") == before);
    outside.disk.rename("keys/signed", "keys/signed.accepted").unwrap();
    outside.start().unwrap();
}

/// An older copy that is damaged, too: its logs end where they were signed, and a name that was
/// signed since is not used again.
#[test]
fn an_older_copy_that_is_damaged_hides_nothing() {
    let mut outside = one_log();
    let old = content(&outside.disk, "data");
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "more", 4)).unwrap();
    stepped.rotate("acme-0", &Order { why: "a test".into(), by: None }).unwrap();
    outside.write(&mut stepped, "acme", events("acme", "next", 4)).unwrap();
    let sizes = ["acme-0", "acme-1"].map(|name| stepped.logs()[name].checkpoint().size);
    stepped.close().unwrap();
    let newest = content(&outside.disk, "data");
    newest.iter().for_each(|(name, _)| outside.disk.remove(&format!("data/{name}")).unwrap());
    old.iter().for_each(|(name, bytes)| write(&outside.disk, &format!("data/{name}"), bytes));
    cut(&outside, 4);
    outside.settings.on_damage = OnDamage::NewPartition;
    for _ in 0..2 {
        let stepped = outside.start().unwrap();
        let log = log_of(&stepped, "acme");
        assert_eq!(log.meta.name(), "acme-2", "acme-1 was signed");
        assert_eq!(left(&stepped, "acme-0").1, sizes[0]);
        let part = &stepped.set_aside()[0];
        assert_eq!(part.lost, sizes[1], "{part:?}");
        let told = part.troubles.join("\n");
        assert!(told.contains("log acme-1: "), "{told}");
        stepped.close().unwrap();
    }
}

/// The key of a log that others go on for is not there, and nothing goes on yet.
#[test]
fn a_log_that_nothing_could_go_on_for_refuses_the_start_by_name() {
    let mut outside = folder(true);
    super::break_it(&outside);
    // The process ends behind the last step of setting aside.
    let mut there = outside.copy();
    there.settings.on_damage = OnDamage::NewPartition;
    there.disk.plan("rename data/folder.json", 0, platform::sim::Fault::DieAfter);
    assert!(there.start().is_err());
    there.crash(Crash::Killed);
    there.disk.rename("keys/acme-0.key", "elsewhere").unwrap();
    let before = content(&there.disk, "");
    for on_damage in [OnDamage::Refuse, OnDamage::NewPartition] {
        there.settings.on_damage = on_damage;
        let refused = there.start().map(drop).unwrap_err().to_string();
        assert!(refused.starts_with("log acme-0: no log would be open"), "{refused}");
        assert!(refused.contains("cannot use keys/acme-0.key: ") && refused.contains("put back"));
        assert!(content(&there.disk, "") == before, "{refused}");
    }
    there.disk.rename("elsewhere", "keys/acme-0.key").unwrap();
    let stepped = there.open().unwrap();
    assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-1");
    // Once another log goes on, a key that is gone hides what it signed and that is counted.
    stepped.close().unwrap();
    outside = there;
    let whole = left(&outside.start().unwrap(), "acme-0");
    outside.disk.remove("keys/acme-0.key").unwrap();
    let part = outside.start().unwrap().set_aside()[0].clone();
    assert_eq!(part.lost, whole.1, "{part:?}");
}

/// A closed log, which none living goes on for, cannot be read for want of its key.
#[test]
fn the_entries_of_a_log_whose_key_is_gone_are_counted() {
    let mut outside = one_log();
    let mut stepped = outside.open().unwrap();
    stepped.rotate("acme-0", &Order { why: "a test".into(), by: None }).unwrap();
    outside.write(&mut stepped, "acme", events("acme", "next", 4)).unwrap();
    stepped.close().unwrap();
    outside.disk.remove("data/head").unwrap();
    outside.settings.on_damage = OnDamage::NewPartition;
    outside.start().unwrap().close().unwrap();
    let stepped = outside.start().unwrap();
    let (_, signed) = left(&stepped, "acme-0");
    assert_eq!(stepped.set_aside()[0].lost, 0);
    drop(stepped);
    outside.disk.remove("keys/acme-0.key").unwrap();
    let stepped = outside.start().unwrap();
    assert_eq!(stepped.set_aside()[0].lost, signed, "{:?}", stepped.set_aside());
    assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-2");
}
