//! Keys that nobody but their thief put in place: whoever has a secret, the folders and the format
//! claims that another key took over, or that none did. The log itself contradicts.

use std::sync::Arc;
use std::time::Duration;

use admit::{Admitted, Identity, Peer, Policy, Speaks, admit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use capture::Record;
use commit::{KeyOrder, Log};
use ed25519_dalek::{Signer, SigningKey};
use event::{Value, format_time};
use platform::Disk;
use platform::sim::Crash;
use sha2::{Digest, Sha256};

use crate::world::{Outside, START, events, log_of};

const ORIGIN: &str = "audit.example.com/tlog/acme-0";
const SECRETS: &str = "keys/acme-0.key";
const HISTORY: &str = "data/logs/acme-0/keys.json";
const SLOT: usize = 1 << 20;
/// Until when the thief says that both keys sign.
const UNTIL: i64 = START + 1;

/// A key in the thief's hand.
struct Secret(SigningKey);

impl Secret {
    fn of_line(line: &str) -> Secret {
        let seed = BASE64.decode(line.trim_end().splitn(5, '+').nth(4).unwrap()).unwrap();
        Secret(SigningKey::from_bytes(&seed[1..].try_into().unwrap()))
    }

    fn public(&self) -> Vec<u8> {
        [&[1], self.0.verifying_key().as_bytes().as_slice()].concat()
    }

    fn id(&self) -> Vec<u8> {
        let text = [ORIGIN.as_bytes(), b"\n", &self.public()].concat();
        Sha256::digest(text)[..4].to_vec()
    }

    fn vkey(&self) -> String {
        format!("{ORIGIN}+{}+{}", commit::hex(&self.id()), BASE64.encode(self.public()))
    }

    fn line(&self) -> String {
        let seed = [&[1], self.0.as_bytes().as_slice()].concat();
        format!("PRIVATE+KEY+{ORIGIN}+{}+{}\n", commit::hex(&self.id()), BASE64.encode(seed))
    }
}

/// A checkpoint, signed anew by these keys and no other.
fn resigned(note: &str, keys: &[&Secret]) -> String {
    let body = format!("{}\n", note.split_once("\n\n").unwrap().0);
    let line = |key: &&Secret| {
        let signature = [key.id(), key.0.sign(body.as_bytes()).to_bytes().to_vec()].concat();
        format!("— {ORIGIN} {}\n", BASE64.encode(signature))
    };
    format!("{body}\n{}", keys.iter().map(line).collect::<String>())
}

fn read(outside: &Outside, name: &str) -> Vec<u8> {
    let disk: &dyn Disk = &outside.disk;
    disk.read_small(name, 4 << 20).unwrap()
}

fn write(outside: &Outside, name: &str, bytes: &[u8]) {
    let disk: &dyn Disk = &outside.disk;
    disk.replace_small(name, bytes).unwrap();
}

/// Has the log's checkpoints in both slots of the head signed by these keys.
fn resign_head(outside: &Outside, keys: &[&Secret]) {
    let mut head = read(outside, "data/head");
    for slot in head.chunks_mut(SLOT) {
        let count = u32::from_be_bytes(slot[32..36].try_into().unwrap());
        let (mut at, mut out) = (48, slot[..48].to_vec());
        let text = |at: &mut usize| {
            let bytes = usize::from(u16::from_be_bytes(slot[*at..*at + 2].try_into().unwrap()));
            *at += 2 + bytes;
            String::from_utf8(slot[*at - bytes..*at].to_vec()).unwrap()
        };
        for _ in 0..count {
            let (origin, mut note) = (text(&mut at), text(&mut at));
            if origin == ORIGIN {
                note = resigned(&note, keys);
            }
            for text in [origin, note] {
                out.extend_from_slice(&(text.len() as u16).to_be_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
        let length = out.len() as u32 + 4;
        out[40..44].copy_from_slice(&length.to_be_bytes());
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        slot.fill(0);
        slot[..out.len()].copy_from_slice(&out);
    }
    write(outside, "data/head", &head);
}

/// What a sender says, who would like to be taken for the log.
fn claim(old: &Secret, new: &Secret) -> Admitted {
    let json = format!(
        r#"{{"id":"claim","action":"key.rotate","actor":{{"type":"service","id":"counterfoil"}},
            "service":{{"name":"billing"}},"occurred_at":"2026-01-02T03:04:05Z",
            "attributes":{{"vkey":"{}","old_vkey":"sha256:{}","together_until":"{}"}}}}"#,
        new.vkey(),
        commit::hex(&Sha256::digest(old.vkey())),
        format_time(UNTIL),
    );
    let Ok(Value::Object(event)) = event::json::read(json.as_bytes()) else { panic!("{json}") };
    let peer = Peer {
        identity: Identity { kind: "token", id: "counterfoil".into() },
        tenant: "acme".to_owned(),
        speaks: Speaks::For(vec!["billing".into()]),
    };
    let record = Record { event, secrets: Vec::new() };
    admit(record, &peer, &Policy::default(), || "given".into()).expect("the event conforms")
}

fn refusal(outside: &Outside) -> String {
    outside.start().map(drop).unwrap_err().to_string()
}

#[test]
fn a_stolen_key_hands_over_to_none_that_the_log_does_not_name() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let real = Secret::of_line(&String::from_utf8(read(&outside, SECRETS)).unwrap());
    let mine = Secret(SigningKey::from_bytes(&[7; 32]));
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    outside.write(&mut stepped, "acme", vec![claim(&real, &mine)]).unwrap();
    let log: Arc<Log> = log_of(&stepped, "acme");
    let (claimed, note) = (log.checkpoint().size - 1, log.checkpoint().note.clone());
    let time = |seq| format_time(log.published().tree.recorded_at(seq).unwrap());
    let opened_at = log.meta.opened_at.clone();
    stepped.close().unwrap();
    let both = [&real, &mine];
    resign_head(&outside, &both);
    let handover = resigned(&note, &both).replace('\n', "\\n");
    for (seq, secrets) in [
        (1, mine.line()),
        (1, real.line() + &mine.line()),
        (claimed, mine.line()),
        (claimed, real.line() + &mine.line()),
    ] {
        let history = format!(
            "{{\"format\":\"counterfoil.keys/v1\",\"keys\":[{{\"vkey\":\"{}\",\"from\":\"{opened_at}\"}},\
             {{\"vkey\":\"{}\",\"from\":\"{}\",\"event\":{seq},\"together_until\":\"{}\",\
             \"handover\":\"{handover}\"}}]}}\n",
            real.vkey(),
            mine.vkey(),
            time(seq),
            format_time(UNTIL),
        );
        write(&outside, HISTORY, history.as_bytes());
        write(&outside, SECRETS, secrets.as_bytes());
        let what = format!(
            "the data folder is damaged: logs/acme-0/keys.json, byte 0: entry {seq} does not say \
             that this key took over"
        );
        assert_eq!(refusal(&outside), what);
    }
}

/// A folder in which the key was changed once and signed since; and its files of keys before.
fn changed(days: u64, crash: bool) -> (Outside, Vec<u8>) {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    let before = read(&outside, SECRETS);
    let together = Duration::from_secs(days * 86_400);
    let order = KeyOrder { why: "a year is over".into(), by: None, together };
    stepped.rotate_key("acme-0", &order).unwrap();
    if crash {
        drop(stepped);
        outside.crash(Crash::Killed);
        return (outside, before);
    }
    outside.write(&mut stepped, "acme", events("acme", "b", 3)).unwrap();
    stepped.close().unwrap();
    (outside, before)
}

#[test]
fn a_rotation_cannot_be_undone_with_the_files_of_before() {
    for (days, crash) in [(30, false), (0, false), (30, true), (0, true)] {
        let (outside, before) = changed(days, crash);
        let good = [SECRETS, HISTORY].map(|name| read(&outside, name));
        let disk: &dyn Disk = &outside.disk;
        disk.remove(HISTORY).unwrap();
        write(&outside, SECRETS, &before);
        let why = refusal(&outside);
        let start = "the key file acme-0.key has not all that signed this log: its checkpoint of";
        assert!(why.starts_with(start), "{days}, {crash}: {why}");
        assert!(
            why.ends_with("neither it nor logs/acme-0/keys.json has; put back both as they were")
        );
        // Nor if the thief of the old key has it sign alone what the head has.
        let old = Secret::of_line(&String::from_utf8(before).unwrap());
        let head = read(&outside, "data/head");
        if !crash {
            resign_head(&outside, &[&old]);
            let why = refusal(&outside);
            assert!(why.starts_with(start) && why.contains("journal/"), "{days}: {why}");
        }
        write(&outside, "data/head", &head);
        write(&outside, SECRETS, &good[0]);
        write(&outside, HISTORY, &good[1]);
        outside.start().map(drop).unwrap();
    }
}
