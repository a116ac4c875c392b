//! The journal in the hands of whoever can write to the data folder and has neither the log's key
//! nor that of frames: every checksum is mended, every signature there is one. A start refuses it,
//! by file and offset, and signs nothing.

use commit::journal::file::BLOCK;
use commit::journal::frame::{Frame, FrameHeader, HEADER_BYTES, finish};
use commit::journal::mark::FrameKey;
use commit::journal::section::sections;
use commit::{OnDamage, OpenError, read_frame_key};
use platform::Disk;
use platform::sim::{Crash, Fault, SimDisk};

use crate::tamper::frame_key;
use crate::world::{Outside, events, log_of};

const KEY: &str = "keys/frame.key";
/// More steps than a start has.
const STEPS_MAX: u64 = 1_000;
const FIRST_FILE: &str = "journal/0000000000000001";

/// A frame that stands in the journal.
#[derive(Clone)]
struct Written {
    file: String,
    at: u64,
    header: FrameHeader,
    body: Vec<u8>,
}

impl Written {
    fn put(&self, outside: &Outside, key: Option<&FrameKey>) -> u32 {
        let mut bytes = [&[0; HEADER_BYTES], &self.body[..]].concat();
        let crc = match key {
            Some(key) => key.finish(&mut bytes, self.header),
            None => finish(&mut bytes, self.header),
        };
        let file = (&outside.disk.folder("data") as &dyn Disk).open(&self.file).unwrap();
        file.write_at(self.at, &bytes).unwrap();
        file.sync().unwrap();
        crc
    }
}

fn frames(outside: &Outside) -> Vec<Written> {
    let data = outside.disk.folder("data");
    let mut found = Vec::new();
    for (file, _) in data.files().into_iter().filter(|(name, _)| name.starts_with("journal/")) {
        let bytes = read(outside, &format!("data/{file}")).unwrap();
        let mut at = BLOCK;
        while let Some(frame) = bytes.get(at..).and_then(Frame::decode) {
            let (header, body) = (frame.header, frame.sections.to_vec());
            found.push(Written { file: file.clone(), at: at as u64, header, body });
            at += frame.room() as usize;
        }
    }
    found
}

pub fn read(outside: &Outside, name: &str) -> Option<Vec<u8>> {
    let disk: &dyn Disk = &outside.disk;
    disk.read_small(name, 4 << 20).ok()
}

pub fn write(disk: &SimDisk, name: &str, bytes: &[u8]) {
    let disk: &dyn Disk = disk;
    disk.replace_small(name, bytes).unwrap();
}

/// The first frame that has a mark.
fn marked_from(outside: &Outside) -> u64 {
    read_frame_key(&read(outside, KEY).unwrap()).unwrap().1.first()
}

/// A folder of four frames, the last two of which the head does not cover; each brings the log's
/// signature over what is before it.
fn crashed() -> Outside {
    let mut outside = Outside::new(11, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    // The head is synced once a second.
    outside.pass(2);
    for name in ["a", "b", "c"] {
        outside.write(&mut stepped, "acme", events("acme", name, 4)).unwrap();
    }
    drop(stepped);
    outside.crash(Crash::PowerLossBare);
    let all = frames(&outside);
    assert_eq!(all.iter().map(|frame| frame.header.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(all.iter().all(|frame| frame.header.mark.is_some()));
    outside
}

#[track_caller]
fn refused(outside: &Outside, frame: &Written, what: &str) {
    let before = content(outside);
    let error = outside.start().map(drop).unwrap_err();
    let OpenError::Damaged(damage) = &error else { panic!("{error}") };
    assert_eq!((&damage.file, damage.offset), (&frame.file, frame.at), "{error}");
    assert!(damage.what.starts_with(what), "{error}");
    assert!(damage.what.ends_with("whoever wrote it did not have frame.key"), "{error}");
    assert!(content(outside) == before, "a refused start writes nothing: {error}");
}

/// Every file of both folders.
pub fn content(outside: &Outside) -> Vec<(String, Vec<u8>)> {
    let files = outside.disk.files();
    files.into_iter().map(|(name, _)| (name.clone(), read(outside, &name).unwrap())).collect()
}

/// The tag of the first event in a frame.
fn first_tag(frame: &Written) -> usize {
    let tag = sections(&frame.body, frame.header.sections).unwrap()[0].tags[0];
    frame.body.windows(tag.len()).position(|bytes| bytes == tag).unwrap()
}

#[test]
fn a_section_put_behind_the_last_signed_one_is_refused() {
    let whole = crashed();
    let (own, all) = (frame_key(&whole), frames(&whole));
    let last = all.last().unwrap();
    assert!(whole.copy().open().is_ok(), "what a crash leaves is taken");
    // The last frame is all that a forger could wish for: signed before, and events that fit.
    let other = FrameKey::new(&[7; 32], [0; 16], 1);
    for (what, mark, key) in [
        ("frame 4 has no mark, and from 1 on all have", None, None),
        ("the mark of frame 4 does not hold", Some([0; 16]), None),
        ("the mark of frame 4 does not hold", all[2].header.mark, None),
        ("the mark of frame 4 does not hold", None, Some(&other)),
    ] {
        let outside = whole.copy();
        let forged = Written { header: FrameHeader { mark, ..last.header }, ..last.clone() };
        forged.put(&outside, key);
        refused(&outside, last, what);
    }
    // The very same with the key of frames is taken: the mark is all that tells.
    let mut outside = whole.copy();
    last.put(&outside, Some(&own));
    outside.open().unwrap();
}

#[test]
fn no_byte_of_a_frame_can_be_changed_be_it_under_a_checkpoint_or_not() {
    let whole = crashed();
    let (own, all) = (frame_key(&whole), frames(&whole));
    // The first two are under the head's checkpoint. What follows is marked as it should be: the
    // trailer that binds it can be kept by other bytes of the frame.
    for nth in 0..4 {
        let mut tag = all[nth].clone();
        let at = first_tag(&tag);
        tag.body[at] ^= 1;
        let header = all[nth].header;
        let time = FrameHeader { written_at: header.written_at + 1, ..header };
        let copied = FrameHeader { copied: true, ..header };
        let time = Written { header: time, ..all[nth].clone() };
        let copied = Written { header: copied, ..all[nth].clone() };
        for forged in [tag, time, copied] {
            let outside = whole.copy();
            let mut before = forged.put(&outside, None);
            for later in &all[nth + 1..] {
                let header = FrameHeader { before, ..later.header };
                before = Written { header, ..later.clone() }.put(&outside, Some(&own));
            }
            refused(&outside, &all[nth], &format!("the mark of frame {} does", nth + 1));
        }
    }
}

#[test]
fn the_frame_that_a_start_writes_anew_is_not_vouched_for_unseen() {
    let mut whole = crashed();
    whole.open().unwrap().close().unwrap();
    let last = frames(&whole).pop().unwrap();
    let (at, mut tag) = (first_tag(&last), last.clone());
    tag.body[at] ^= 1;
    let time = FrameHeader { written_at: last.header.written_at + 1, ..last.header };
    for forged in [tag, Written { header: time, ..last.clone() }] {
        let outside = whole.copy();
        forged.put(&outside, None);
        refused(&outside, &last, &format!("the mark of frame {} does", last.header.number));
    }
    let outside = whole.copy();
    let mark = None;
    Written { header: FrameHeader { mark, ..last.header }, ..last.clone() }.put(&outside, None);
    refused(&outside, &last, &format!("frame {} has no mark", last.header.number));
}

#[test]
fn a_frame_without_a_section_is_no_way_around() {
    let outside = crashed();
    let last = frames(&outside).pop().unwrap();
    let room = (last.body.len() + 68).next_multiple_of(BLOCK) as u64;
    let bytes = (&outside.disk.folder("data") as &dyn Disk).read_small(FIRST_FILE, 4 << 20);
    let before = Frame::decode(&bytes.unwrap()[last.at as usize..]).unwrap().crc;
    let header = FrameHeader { number: 5, before, sections: 0, mark: None, ..last.header };
    let empty = Written { at: last.at + room, header, body: Vec::new(), ..last };
    empty.put(&outside, None);
    refused(&outside, &empty, "frame 5 has no mark");
}

#[test]
fn what_was_forged_is_not_shown_where_the_folder_is_set_aside() {
    let mut outside = crashed();
    let last = frames(&outside).pop().unwrap();
    let mark = None;
    Written { header: FrameHeader { mark, ..last.header }, ..last.clone() }.put(&outside, None);
    let old_key = read(&outside, KEY).unwrap();
    outside.settings.on_damage = OnDamage::NewPartition;
    for life in 0..2 {
        // The witness would miss the events of the frame that was changed.
        let stepped = outside.start().unwrap();
        let aside = &stepped.set_aside()[0];
        assert_eq!((&aside.file, aside.offset), (&last.file, last.at));
        // `log.open` and the events of two frames: the last one's are under no signature.
        assert_eq!(stepped.logs()["acme-0"].checkpoint().size, 9);
        assert_eq!(marked_from(&outside), 1, "a folder of its own, marked from its first frame on");
        assert_eq!(read(&outside, "keys/frame.key.1"), Some(old_key.clone()));
        match life {
            0 => stepped.close().unwrap(),
            _ => drop(stepped),
        }
        outside.crash(Crash::PowerLossBare);
    }
}

/// Makes of a folder one of an earlier build: no frame has a mark, and there is no key.
pub fn strip(outside: &Outside) {
    let mut before = 0;
    for frame in frames(outside) {
        let header = FrameHeader { mark: None, before, ..frame.header };
        before = Written { header, ..frame }.put(outside, None);
    }
    outside.disk.remove(KEY).unwrap();
    outside.disk.sync_folder("keys").unwrap();
}

#[test]
fn a_folder_of_an_earlier_build_is_marked_from_its_first_start_on() {
    for closes in [true, false] {
        let mut outside = crashed();
        if closes {
            outside.open().unwrap().close().unwrap();
        }
        strip(&outside);
        let old = outside.copy();
        let last = frames(&outside).last().unwrap().header.number;
        let mut stepped = outside.open().unwrap();
        assert_eq!(log_of(&stepped, "acme").checkpoint().size, 13);
        assert_eq!(marked_from(&outside), last + 1);
        outside.write(&mut stepped, "acme", events("acme", "d", 4)).unwrap();
        drop(stepped);
        outside.crash(Crash::PowerLossBare);
        let all = frames(&outside);
        let is_marked =
            |frame: &Written| frame.header.mark.is_some() == (frame.header.number > last);
        assert!(all.iter().all(is_marked) && all.last().unwrap().header.number > last);

        // From that number on a frame without a mark is refused, however well it fits.
        let (key, newest) = (read(&outside, KEY).unwrap(), all.last().unwrap());
        let there = outside.copy();
        let header = FrameHeader { mark: None, ..newest.header };
        Written { header, ..newest.clone() }.put(&there, None);
        let from = last + 1;
        let what = format!("frame {} has no mark, and from {from} on", newest.header.number);
        refused(&there, newest, &what);

        // So is the folder as it was before, put back with a tail that the old rules would take.
        write(&old.disk, KEY, &key);
        let tail = frames(&old).into_iter().find(|frame| frame.header.number > 2).unwrap();
        match closes {
            true => assert!(old.copy().start().is_ok(), "all of it is under a checkpoint"),
            false => refused(&old, &tail, "frame 3 has no mark, and no checkpoint covers it"),
        }

        let stepped = outside.open().unwrap();
        assert_eq!(read(&outside, KEY), Some(key), "it is never written again");
        stepped.close().unwrap();
        outside.witness.judge_folder(&outside.disk);
    }
}

/// Ends every start of a folder at each of its steps in turn; the next ones must get it open, and
/// what was durable before must be there. Answers how many steps there are.
fn ends_at_every_step(whole: &Outside) -> usize {
    let mut steps = 0;
    for fault in [Fault::DieBefore, Fault::DieAfter] {
        for after in [Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare] {
            for step in 0..STEPS_MAX {
                assert!(step + 1 < STEPS_MAX, "a start comes to an end");
                let mut outside = whole.copy();
                outside.disk.plan("", step, fault);
                if outside.open().is_ok() {
                    steps += step as usize;
                    break;
                }
                outside.crash(after);
                let opened = outside.open().map(drop);
                assert!(opened.is_ok(), "step {step}, {fault:?}, {after:?}: {opened:?}");
                outside.crash(Crash::PowerLossBare);
                let opened = outside.open();
                assert!(opened.is_ok(), "step {step}, again: {}", opened.err().unwrap());
                let first = marked_from(&outside);
                let is_marked = |f: &Written| f.header.mark.is_some() == (f.header.number >= first);
                assert!(frames(&outside).iter().all(is_marked), "step {step}, {fault:?}");
            }
        }
    }
    steps
}

#[test]
fn a_key_is_made_whole_wherever_a_start_ends() {
    let new = Outside::new(12, &["acme", "beta"]);
    assert!(ends_at_every_step(&new) > 6 * 20);
    let old = crashed();
    strip(&old);
    assert!(ends_at_every_step(&old) > 6 * 20);
    let broken = {
        let mut outside = crashed();
        outside.open().unwrap().close().unwrap();
        outside.disk.rot("data/head", 60, 1).unwrap();
        outside.disk.rot("data/head", (1 << 20) + 60, 1).unwrap();
        outside.settings.on_damage = OnDamage::NewPartition;
        outside.witness = Default::default();
        outside
    };
    assert!(ends_at_every_step(&broken) > 6 * 20);
}

/// What a look at the folders tells that changes nothing.
fn told_of_keys(outside: &Outside) -> Vec<(String, String)> {
    let (data, keys) = (outside.disk.folder("data"), outside.disk.folder("keys"));
    let checked = commit::check_keys(&data, &keys).unwrap();
    let told = checked.into_iter().map(|(name, key)| Some((name, key.err()?.to_string())));
    told.flatten().collect()
}

#[test]
fn a_missing_or_foreign_key_is_refused_by_name() {
    for closes in [true, false] {
        let mut whole = crashed();
        if closes {
            whole.open().unwrap().close().unwrap();
        }
        let own = read(&whole, KEY).unwrap();
        let other = Outside::new(99, &["acme"]);
        other.start().unwrap();
        let foreign = read(&other, KEY).unwrap();
        let start_with = |bytes: Option<&[u8]>| {
            let mut outside = whole.copy();
            match bytes {
                Some(bytes) => write(&outside.disk, KEY, bytes),
                None => outside.disk.remove(KEY).unwrap(),
            }
            let before = content(&outside);
            let told = told_of_keys(&outside);
            let opened = outside.open().map(drop);
            let changed = content(&outside) != before;
            assert_eq!(opened.is_ok(), changed, "{opened:?}");
            let opened = opened.map_err(|error| {
                assert!(matches!(error, OpenError::Key { .. }), "{error}");
                error.to_string()
            });
            // That a key is missing only the journal tells.
            let seen = opened.clone().err().filter(|_| bytes.is_some());
            assert_eq!(told, Vec::from_iter(seen.map(|what| ("frame.key".to_owned(), what))));
            opened
        };
        assert_eq!(start_with(Some(&own)), Ok(()));
        let missing = start_with(None).unwrap_err();
        let first =
            "the key file frame.key is missing, though the frame in journal/000000000000000";
        assert!(missing.starts_with(first), "{missing}");
        assert!(missing.contains("put it back from a backup"), "{missing}");
        let refused = start_with(Some(&foreign)).unwrap_err();
        let belongs = "the key file frame.key belongs to the data folder";
        assert!(refused.starts_with(belongs), "{refused}");
        for bytes in [&own[..own.len() - 1], b"", b"anew", b"anew\n\n", &[7; 32]] {
            let refused = start_with(Some(bytes)).unwrap_err();
            assert!(refused.contains("frame.key is not spelt as a key of frames is"), "{refused}");
        }
    }
}

#[test]
fn a_key_that_is_lost_for_good_is_made_anew_if_somebody_says_so() {
    let mut outside = crashed();
    write(&outside.disk, KEY, b"anew\n");
    let last = frames(&outside).last().unwrap().header.number;
    let mut stepped = outside.open().unwrap();
    assert_eq!(log_of(&stepped, "acme").checkpoint().size, 13);
    assert_eq!(marked_from(&outside), last + 1);
    outside.write(&mut stepped, "acme", events("acme", "d", 4)).unwrap();
    drop(stepped);
    outside.crash(Crash::PowerLossBare);
    let newest = frames(&outside).pop().unwrap();
    let there = outside.copy();
    let header = FrameHeader { mark: None, ..newest.header };
    Written { header, ..newest.clone() }.put(&there, None);
    let (number, from) = (newest.header.number, last + 1);
    refused(&there, &newest, &format!("frame {number} has no mark, and from {from} on"));
    outside.open().unwrap().close().unwrap();
    outside.witness.judge_folder(&outside.disk);
}

#[test]
fn a_journal_that_ends_before_the_first_mark_is_refused_by_name() {
    let mut outside = crashed();
    outside.open().unwrap().close().unwrap();
    let own = String::from_utf8(read(&outside, KEY).unwrap()).unwrap();
    let later = own.replace("\"from\":1,", "\"from\":99,");
    assert_ne!(own, later);
    write(&outside.disk, KEY, later.as_bytes());
    let refused = outside.start().err().unwrap().to_string();
    assert!(refused.contains("frame.key") && refused.contains("from 99 on"), "{refused}");
}

#[test]
fn a_new_folder_beside_the_keys_of_another_leaves_them_there() {
    let mut outside = crashed();
    outside.open().unwrap().close().unwrap();
    let whole = outside.copy();
    let own = read(&outside, KEY).unwrap();
    // An empty data folder, in which other logs are to be made.
    let data = outside.disk.folder("data");
    for (name, _) in data.files() {
        data.remove(&name).unwrap();
    }
    outside.settings.logs = Outside::new(11, &["harbor"]).settings.logs;
    outside.start().unwrap().close().unwrap();
    assert_eq!(read(&outside, "keys/frame.key.1"), Some(own.clone()));
    assert_eq!(marked_from(&outside), 1);
    let mut there = whole;
    write(&there.disk, KEY, &read(&outside, KEY).unwrap());
    let refused = there.open().map(drop).unwrap_err().to_string();
    assert!(refused.contains("frame.key belongs to the data folder"), "{refused}");
    write(&there.disk, KEY, &own);
    there.open().unwrap();
}
