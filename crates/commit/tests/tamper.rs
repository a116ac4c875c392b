//! The tamper suite: a folder closed in order, changed in every way that is thought of, and judged
//! by `verify`, which trusts bytes alone. Nothing may stay verified, and the place must be named.
//!
//! Flips are what accidents do; checksums find them. Whoever changes a folder on purpose mends the
//! checksums, so the forgeries here rebuild whole frames around the change, marks included: their
//! forger has the key of frames and not the log's. What one without it can do is in `marks`.

use std::collections::BTreeMap;

use commit::journal::event_list::{ChunkWriter, events, unpack};
use commit::journal::file::{BLOCK, FileHeader, file_name};
use commit::journal::frame::{Frame, FrameHeader, HEADER_BYTES};
use commit::journal::mark::FrameKey;
use commit::journal::section::{SectionDraft, sections};
use commit::{KeyOrder, OpenError, read_frame_key};
use event::Fields;
use platform::Disk;
use platform::sim::Crash;
use verify::folder::{self, Folder};
use verify::{Class, Policy, Question, Verdict};

use crate::put_back::put;
use crate::world::{Outside, check_all, event, events as sent, log_of};

/// A data folder in memory.
#[derive(Clone)]
pub struct Bytes(pub BTreeMap<String, Vec<u8>>);

impl Folder for Bytes {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        Ok(self.0.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect())
    }

    fn read(&self, name: &str, offset: u64, out: &mut [u8]) -> Result<(), String> {
        let bytes = self.0.get(name).ok_or("no such file")?;
        let start = offset as usize;
        let part = bytes.get(start..start + out.len()).ok_or("past the end")?;
        out.copy_from_slice(part);
        Ok(())
    }
}

/// Where a frame begins in its file, and the room it takes.
pub type Place = (usize, usize);
/// Makes other bytes of two neighbouring frames.
type Edit = fn(&[u8], &[u8]) -> Vec<u8>;
/// Makes other fields of an event; `None` leaves it alone.
pub type Change<'c> = &'c dyn Fn(&Fields) -> Option<Fields>;

pub struct Case {
    pub folder: Bytes,
    frame_key: FrameKey,
    question: Question,
}

impl Case {
    /// A folder with two logs, one of them under its second key, several frames and two journal
    /// files, closed in order.
    fn closed() -> Case {
        let mut outside = Outside::new(7, &["acme", "beta"]);
        let mut stepped = outside.open().unwrap();
        for round in 0..6 {
            for tenant in ["acme", "beta"] {
                let batch = sent(tenant, &format!("{tenant}-{round}"), 1 + round * 3);
                outside.write(&mut stepped, tenant, batch).unwrap();
            }
            if round == 2 {
                let together = std::time::Duration::from_secs(86_400);
                let order = KeyOrder { why: "a year is over".into(), by: None, together };
                stepped.rotate_key("acme-0", &order).unwrap();
            }
        }
        outside.write(&mut stepped, "acme", vec![event("acme", Some("n"), "1")]).unwrap();
        let keys = ["acme", "beta"].map(|tenant| log_of(&stepped, tenant).vkey());
        stepped.close().unwrap();
        Case::of(&outside, &keys)
    }

    pub fn of(outside: &Outside, keys: &[String]) -> Case {
        let data = outside.disk.folder("data");
        let read = |(name, len): (String, u64)| {
            let mut bytes = vec![0; len as usize];
            data.open(&name).unwrap().read_at(0, &mut bytes).unwrap();
            (name, bytes)
        };
        let files = data.files().into_iter().map(read).collect();
        let lines: String = keys.iter().map(|key| format!("log {key}\n")).collect();
        let policy = Policy::parse(format!("{lines}quorum none\n").as_bytes()).unwrap();
        let question = Question { policy: Some(policy), ..Question::default() };
        Case { folder: Bytes(files), frame_key: frame_key(outside), question }
    }

    fn judge(&self, folder: &Bytes) -> Verdict {
        folder::judge(folder, &self.question, &mut |_, _| {}).unwrap()
    }

    /// Changes a copy of the folder, judges it, and demands a finding with a place.
    #[track_caller]
    fn found(&self, what: &str, change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) -> Verdict {
        let mut changed = self.folder.clone();
        change(&mut changed.0);
        let verdict = self.judge(&changed);
        assert!(!verdict.is_verified(), "{what}: stayed verified");
        let placed = !verdict.place.is_empty() || verdict.seq.is_some();
        assert!(placed, "{what}: no place in {verdict:?}");
        verdict
    }

    /// The journal files that hold frames, with where their frames stand.
    pub fn frames(&self) -> Vec<(String, Vec<Place>)> {
        let mut found = Vec::new();
        for (name, bytes) in self.folder.0.iter().filter(|(name, _)| name.starts_with("journal/")) {
            let (mut at, mut places) = (BLOCK, Vec::new());
            while let Some(frame) = bytes.get(at..).and_then(Frame::decode) {
                places.push((at, frame.room() as usize));
                at += frame.room() as usize;
            }
            if !places.is_empty() {
                found.push((name.clone(), places));
            }
        }
        found
    }
}

/// The key of frames as it stands in the folder of keys.
pub fn frame_key(outside: &Outside) -> FrameKey {
    let keys = outside.disk.folder("keys");
    let bytes = (&keys as &dyn Disk).read_small("frame.key", 999).unwrap();
    read_frame_key(&bytes).unwrap().1
}

/// The mark of the id key: a start compares it with the key, which a judge of the folder has not.
const NOT_PROVED: &str = "id.check";

#[test]
fn untouched_it_is_verified() {
    let case = Case::closed();
    let verdict = case.judge(&case.folder);
    assert!(verdict.is_verified(), "{verdict:?}");
    assert!(case.frames().iter().map(|(_, frames)| frames.len()).sum::<usize>() > 12);
}

#[test]
fn every_flipped_bit_is_found() {
    let case = Case::closed();
    let mut tried = 0;
    for (name, bytes) in case.folder.0.iter().filter(|(name, _)| *name != NOT_PROVED) {
        // Every byte that says something, and some of those that are zero.
        let step = |at: usize| if bytes[at] != 0 || at.is_multiple_of(509) { 1 } else { 0 };
        for at in (0..bytes.len()).filter(|at| step(*at) == 1).step_by(3) {
            tried += 1;
            case.found(&format!("{name}, byte {at}"), |files| {
                files.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            });
        }
    }
    assert!(tried > 3_000, "only {tried} flips were tried");
}

#[test]
fn cut_insert_swap_truncate_remove() {
    let case = Case::closed();
    for (name, frames) in case.frames() {
        for pair in frames.windows(2) {
            let ((a, a_len), (b, b_len)) = (pair[0], pair[1]);
            let edits: [(&str, Edit); 4] = [
                ("cut", |_, b| b.to_vec()),
                ("swap", |a, b| [b, a].concat()),
                ("insert", |a, b| [a, a, b].concat()),
                ("drop the second", |a, _| a.to_vec()),
            ];
            for (what, edit) in edits {
                case.found(&format!("{what} at {name}, byte {a}"), |files| {
                    let bytes = files.get_mut(&name).unwrap();
                    let size = bytes.len();
                    let rest = bytes[b + b_len..].to_vec();
                    let edited = edit(&bytes[a..a + a_len], &bytes[b..b + b_len]);
                    bytes.truncate(a);
                    bytes.extend(edited);
                    bytes.extend(rest);
                    bytes.resize(size, 0);
                });
            }
        }
        for (at, _) in &frames {
            let verdict = case.found(&format!("truncate {name} at {at}"), |files| {
                files.get_mut(&name).unwrap()[*at..].fill(0);
            });
            assert_eq!(verdict.class, Class::Tampered, "{verdict:?}");
        }
        case.found(&format!("shorten {name}"), |files| {
            files.get_mut(&name).unwrap().truncate(BLOCK);
        });
    }
    let names: Vec<String> = case.folder.0.keys().cloned().collect();
    for name in names.iter().filter(|name| !["lock", NOT_PROVED].contains(&&***name)) {
        let idle = name.starts_with("journal/") && case.frames().iter().all(|(n, _)| n != name);
        if !idle {
            case.found(&format!("remove {name}"), |files| drop(files.remove(name)));
        }
    }
}

/// Writes a frame anew with the events that `change` makes of its events; every checksum of the
/// journal, the counts and the lengths are made to fit, as a forger without the key would.
pub fn forge(case: &Case, name: &str, nth: usize, change: Change<'_>) -> Bytes {
    let mut folder = case.folder.clone();
    let (places, file) = (frame_places(case, name), folder.0.get_mut(name).unwrap());
    let mut before = None;
    let mut out = file[..places[nth].0].to_vec();
    for (index, (at, _)) in places.iter().enumerate().skip(nth) {
        let frame = Frame::decode(&file[*at..]).unwrap();
        let mut bytes = vec![0; HEADER_BYTES];
        for section in sections(frame.sections, frame.header.sections).unwrap() {
            let raw = unpack(section.event_list, section.event_list_raw).unwrap();
            let mut writer = ChunkWriter::default();
            for event in events(&raw).map(Result::unwrap) {
                let changed = if index == nth { change(&event.fields) } else { None };
                writer.push(&changed.unwrap_or(event.fields), event.salts);
            }
            let draft = SectionDraft {
                first: section.first,
                origin: section.origin,
                checkpoint: section.checkpoint,
                root_after: section.root_after,
                leaves: &section.leaves,
                tags: section.tags,
                epochs: &section.epochs,
                chunks: &writer.finish(),
            };
            draft.encode(&mut bytes);
        }
        let header = FrameHeader { before: before.unwrap_or(frame.header.before), ..frame.header };
        before = Some(case.frame_key.finish(&mut bytes, header));
        out.extend_from_slice(&bytes);
    }
    assert!(out.len() <= file.len(), "the forged frames still fit");
    out.resize(file.len(), 0);
    *file = out;
    // Later files name the trailer of the last frame here.
    mend_later(&mut folder, case, name, before.unwrap());
    folder
}

fn frame_places(case: &Case, name: &str) -> Vec<Place> {
    case.frames().into_iter().find(|(n, _)| n == name).unwrap().1
}

fn mend_later(folder: &mut Bytes, case: &Case, name: &str, mut before: u32) {
    for (later, places) in case.frames().into_iter().filter(|(n, _)| n.as_str() > name) {
        let file = folder.0.get_mut(&later).unwrap();
        for (at, room) in places {
            let frame = Frame::decode(&file[at..]).unwrap();
            let mut bytes = vec![0; HEADER_BYTES];
            bytes.extend_from_slice(frame.sections);
            before = case.frame_key.finish(&mut bytes, FrameHeader { before, ..frame.header });
            file[at..at + room].copy_from_slice(&bytes);
        }
    }
}

/// The same fields with another text at `path`.
pub fn with(fields: &Fields, path: &str, text: &str) -> Option<Fields> {
    fields.text(path)?;
    let stored = fields.iter().map(|f| (f.path, if f.path == path { text } else { f.text }));
    Some(Fields::from_stored(stored).unwrap())
}

#[test]
fn a_changed_value_is_found_however_well_it_is_forged() {
    let case = Case::closed();
    let text = r#"["attributes","text"]"#;
    let changes: [(&str, &str, &str); 6] = [
        ("another value", r#"["action"]"#, "\"invoice.create\""),
        ("another type", text, "1"),
        ("another spelling", r#"["actor","id"]"#, "\"\\u0061lice\""),
        ("a number's spelling", text, "1.0"),
        ("null", text, "null"),
        ("another time", r#"["occurred_at"]"#, "\"2026-01-02T03:04:06.000000000Z\""),
    ];
    for (name, frames) in case.frames() {
        for nth in 0..frames.len() {
            for (what, path, text) in changes {
                let folder = forge(&case, &name, nth, &|fields| with(fields, path, text));
                if folder.0 == case.folder.0 {
                    continue;
                }
                let verdict = case.judge(&folder);
                assert!(!verdict.is_verified(), "{what} in {name}, frame {nth}: stayed verified");
                assert!(verdict.seq.is_some() || !verdict.place.is_empty(), "{verdict:?}");
            }
            // What the forgery leaves alone still verifies: it is the change that is found.
            let untouched = forge(&case, &name, nth, &|_| None);
            assert!(case.judge(&untouched).is_verified(), "{name}, frame {nth}");
        }
    }
}

#[test]
fn a_field_taken_out_or_put_in_is_found() {
    let case = Case::closed();
    let without = |fields: &Fields| {
        let kept = fields.iter().filter(|f| !f.path.starts_with(r#"["attributes""#));
        Fields::from_stored(kept.map(|f| (f.path, f.text))).ok().filter(|f| f != fields)
    };
    let more = |fields: &Fields| {
        let first = (r#"["a"]"#, "1");
        let all = [first].into_iter().chain(fields.iter().map(|f| (f.path, f.text)));
        Fields::from_stored(all).ok()
    };
    let edits: [Change<'_>; 2] = [&without, &more];
    let (name, frames) = case.frames().remove(0);
    for nth in 1..frames.len() {
        for edit in edits {
            let folder = forge(&case, &name, nth, edit);
            let verdict = case.judge(&folder);
            assert_eq!(verdict.class, Class::Tampered, "frame {nth}: {verdict:?}");
            assert!(verdict.seq.is_some(), "{verdict:?}");
        }
    }
}

#[test]
fn a_file_of_another_folder_is_found() {
    let case = Case::closed();
    let (name, _) = case.frames().remove(0);
    case.found("another folder's id", |files| {
        let bytes = files.get_mut(&name).unwrap();
        let header = FileHeader::decode(bytes).unwrap();
        let header = FileHeader { folder: [9; 16], ..header };
        bytes[..BLOCK].copy_from_slice(&header.encode());
    });
    case.found("a file under another number", |files| {
        let bytes = files.remove(&name).unwrap();
        files.insert(file_name(0x99), bytes);
    });
}

#[test]
fn a_start_compares_what_it_serves_with_what_was_signed() {
    let mut outside = Outside::new(7, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", sent("acme", "first", 5)).unwrap();
    outside.write(&mut stepped, "acme", sent("acme", "second", 5)).unwrap();
    let keys = [log_of(&stepped, "acme").vkey()];
    stepped.close().unwrap();
    let case = Case::of(&outside, &keys);
    let name = "journal/0000000000000001";
    let action = r#"["action"]"#;
    let forged = forge(&case, name, 1, &|fields| with(fields, action, "\"invoice.create\""));
    let file = (&outside.disk.folder("data") as &dyn Disk).open(name).unwrap();
    file.write_at(0, &forged.0[name]).unwrap();
    let error = check_all(&outside.start().unwrap()).unwrap_err().to_string();
    let (file, offset) = (name, case.frames()[0].1[1].0);
    assert!(error.contains(&format!("{file}, byte ")), "{error}");
    let byte: usize =
        error.split("byte ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
    assert!(byte > offset && byte < offset + case.frames()[0].1[1].1, "{error}");
    assert!(
        error.ends_with("entry 1 is damaged: the content is not what was committed"),
        "{error}"
    );
}

#[test]
fn what_stands_past_the_head_of_a_closed_folder_is_never_signed() {
    let mut outside = Outside::new(8, &["acme"]);
    outside.open().unwrap().close().unwrap();
    let data = outside.disk.folder("data");
    let early: Vec<u8> = (&data as &dyn Disk).read_small("head", 2 << 20).unwrap();
    outside.crash(Crash::Killed);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", sent("acme", "late", 5)).unwrap();
    stepped.close().unwrap();
    let data = outside.disk.folder("data");
    (&data as &dyn Disk).open("head").unwrap().write_at(0, &early).unwrap();
    let error = outside.start().map(drop).unwrap_err().to_string();
    assert!(error.contains("entries from 1 on were never signed"), "{error}");
}

#[test]
fn what_no_checkpoint_covers_is_compared_before_it_is_signed() {
    let mut outside = Outside::new(9, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", sent("acme", "last", 5)).unwrap();
    let keys = [log_of(&stepped, "acme").vkey()];
    drop(stepped);
    // The head was not synced; the frame was.
    outside.crash(Crash::PowerLossBare);
    let (case, name) = (Case::of(&outside, &keys), "journal/0000000000000001");
    let forged = forge(&case, name, 1, &|fields| with(fields, r#"["action"]"#, "\"a.lie\""));
    let data = outside.disk.folder("data");
    (&data as &dyn Disk).open(name).unwrap().write_at(0, &forged.0[name]).unwrap();
    let error = outside.start().map(drop).unwrap_err().to_string();
    assert!(error.ends_with("an event is not what its entry says"), "{error}");
}

#[test]
fn a_log_that_was_lost_is_not_made_anew() {
    let mut outside = Outside::new(10, &["acme"]);
    outside.open().unwrap().close().unwrap();
    let data = outside.disk.folder("data");
    data.remove("logs/acme-0/log.json").unwrap();
    let error = outside.start().map(drop).unwrap_err().to_string();
    assert!(error.contains("logs/acme-0/log.json"), "{error}");
    assert!(error.ends_with("is missing, though the head has its log"), "{error}");
}

#[test]
fn a_whole_folder_put_back_is_found_by_its_keys_or_by_a_remembered_checkpoint_alone() {
    let mut outside = Outside::new(8, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", sent("acme", "early", 5)).unwrap();
    let keys = [log_of(&stepped, "acme").vkey()];
    stepped.close().unwrap();
    let old = Case::of(&outside, &keys);
    let before = outside.copy();
    outside.crash(Crash::Killed);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", sent("acme", "late", 5)).unwrap();
    let remembered = log_of(&stepped, "acme").checkpoint().note.clone();
    stepped.close().unwrap();

    let verdict = old.judge(&old.folder);
    assert!(verdict.is_verified(), "nothing in the folder itself tells: {verdict:?}");
    assert!(verdict.rests_on.contains("log's key only"), "{}", verdict.rests_on);
    let pinned = Question { saved: Some(remembered), ..old.question.clone() };
    let verdict = folder::judge(&old.folder, &pinned, &mut |_, _| {}).unwrap();
    assert_eq!(verdict.class, Class::Tampered, "{verdict:?}");
    assert_eq!((verdict.reason.word(), verdict.seq), ("truncated", Some(6)));
    // The keys that were left where they are refuse the start; with those of that time put back
    // too, nothing here tells.
    let there = before.copy();
    put(&there, "keys", &outside);
    let error = there.start().map(drop).unwrap_err();
    assert!(matches!(error, OpenError::PutBack(_)), "{error}");
    before.start().unwrap();
}

#[test]
fn after_a_crash_a_torn_tail_is_incomplete() {
    let mut outside = Outside::new(9, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", sent("acme", "kept", 5)).unwrap();
    let keys = [log_of(&stepped, "acme").vkey()];
    drop(stepped);
    let mut case = Case::of(&outside, &keys);
    let (name, frames) = case.frames().pop().unwrap();
    let (at, room) = *frames.last().unwrap();
    // Half a frame that was never acknowledged.
    case.folder.0.get_mut(&name).unwrap()[at + room..at + room + 90].fill(0xa5);
    let verdict = case.judge(&case.folder);
    assert_eq!((verdict.class, verdict.reason.word()), (Class::Incomplete, "torn-tail"));
    assert!(verdict.place.contains(&name), "{}", verdict.place);
}
