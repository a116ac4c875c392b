//! Data folders: whole, cut, changed byte by byte, and after crashes.

use crate::support::folder::*;
use verify::{Policy, Question, Verdict};

fn question(writer: &Writer, saved: Option<String>) -> Question {
    let policy = Policy::parse(writer.policy().as_bytes()).unwrap();
    Question { policy: Some(policy), saved, ..Question::default() }
}

pub(crate) fn judge(files: &Memory, question: &Question) -> Verdict {
    verify::folder::judge(files, question, &mut |_, _| {}).unwrap()
}

/// Two logs, five frames, closed cleanly.
fn small() -> Writer {
    let mut writer = Writer::new(&["a-0", "b-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.frame(&[(0, events(3, 2)), (1, events(0, 4))]);
    writer.plain = true;
    writer.frame(&[(1, events(8, 1))]);
    writer.plain = false;
    writer.frame(&[(0, events(5, 4)), (1, events(5, 2))]);
    writer.frame(&[(0, events(9, 1))]);
    writer.close();
    writer
}

#[track_caller]
pub(crate) fn check(files: &Memory, question: &Question, wanted: &str) -> Verdict {
    let verdict = judge(files, question);
    let seq = verdict.seq.map(|seq| format!(" {seq}")).unwrap_or_default();
    let log = verdict.log.as_deref().map(|log| format!(" {}", &log[log.len() - 3..]));
    let got =
        format!("{:?} {}{}{seq}", verdict.class, verdict.reason.word(), log.unwrap_or_default());
    assert_eq!(got, wanted, "{verdict:#?}");
    verdict
}

#[test]
fn a_whole_folder() {
    let writer = small();
    let mut done = Vec::new();
    let q = question(&writer, Some(writer.note(1)));
    let verdict = verify::folder::judge(&writer.files, &q, &mut |d, t| done.push((d, t))).unwrap();
    assert!(verdict.is_verified(), "{verdict:#?}");
    assert_eq!((verdict.counts.events, verdict.counts.shown, verdict.logs.len()), (17, 85, 2));
    assert_eq!(verdict.logs[1].extends_saved, Some(7));
    assert_eq!(done, [(FILE_BYTES as u64, FILE_BYTES as u64)]);
}

#[test]
fn an_empty_folder() {
    let mut writer = Writer::new(&["a-0"]);
    writer.close();
    check(&writer.files, &question(&writer, None), "Verified verified");
}

/// Flips bits of every byte that matters, and of a sample of the others.
#[test]
fn no_byte_may_flip() {
    let writer = small();
    let q = question(&writer, None);
    let mut flips = 0;
    let mut flip = |name: &str, at: usize| {
        let mut files = writer.files.clone();
        files.0.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
        let verdict = judge(&files, &q);
        assert!(!verdict.is_verified(), "{name} byte {at}");
        let finding = &verdict.findings[0];
        assert!(
            !verdict.place.is_empty() || !finding.place.is_empty(),
            "{name} byte {at}: {verdict:#?}"
        );
        flips += 1;
        verdict
    };
    for (name, offset, length) in &writer.frames {
        for at in (*offset..offset + 64).chain((offset + 64..offset + length).step_by(5)) {
            let verdict = flip(name, at);
            assert_eq!(verdict.reason.word(), "truncated", "byte {at}");
            assert!(
                verdict.place.contains(&format!("{name}, byte {offset}:")),
                "{}",
                verdict.place
            );
        }
        flip(name, offset + length);
        flip(name, (offset + length).next_multiple_of(4096) - 1);
    }
    for at in (0..48).chain((48..4088).step_by(97)).chain(4088..4096) {
        flip("journal/0000000000000001", at);
    }
    for at in (30_000..FILE_BYTES).step_by(1009) {
        flip("journal/0000000000000001", at);
    }
    for slot in [0, 1 << 20] {
        for at in (slot..slot + 64).chain((slot + 64..slot + 600).step_by(7)) {
            flip("head", at);
        }
        for at in (slot..slot + (1 << 20)).step_by(99_991) {
            flip("head", at);
        }
    }
    for name in ["folder.json", "logs/a-0/birth", "logs/b-0/birth"] {
        for at in 0..writer.files.0[name].len() {
            flip(name, at);
        }
    }
    assert!(flips > 2_000, "{flips}");
}

#[test]
fn a_log_file_has_one_spelling() {
    let writer = small();
    let q = question(&writer, None);
    let json = String::from_utf8(writer.files.0["logs/a-0/log.json"].clone()).unwrap();
    let changes = [
        ("false", "true", true),
        ("\"public\":false", "\"public\": false", false),
        ("a-0\"", "a-1\"", false),
        ("Z\"}\n", "Z\"}", false),
        ("Z\"}", "Z\",\"x\":1}", false),
        ("v1", "v2", false),
    ];
    for (from, to, good) in changes {
        let mut files = writer.files.clone();
        files.0.insert("logs/a-0/log.json".into(), json.replacen(from, to, 1).into());
        assert_eq!(judge(&files, &q).is_verified(), good, "{from}");
    }
}

#[test]
fn strange_and_missing_files() {
    let writer = small();
    let q = question(&writer, None);
    let without = |name: &str| {
        let mut files = writer.files.clone();
        files.0.remove(name).unwrap();
        files
    };
    let with = |name: &str, bytes: &[u8]| {
        let mut files = writer.files.clone();
        files.0.insert(name.to_owned(), bytes.to_vec());
        files
    };
    check(&without("folder.json"), &q, "Unverifiable malformed");
    check(&without("head"), &q, "Unverifiable malformed");
    check(&without("logs/a-0/birth"), &q, "Unverifiable malformed");
    check(&without("logs/a-0/log.json"), &q, "Unverifiable malformed a-0");
    check(&without("journal/0000000000000001"), &q, "Tampered truncated a-0 0");
    check(&with("journal/x", b""), &q, "Unverifiable malformed");
    check(&with("logs/a-0/x", b""), &q, "Unverifiable malformed");
    check(&with("lock", b"x"), &q, "Unverifiable malformed");
    check(&with("notes.txt", b"x"), &q, "Verified verified");
    check(&with("journal/0000000000000002", &[0; 8192]), &q, "Unverifiable malformed");
    check(&with("journal/0000000000000002.new", b"half"), &q, "Verified verified");
    check(&with("journal/2.new", b"half"), &q, "Unverifiable malformed");
    check(&with("logs/a-0/log.json.new", b"half"), &q, "Verified verified");
    check(&with("logs/c-0/birth", b"half"), &q, "Verified verified");
    let mut other = Writer::new(&["a-0", "b-0"]).files.0["journal/0000000000000001"].clone();
    other[8] ^= 1;
    let crc = crc32c::crc32c(&other[..4092]);
    other[4092..4096].copy_from_slice(&crc.to_be_bytes());
    check(&with("journal/0000000000000002", &other), &q, "Unverifiable malformed");
}

/// Changes a frame and puts its CRCs right, and those of all frames behind it.
fn forge(writer: &Writer, number: usize, change: impl Fn(&mut [u8])) -> Memory {
    let mut files = writer.files.clone();
    let mut crc = None;
    for (name, at, length) in &writer.frames[number..] {
        let frame = &mut files.0.get_mut(name).unwrap()[*at..at + length];
        match crc {
            None => change(frame),
            Some(crc) => frame[32..36].copy_from_slice(&u32::to_be_bytes(crc)),
        }
        crc = Some(seal_frame(frame));
    }
    files
}

#[test]
fn no_byte_of_a_section_may_be_forged_with_its_crcs() {
    let writer = small();
    let q = question(&writer, None);
    // The third frame has one section of plain blocks. Its id tags, epoch class and producers'
    // state say nothing that the tree knows, nor does a bit of zstd's own that readers pass over.
    let (_, _, length) = writer.frames[2];
    let frame = &writer.files.0[&writer.frames[2].0][writer.frames[2].1..][..length];
    let find = |needle: &[u8]| frame.windows(needle.len()).position(|w| w == needle).unwrap();
    let (tags, state) = (find(&[7; 16]), find(b"producers"));
    let (class, zstd) = (find(&[0, 0, 0, 38]) + 8, find(&[0x28, 0xb5, 0x2f, 0xfd]) + 4);
    let free = [tags..tags + 16, state..state + 9, class..class + 2, zstd..zstd + 1];
    for at in (64..length - 4).filter(|at| !free.iter().any(|range| range.contains(at))) {
        let verdict = judge(&forge(&writer, 2, |frame| frame[at] ^= 1 << (at % 8)), &q);
        assert!(!verdict.is_verified(), "byte {at}");
        assert!(!verdict.place.is_empty(), "byte {at}");
    }
}

#[test]
fn forged_content_is_named() {
    let writer = small();
    let q = question(&writer, None);
    let swap = |from: &'static [u8], to: &'static [u8]| {
        move |frame: &mut [u8]| {
            let at = frame.windows(from.len()).position(|window| window == from).unwrap();
            frame[at..at + to.len()].copy_from_slice(to);
        }
    };
    let verdict = check(
        &forge(&writer, 2, swap(b"invoice.delete", b"invoice.create")),
        &q,
        "Tampered digest b-0 4",
    );
    assert!(verdict.place.starts_with("journal/0000000000000001, byte "), "{}", verdict.place);
    check(&forge(&writer, 2, swap(b"[\"id\"]", b"[\"iz\"]")), &q, "Tampered digest b-0 4");
    check(&forge(&writer, 2, swap(b"\"p\"", b"\"p ")), &q, "Unverifiable malformed b-0 4");
}

#[test]
fn forged_leaves_are_found_at_the_next_signature() {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.change_digests = |digests| digests[1][0] ^= 1;
    writer.frame(&[(0, events(3, 3))]);
    writer.change_digests = |_| {};
    writer.frame(&[(0, events(6, 1))]);
    writer.close();
    // The log itself signed a leaf that its stored content does not give.
    check(&writer.files, &question(&writer, None), "Tampered digest a-0 4");
    // Somebody without the key changed a leaf and put everything else right.
    let mut honest = Writer::new(&["a-0"]);
    honest.frame(&[(0, events(0, 3))]);
    honest.frame(&[(0, events(3, 3))]);
    honest.close();
    let mut forged = Writer::new(&["a-0"]);
    forged.frame(&[(0, events(0, 3))]);
    forged.frame(&[(0, events(13, 3))]);
    forged.files.0.insert("head".into(), honest.files.0["head"].clone());
    check(&forged.files, &question(&honest, None), "Tampered not-in-log a-0 3");
}

#[test]
fn cut_and_reordered_frames() {
    let writer = small();
    let q = question(&writer, None);
    let zero = |numbers: &[usize]| {
        let mut files = writer.files.clone();
        for (name, at, length) in numbers.iter().map(|&number| &writer.frames[number]) {
            files.0.get_mut(name).unwrap()[*at..at + length].fill(0);
        }
        files
    };
    check(&zero(&[4]), &q, "Tampered truncated a-0 9");
    check(&zero(&[3, 4]), &q, "Tampered truncated a-0 5");
    check(&zero(&[2]), &q, "Tampered truncated a-0 5");
    check(&zero(&[0, 1, 2, 3, 4]), &q, "Tampered truncated a-0 0");
}

#[test]
fn a_folder_put_back_shows_only_against_a_saved_checkpoint() {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.close();
    let old = writer.files.clone();
    writer.frame(&[(0, events(3, 2))]);
    writer.close();
    check(&old, &question(&writer, None), "Verified verified");
    check(&old, &question(&writer, Some(writer.note(0))), "Tampered truncated a-0 3");
    let mut other = Writer::new(&["a-0"]);
    other.frame(&[(0, events(9, 5))]);
    other.close();
    check(&other.files, &question(&writer, Some(writer.note(0))), "Tampered fork a-0");
    let stranger = Writer::new(&["c-0"]);
    let q = Question {
        policy: Some(Policy::parse(stranger.policy().as_bytes()).unwrap()),
        ..question(&writer, None)
    };
    check(&writer.files, &q, "Unverifiable unknown-log a-0");
    let q = Question { saved: Some(stranger.note(0)), ..q };
    assert!(verify::folder::judge(&writer.files, &q, &mut |_, _| {}).is_err());
}

#[test]
fn after_a_crash() {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.frame(&[(0, events(3, 2))]);
    writer.head(false);
    let q = question(&writer, None);
    check(&writer.files, &q, "Verified verified");
    // A torn frame behind the last.
    let (name, at, length) = writer.frames[1].clone();
    let mut torn = writer.files.clone();
    let behind = at + length.next_multiple_of(4096);
    torn.0.get_mut(&name).unwrap()[behind..behind + 100].fill(9);
    let verdict = check(&torn, &q, "Incomplete torn-tail");
    assert!(verdict.place.contains(&format!("{name}, byte {behind}")));
    // The head did not reach the disk: a whole frame that nobody signed.
    writer.frame(&[(0, events(5, 1))]);
    check(&writer.files, &q, "Incomplete torn-tail a-0 5");
}

/// A start-up copies the last frame; what it replaces, and all behind it, no longer counts.
#[test]
fn after_a_crash_in_a_start_up() {
    let mut writer = Writer::new(&["a-0"]);
    writer.frame(&[(0, events(0, 3))]);
    writer.frame(&[(0, events(3, 3))]);
    let q = question(&writer, None);
    let (name, at, length) = writer.frames[1].clone();
    writer.files.0.get_mut(&name).unwrap()[at + length + 5000] = 9;
    writer.copy_last();
    writer.head(false);
    let place = format!("{name}, byte {at}");
    let verdict = check(&writer.files, &q, "Incomplete torn-tail");
    assert_eq!(verdict.place, place);
    // No order of clearing it confuses anybody.
    writer.files.0.get_mut(&name).unwrap()[at + 70..].fill(0);
    check(&writer.files, &q, "Incomplete torn-tail");
    writer.frame(&[(0, events(6, 2))]);
    // Nobody closes a folder before all is cleared.
    writer.close();
    assert_eq!(check(&writer.files, &q, "Unverifiable malformed").place, place);
    writer.clear(&name, at);
    let verdict = check(&writer.files, &q, "Verified verified");
    assert_eq!(verdict.counts.entries, 8);
    // Two starts with nothing in between, the first of which tore its copy.
    let last = writer.frames.last().unwrap().clone();
    writer.head(false);
    writer.copy_last();
    let (torn, at, length) = writer.frames.pop().unwrap();
    writer.files.0.get_mut(&torn).unwrap()[at + length / 2..at + length].fill(0);
    check(&writer.files, &q, "Incomplete torn-tail");
    writer.copy_last();
    let verdict = check(&writer.files, &q, "Incomplete torn-tail");
    assert_eq!(verdict.findings.len(), 2);
    writer.clear(&torn, at);
    writer.clear(&last.0, last.1);
    writer.close();
    check(&writer.files, &q, "Verified verified");
}

/// The very first frame tore: there is none to copy, and the next start begins anew.
#[test]
fn after_a_crash_in_the_first_frame() {
    let mut writer = Writer::new(&["a-0"]);
    let q = question(&writer, None);
    let first = writer.files.0.keys().find(|name| name.starts_with("journal/")).unwrap().clone();
    writer.files.0.get_mut(&first).unwrap()[4096..5000].fill(9);
    check(&writer.files, &q, "Incomplete torn-tail");
    writer.open_file();
    writer.frame(&[(0, events(0, 3))]);
    writer.head(false);
    check(&writer.files, &q, "Incomplete torn-tail");
    writer.clear(&first, 4096);
    writer.close();
    check(&writer.files, &q, "Verified verified");
}

/// In a folder that was closed cleanly every byte behind the frames that count is zero: where a
/// start-up replaced one, where a later file follows, and in files that wait for a first frame.
#[test]
fn nothing_hides_behind_frames_that_count() {
    let mut writer = Writer::new(&["a-0"]);
    writer.file_bytes = 16 << 10;
    for round in 0..5 {
        writer.frame(&[(0, events(round * 3, 3))]);
    }
    writer.restart();
    writer.frame(&[(0, events(20, 3))]);
    let reserve = writer.reserve();
    writer.close();
    let q = question(&writer, None);
    check(&writer.files, &q, "Verified verified");
    let mut ends = std::collections::BTreeMap::new();
    for (name, at, length) in &writer.frames {
        let is_whole = writer.files.0[name][*at..].starts_with(b"CFRM");
        if is_whole {
            ends.insert(name.clone(), (at + length).next_multiple_of(4096));
        }
    }
    ends.insert(reserve, 4096);
    assert_eq!(ends.len(), 4);
    let mut flips = 0;
    for (name, end) in ends {
        for at in (end..16 << 10).step_by(61).chain((end..16 << 10).last()) {
            let mut files = writer.files.clone();
            files.0.get_mut(&name).unwrap()[at] ^= 1 << (at % 8);
            let verdict = check(&files, &q, "Unverifiable malformed");
            assert_eq!(verdict.place, format!("{name}, byte {at}"));
            flips += 1;
        }
    }
    assert!(flips > 300, "{flips}");
}

#[test]
fn event_lists_are_of_one_codec() {
    for codec in [0, 2, 0x8001, u16::MAX] {
        let mut writer = Writer::new(&["a-0"]);
        writer.frame(&[(0, events(0, 3))]);
        (writer.codec, writer.plain) = (codec, true);
        writer.frame(&[(0, events(3, 2))]);
        writer.close();
        let q = question(&writer, None);
        let verdict = check(&writer.files, &q, "Unverifiable malformed a-0 3");
        let (name, at, _) = &writer.frames[1];
        assert!(verdict.place.starts_with(&format!("{name}, byte {at} ")), "{}", verdict.place);
    }
}

#[test]
fn many_files() {
    let mut writer = Writer::new(&["a-0", "b-0"]);
    writer.file_bytes = 16 << 10;
    for round in 0..12 {
        writer.frame(&[(round % 2, events(round * 7, 7))]);
        if round == 5 {
            writer.restart();
        }
    }
    writer.close();
    let q = question(&writer, None);
    let verdict = check(&writer.files, &q, "Verified verified");
    assert_eq!(verdict.counts.entries, 84);
    let names: Vec<String> =
        writer.files.0.keys().filter(|n| n.starts_with("journal/")).cloned().collect();
    assert!(names.len() > 4);
    for name in &names[..names.len() - 1] {
        let mut files = writer.files.clone();
        files.0.remove(name);
        let verdict = judge(&files, &q);
        // A file whose only frame was replaced by a copy may go.
        assert!(
            verdict.is_verified() || verdict.reason.word() == "truncated",
            "{name} {verdict:#?}"
        );
    }
    // Zeros behind the last frame of a file that a later one follows.
    let mut files = writer.files.clone();
    *files.0.get_mut(&names[0]).unwrap().last_mut().unwrap() = 1;
    check(&files, &q, "Unverifiable malformed");
}

#[test]
fn values_that_are_gone_or_repeat() {
    let one = |fields: &[(&str, u8, &str)]| {
        let stored =
            |&(path, form, text): &(&str, u8, &str)| (path.to_owned(), form, text.to_owned());
        let mut writer = Writer::new(&["a-0"]);
        writer.frame(&[(0, vec![event(0), fields.iter().map(stored).collect()])]);
        writer.close();
        let q = question(&writer, None);
        (writer.files, q)
    };
    let judge = |fields: &[(&str, u8, &str)], wanted: &str| {
        let (files, q) = one(fields);
        check(&files, &q, wanted);
    };
    judge(&[("[\"a\"]", 0, "1"), ("[\"b\"]", 2, "2")], "Incomplete missing a-0 1");
    judge(&[("[\"a\"]", 0, "1"), ("[\"a\"]", 0, "2")], "Tampered two-openings a-0 1");
    judge(&[("[\"a\",0]", 0, "1"), ("[\"a\",2]", 0, "2")], "Tampered two-openings a-0 1");
    judge(&[("[\"b\"]", 0, "1"), ("[\"a\"]", 0, "2")], "Tampered two-openings a-0 1");
    judge(&[("[\"a\"]", 0, "1.")], "Unverifiable malformed a-0 1");
    judge(&[("[\"a\"]", 1, "1")], "Unverifiable malformed a-0 1");
    judge(&[("[\"a\"]", 3, "1")], "Verified verified");
}

#[test]
fn hostile_lengths_cost_nothing() {
    let writer = small();
    let q = question(&writer, None);
    for at in [
        4..8,
        64 + 4..64 + 8,
        64 + 16..64 + 20,
        64 + 36..64 + 40,
        64 + 40..64 + 44,
        64 + 44..64 + 48,
    ] {
        let files = forge(&writer, 2, |frame| frame[at.clone()].fill(0xff));
        assert!(!judge(&files, &q).is_verified());
    }
}
