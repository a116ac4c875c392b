//! Damage at rest: what is changed in a folder that nobody has open is found at start-up, which
//! refuses and names the file; and what start-up cannot see, `verify` does.

use commit::OpenError;
use platform::Disk;
use platform::sim::{Crash, Dice, Fault, SimDisk};

use crate::world::{Outside, events, log_of};

/// A folder with two logs and a journal of several files, closed in order.
fn closed() -> Outside {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    outside.settings.file_bytes = 16 << 10;
    for life in 0..2 {
        let mut stepped = outside.open().unwrap();
        for n in 0..4 {
            let tenant = ["acme", "beta"][n % 2];
            let sent = events(tenant, &format!("{life}-{n}"), 24);
            outside.write(&mut stepped, tenant, sent).unwrap();
        }
        stepped.close().unwrap();
        outside.crash(Crash::PowerLossBare);
    }
    outside
}

/// How start-up takes it if bits of one byte of `file` are flipped.
fn open_with(outside: &mut Outside, file: &str, offset: u64, flip: u8) -> Result<(), OpenError> {
    let whole = outside.disk.clone();
    outside.disk = whole.snapshot();
    outside.disk.rot(&format!("data/{file}"), offset, flip).unwrap();
    let opened = outside.open().map(drop);
    outside.disk = whole;
    opened
}

/// Bytes of a file to flip: where it is not zero most, and some elsewhere.
fn offsets(disk: &SimDisk, file: &str, dice: &mut Dice, count: u64) -> Vec<u64> {
    let path = format!("data/{file}");
    let file = disk.open(&path).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    let len = bytes.len() as u64;
    let used: Vec<u64> = (0..len).filter(|at| bytes[*at as usize] != 0).collect();
    if len <= count {
        return (0..len).collect();
    }
    (0..count).map(|n| if n % 4 == 0 { dice.below(len) } else { dice.pick(&used) }).collect()
}

#[test]
fn a_flipped_byte_is_refused_by_name() {
    let mut outside = closed();
    let mut dice = Dice::new(1);
    let files = outside.disk.folder("data").files();
    assert!(files.iter().filter(|(name, _)| name.starts_with("journal/")).count() > 2);
    for (file, _) in &files {
        let small = ["folder.json", "log.json", "birth"].iter().any(|name| file.ends_with(name));
        for offset in offsets(&outside.disk.clone(), file, &mut dice, 200) {
            let flip = 1 << dice.below(8);
            let Err(error) = open_with(&mut outside, file, offset, flip) else {
                assert!(unseen(&outside, file, offset), "{file}, byte {offset} was not noticed");
                continue;
            };
            let shown = error.to_string();
            match error {
                OpenError::Damaged(damage) if damage.file == *file => {
                    assert!(damage.offset <= offset, "{file}, byte {offset}: {shown}");
                    assert!(small || offset - damage.offset < 1 << 20, "{shown}");
                }
                // The folder's own id, another host or tenant: what disagrees is named.
                OpenError::Damaged(damage) if file == "folder.json" => {
                    assert_eq!(damage.file, "head");
                }
                OpenError::Key { name, .. } => {
                    assert!(file.contains(name.trim_end_matches(".key")));
                }
                OpenError::Setting(_) => assert!(file.ends_with("log.json"), "{shown}"),
                _ => panic!("{file}, byte {offset}: {shown}"),
            }
        }
    }
    assert!(outside.open().is_ok(), "the folder itself is whole");
}

/// What start-up lets pass. The newest slot of the head, if it is broken, may have been torn when the
/// folder was closed; the other slot, written just before, has the same checkpoints.
fn unseen(outside: &Outside, file: &str, offset: u64) -> bool {
    let path = format!("data/{file}");
    let disk: &dyn Disk = &outside.disk;
    let bytes = disk.read_small(&path, 2 << 20).unwrap();
    let range = if file == "head" {
        let slot = 1 << 20;
        let newest = if bytes[8..16] > bytes[slot + 8..slot + 16] { 0 } else { slot };
        newest..newest + slot
    } else {
        return false;
    };
    range.contains(&(offset as usize))
}

#[test]
fn a_torn_tail_is_cut_and_stated() {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "whole", 5)).unwrap();
    outside.disk.plan("sync data/journal/", 0, Fault::DieBefore);
    outside.write(&mut stepped, "acme", events("acme", "torn", 5)).unwrap_err();
    outside.crash(Crash::Killed);
    // The first frame states who opened the logs, the second is whole, the third is torn.
    let (file, offset) = ("journal/0000000000000001", 3 * 4096);
    outside.disk.rot(&format!("data/{file}"), offset, 1).unwrap();
    let stepped = outside.open().unwrap();
    for (tenant, seq) in [("acme", 6), ("beta", 1)] {
        let log = log_of(&stepped, tenant);
        assert_eq!(log.checkpoint().size, seq + 1);
        let (cut, _) = log.read_checked(seq).unwrap();
        let text = |path: &str| cut.string(path);
        assert_eq!(text(r#"["action"]"#).as_deref(), Some("journal.cut"));
        assert_eq!(text(r#"["attributes","file"]"#).as_deref(), Some(file));
        assert_eq!(text(r#"["attributes","offset"]"#), Some(offset.to_string()));
    }
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
}

#[test]
fn a_frame_below_a_later_one_is_never_torn() {
    for closes in [false, true] {
        let mut outside = Outside::new(1, &["acme"]);
        let mut stepped = outside.open().unwrap();
        for n in 0..3 {
            outside.write(&mut stepped, "acme", events("acme", &n.to_string(), 5)).unwrap();
        }
        if closes {
            stepped.close().unwrap();
        }
        outside.crash(Crash::Killed);
        outside.disk.rot("data/journal/0000000000000001", 2 * 4096 + 100, 1).unwrap();
        let error = outside.open().map(drop).unwrap_err().to_string();
        let start = "the data folder is damaged: journal/0000000000000001, byte 8192: a frame is";
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn a_journal_cut_below_the_head_is_refused() {
    let mut outside = closed();
    let journal = outside.disk.folder("data").files();
    let last = journal.iter().rfind(|(name, _)| name.starts_with("journal/")).unwrap();
    outside.disk.folder("data").remove(&last.0).unwrap();
    let error = outside.open().map(drop).unwrap_err().to_string();
    assert!(error.contains("were signed and are missing from here on"), "{error}");
}

#[test]
fn a_file_of_another_folder_is_refused() {
    let mut outside = closed();
    let other = Outside { disk: SimDisk::new(2), ..Outside::new(2, &["acme", "beta"]) };
    let mut other = other;
    other.open().unwrap().close().unwrap();
    let from: &dyn Disk = &other.disk.folder("data");
    let name = "journal/0000000000000001";
    let bytes = from.read_small(name, 1 << 20).unwrap();
    let to: &dyn Disk = &outside.disk.folder("data");
    to.replace_small("journal/00000000000000ff", &bytes).unwrap();
    let error = outside.open().map(drop).unwrap_err().to_string();
    let what = "journal/00000000000000ff, byte 0: belongs to another data folder";
    assert!(error.ends_with(what), "{error}");
}
