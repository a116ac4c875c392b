//! Keys: one takes over from another, and nothing that was signed is lost or believed too long.

use std::sync::Arc;
use std::time::Duration;

use commit::{KeyError, KeyOrder, Log, Order, Stepped};
use platform::Disk;
use platform::sim::{Crash, Fault};

use crate::witness::Witness;
use crate::world::{Outside, events, log_of, submit};

const DAY: u64 = 86_400;
const SECRETS: &str = "keys/acme-0.key";
const HISTORY: &str = "data/logs/acme-0/keys.json";

fn order(days: u64) -> KeyOrder {
    let together = Duration::from_secs(days * DAY);
    KeyOrder { why: "a year is over".into(), by: Some("ops".into()), together }
}

fn text(log: &Arc<Log>, seq: u64, path: &str) -> String {
    let (fields, _) = log.read_checked(seq).unwrap();
    fields.string(path).unwrap_or_default()
}

fn newest(log: &Arc<Log>, path: &str) -> String {
    text(log, log.checkpoint().size - 1, path)
}

fn read(outside: &Outside, name: &str) -> Option<String> {
    let disk: &dyn Disk = &outside.disk;
    Some(String::from_utf8(disk.read_small(name, 1 << 20).ok()?).unwrap())
}

fn write(outside: &Outside, name: &str, text: &str) {
    let disk: &dyn Disk = &outside.disk;
    disk.replace_small(name, text.as_bytes()).unwrap();
}

/// The keys that signed the newest checkpoint, as places among all that the log had.
fn signers(log: &Arc<Log>) -> Vec<usize> {
    let periods = log.key_periods();
    let place = |vkey: &String| periods.iter().position(|period| period.vkey == *vkey).unwrap();
    log.signers(&log.checkpoint()).iter().map(place).collect()
}

/// A folder with a log of some entries.
fn before() -> (Outside, Stepped) {
    let mut outside = Outside::new(1, &["acme", "beta"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    outside.disk.take_steps();
    (outside, stepped)
}

/// The process ends in some way, and another one starts.
fn again(outside: &mut Outside, stepped: Stepped, how: Option<Crash>) -> Stepped {
    match how {
        None => stepped.close().unwrap(),
        Some(how) => {
            drop(stepped);
            outside.crash(how);
        }
    }
    outside.open().unwrap()
}

#[test]
fn a_key_has_a_life() {
    let (mut outside, mut stepped) = before();
    let first = log_of(&stepped, "acme").vkey();
    assert_eq!(read(&outside, HISTORY), None, "a log of one key has no history");
    let mut round = 0;
    for how in [None, Some(Crash::Killed), Some(Crash::PowerLossBare), None] {
        round += 1;
        let log = log_of(&stepped, "acme");
        let turn = stepped.rotate_key("acme-0", &order(30)).unwrap();
        assert_eq!((&turn.new, turn.event), (&log.vkey(), log.checkpoint().size - 1));
        assert_eq!(newest(&log, r#"["action"]"#), "key.rotate");
        assert_eq!(newest(&log, r#"["attributes","vkey"]"#), turn.new);
        assert!(newest(&log, r#"["attributes","old_vkey"]"#).starts_with("sha256:"));
        assert_eq!(newest(&log, r#"["attributes","together_until"]"#), turn.together_until);
        assert_eq!(newest(&log, r#"["reason","text"]"#), "a year is over");
        assert_eq!(newest(&log, r#"["actor","on_behalf_of",0,"id"]"#), "ops");
        assert_eq!(signers(&log), [round - 1, round], "the frame of the event has both");
        outside.write(&mut stepped, "acme", events("acme", &format!("b{round}"), 2)).unwrap();
        stepped = again(&mut outside, stepped, how);
        let log = log_of(&stepped, "acme");
        assert_eq!((signers(&log), log.vkey()), (vec![round - 1, round], turn.new.clone()));
        outside.pass(30 * DAY - 10);
        assert!(stepped.tick().is_empty());
        let refused = stepped.rotate_key("acme-0", &order(30)).unwrap_err();
        assert!(matches!(refused, KeyError::Together { .. }), "{refused}");
        assert!(refused.to_string().contains(&turn.together_until), "{refused}");
        stepped = again(&mut outside, stepped, how);
        assert_eq!(read(&outside, SECRETS).unwrap().lines().count(), 2);
        outside.pass(10);
        assert!(stepped.tick().is_empty());
        stepped.drain().unwrap();
        let log = log_of(&stepped, "acme");
        assert_eq!(read(&outside, SECRETS).unwrap().lines().count(), 1);
        outside.write(&mut stepped, "acme", events("acme", &format!("c{round}"), 1)).unwrap();
        assert_eq!(signers(&log), [round]);
        let of_key = |seq: &u64| text(&log, *seq, r#"["action"]"#) == "key.retire";
        assert_eq!((0..log.checkpoint().size).filter(of_key).count(), round);
        stepped = again(&mut outside, stepped, how);
        assert_eq!(signers(&log_of(&stepped, "acme")), [round]);
    }
    let log = log_of(&stepped, "acme");
    let periods = log.key_periods();
    assert_eq!((periods.len(), &periods[0].vkey, periods[0].signs), (5, &first, false));
    assert_eq!((&periods[4].vkey, periods[4].signs, &periods[4].until), (&log.vkey(), true, &None));
    assert!(periods.is_sorted_by_key(|period| &period.from));
    let other = log_of(&stepped, "beta");
    assert_eq!(other.key_periods().len(), 1, "each log has keys of its own");
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
    for period in &periods {
        let verdict = Witness::verdict_by(&outside.disk, &[&period.vkey, &other.vkey()]);
        assert!(verdict.is_verified(), "one key leads to the others: {verdict:#?}");
    }
}

#[test]
fn no_overlap_leaves_the_new_key_alone_at_once() {
    let (mut outside, mut stepped) = before();
    let turn = stepped.rotate_key("acme-0", &order(0)).unwrap();
    let log = log_of(&stepped, "acme");
    assert_eq!(newest(&log, r#"["action"]"#), "key.retire");
    let secrets = read(&outside, SECRETS).unwrap();
    assert_eq!(secrets.lines().count(), 1);
    outside.write(&mut stepped, "acme", events("acme", "b", 1)).unwrap();
    assert_eq!((log.signers(&log.checkpoint()), signers(&log)), (vec![turn.new], vec![1]));
    stepped.rotate_key("acme-0", &order(0)).unwrap();
    stepped = again(&mut outside, stepped, Some(Crash::Killed));
    assert_eq!(signers(&log_of(&stepped, "acme")), [2]);
    let long = stepped.rotate_key("acme-0", &order(367)).unwrap_err().to_string();
    assert_eq!(long, "two keys sign together for at most 366 days");
    let absent = stepped.rotate_key("nobody", &order(1)).unwrap_err().to_string();
    assert_eq!(absent, "there is no log nobody");
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
}

#[test]
fn a_log_that_is_closed_meanwhile_signs_nothing_more() {
    for how in [None, Some(Crash::Killed)] {
        let (mut outside, mut stepped) = before();
        stepped.rotate_key("acme-0", &order(30)).unwrap();
        let next = stepped.rotate("acme-0", &Order { why: "full".into(), by: None }).unwrap();
        assert_eq!((next.key_periods().len(), signers(&next)), (1, vec![0]));
        let refused = stepped.rotate_key("acme-0", &order(1)).unwrap_err().to_string();
        let why = "the log acme-0 is closed, and no key of it signs anything new; acme-1 is open";
        assert_eq!(refused, why);
        stepped = again(&mut outside, stepped, how);
        outside.pass(30 * DAY);
        assert!(stepped.tick().is_empty());
        let closed = stepped.logs()["acme-0"].clone();
        assert_eq!(newest(&closed, r#"["action"]"#), "log.close");
        assert_eq!(read(&outside, SECRETS).unwrap().lines().count(), 1);
        stepped.rotate_key("acme-1", &order(1)).unwrap();
        stepped = again(&mut outside, stepped, how);
        assert_eq!(signers(&stepped.logs()["acme-0"]), [1]);
        assert_eq!(signers(&stepped.logs()["acme-1"]), [0, 1]);
        stepped.close().unwrap();
        outside.witness.judge_folder(&outside.disk);
    }
}

#[test]
fn a_full_disk_leaves_the_key_as_it_was() {
    for room in [0, 512, 4_096, 8_192] {
        let mut outside = Outside::new(1, &["acme"]);
        outside.settings.file_bytes = 16 << 10;
        let mut stepped = outside.open().unwrap();
        // The file is full with these: the event would need the next one.
        for id in ["a", "b"] {
            outside.write(&mut stepped, "acme", events("acme", id, 1)).unwrap();
        }
        outside.disk.fill_at(outside.disk.used() + room);
        let refused = stepped.rotate_key("acme-0", &order(1));
        assert!(matches!(refused, Err(KeyError::NoRoom)), "{room}: {refused:?}");
        outside.disk.fill_at(u64::MAX);
        assert_eq!(signers(&log_of(&stepped, "acme")), [0]);
        stepped = again(&mut outside, stepped, Some(Crash::Killed));
        assert_eq!(signers(&log_of(&stepped, "acme")), [0]);
        assert_eq!(read(&outside, SECRETS).unwrap().lines().count(), 1, "{room}");
        stepped.rotate_key("acme-0", &order(1)).unwrap();
        assert_eq!(signers(&log_of(&stepped, "acme")), [0, 1]);
        stepped.close().unwrap();
        outside.witness.judge_folder(&outside.disk);
    }
}

/// A folder in which the key was changed once; both sign, or the new one alone.
fn changed(days: u64) -> Outside {
    let (mut outside, mut stepped) = before();
    outside.pass(60);
    stepped.rotate_key("acme-0", &order(days)).unwrap();
    outside.write(&mut stepped, "acme", events("acme", "b", 3)).unwrap();
    stepped.close().unwrap();
    outside
}

fn refusal(outside: &Outside) -> String {
    outside.start().map(drop).unwrap_err().to_string()
}

#[test]
fn a_key_file_that_is_not_the_newest_keys_is_refused() {
    let (both, alone) = (changed(30), changed(0));
    let secrets = read(&both, SECRETS).unwrap();
    let (old, new) = secrets.trim_end().split_once('\n').unwrap();
    let other = read(&both, "keys/beta-0.key").unwrap();
    let order = "holds two keys that are not the log's newest and the one before, old first";
    for (text, what) in [
        (format!("{new}\n{old}\n"), order),
        (format!("{old}\n{other}"), "is the key of another log"),
        (format!("{old}\n{old}\n"), "holds one key twice"),
        (format!("{old}\n{new}\n{new}\n"), "holds more than two keys"),
        (format!("{old}\n"), "holds a key that another one took over from"),
        (String::new(), "is no key file"),
        (format!("{old}\n\n{new}\n"), "is no key file"),
        (other, "is the key of another log"),
    ] {
        write(&both, SECRETS, &text);
        assert_eq!(refusal(&both), format!("the key file acme-0.key {what}"), "{text}");
    }
    write(&both, SECRETS, &secrets);
    both.start().unwrap();
    // Of other folders' logs with the same name.
    let foreign = secrets.lines().next().unwrap();
    let own = read(&alone, SECRETS).unwrap();
    write(&alone, SECRETS, &format!("{foreign}\n"));
    assert!(refusal(&alone).contains("holds a key that another one took over from"));
    let stranger = read(&changed_by(9), SECRETS).unwrap();
    write(&alone, SECRETS, &stranger);
    assert!(refusal(&alone).contains("holds a key that is not in the log's keys.json"));
    write(&alone, SECRETS, &own);
    alone.start().unwrap();
}

/// As [`changed`], in a world with other keys.
fn changed_by(seed: u64) -> Outside {
    let mut outside = Outside::new(seed, &["acme"]);
    let mut stepped = outside.open().unwrap();
    stepped.rotate_key("acme-0", &order(0)).unwrap();
    stepped.close().unwrap();
    outside
}

#[test]
fn a_history_that_does_not_chain_is_refused() {
    for days in [0, 30] {
        let outside = changed(days);
        let (good, other) = (read(&outside, HISTORY).unwrap(), changed_by(9));
        let stranger = read(&other, HISTORY).unwrap();
        let part = |text: &str, name: &str| {
            let from = text.rfind(&format!("\"{name}\":")).unwrap() + name.len() + 3;
            let end = text[from..].find([',', '}']).unwrap();
            text[from..from + end].to_owned()
        };
        let [vkey, note, from, event, until] =
            ["vkey", "handover", "from", "event", "together_until"].map(|name| part(&good, name));
        let cases = [
            (good.replace(&vkey, &part(&stranger, "vkey")), "not signed by it"),
            (good.replace(&note, &part(&stranger, "handover")), "not signed by it"),
            (
                good.replace(
                    &format!("from\":{from}"),
                    "from\":\"2026-01-02T03:04:05.000000000Z\"",
                ),
                "begin with its event",
            ),
            (
                good.replace(&format!("from\":{from}"), "from\":\"yesterday\""),
                "begin with its event",
            ),
            (good.replace(&format!(":{event},"), ":9,"), "does not cover its event"),
            (good.replace(&format!(":{event},"), ":1,"), "begin with its event"),
            (good.replace(&format!("until\":{until}"), "until\":\"soon\""), "its times are none"),
            (good.replace(",\"event\"", ", \"event\""), "not spelt as a history is"),
            (good.replace("keys/v1", "keys/v2"), "is not a history of 2 to 100 keys"),
            (good[..good.find(",{").unwrap()].to_owned() + "]}\n", "is not a history"),
            (good.replace("\"event\":4,", ""), "has no handover"),
            (good.replace("\"event\"", "\"evnt\""), "unknown field"),
            (stranger.clone(), "is not signed by the first key of keys.json"),
            (good.replacen("03:04:05", "03:04:06", 1), "does not begin when the log was opened"),
        ];
        for (text, what) in cases {
            assert_ne!(text, good, "{what}");
            write(&outside, HISTORY, &text);
            let why = refusal(&outside);
            assert!(why.contains(what) && why.contains("logs/acme-0/"), "{what}: {why}");
        }
        write(&outside, HISTORY, &good);
        outside.start().map(drop).unwrap();
    }
}

#[test]
fn who_has_no_secret_can_put_no_key_into_the_history() {
    let outside = changed(0);
    let good = read(&outside, HISTORY).unwrap();
    let (head, tail) = good.rsplit_once("]}").unwrap();
    let own = good[good.find(",{").unwrap() + 1..].strip_suffix("]}\n").unwrap();
    let stranger = read(&changed_by(9), HISTORY).unwrap();
    let vkey =
        |text: &str| text[text.rfind("\"vkey\"").unwrap()..].split('"').nth(3).unwrap().to_owned();
    // The stranger's key behind the newest one, with the handover of that one.
    let added = own.replace(&vkey(own), &vkey(&stranger));
    write(&outside, HISTORY, &format!("{head},{added}]}}{tail}"));
    let why = refusal(&outside);
    assert!(why.contains("key 3: its handover is not signed by it"), "{why}");
    // Nor can the newest key be taken out, or the history go.
    let disk: &dyn Disk = &outside.disk;
    disk.remove(HISTORY).unwrap();
    let why = refusal(&outside);
    assert!(why.contains("logs/acme-0/birth") && why.contains("keys.json"), "{why}");
}

#[test]
fn a_history_that_was_lost_in_the_overlap_is_made_again() {
    let mut outside = changed(30);
    let good = read(&outside, HISTORY).unwrap();
    let disk: &dyn Disk = &outside.disk;
    disk.remove(HISTORY).unwrap();
    let stepped = outside.open().unwrap();
    let log = log_of(&stepped, "acme");
    assert_eq!(signers(&log), [0, 1]);
    let periods = log.key_periods();
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
    let made = read(&outside, HISTORY).unwrap();
    let start = |text: &str| text[..text.find("handover").unwrap()].to_owned();
    assert_eq!(start(&made), start(&good));
    write(&outside, HISTORY, &made.replace("2026-02-01", "2026-02-02"));
    assert!(refusal(&outside).contains("the overlap is not what its event says"));
    assert_eq!(periods.len(), 2);
}

/// What stands before.
type Begin = fn() -> (Outside, Stepped);
/// What is done while a step fails.
type Act = fn(&mut Outside, &mut Stepped) -> bool;

fn rotate(_: &mut Outside, stepped: &mut Stepped) -> bool {
    stepped.rotate_key("acme-0", &order(30)).is_ok()
}

fn replace_at_once(_: &mut Outside, stepped: &mut Stepped) -> bool {
    stepped.rotate_key("acme-0", &order(0)).is_ok()
}

fn end(_: &mut Outside, stepped: &mut Stepped) -> bool {
    stepped.tick().is_empty()
}

/// A folder whose overlap ends with the next tick.
fn due() -> (Outside, Stepped) {
    let (mut outside, mut stepped) = before();
    stepped.rotate_key("acme-0", &order(30)).unwrap();
    outside.write(&mut stepped, "acme", events("acme", "b", 3)).unwrap();
    outside.pass(31 * DAY);
    outside.disk.take_steps();
    (outside, stepped)
}

#[test]
fn every_step_recovers_to_one_side() {
    let acts: [(Begin, Act, &str); 3] =
        [(before, rotate, "rotate"), (before, replace_at_once, "at once"), (due, end, "end")];
    for (begin, act, name) in acts {
        let (mut outside, mut stepped) = begin();
        assert!(act(&mut outside, &mut stepped));
        let steps = outside.disk.take_steps();
        assert!(steps.iter().any(|step| step.ends_with("rename keys/acme-0.key")), "{steps:?}");
        assert!(steps.iter().any(|step| step.starts_with("sync data/journal/")), "{steps:?}");
        for (at, step) in steps.iter().enumerate() {
            for (fault, how) in [
                (Fault::Error, Crash::Killed),
                (Fault::Error, Crash::PowerLossBare),
                (Fault::DieBefore, Crash::PowerLossBare),
                (Fault::DieAfter, Crash::Killed),
                (Fault::DieAfter, Crash::PowerLossBare),
            ] {
                let what = format!("{name}: {step}, {fault:?}, {how:?}");
                one_step(begin, act, at as u64, fault, how, &what);
            }
        }
    }
}

fn one_step(begin: Begin, act: Act, at: u64, fault: Fault, how: Crash, what: &str) {
    let (mut outside, mut stepped) = begin();
    let signed_before = signers(&log_of(&stepped, "acme"));
    outside.disk.plan("", at, fault);
    let waiting = submit(&mut stepped, "acme", events("acme", "waits", 2));
    let done = act(&mut outside, &mut stepped);
    let _ = stepped.drain();
    outside.witness.hear(&waiting, &waiting.answer());
    let given = log_of(&stepped, "acme").checkpoint();
    drop(stepped);
    outside.crash(how);
    let mut stepped = outside.open().unwrap_or_else(|error| panic!("{what}: {error}"));
    let log = log_of(&stepped, "acme");
    if done {
        assert_eq!(log.key_periods().len(), 2, "{what}: what was answered holds");
    }
    // Whoever heard of a checkpoint finds one of its keys in the log's history.
    assert!(!log.signers(&given).is_empty(), "{what}");
    assert!(signers(&log).len() <= 2 && signers(&log) >= signed_before, "{what}");
    // What was sent goes through, and then there is one more change, whatever became of this one.
    outside.write(&mut stepped, "acme", waiting.sent).unwrap();
    outside.pass(31 * DAY);
    assert!(stepped.tick().is_empty(), "{what}");
    stepped.drain().unwrap();
    assert_eq!(read(&outside, SECRETS).unwrap().lines().count(), 1, "{what}");
    let keys = log.key_periods().len();
    stepped.rotate_key("acme-0", &order(1)).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(signers(&log), [keys - 1, keys], "{what}");
    let all = 0..log.checkpoint().size;
    let said = |action: &str| {
        all.clone().filter(|seq| text(&log, *seq, r#"["action"]"#) == action).count()
    };
    assert_eq!((said("key.rotate"), said("key.retire")), (keys, keys - 1), "{what}");
    outside.write(&mut stepped, "acme", events("acme", "last", 1)).unwrap();
    stepped.close().unwrap();
    outside.witness.judge_folder(&outside.disk);
    outside.open().unwrap_or_else(|error| panic!("{what}: {error}"));
}
