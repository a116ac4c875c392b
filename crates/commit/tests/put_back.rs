//! A data folder that is put back to an older state beside the keys that signed more: found at the
//! start, unless somebody said that it is on purpose, and then stated in the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use commit::{KeyOrder, OnDamage, OpenError, Order, PutBack, Stepped};
use platform::sim::{Crash, Fault, SimDisk};
use platform::{Disk, File, Volume};

use crate::marks::{content, read, strip, write};
use crate::world::{Outside, events, log_of};

const SIGNED: &str = "keys/signed";
const ACCEPTED: &str = "keys/signed.accepted";
const SLOT: u64 = 1 << 20;

/// Lets a folder of keys or data be what it is in another world.
pub fn put(outside: &Outside, folder: &str, from: &Outside) {
    let is_of = |(name, _): &(String, u64)| name.starts_with(folder);
    for (name, _) in outside.disk.files().into_iter().filter(is_of) {
        outside.disk.remove(&name).unwrap();
    }
    for (name, _) in from.disk.files().into_iter().filter(is_of) {
        let parent = name.rsplit_once('/').unwrap().0;
        outside.disk.create_folder(parent).unwrap();
        write(&outside.disk, &name, &read(from, &name).unwrap());
    }
}

/// One life: a batch for each tenant, the end in order.
fn live(outside: &mut Outside, name: &str) {
    let mut stepped = outside.open().unwrap();
    for tenant in ["acme", "beta"] {
        outside
            .write(&mut stepped, tenant, events(tenant, &format!("{tenant}-{name}"), 3))
            .unwrap();
    }
    stepped.close().unwrap();
    outside.crash(Crash::PowerLossBare);
}

/// A world that went on, and what it was before.
fn gone_on() -> (Outside, Outside) {
    let mut outside = Outside::new(21, &["acme", "beta"]);
    live(&mut outside, "early");
    let old = outside.copy();
    live(&mut outside, "late");
    (old, outside)
}

/// The world with the older data folder in its place.
fn put_back() -> Outside {
    let (old, outside) = gone_on();
    put(&outside, "data", &old);
    // What was acknowledged since is gone, and nobody holds the start to it.
    Outside { witness: old.witness, ..outside }
}

#[track_caller]
fn refused(outside: &Outside, what: &str) -> Vec<PutBack> {
    let before = content(outside);
    let error = outside.start().map(drop).unwrap_err();
    assert!(error.to_string().contains(what), "{error}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    assert!(content(outside) == before, "a refused start writes nothing: {error}");
    match error {
        OpenError::PutBack(logs) => logs,
        OpenError::Signed(_) => Vec::new(),
        other => panic!("{other}"),
    }
}

/// The actions in a log with their attributes' texts.
fn stated(stepped: &Stepped, tenant: &str) -> Vec<Vec<Option<String>>> {
    let log = log_of(stepped, tenant);
    let read = |seq| log.read_checked(seq).unwrap().0;
    let all = (0..log.checkpoint().size).map(read);
    let own = all.filter(|it| it.string(r#"["action"]"#).as_deref() == Some("log.put_back"));
    let paths = [
        r#"["attributes","origin"]"#,
        r#"["attributes","signed","size"]"#,
        r#"["attributes","found","size"]"#,
    ];
    own.map(|it| paths.map(|path| it.string(path)).to_vec()).collect()
}

fn texts(texts: [&str; 3]) -> Vec<Vec<Option<String>>> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    vec![texts.map(text).to_vec()]
}

#[test]
fn an_older_copy_beside_newer_keys_is_refused() {
    let (old, mut newest) = gone_on();
    let there = put_back();
    let logs = refused(&there, "log acme-0 was signed up to size 7 (root ");
    let sizes: Vec<_> = logs.iter().map(|log| (log.signed.0, log.found.unwrap().0)).collect();
    assert_eq!(sizes, [(7, 4), (7, 4)]);
    // Whether it is set aside is asked about damage alone.
    let mut there = there;
    there.settings.on_damage = OnDamage::NewPartition;
    refused(&there, "log beta-0 was signed up to size 7 (root ");
    // The head alone tells, too.
    let keys = commit::check_keys(&there.disk.folder("data"), &there.disk.folder("keys")).unwrap();
    let (name, told) = keys.last().unwrap();
    assert!(name == "signed" && matches!(told, Err(OpenError::PutBack(logs)) if logs.len() == 2));
    // The newest data folder goes on, and so do both folders of that time.
    newest.open().unwrap();
    put(&there, "keys", &old);
    there.open().unwrap();
    assert_eq!(log_of(&there.start().unwrap(), "acme").checkpoint().size, 4);
}

#[test]
fn what_is_said_is_durable_in_the_data_folder_wherever_a_process_ends() {
    let mut deaths = 0;
    for fault in [Fault::DieBefore, Fault::DieAfter] {
        for after in [Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare] {
            for step in 0.. {
                let mut outside = Outside::new(22, &["acme", "beta"]);
                outside.disk.plan("", step, fault);
                let ended = (|| {
                    let mut stepped = outside.open().map_err(drop)?;
                    for n in 0..4 {
                        outside.pass(2);
                        let sent = events("acme", &format!("{n}"), 3);
                        outside.write(&mut stepped, "acme", sent).map_err(drop)?;
                        stepped.rest().map_err(drop)?;
                    }
                    stepped.rotate("acme-0", &Order::default()).map_err(drop)?;
                    stepped.close().map_err(drop)
                })();
                outside.crash(after);
                let opened = outside.open();
                assert!(opened.is_ok(), "step {step}, {fault:?}, {after:?}: {:?}", opened.err());
                if ended.is_ok() {
                    break;
                }
                deaths += 1;
            }
        }
    }
    assert!(deaths > 6 * 90, "{deaths}");
}

#[test]
fn a_log_that_is_missing_is_refused() {
    let mut outside = Outside::new(23, &["acme"]);
    outside.open().unwrap().close().unwrap();
    let old = outside.copy();
    outside.settings = Outside::new(23, &["acme", "beta"]).settings;
    outside.open().unwrap().close().unwrap();
    let both = outside.settings.clone();
    put(&outside, "data", &old);
    // Whether or not it would be made anew.
    for settings in [old.settings, both] {
        outside.settings = settings;
        let logs = refused(&outside, "log beta-0 was signed up to size 1 (root ");
        assert!(logs.iter().all(|log| log.origin.ends_with("beta-0") && log.found.is_none()));
    }
    outside.disk.rename(SIGNED, ACCEPTED).unwrap();
    outside.witness = Default::default();
    let stepped = outside.open().unwrap();
    let origin = "audit.example.com/tlog/beta-0";
    assert_eq!(stated(&stepped, "beta"), texts([origin, "1", ""]), "in the log made anew");
    assert_eq!(stated(&stepped, "acme"), Vec::<Vec<_>>::new());
}

#[test]
fn another_history_of_the_same_size_is_refused() {
    let (old, newest) = gone_on();
    let mut fork = old.copy();
    for name in ["other", "more"] {
        live(&mut fork, name);
    }
    // What the true one signed is put beside it, as by who restores the keys alone.
    write(&fork.disk, SIGNED, &read(&newest, SIGNED).unwrap());
    let logs = refused(&fork, "and here that size has another root");
    assert!(logs.iter().all(|log| log.signed.0 == 7 && log.found.unwrap().0 == 10), "{logs:?}");
}

#[test]
fn what_belongs_to_another_folder_is_refused_and_never_lost() {
    let (_, whole) = gone_on();
    let mut other = Outside::new(99, &["harbor"]);
    other.start().unwrap().close().unwrap();
    let there = whole.copy();
    write(&there.disk, SIGNED, &read(&other, SIGNED).unwrap());
    assert!(refused(&there, "belongs to the data folder").is_empty());
    // A data folder that is made beside it leaves it there under another name.
    other = Outside { settings: other.settings, ..whole.copy() };
    other.witness = Default::default();
    let data = other.disk.folder("data");
    data.files().iter().for_each(|(name, _)| data.remove(name).unwrap());
    other.start().unwrap().close().unwrap();
    assert_eq!(read(&other, "keys/signed.1"), read(&whole, SIGNED));
    other.open().unwrap();
}

#[test]
fn one_slot_is_enough_and_none_is_refused_by_name() {
    let (_, whole) = gone_on();
    for slot in 0..2 {
        let mut outside = whole.copy();
        outside.disk.rot(SIGNED, slot * SLOT + 60, 1).unwrap();
        outside.open().unwrap().close().unwrap();
        outside.open().unwrap();
    }
    for spoil in [
        |outside: &Outside| write(&outside.disk, SIGNED, b""),
        |outside: &Outside| {
            outside.disk.rot(SIGNED, 60, 1).unwrap();
            outside.disk.rot(SIGNED, SLOT + 60, 1).unwrap();
        },
    ] {
        let mut outside = whole.copy();
        spoil(&outside);
        assert!(refused(&outside, "the file signed in the folder of keys cannot be").is_empty());
        outside.disk.rename(SIGNED, ACCEPTED).unwrap();
        for life in 0..3 {
            if life == 2 {
                // The same once more, by another file of the same bytes.
                let bytes = read(&outside, "keys/signed.accepted.1").unwrap();
                outside.disk.remove(SIGNED).unwrap();
                write(&outside.disk, ACCEPTED, &bytes);
            }
            let stepped = outside.open().unwrap();
            let origin = "audit.example.com/tlog/acme-0";
            let all = vec![texts([origin, "", ""]).remove(0); 1 + life / 2];
            assert_eq!(stated(&stepped, "acme"), all);
            stepped.close().unwrap();
        }
    }
}

#[test]
fn a_folder_of_an_earlier_build_is_held_to_it_from_its_first_start_on() {
    let mut outside = Outside::new(24, &["acme", "beta"]);
    live(&mut outside, "early");
    strip(&outside);
    outside.disk.remove(SIGNED).unwrap();
    let old = outside.copy();
    live(&mut outside, "late");
    assert!(read(&outside, SIGNED).is_some());
    put(&outside, "data", &old);
    refused(&outside, "log acme-0 was signed up to size 7 (root ");
}

#[test]
fn a_folder_that_is_set_aside_takes_what_is_said_of_it_along() {
    let (old, mut outside) = gone_on();
    outside.disk.rot("data/head", 60, 1).unwrap();
    outside.disk.rot("data/head", SLOT + 60, 1).unwrap();
    outside.settings.on_damage = OnDamage::NewPartition;
    outside.witness = Default::default();
    let said = read(&outside, SIGNED);
    live(&mut outside, "anew");
    assert_eq!(read(&outside, "keys/signed.1"), said);
    let young = outside.copy();
    live(&mut outside, "newest");
    put(&outside, "data", &young);
    refused(&outside, "log acme-1 was signed up to size ");
    // The old lineage in its place again is another folder's.
    put(&outside, "data", &old);
    let error = outside.start().map(drop).unwrap_err().to_string();
    assert!(error.contains("frame.key belongs to"), "{error}");
    outside.disk.rename("keys/frame.key.1", "keys/frame.key").unwrap();
    refused(&outside, "belongs to the data folder");
    outside.disk.rename("keys/signed.1", SIGNED).unwrap();
    refused(&outside, "log acme-0 was signed up to size 7 (root ");
}

/// A folder that is about to be set aside, and a start that ends anywhere on the way: an older
/// state of it is refused all the same.
#[test]
fn setting_aside_opens_no_way_for_an_older_copy() {
    let (old, mut whole) = gone_on();
    whole.disk.rot("data/head", 60, 1).unwrap();
    whole.disk.rot("data/head", SLOT + 60, 1).unwrap();
    whole.settings.on_damage = OnDamage::NewPartition;
    let mut there = whole.copy();
    there.disk.take_steps();
    there.open().unwrap();
    let steps = there.disk.take_steps();
    let renamed = |from: &str| steps.iter().any(|step| step.contains(from));
    assert!(renamed("rename keys/frame.key") && renamed("rename keys/signed"), "{steps:?}");
    for (at, step) in steps.iter().enumerate() {
        for after in [Crash::Killed, Crash::PowerLossBare] {
            let mut outside = whole.copy();
            outside.disk.plan("", at as u64, Fault::DieAfter);
            assert!(outside.open().is_err(), "{step}");
            outside.crash(after);
            put(&outside, "data", &old);
            assert!(outside.start().is_err(), "{after:?} behind {step}");
        }
    }
}

/// What has nothing yet is put in the place of a folder whose keys are there: its logs are not made
/// anew.
#[test]
fn a_new_folder_in_the_place_of_the_right_one_is_refused() {
    let (_, whole) = gone_on();
    let mut begun = Outside::new(77, &["acme", "beta"]);
    begun.disk.plan("rename keys/frame.key", 0, Fault::DieBefore);
    assert!(begun.start().is_err());
    begun.crash(Crash::PowerLoss);
    assert!(read(&begun, "data/folder.json").is_some() && read(&begun, "data/head").is_some());
    let beside = whole.copy();
    beside.disk.folder("data").files().iter().for_each(|(name, _)| {
        beside.disk.remove(&format!("data/{name}")).unwrap();
    });
    beside.disk.create_folder("data/damaged/1").unwrap();
    write(&beside.disk, "data/damaged/1/x", b"x");
    let begun_there = whole.copy();
    put(&begun_there, "data", &begun);
    write(&begun_there.disk, "data/id.check", &read(&whole, "data/id.check").unwrap());
    for there in [begun_there, beside] {
        let keys = content(&there);
        let error = there.start().map(drop).unwrap_err();
        assert!(matches!(&error, OpenError::Anew { key } if key == "acme-0.key"), "{error}");
        assert!(content(&there) == keys, "nothing is written: {error}");
    }
}

#[test]
fn going_back_on_purpose_is_stated_once_wherever_a_start_ends() {
    let whole = put_back();
    let said = read(&whole, SIGNED).unwrap();
    whole.disk.rename(SIGNED, ACCEPTED).unwrap();
    whole.disk.sync_folder("keys").unwrap();
    let mut deaths = 0;
    for fault in [Fault::DieBefore, Fault::DieAfter] {
        for after in [Crash::Killed, Crash::PowerLoss, Crash::PowerLossBare] {
            for step in 0.. {
                let mut outside = whole.copy();
                outside.disk.plan("", step, fault);
                let first = outside.open().map(drop);
                outside.crash(after);
                let stepped = outside.open().unwrap();
                for tenant in ["acme", "beta"] {
                    let origin = format!("audit.example.com/tlog/{tenant}-0");
                    assert_eq!(stated(&stepped, tenant), texts([&origin, "7", "4"]), "step {step}");
                }
                stepped.close().unwrap();
                assert_eq!(read(&outside, "keys/signed.accepted.1"), Some(said.clone()));
                assert_eq!(
                    (read(&outside, ACCEPTED), read(&outside, SIGNED).is_some()),
                    (None, true)
                );
                assert!(read(&outside, "keys/signed.accepted.2").is_none(), "step {step}");
                outside.witness.judge_folder(&outside.disk);
                if first.is_ok() {
                    break;
                }
                deaths += 1;
            }
        }
    }
    assert!(deaths > 6 * 20, "{deaths}");
    // It is used up: the next older copy is refused.
    let mut outside = whole.copy();
    let stepped = outside.open().unwrap();
    assert!(stepped.remarks()[0].ends_with("going back was accepted: log.put_back states it"));
    stepped.close().unwrap();
    put(&outside, "data", &whole);
    refused(&outside, "log acme-0 was signed up to size 5 (root ");
}

#[test]
fn partitions_and_keys_that_take_over_change_nothing_of_it() {
    let mut outside = Outside::new(25, &["acme", "beta"]);
    live(&mut outside, "early");
    let old = outside.copy();
    let mut stepped = outside.open().unwrap();
    let together = Duration::from_secs(60);
    let order = KeyOrder { why: "a year is over".into(), by: None, together };
    stepped.rotate_key("acme-0", &order).unwrap();
    outside.pass(2);
    outside.write(&mut stepped, "acme", events("acme", "a", 3)).unwrap();
    stepped.rotate("beta-0", &Order::default()).unwrap();
    outside.write(&mut stepped, "beta", events("beta", "g", 3)).unwrap();
    stepped.rest().unwrap();
    drop(stepped);
    outside.crash(Crash::PowerLossBare);
    let during = outside.copy();
    // Both sign, and a partition is closed; then the new key alone.
    let mut stepped = outside.open().unwrap();
    outside.pass(120);
    stepped.tick();
    stepped.drain().unwrap();
    stepped.close().unwrap();
    outside.open().unwrap().close().unwrap();
    for from in [old, during] {
        let there = outside.copy();
        put(&there, "data", &from);
        let error = there.start().map(drop).unwrap_err();
        let is_found = matches!(error, OpenError::PutBack(_) | OpenError::Key { .. });
        assert!(is_found, "{error}");
    }
}

/// A folder in which nothing can be made or written.
struct Closed(SimDisk);

impl Disk for Closed {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }

    fn create_folder(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, _: &str) -> io::Result<Arc<dyn File>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open_to_read(&self, name: &str) -> io::Result<Arc<dyn File>> {
        self.0.open(name)
    }

    fn create(&self, _: &str) -> io::Result<Arc<dyn File>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.open(name)?;
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn volume(&self) -> io::Result<Volume> {
        self.0.volume()
    }

    fn is_writable(&self) -> bool {
        false
    }
}

#[test]
fn keys_that_cannot_be_written_serve_and_that_is_said() {
    let open = |outside: &Outside| {
        let keys = Arc::new(Closed(outside.disk.folder("keys")));
        let world = commit::World { keys, ..outside.world().unwrap() };
        let indexer: Arc<commit::Indexer> = Arc::new(|_: &_, _: &_| Box::new(|_| {}));
        Stepped::open(world, &outside.settings, &mut |_, _| {}, &indexer)
    };
    let (_, whole) = gone_on();
    for is_there in [true, false] {
        let mut outside = whole.copy();
        if !is_there {
            outside.disk.remove(SIGNED).unwrap();
        }
        let said = read(&outside, SIGNED);
        let mut stepped = open(&outside).unwrap();
        let told = stepped.remarks().join("\n");
        assert!(told.contains("the folder of keys cannot be written"), "{told}");
        outside.pass(2);
        outside.write(&mut stepped, "acme", events("acme", "more", 3)).unwrap();
        stepped.close().unwrap();
        assert_eq!(read(&outside, SIGNED), said);
    }
    let error = open(&put_back()).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::PutBack(_)), "it is read all the same: {error}");
    // What was taken back could not be taken back once alone.
    let there = put_back();
    there.disk.rename(SIGNED, ACCEPTED).unwrap();
    let error = open(&there).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Signed(_)), "{error}");
    assert!(error.to_string().contains("a folder of keys that can be written"), "{error}");
}
