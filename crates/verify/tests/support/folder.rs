//! A data folder in memory, written from the text of the journal's format.

use std::collections::BTreeMap;

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::*;

pub(crate) const FILE_BYTES: usize = 64 << 10;
pub(crate) const ID: [u8; 16] = *b"folder of tests!";

/// The files.
#[derive(Clone, Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<String, Vec<u8>>);

impl verify::folder::Folder for Memory {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        Ok(self.0.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect())
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        let from = usize::try_from(offset).unwrap();
        let bytes = self.0.get(name).and_then(|file| file.get(from..from + buf.len()));
        buf.copy_from_slice(bytes.ok_or("cannot be read")?);
        Ok(())
    }
}

/// A stored field: path text, form, value text.
pub(crate) type Stored = (String, u8, String);

struct Log {
    origin: String,
    /// Those that sign, oldest first.
    signing: Vec<Key>,
    /// Every key that it had: vkey, and for all but the first what hands it over.
    had: Vec<(String, Option<Handed>)>,
    leaves: Vec<Vec<u8>>,
    /// Newest epoch number; its key is the number's hash.
    epoch: u32,
}

/// The event of a handover, its time, until when both sign, and the checkpoint.
struct Handed {
    event: u64,
    from: String,
    until: &'static str,
    note: String,
}

/// Where a frame stands: file, offset, length.
pub(crate) type FramePlace = (String, usize, usize);

pub(crate) struct Writer {
    pub(crate) files: Memory,
    logs: Vec<Log>,
    file_number: u64,
    at: usize,
    frame_number: u64,
    crc: u32,
    time: i64,
    head_counter: u64,
    pub(crate) frames: Vec<FramePlace>,
    /// What sections say of their event lists; 1 is zstd.
    pub(crate) codec: u16,
    /// Packs event lists in blocks that are not compressed, so that a test finds their bytes.
    pub(crate) plain: bool,
    /// Changes the event list before it is packed, the digests after they were computed.
    pub(crate) change_list: fn(&mut Vec<u8>),
    pub(crate) change_digests: fn(&mut Vec<Hash>),
    /// Writes each journal file with this many bytes.
    pub(crate) file_bytes: usize,
}

impl Writer {
    pub(crate) fn new(names: &[&str]) -> Writer {
        let mut writer = Writer {
            files: Memory::default(),
            logs: Vec::new(),
            file_number: 0,
            at: 0,
            frame_number: 0,
            crc: 0,
            time: TIME,
            head_counter: 0,
            frames: Vec::new(),
            codec: 1,
            plain: false,
            change_list: |_| {},
            change_digests: |_| {},
            file_bytes: FILE_BYTES,
        };
        let id: String = ID.iter().map(|byte| format!("{byte:02x}")).collect();
        let json = format!("{{\"format\":\"counterfoil.folder/v1\",\"id\":\"{id}\"}}\n");
        writer.put("folder.json", json.into());
        writer.put("lock", vec![]);
        writer.put("tokens.json", b"anything".to_vec());
        for (seed, name) in names.iter().enumerate() {
            let key = Key::new(&format!("h.example/tlog/{name}"), 1, seed as u8 * 40);
            let json = format!(
                "{{\"format\":\"counterfoil.log/v1\",\"origin\":\"{}\",\
                 \"tenant\":\"t\\\"\",\"public\":false,\
                 \"opened_at\":\"2026-01-02T03:04:05.000000006Z\"}}\n",
                key.name
            );
            writer.put(&format!("logs/{name}/log.json"), json.into());
            let birth = checkpoint(&key, 0, &root(&[]));
            writer.put(&format!("logs/{name}/birth"), birth.into());
            let (origin, had) = (key.name.clone(), vec![(key.vkey(), None)]);
            writer.logs.push(Log { origin, signing: vec![key], had, leaves: vec![], epoch: 0 });
        }
        writer.put("head", vec![0; 2 << 20]);
        writer.head(false);
        writer.head(false);
        writer.open_file();
        writer
    }

    fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.0.insert(name.to_owned(), bytes);
    }

    /// The policy that knows every log.
    pub(crate) fn policy(&self) -> String {
        let keys = self.logs.iter().flat_map(|log| log.had.iter().map(|(vkey, _)| vkey));
        policy_of(keys.map(String::as_str))
    }

    /// The keys that a log had, oldest first.
    pub(crate) fn vkeys(&self, log: usize) -> Vec<String> {
        self.logs[log].had.iter().map(|(vkey, _)| vkey.clone()).collect()
    }

    pub(crate) fn note(&self, log: usize) -> String {
        let Log { origin, signing, leaves, .. } = &self.logs[log];
        let body = body(origin, leaves.len() as u64, &root(leaves));
        let lines: String = signing.iter().map(|key| key.line(&body)).collect();
        format!("{body}\n{lines}")
    }

    /// Gives a log another key, by an event that `change` may spoil: both sign from here on.
    pub(crate) fn rotate(&mut self, log: usize, change: impl Fn(&mut Vec<Stored>)) {
        let state = &self.logs[log];
        let seed = 100 + 40 * log as u8 + state.had.len() as u8;
        let key = Key::new(&state.origin, 1, seed);
        let (old, event) = (&state.had.last().unwrap().0, state.leaves.len() as u64);
        let digest: String = sha(&[old.as_bytes()]).iter().map(|b| format!("{b:02x}")).collect();
        let until = "2026-02-02T03:04:05.000000000Z";
        let mut fields: Vec<Stored> = [
            (r#"["action"]"#, "key.rotate".to_owned()),
            (r#"["attributes","old_vkey"]"#, format!("sha256:{digest}")),
            (r#"["attributes","together_until"]"#, until.to_owned()),
            (r#"["attributes","vkey"]"#, key.vkey()),
            (r#"["recorded","identity","kind"]"#, "local".to_owned()),
        ]
        .map(|(path, text)| (path.to_owned(), 0, format!("\"{text}\"")))
        .to_vec();
        change(&mut fields);
        let vkey = key.vkey();
        self.frame(&[(log, vec![fields])]);
        let from = format!("2026-01-02T03:04:05.{:09}Z", self.time % 1_000_000_000);
        self.logs[log].signing.push(key);
        let handed = Handed { event, from, until, note: self.note(log) };
        self.logs[log].had.push((vkey, Some(handed)));
        self.history(log);
    }

    /// The old key of a log signs nothing more.
    pub(crate) fn retire(&mut self, log: usize) {
        self.logs[log].signing.remove(0);
    }

    /// The newest key of a log signs nothing, as if it were not there.
    pub(crate) fn usurp(&mut self, log: usize) {
        self.logs[log].signing.pop();
    }

    fn history(&mut self, log: usize) {
        let Log { origin, had, .. } = &self.logs[log];
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let key = |(vkey, handed): &(String, Option<Handed>)| {
            let vkey = quoted(vkey);
            match handed {
                None => format!("{{\"vkey\":{vkey},\"from\":\"2026-01-02T03:04:05.000000006Z\"}}"),
                Some(Handed { event, from, until, note }) => format!(
                    "{{\"vkey\":{vkey},\"from\":\"{from}\",\"event\":{event},\
                     \"together_until\":\"{until}\",\"handover\":{}}}",
                    quoted(note)
                ),
            }
        };
        let keys: Vec<String> = had.iter().map(key).collect();
        let text =
            format!("{{\"format\":\"counterfoil.keys/v1\",\"keys\":[{}]}}\n", keys.join(","));
        let name = origin.rsplit('/').next().unwrap().to_owned();
        self.put(&format!("logs/{name}/keys.json"), text.into());
    }

    pub(crate) fn size(&self, log: usize) -> u64 {
        self.logs[log].leaves.len() as u64
    }

    pub(crate) fn open_file(&mut self) {
        self.file_number += 1;
        let mut file = vec![0; self.file_bytes];
        file[..8].copy_from_slice(b"CFJRNL\0\x01");
        file[8..24].copy_from_slice(&ID);
        file[24..32].copy_from_slice(&self.file_number.to_be_bytes());
        file[32..40].copy_from_slice(&(self.file_bytes as u64).to_be_bytes());
        let crc = crc32c::crc32c(&file[..4092]);
        file[4092..4096].copy_from_slice(&crc.to_be_bytes());
        self.put(&format!("journal/{:016x}", self.file_number), file);
        self.at = 4096;
    }

    /// Writes one frame with events of each log named.
    pub(crate) fn frame(&mut self, parts: &[(usize, Vec<Vec<Stored>>)]) {
        let mut sections = Vec::new();
        for (log, events) in parts {
            let section = self.section(*log, events);
            sections.extend_from_slice(&section);
            sections.resize(sections.len().next_multiple_of(8), 0);
        }
        let length = 64 + sections.len() + 4;
        if self.at + length.next_multiple_of(4096) > self.file_bytes {
            self.open_file();
        }
        self.frame_number += 1;
        let mut frame = vec![0; 64];
        frame[36..38].copy_from_slice(&(parts.len() as u16).to_be_bytes());
        frame[16..24].copy_from_slice(&self.frame_number.to_be_bytes());
        frame[24..32].copy_from_slice(&self.time.to_be_bytes());
        frame[32..36].copy_from_slice(&self.crc.to_be_bytes());
        frame.extend_from_slice(&sections);
        frame.extend_from_slice(&[0; 4]);
        self.place_frame(frame);
    }

    /// Fills in what depends on the place and writes it there.
    fn place_frame(&mut self, mut frame: Vec<u8>) {
        let length = frame.len();
        frame[..4].copy_from_slice(b"CFRM");
        frame[4..8].copy_from_slice(&(length as u32).to_be_bytes());
        frame[8..16].copy_from_slice(&self.file_number.to_be_bytes());
        self.crc = seal_frame(&mut frame);
        let name = format!("journal/{:016x}", self.file_number);
        let file = self.files.0.get_mut(&name).unwrap();
        file[self.at..self.at + length].copy_from_slice(&frame);
        self.frames.push((name, self.at, length));
        self.at += length.next_multiple_of(4096);
    }

    /// What a start-up does: copies the last frame into a fresh file, then clears what it replaced.
    pub(crate) fn restart(&mut self) {
        let (name, at, _) = self.frames.last().unwrap().clone();
        self.copy_last();
        self.clear(&name, at);
    }

    /// The first half of a start-up.
    pub(crate) fn copy_last(&mut self) {
        let (name, at, length) = self.frames.last().unwrap().clone();
        let mut frame = self.files.0[&name][at..at + length].to_vec();
        frame[39] |= 1;
        self.open_file();
        self.place_frame(frame);
    }

    /// The second half: zeros from `at` on; a file that is left without a frame goes.
    pub(crate) fn clear(&mut self, name: &str, at: usize) {
        match at {
            4096 => drop(self.files.0.remove(name)),
            _ => self.files.0.get_mut(name).unwrap()[at..].fill(0),
        }
    }

    /// Makes a file ahead, as the maker of files does; gives its name.
    pub(crate) fn reserve(&mut self) -> String {
        let at = self.at;
        self.open_file();
        let name = format!("journal/{:016x}", self.file_number);
        (self.at, self.file_number) = (at, self.file_number - 1);
        name
    }

    fn section(&mut self, log: usize, events: &[Vec<Stored>]) -> Vec<u8> {
        let note = self.note(log);
        let first = self.size(log);
        let state = &mut self.logs[log];
        state.epoch += 1;
        let (epoch, origin) = (state.epoch, state.origin.clone());
        let epoch_key = sha(&[&epoch.to_be_bytes(), origin.as_bytes()]);
        let (mut times, mut digests, mut list) = (Vec::new(), Vec::new(), Vec::new());
        for (counter, event) in events.iter().enumerate() {
            self.time += 1;
            times.extend_from_slice(&self.time.to_be_bytes());
            let (digest, bytes) = store_event(&origin, epoch, &epoch_key, counter as u64, event);
            digests.push(digest);
            list.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            list.extend_from_slice(&bytes);
        }
        (self.change_list)(&mut list);
        (self.change_digests)(&mut digests);
        for (time, digest) in times.chunks(8).zip(&digests) {
            state.leaves.push(leaf(i64::from_be_bytes(time.try_into().unwrap()), digest));
        }
        let list_bytes = list.len();
        let pack = |part: &[u8]| match self.plain {
            true => plain_zstd(part),
            false => zstd::encode_all(part, 3).unwrap(),
        };
        // Two zstd frames, one behind the other, but one if their bytes are to be found.
        let (a, b) = list.split_at(if self.plain { list.len() } else { list.len() / 2 });
        let list = if b.is_empty() { pack(a) } else { [pack(a), pack(b)].concat() };
        let mut epochs = Vec::new();
        epochs.extend_from_slice(&epoch.to_be_bytes());
        epochs.extend_from_slice(&0u16.to_be_bytes());
        epochs.extend_from_slice(&epoch_key);
        let state_bytes = b"producers";
        let mut sealed = (epochs.len() as u32).to_be_bytes().to_vec();
        sealed.extend_from_slice(&epochs);
        sealed.extend_from_slice(&(state_bytes.len() as u32).to_be_bytes());
        sealed.extend_from_slice(state_bytes);
        sealed.extend_from_slice(&list);
        let mut out = Vec::new();
        out.extend_from_slice(&1u16.to_be_bytes());
        out.extend_from_slice(&self.codec.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&(events.len() as u32).to_be_bytes());
        out.extend_from_slice(&[0; 16]);
        out.extend_from_slice(&(sealed.len() as u32).to_be_bytes());
        out.extend_from_slice(&(list_bytes as u32).to_be_bytes());
        out.extend_from_slice(&(origin.len() as u16).to_be_bytes());
        out.extend_from_slice(&(note.len() as u16).to_be_bytes());
        out.extend_from_slice(&root(&state.leaves));
        out.extend_from_slice(origin.as_bytes());
        out.extend_from_slice(note.as_bytes());
        out.resize(out.len().next_multiple_of(8), 0);
        out.extend_from_slice(&times);
        out.extend_from_slice(&digests.concat());
        out.extend(std::iter::repeat_n(7, 16 * events.len()));
        out.extend_from_slice(&sealed);
        let length = out.len() as u32;
        out[4..8].copy_from_slice(&length.to_be_bytes());
        out
    }

    /// Writes the next head slot.
    pub(crate) fn head(&mut self, clean: bool) {
        let mut slot = b"CFHEAD\0\x01".to_vec();
        slot.extend_from_slice(&self.head_counter.to_be_bytes());
        slot.extend_from_slice(&ID);
        slot.extend_from_slice(&(self.logs.len() as u32).to_be_bytes());
        slot.extend_from_slice(&u32::from(clean).to_be_bytes());
        slot.extend_from_slice(&[0; 8]);
        for log in 0..self.logs.len() {
            let (origin, note) = (&self.logs[log].origin, self.note(log));
            slot.extend_from_slice(&(origin.len() as u16).to_be_bytes());
            slot.extend_from_slice(origin.as_bytes());
            slot.extend_from_slice(&(note.len() as u16).to_be_bytes());
            slot.extend_from_slice(note.as_bytes());
        }
        let length = slot.len() as u32 + 4;
        slot[40..44].copy_from_slice(&length.to_be_bytes());
        slot.extend_from_slice(&crc32c::crc32c(&slot).to_be_bytes());
        let at = (self.head_counter as usize % 2) << 20;
        let head = self.files.0.get_mut("head").unwrap();
        head[at..at + (1 << 20)].fill(0);
        head[at..at + slot.len()].copy_from_slice(&slot);
        self.head_counter += 1;
    }

    /// Closes cleanly: both slots hold, the newest says so.
    pub(crate) fn close(&mut self) {
        self.head(false);
        self.head(true);
    }
}

/// The policy that knows these keys of logs.
pub(crate) fn policy_of<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let lines: String = keys.map(|key| format!("log {key}\n")).collect();
    lines + "quorum none\n"
}

/// One zstd frame (RFC 8878 §3.1.1) of blocks as they are: bytes and size known, no checksum.
fn plain_zstd(list: &[u8]) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    out.extend_from_slice(&(list.len() as u32).to_le_bytes());
    let blocks = list.chunks(128 << 10);
    let last = blocks.len() - 1;
    for (number, block) in blocks.enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(number == last);
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(block);
    }
    out
}

/// Puts both CRCs right; gives the trailer's.
pub(crate) fn seal_frame(frame: &mut [u8]) -> u32 {
    let crc = crc32c::crc32c(&frame[..60]);
    frame[60..64].copy_from_slice(&crc.to_be_bytes());
    let end = frame.len() - 4;
    let crc = crc32c::crc32c(&frame[..end]);
    frame[end..].copy_from_slice(&crc.to_be_bytes());
    crc
}

fn store_event(
    origin: &str,
    epoch: u32,
    epoch_key: &Hash,
    counter: u64,
    fields: &[Stored],
) -> (Hash, Vec<u8>) {
    let mut mac = Hmac::<Sha256>::new_from_slice(epoch_key).unwrap();
    mac.update(b"counterfoil/event-key/v1\0");
    mac.update(&counter.to_be_bytes());
    let cipher = Aes256Enc::new(&mac.finalize().into_bytes());
    let mut bytes = epoch.to_be_bytes().to_vec();
    bytes.extend_from_slice(&counter.to_be_bytes());
    bytes.extend_from_slice(&(fields.len() as u16).to_be_bytes());
    let mut digests = Vec::new();
    for (rank, (path, form, text)) in fields.iter().enumerate() {
        let mut block = (rank as u128).to_be_bytes().into();
        cipher.encrypt_block(&mut block);
        let salt: [u8; 16] = if *form == 0 { block.into() } else { [*form; 16] };
        let c = commitment(&salt, text);
        digests.push(field_digest(&c, path));
        let stored = match form {
            0 => text.as_bytes().to_vec(),
            2 => c.to_vec(),
            _ => [&salt[..], text.as_bytes()].concat(),
        };
        bytes.extend_from_slice(&(path.len() as u16).to_be_bytes());
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(*form);
        bytes.extend_from_slice(&(stored.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&stored);
    }
    (event_digest(origin, digests), bytes)
}

/// An event of some fields, told apart by `n`.
pub(crate) fn event(n: usize) -> Vec<Stored> {
    let fields = [
        ("[\"action\"]", "\"invoice.delete\"".to_owned()),
        ("[\"attributes\",\"list\",0]", n.to_string()),
        ("[\"attributes\",\"list\",1]", "{}".to_owned()),
        ("[\"id\"]", format!("\"id-{n}\"")),
        ("[\"recorded\",\"policy\"]", "\"p\"".to_owned()),
    ];
    fields.map(|(path, text)| (path.to_owned(), if n % 3 == 1 { 3 } else { 0 }, text)).to_vec()
}

pub(crate) fn events(from: usize, count: usize) -> Vec<Vec<Stored>> {
    (from..from + count).map(event).collect()
}
