//! Data folders: a whole one, changed by the bytes of the input, is opened and judged.
//!
//! ```text
//! input = u8 how ‖ change*       bit 0 of how: checksums are mended afterwards
//!                                bit 1: the folder was not closed in order
//!                                bit 2: marks of frames too, where checksums are
//!                                bit 3: the power went, and no checkpoint covers the last frame
//! change = u8 file ‖ u24 offset ‖ u8 count ‖ bytes      count 0: the file ends at the offset
//! ```
//!
//! Files count in the order of their names. An offset past a file's end starts again at its
//! beginning. With mended checksums a change reaches what stands behind them, and with mended marks
//! what a start would sign.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use admit::{Admitted, Identity, Peer, Policy, Speaks, admit};
use capture::Record;
use commit::journal::frame::Frame;
use commit::journal::mark::FrameKey;
use commit::{
    Index, Indexer, LogSpec, OpenError, Settings, Stepped, World, id_key, read_frame_key,
};
use event::Value;
use platform::Disk;
use platform::sim::{Crash, SimClock, SimDisk, SimEntropy};
use verify::Question;

use crate::judges::is_good;

/// 2026-01-02T03:04:05Z.
const NOW: i64 = 1_767_323_045_000_000_000;
const FILE_BYTES: u64 = 32 << 10;
const BLOCK: usize = 4096;
const SLOT_BYTES: usize = 1 << 20;
/// A change of at most so many bytes, checksums not mended, is one that a CRC cannot miss.
const CERTAIN_BYTES: usize = 4;

/// Files by name.
#[derive(Clone, Default, PartialEq, Eq)]
struct Files(BTreeMap<String, Vec<u8>>);

impl verify::folder::Folder for Files {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        Ok(self.0.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect())
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        let start = usize::try_from(offset).map_err(|_| "too far")?;
        let end = start.checked_add(buf.len()).ok_or("too far")?;
        let bytes = self.0.get(name).and_then(|file| file.get(start..end));
        buf.copy_from_slice(bytes.ok_or("cannot be read")?);
        Ok(())
    }
}

/// What every run begins with.
struct Base {
    keys: Files,
    policy: verify::Policy,
    frame_key: FrameKey,
    /// Closed in order, not closed, and as the loss of power leaves it.
    folders: [Files; 3],
}

/// Start-up takes a changed folder or says what is damaged; what it takes, it takes again.
pub fn open(bytes: &[u8]) {
    let Some((files, _)) = changed(bytes) else { return };
    let disk = SimDisk::new(1);
    base().keys.put(&disk.folder("keys"));
    files.put(&disk.folder("data"));
    let Ok(stepped) = start(&disk) else { return };
    for log in stepped.logs().values() {
        for seq in 0..log.checkpoint().size {
            if let Ok((fields, _)) = log.read_checked(seq) {
                fields.to_value().expect("what was digested is an event");
            }
        }
    }
    for replayed in stepped.replay() {
        let Ok(replayed) = replayed else { break };
        assert_eq!(replayed.events.len(), replayed.leaves.len());
        let _ = replayed.check();
    }
    stepped.close().expect("the disk works");
    start(&disk).map(drop).expect("what was closed in order can be opened");
}

/// The verifier judges a changed folder, and a small change is never verified.
pub fn judge(bytes: &[u8]) {
    let Some((files, certain)) = changed(bytes) else { return };
    let judged = |policy| {
        let question = Question { policy, ..Question::default() };
        verify::folder::judge(&files, &question, &mut |_, _| {}).is_ok_and(|it| is_good(&it))
    };
    assert!(!judged(None), "verified without a policy");
    let good = judged(Some(base().policy.clone()));
    assert!(!good || !certain, "a folder that was changed is verified");
    assert!(
        good || files != base().folders[0],
        "a folder that was closed in order is not verified"
    );
}

/// The changed folder, and whether the change must be found. `None`: the input is not whole.
fn changed(bytes: &[u8]) -> Option<(Files, bool)> {
    let (how, mut rest) = bytes.split_first()?;
    let which = if how & 8 != 0 { 2 } else { how >> 1 & 1 };
    let before = &base().folders[usize::from(which)];
    let mut files = before.clone();
    let (mut count, mut certain) = (0, how & 1 == 0);
    while !rest.is_empty() {
        let (head, after) = rest.split_first_chunk::<5>()?;
        let new = after.get(..usize::from(head[4]))?;
        rest = &after[new.len()..];
        let index = usize::from(head[0]) % files.0.len();
        let file = files.0.values_mut().nth(index)?;
        let at = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize % (file.len() + 1);
        if new.is_empty() {
            file.truncate(at);
        } else {
            file.resize(file.len().max(at + new.len()), 0);
            file[at..at + new.len()].copy_from_slice(new);
        }
        count += 1;
        certain &= count == 1 && new.len() <= CERTAIN_BYTES;
    }
    certain &= files != *before;
    if how & 1 == 1 {
        files.mend((how & 4 != 0).then_some(&base().frame_key));
    }
    Some((files, certain))
}

impl Files {
    fn put(&self, disk: &SimDisk) {
        for folder in ["journal", "logs"] {
            disk.create_folder(folder).expect("the disk works");
        }
        for (name, bytes) in &self.0 {
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            disk.create_folder(folder).expect("the disk works");
            disk.create(name).and_then(|file| file.write_at(0, bytes)).expect("the disk works");
        }
    }

    fn take(disk: &SimDisk) -> Files {
        let read = |(name, length): (String, u64)| {
            let mut bytes = vec![0; length as usize];
            disk.open(&name).and_then(|file| file.read_at(0, &mut bytes)).expect("it is there");
            (name, bytes)
        };
        // The mark of the id key is no part of what is proved; a start makes it where it is not.
        let proved = disk.files().into_iter().filter(|(name, _)| name != "id.check");
        Files(proved.map(read).collect())
    }

    /// Makes every checksum hold, and every mark if there is a key.
    fn mend(&mut self, key: Option<&FrameKey>) {
        let mut before = 0;
        for (name, file) in &mut self.0 {
            if name == "head" {
                file.chunks_mut(SLOT_BYTES).for_each(mend_slot);
            } else if name.starts_with("journal/") {
                mend_journal(file, &mut before, key);
            }
        }
    }
}

fn mend_slot(slot: &mut [u8]) {
    let length = slot.get(40..44).map_or(0, be32);
    seal(slot, length);
}

fn mend_journal(file: &mut [u8], before: &mut u32, key: Option<&FrameKey>) {
    seal(file, BLOCK);
    let mut at = BLOCK;
    while let Some(frame) = file.get_mut(at..).filter(|frame| frame.starts_with(b"CFRM")) {
        let length = frame.get(4..8).map_or(0, be32);
        if !(68..=frame.len()).contains(&length) {
            return;
        }
        // A copied frame says again what the one that it copies said.
        if frame[39] & 1 == 0 {
            frame[32..36].copy_from_slice(&before.to_be_bytes());
        }
        seal(frame, 64);
        seal(frame, length);
        if let Some(key) = key {
            mend_mark(frame, key);
        }
        *before = be32(&frame[length - 4..length]) as u32;
        at += length.next_multiple_of(BLOCK);
    }
}

fn mend_mark(frame: &mut [u8], key: &FrameKey) {
    let Some(Frame { header, sections, .. }) = Frame::decode(frame) else { return };
    let mut marked = vec![0; 64];
    marked.extend_from_slice(sections);
    key.finish(&mut marked, header);
    frame[..marked.len()].copy_from_slice(&marked);
}

/// Puts the CRC of the first `length - 4` bytes behind them.
fn seal(bytes: &mut [u8], length: usize) {
    let Some((body, crc)) = length.checked_sub(4).and_then(|end| bytes.split_at_mut_checked(end))
    else {
        return;
    };
    if let Some(crc) = crc.first_chunk_mut::<4>() {
        *crc = crc32c::crc32c(body).to_be_bytes();
    }
}

fn be32(bytes: &[u8]) -> usize {
    bytes.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize)
}

fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let disk = SimDisk::new(1);
        let mut stepped = start(&disk).expect("a new folder");
        for tenant in ["a", "b"] {
            write(&mut stepped, tenant, 3);
        }
        // The second life's journal begins with a copy of the last frame.
        stepped.close().expect("the disk works");
        let mut stepped = start(&disk).expect("the folder of before");
        write(&mut stepped, "a", 2);
        let logs = stepped.logs();
        let vkeys = logs.values().map(|log| log.vkey());
        let policy: String = vkeys.map(|vkey| format!("log {vkey}\n")).collect();
        let policy = verify::Policy::parse((policy + "quorum none\n").as_bytes());
        let crashed = Files::take(&disk.folder("data"));
        let dark = disk.snapshot().crash(Crash::PowerLossBare);
        let dark = Files::take(&dark.folder("data"));
        // Of this time, for they say how far the logs were signed: no folder here has less.
        let keys = Files::take(&disk.folder("keys"));
        stepped.close().expect("the disk works");
        let folders = [Files::take(&disk.folder("data")), crashed, dark];
        let (_, frame_key) = read_frame_key(&keys.0["frame.key"]).expect("a key of frames");
        Base { keys, policy: policy.expect("a policy"), frame_key, folders }
    })
}

fn start(disk: &SimDisk) -> Result<Stepped, OpenError> {
    let keys = Arc::new(disk.folder("keys"));
    let entropy = Arc::new(SimEntropy::new(1));
    let id_key = id_key(&disk.folder("data"), keys.as_ref(), entropy.as_ref())?;
    let clock = Arc::new(SimClock::new(NOW));
    let world = World { disk: Arc::new(disk.folder("data")), keys, clock, entropy, id_key };
    let spec = |tenant: &str| LogSpec {
        name: format!("{tenant}-0"),
        tenant: tenant.to_owned(),
        public: false,
        purpose: commit::Purpose::Events,
    };
    let mut settings = Settings::new("h.example", vec![spec("a"), spec("b")]);
    settings.file_bytes = FILE_BYTES;
    settings.files_ahead = false;
    let indexer: Arc<Indexer> = Arc::new(|_: &_, _: &_| -> Index { Box::new(|_| {}) });
    Stepped::open(world, &settings, &mut |_, _| {}, &indexer)
}

fn write(stepped: &mut Stepped, tenant: &str, count: usize) {
    let log = stepped.logs()[&format!("{tenant}-0")].clone();
    let sent: Vec<Admitted> = (0..count).map(|n| event(tenant, n)).collect();
    let prepared = stepped.prepare(&log, &sent).expect("what is committed can be read");
    stepped.submit(prepared, Box::new(|_| {}), Box::new(|_| {}));
    stepped.drain().expect("the disk works");
}

fn event(tenant: &str, n: usize) -> Admitted {
    let json = format!(
        r#"{{"action":"a.b","actor":{{"type":"user","id":"u{n}"}},"service":{{"name":"s"}},
            "occurred_at":"2026-01-02T03:04:05Z"}}"#
    );
    let Ok(Value::Object(event)) = event::json::read(json.as_bytes()) else { panic!("{json}") };
    let identity = Identity { kind: "token", id: "s".into() };
    let peer = Peer { identity, tenant: tenant.to_owned(), speaks: Speaks::ForMany };
    let record = Record { event, secrets: Vec::new() };
    admit(record, &peer, &Policy::default(), || format!("given-{n}")).expect("it conforms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_the_last_checkpoint_only_a_mark_opens_what_was_changed() {
        let opens = |name: &str| {
            let path =
                format!("{}/../../fuzz/corpus/commit_open/{name}", env!("CARGO_MANIFEST_DIR"));
            let (files, _) = changed(&std::fs::read(path).expect("a file")).expect("whole");
            let disk = SimDisk::new(1);
            base().keys.put(&disk.folder("keys"));
            files.put(&disk.folder("data"));
            start(&disk).map(drop).map_err(|error| error.to_string())
        };
        for name in ["tail", "tail_marked_written_at"] {
            assert_eq!(opens(name), Ok(()), "{name}");
        }
        for (name, what) in [
            ("tail_written_at", "the mark of frame 4 does not hold"),
            ("tail_no_mark", "frame 4 has no mark"),
        ] {
            let refused = opens(name).expect_err(name);
            assert!(refused.contains(what), "{name}: {refused}");
        }
    }
}
