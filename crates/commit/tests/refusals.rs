//! Who is refused finds both folders byte for byte as they were, whatever is wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use commit::{KeyOrder, LogSpec, OnDamage, Purpose, check_new};
use platform::Disk;
use platform::sim::{Crash, SimDisk};

use crate::world::{Outside, events};

/// What spoils a folder, and what its refusal says.
type Spoil = (fn(&mut Outside), &'static str);

fn all(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let read = |name: &str| (disk as &dyn Disk).read_small(name, 4 << 20).unwrap();
    disk.files().into_iter().map(|(name, _)| (name.clone(), read(&name))).collect()
}

fn read(outside: &Outside, name: &str) -> String {
    String::from_utf8_lossy(&all(&outside.disk)[name]).into_owned()
}

fn write(outside: &Outside, name: &str, text: &str) {
    (&outside.disk as &dyn Disk).replace_small(name, text.as_bytes()).unwrap();
}

fn change(outside: &Outside, name: &str, from: &str, to: &str) {
    let text = read(outside, name);
    assert!(text.contains(from), "{name}: {text}");
    write(outside, name, &text.replace(from, to));
}

fn flip(outside: &Outside, name: &str, offset: u64) {
    outside.disk.rot(name, offset, 1).unwrap();
}

fn spec(name: &str, tenant: &str) -> LogSpec {
    let (name, tenant) = (name.to_owned(), tenant.to_owned());
    LogSpec { name, tenant, public: false, purpose: Purpose::Events }
}

/// Breaks a frame that others follow.
fn break_journal(outside: &mut Outside) {
    let files = outside.disk.files();
    let (journal, _) = files.iter().find(|(name, _)| name.starts_with("data/journal/")).unwrap();
    flip(outside, journal, 2 * 4096 + 100);
}

/// A folder of two logs, of which one has had two keys, and one of them a second secret that it
/// never used; ended in order or not.
fn folder(closes: bool) -> Outside {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    outside.settings.file_bytes = 32 << 10;
    let mut stepped = outside.open().unwrap();
    for n in 0..3 {
        outside.write(&mut stepped, "acme", events("acme", &n.to_string(), 5)).unwrap();
        outside.write(&mut stepped, "beta", events("beta", &n.to_string(), 5)).unwrap();
    }
    let order = KeyOrder { why: "a year is over".into(), by: None, together: Duration::ZERO };
    stepped.rotate_key("acme-0", &order).unwrap();
    outside.write(&mut stepped, "acme", events("acme", "last", 5)).unwrap();
    if closes {
        stepped.close().unwrap();
    }
    outside.crash(Crash::Killed);
    let mut other = Outside::new(9, &["beta"]);
    other.open().unwrap();
    let second = read(&other, "keys/beta-0.key");
    let own = read(&outside, "keys/beta-0.key");
    write(&outside, "keys/beta-0.key", &(own + &second));
    // What a process left that died over a journal file.
    write(&outside, "data/journal/00000000000000aa.new", "begun");
    outside
}

const SPOILS: [Spoil; 28] = [
    (|o| o.settings.logs.push(spec("Acme", "acme")), "the log name \"Acme\""),
    (|o| o.settings.logs[0].tenant = "other".into(), "log acme-0: a log's tenant"),
    (break_journal, "a frame is broken"),
    (
        |o| {
            o.settings.logs.push(spec("more-0", "more"));
            break_journal(o);
        },
        "a frame is broken",
    ),
    (|o| write(o, "data/journal/xyz", ""), "no journal file has such a name"),
    (
        |o| {
            flip(o, "data/head", 20);
            flip(o, "data/head", (1 << 20) + 20);
        },
        "head, byte 0",
    ),
    (|o| o.disk.remove("data/head").unwrap(), "head, byte 0: is missing"),
    (|o| write(o, "data/folder.json", "{}"), "folder.json, byte 0: unreadable"),
    (|o| o.disk.remove("data/folder.json").unwrap(), "missing, though there is a journal"),
    (
        |o| {
            o.disk.remove("data/folder.json").unwrap();
            remove_all(o, "data/journal");
        },
        "missing, though there are logs",
    ),
    (
        |o| {
            o.disk.remove("data/folder.json").unwrap();
            ["data/journal", "data/logs"].iter().for_each(|folder| remove_all(o, folder));
        },
        "missing, though the head has logs",
    ),
    (|o| flip(o, "data/logs/acme-0/birth", 90), "birth, byte 0"),
    (|o| o.disk.remove("data/logs/acme-0/birth").unwrap(), "cannot use logs/acme-0/birth"),
    (|o| o.disk.remove("data/logs/acme-0/log.json").unwrap(), "though the head has its log"),
    (
        |o| {
            // With settings that agree, nothing but the log itself knows better.
            change(o, "data/logs/acme-0/log.json", "\"public\":false", "\"public\":true");
            o.settings.logs[0].public = true;
            o.settings.logs.push(spec("more-0", "more"));
        },
        "logs/acme-0/log.json, byte 0: is not what the log's first event states",
    ),
    (
        |o| {
            let follows = "Z\",\"follows\":\"audit.example.com/tlog/acme-0\"}";
            change(o, "data/logs/beta-0/log.json", "Z\"}", follows);
        },
        "the log that it follows is another tenant's",
    ),
    (|o| write(o, "keys/acme-0.key", "none"), "acme-0.key is no key file"),
    (|o| o.disk.remove("keys/acme-0.key").unwrap(), "cannot use keys/acme-0.key"),
    (
        |o| write(o, "keys/acme-0.key", &read(o, "keys/beta-0.key")),
        "acme-0.key is the key of another log",
    ),
    (
        |o| {
            // The second secret alone: it did not sign the birth.
            let own = read(o, "keys/beta-0.key");
            write(o, "keys/beta-0.key", own.split_inclusive('\n').nth(1).unwrap());
            write(o, "keys/beta-0.key.1", own.split_inclusive('\n').next().unwrap());
        },
        "the key file beta-0.key did not sign logs/beta-0/birth, nor is there a keys.json with \
         one that did: it is not the key of this log, or that file is not what it was; put the \
         right one in its place (beside it stands beta-0.key.1)",
    ),
    (|o| o.disk.remove("data/logs/acme-0/keys.json").unwrap(), "acme-0.key did not sign"),
    (
        |o| change(o, "data/logs/acme-0/keys.json", "until\":\"2026", "until\":\"2027"),
        "the overlap is not what its event says",
    ),
    (|o| write(o, "keys/id.key", "0123456789abcdef0123456789abcdef"), "id.key is not the one"),
    (|o| o.disk.remove("keys/id.key").unwrap(), "id.key is missing"),
    (|o| write(o, "data/id.check", "00\n"), "id.check, byte 0: is no mark of a key"),
    (|o| write(o, "data/id.check", &format!("{:032}\n", 7)), "id.key is not the one"),
    (
        |o| {
            o.settings.on_damage = OnDamage::NewPartition;
            write(o, "keys/acme-0.key", "none");
            break_journal(o);
        },
        "acme-0.key is no key file",
    ),
    (
        |o| {
            o.settings.on_damage = OnDamage::NewPartition;
            o.disk.remove("data/logs/acme-0/log.json").unwrap();
        },
        "though the head has its log",
    ),
];

fn remove_all(outside: &Outside, folder: &str) {
    let folder = outside.disk.folder(folder);
    folder.files().iter().for_each(|(name, _)| folder.remove(name).unwrap());
}

/// Without a backup of it: the id stands beside the keys.
#[test]
fn who_a_folder_is_can_be_written_anew_from_the_key_of_frames() {
    let outside = folder(true);
    let whole = read(&outside, "data/folder.json");
    outside.disk.remove("data/folder.json").unwrap();
    let [data, keys] = ["data", "keys"].map(|name| outside.disk.folder(name));
    assert!(check_new(&data, &keys, &outside.settings.logs).is_ok(), "it is no new one");
    let key = read(&outside, "keys/frame.key");
    let id = key.split("\"folder\":\"").nth(1).unwrap().split('"').next().unwrap();
    let text = format!("{{\"format\":\"counterfoil.folder/v1\",\"id\":\"{id}\"}}\n");
    assert_eq!(text, whole);
    write(&outside, "data/folder.json", &text);
    outside.start().unwrap();
}

#[test]
fn a_refused_start_changes_nothing() {
    for closes in [true, false] {
        for (nth, (spoil, what)) in SPOILS.into_iter().enumerate() {
            let mut outside = folder(closes);
            spoil(&mut outside);
            let before = all(&outside.disk);
            for _ in 0..2 {
                let refusal = outside.start().map(drop).expect_err(what).to_string();
                assert!(refusal.contains(what), "{closes}, {nth}, {what}: {refusal}");
                let after = all(&outside.disk);
                let names =
                    |all: &BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
                assert_eq!(names(&after), names(&before), "{closes}, {nth}, {what}");
                let changed = before.iter().find(|(name, bytes)| after[*name] != **bytes);
                assert_eq!(changed.map(|(name, _)| name), None, "{closes}, {nth}, {what}");
            }
        }
        let mut outside = folder(closes);
        outside.open().unwrap().close().unwrap();
        outside.witness.judge_folder(&outside.disk);
    }
}

#[test]
fn a_new_folder_with_a_wrong_setting_is_not_made() {
    let mut outside = Outside::new(1, &["acme", "Beta"]);
    let refusal = outside.start().map(drop).unwrap_err().to_string();
    assert!(refusal.contains("the log name \"Beta-0\""), "{refusal}");
    assert_eq!(outside.disk.files(), []);
    outside.settings.logs.pop();
    outside.open().unwrap();
}

#[test]
fn no_folder_is_begun_beside_keys_that_have_one() {
    let mut outside = folder(true);
    let whole = outside.disk.snapshot();
    let data: Vec<String> = outside.disk.folder("data").files().into_iter().map(|f| f.0).collect();
    for name in data {
        outside.disk.folder("data").remove(&name).unwrap();
    }
    let before = all(&outside.disk);
    let refusal = outside.start().map(drop).unwrap_err().to_string();
    let what = "the data folder is new, though the folder of keys has acme-0.key, the key of a log \
                that would be made in it";
    assert_eq!(refusal, what);
    assert_eq!(all(&outside.disk), before);
    let [data, keys] = ["data", "keys"].map(|name| outside.disk.folder(name));
    assert!(check_new(&data, &keys, &[spec("other-0", "other")]).is_ok());
    // The volume is there again.
    outside.disk = whole;
    outside.open().unwrap().close().unwrap();
    outside.witness.judge_folder(&outside.disk);
}

#[test]
fn a_second_secret_that_no_event_names_is_kept_and_told() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    stepped.close().unwrap();
    let mut older = Outside { disk: outside.disk.snapshot(), ..Outside::new(1, &["acme"]) };
    let own = read(&outside, "keys/acme-0.key");
    let mut stepped = outside.open().unwrap();
    let together = Duration::from_secs(86_400);
    let order = KeyOrder { why: "a year is over".into(), by: None, together };
    let new = stepped.rotate_key("acme-0", &order).unwrap().new;
    let both = read(&outside, "keys/acme-0.key");
    // The data folder of before, with the keys of now.
    write(&older, "keys/acme-0.key", &both);
    for (told, kept) in [(1, "acme-0.key.1"), (0, "acme-0.key.1")] {
        let stepped = older.open().unwrap();
        let remarks = stepped.remarks().to_vec();
        assert_eq!(remarks.len(), told, "{remarks:?}");
        assert!(remarks.iter().all(|r| r.contains(&new) && r.contains(kept)), "{remarks:?}");
        assert_eq!(read(&older, "keys/acme-0.key"), own);
        assert_eq!(own.clone() + &read(&older, "keys/acme-0.key.1"), both);
        assert!(!older.disk.files().iter().any(|(name, _)| name == "keys/acme-0.key.2"));
        stepped.close().unwrap();
        write(&older, "keys/acme-0.key", &both);
    }
}
