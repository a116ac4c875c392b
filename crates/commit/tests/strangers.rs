//! What somebody puts below `damaged/`, takes away from there, or leaves there: no log is closed,
//! made anew or shown to others because of it, and what is gone is told.

use commit::{OnDamage, Order, Stepped};
use platform::Disk;
use platform::sim::Crash;

use crate::aside::{break_it, content, folder};
use crate::world::{Outside, events, log_of};

fn names(stepped: &Stepped) -> Vec<String> {
    stepped.logs().keys().cloned().collect()
}

/// Entries that were signed and cannot be read, as all that was set aside tells it.
fn lost(stepped: &Stepped) -> u64 {
    let logs = stepped.logs();
    let of_logs = logs.values().filter_map(|log| log.damaged()).map(|it| it.unreadable());
    of_logs.sum::<u64>() + stepped.set_aside().iter().map(|part| part.lost).sum::<u64>()
}

/// Copies what stands in one folder to another.
fn copy_to(outside: &Outside, from: &str, to: &str) {
    let disk: &dyn Disk = &outside.disk;
    for (name, bytes) in content(&outside.disk, from) {
        let name = format!("{to}/{name}");
        disk.create_folder(name.rsplit_once('/').unwrap().0).unwrap();
        disk.replace_small(&name, &bytes).unwrap();
    }
}

fn take_away(outside: &Outside, folder: &str) {
    for (name, _) in outside.disk.folder(folder).files() {
        outside.disk.folder(folder).remove(&name).unwrap();
    }
}

/// A folder with one part set aside, mended: `acme-0` there, `acme-1` here.
fn once() -> Outside {
    let mut outside = folder(true);
    break_it(&outside);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "new", 3)).unwrap();
    stepped.close().unwrap();
    outside.crash(Crash::Killed);
    outside
}

/// The first frame of the living journal breaks.
fn break_again(outside: &Outside) {
    outside.disk.rot("data/journal/0000000000000001", 4096 + 700, 1).unwrap();
}

#[test]
fn a_copy_of_the_living_folder_closes_nothing() {
    let outside = folder(true);
    outside.start().unwrap().close().unwrap();
    copy_to(&outside, "data", "data/damaged/1");
    let stepped = outside.start().unwrap();
    assert_eq!(names(&stepped), ["acme-0", "beta-0"]);
    assert!(log_of(&stepped, "acme").successor().is_none());
    let told = &stepped.set_aside()[0];
    assert!(told.troubles[0].contains("a copy of the folder it stands in"), "{told:?}");
}

#[test]
fn a_folder_of_others_and_a_part_twice_are_not_used() {
    let outside = once();
    let mut other = Outside::new(9, &["acme", "west"]);
    other.open().unwrap().close().unwrap();
    for (name, bytes) in content(&other.disk, "data") {
        let name = format!("data/damaged/7/{name}");
        let disk: &dyn Disk = &outside.disk;
        disk.create_folder(name.rsplit_once('/').unwrap().0).unwrap();
        disk.replace_small(&name, &bytes).unwrap();
    }
    copy_to(&outside, "data/damaged/1", "data/damaged/4");
    let stepped = outside.start().unwrap();
    assert_eq!(names(&stepped), ["acme-0", "acme-1", "beta-0", "beta-1"]);
    let told: Vec<(u64, bool)> =
        stepped.set_aside().iter().map(|part| (part.number, part.troubles.is_empty())).collect();
    assert_eq!(told, [(1, true), (4, false), (7, false)]);
    assert_eq!(stepped.logs()["acme-0"].successor(), Some("acme-1"));
}

#[test]
fn a_log_is_not_made_anew_where_its_part_was_taken_away_or_cannot_be_read() {
    let ways: [fn(&Outside); 2] = [
        |outside| take_away(outside, "data/damaged/1"),
        |outside| outside.disk.folder("keys").remove("acme-0.key").unwrap(),
    ];
    for way in ways {
        let mut outside = once();
        way(&outside);
        let key = content(&outside.disk, "keys");
        break_again(&outside);
        for _ in 0..2 {
            let stepped = outside.start().unwrap();
            let names = names(&stepped);
            assert!(!names.contains(&"acme-0".to_owned()), "{names:?}");
            assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-2", "{names:?}");
            assert!(lost(&stepped) >= 8, "what is gone is told: {:?}", stepped.set_aside());
            let numbers: Vec<u64> = stepped.set_aside().iter().map(|part| part.number).collect();
            assert_eq!(numbers.iter().max(), Some(&2), "a number is not used twice");
            stepped.close().unwrap();
            outside.crash(Crash::Killed);
        }
        let after = content(&outside.disk, "keys");
        // The key of frames and how far the logs were signed are each folder's own: what there was
        // before gets another name.
        let is_of_folder = |name: &str| name == "frame.key" || name == "signed";
        let mut of_logs = key.iter().filter(|(name, _)| !is_of_folder(name));
        assert!(of_logs.all(|file| after.contains(file)), "no secret was moved or replaced");
    }
}

#[test]
fn a_finding_that_was_left_behind_moves_nothing() {
    let mut outside = once();
    // Mended by hand: what was set aside is put back, the new lineage is kept elsewhere.
    for name in ["journal", "logs"] {
        take_away(&outside, &format!("data/{name}"));
    }
    outside.disk.rot("data/damaged/1/journal/0000000000000001", 2 * 4096 + 700, 1).unwrap();
    for (name, bytes) in content(&outside.disk, "data/damaged/1") {
        if name != "finding.json" {
            let disk: &dyn Disk = &outside.disk;
            disk.create_folder(format!("data/{name}").rsplit_once('/').unwrap().0).unwrap();
            disk.replace_small(&format!("data/{name}"), &bytes).unwrap();
            outside.disk.remove(&format!("data/damaged/1/{name}")).unwrap();
        }
    }
    outside.settings.on_damage = OnDamage::Refuse;
    let refused = outside.start().err().unwrap().to_string();
    assert!(refused.contains("frame.key"), "the key of the other folder: {refused}");
    outside.disk.rename("keys/frame.key.1", "keys/frame.key").unwrap();
    let refused = outside.start().err().unwrap().to_string();
    assert!(refused.contains("the file signed in"), "what it says of the other: {refused}");
    outside.disk.rename("keys/signed.1", "keys/signed").unwrap();
    let stepped = outside.start().unwrap();
    assert_eq!(names(&stepped), ["acme-0", "beta-0"]);
    assert!(log_of(&stepped, "acme").successor().is_none() && lost(&stepped) == 0);
    let told = &stepped.set_aside()[0].troubles;
    assert!(told[0].contains("there is no data folder here"), "{told:?}");
    stepped.close().unwrap();
    // The next damage takes the number, for nothing stands there.
    outside.settings.on_damage = OnDamage::NewPartition;
    outside.crash(Crash::Killed);
    break_it(&outside);
    let stepped = outside.start().unwrap();
    let numbers: Vec<u64> = stepped.set_aside().iter().map(|part| part.number).collect();
    assert_eq!(numbers, [1]);
}

#[test]
fn a_log_whose_file_gives_it_to_others_is_not_shown() {
    let outside = once();
    let disk = outside.disk.folder("data/damaged/1");
    let disk: &dyn Disk = &disk;
    let file = "logs/beta-0/log.json";
    let text = String::from_utf8(disk.read_small(file, 9_999).unwrap()).unwrap();
    let given = text.replace("\"tenant\":\"beta\"", "\"tenant\":\"acme\"");
    assert_ne!(given, text);
    disk.replace_small(file, given.as_bytes()).unwrap();
    let stepped = outside.start().unwrap();
    assert!(!names(&stepped).contains(&"beta-0".to_owned()));
    let part = &stepped.set_aside()[0];
    assert!(part.lost >= 8 && part.troubles.len() == 2, "{part:?}");
    assert!(part.troubles[0].contains("is not what the log's first event states"), "{part:?}");
}

#[test]
fn a_chain_whose_beginning_was_taken_away_is_not_begun_anew() {
    // What of the first part goes: all, or the log that the settings name, or its part of a chain.
    let ways: [fn(&Outside); 3] = [
        |outside| take_away(outside, "data/damaged/1"),
        |outside| take_away(outside, "data/damaged/1/logs/acme-0"),
        |outside| {
            take_away(outside, "data/damaged/1/logs/acme-0");
            take_away(outside, "data/damaged/1/logs/acme-1");
        },
    ];
    for way in ways {
        let mut outside = folder(true);
        let mut stepped = outside.start().unwrap();
        for last in ["acme-0", "acme-1"] {
            let order = Order { why: "a test's".into(), by: None };
            stepped.rotate(last, &order).unwrap();
        }
        outside.write(&mut stepped, "acme", events("acme", "rotated", 3)).unwrap();
        stepped.close().unwrap();
        outside.crash(Crash::Killed);
        break_it(&outside);
        let mut stepped = outside.open().unwrap();
        outside.write(&mut stepped, "acme", events("acme", "new", 3)).unwrap();
        stepped.close().unwrap();
        outside.crash(Crash::Killed);
        break_again(&outside);
        way(&outside);
        let stepped = outside.start().unwrap();
        let names = names(&stepped);
        assert!(!names.contains(&"acme-0".to_owned()), "{names:?}");
        assert_eq!(log_of(&stepped, "acme").meta.name(), "acme-4", "{names:?}");
    }
}

#[test]
fn a_copy_that_is_not_used_hides_no_part() {
    let outside = once();
    break_again(&outside);
    outside.start().unwrap().close().unwrap();
    take_away(&outside, "data/damaged/1");
    copy_to(&outside, "data/damaged/2", "data/damaged/1");
    outside.disk.folder("data/damaged/1").remove("finding.json").unwrap();
    let stepped = outside.start().unwrap();
    assert_eq!(names(&stepped), ["acme-1", "acme-2", "beta-1", "beta-2"]);
    let told: Vec<(u64, bool)> =
        stepped.set_aside().iter().map(|part| (part.number, part.troubles.is_empty())).collect();
    assert_eq!(told, [(1, false), (2, true)]);
}

#[test]
fn a_log_that_claims_to_follow_anothers_hides_none() {
    let outside = once();
    let disk = outside.disk.folder("data/damaged/1");
    let disk: &dyn Disk = &disk;
    let file = "logs/beta-0/log.json";
    let text = String::from_utf8(disk.read_small(file, 9_999).unwrap()).unwrap();
    let origin = "audit.example.com/tlog/acme-0";
    let claimed = text.replace("}\n", &format!(",\"follows\":\"{origin}\"}}\n"));
    assert_ne!(claimed, text);
    disk.replace_small(file, claimed.as_bytes()).unwrap();
    let stepped = outside.start().unwrap();
    assert!(names(&stepped).contains(&"acme-0".to_owned()), "{:?}", names(&stepped));
    assert_eq!(stepped.logs()["acme-0"].successor(), Some("acme-1"));
}

#[test]
fn a_part_of_no_number_that_there_is_is_refused_by_name() {
    let mut outside = once();
    let disk = outside.disk.folder("data");
    let disk: &dyn Disk = &disk;
    let file = "logs/acme-1/log.json";
    let honest = String::from_utf8(disk.read_small(file, 9_999).unwrap()).unwrap();
    for number in ["0", "100", "18446744073709551615"] {
        let text = honest.replace("\"number\":1", &format!("\"number\":{number}"));
        assert_ne!(text, honest);
        disk.replace_small(file, text.as_bytes()).unwrap();
        for on_damage in [OnDamage::Refuse, OnDamage::NewPartition] {
            outside.settings.on_damage = on_damage;
            let refused = outside.start().err().unwrap().to_string();
            assert!(refused.contains(file) && refused.contains("1 to 99"), "{refused}");
        }
    }
}

#[test]
fn a_finding_with_files_beside_it_moves_no_folder_that_is_whole() {
    let mut outside = folder(true);
    outside.start().unwrap().close().unwrap();
    let disk = outside.disk.folder("data");
    let disk: &dyn Disk = &disk;
    let id = String::from_utf8(disk.read_small("folder.json", 999).unwrap()).unwrap();
    let id = id.split('"').nth_back(1).unwrap();
    let finding = format!(
        "{{\"format\":\"counterfoil.finding/v1\",\"folder\":\"{id}\",\"found_at\":\
         \"2026-01-01T00:00:00.000000000Z\",\"file\":\"f\",\"offset\":0,\"what\":\"somebody's words\"}}\n"
    );
    disk.create_folder("damaged/1/journal").unwrap();
    disk.replace_small("damaged/1/finding.json", finding.as_bytes()).unwrap();
    for file in ["journal/0000000000000009", "head"] {
        disk.replace_small(&format!("damaged/1/{file}"), b"x").unwrap();
    }
    for on_damage in [OnDamage::Refuse, OnDamage::NewPartition] {
        outside.settings.on_damage = on_damage;
        let stepped = outside.start().unwrap();
        assert_eq!(names(&stepped), ["acme-0", "beta-0"]);
        stepped.close().unwrap();
    }
    // One that was begun is not gone on with where damage is to be refused, and that is said.
    disk.rename("head", "damaged/2.head").unwrap();
    outside.settings.on_damage = OnDamage::Refuse;
    let refused = outside.start().err().unwrap().to_string();
    assert!(refused.contains("damaged/1") && refused.contains("new-partition"), "{refused}");
}

/// What stands in one folder is put in the place of what stands in another.
fn put_in_place(outside: &Outside, from: &[(String, Vec<u8>)], folder: &str, names: &[&str]) {
    let disk: &dyn Disk = &outside.disk;
    for name in names {
        for (old, _) in content(&outside.disk, folder) {
            if old.starts_with(name) {
                disk.remove(&format!("{folder}/{old}")).unwrap();
            }
        }
        for (new, bytes) in from.iter().filter(|(new, _)| new.starts_with(name)) {
            disk.replace_small(&format!("{folder}/{new}"), bytes).unwrap();
        }
    }
}

#[test]
fn an_earlier_state_of_what_was_set_aside_is_told() {
    let mut outside = Outside::new(5, &["acme"]);
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "a", 4)).unwrap();
    stepped.close().unwrap();
    outside.crash(Crash::Killed);
    let earlier = content(&outside.disk, "data");
    let mut stepped = outside.open().unwrap();
    outside.write(&mut stepped, "acme", events("acme", "b", 4)).unwrap();
    stepped.close().unwrap();
    outside.crash(Crash::Killed);
    outside.settings.on_damage = OnDamage::NewPartition;
    let journal = content(&outside.disk, "data/journal");
    let (newest, _) = journal.last().unwrap();
    outside.disk.rot(&format!("data/journal/{newest}"), 4096 + 300, 1).unwrap();
    let stepped = outside.start().unwrap();
    let before = lost(&stepped);
    assert!(before > 0, "{:?}", stepped.set_aside());
    stepped.close().unwrap();
    // What the folder of keys said of it stays behind, and still says how much is gone.
    put_in_place(&outside, &earlier, "data/damaged/1", &["journal/", "head"]);
    let stepped = outside.start().unwrap();
    assert_eq!(lost(&stepped), 4, "{:?}", stepped.set_aside());
    stepped.close().unwrap();
    put_in_place(&outside, &earlier, "data/damaged/1", &["signed"]);
    outside.disk.remove("keys/signed.1").unwrap();
    let stepped = outside.start().unwrap();
    assert_eq!(lost(&stepped), 4, "{:?}", stepped.set_aside());
    let told = stepped.set_aside()[0].troubles.concat();
    assert!(told.contains("signed entries when it was set aside, and has 5"), "{told}");
    stepped.close().unwrap();
    let verdict = outside.witness.verdict(&outside.disk);
    assert!(!verdict.is_verified(), "{}", verdict.sentence);
    let found = verdict.findings.iter().find(|f| f.reason == verify::Reason::Truncated);
    assert!(found.is_some_and(|f| f.place.starts_with("damaged/1/")), "{:?}", verdict.findings);
}
