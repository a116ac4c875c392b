//! Facts in which one thing is wrong, and what is said of it.

use platform::Volume;

use super::*;
use crate::commands::doctor::facts::{Files, Folder, Kind, Log, Suspect, Unread};

fn well() -> Facts {
    let folder = |kind: Kind, path: &str| Folder {
        path: path.into(),
        kind,
        is_there: true,
        is_folder: true,
        is_ours: true,
        mode: 0o40700,
        is_own: true,
        open_files: Vec::new(),
    };
    let volume =
        Volume { bytes: 1 << 40, bytes_free: 1 << 39, inodes: 1 << 20, inodes_free: 1 << 19 };
    Facts {
        data: Some(folder(Kind::Data, "/d")),
        keys: Some(folder(Kind::Keys, "/k")),
        disk: Some(Disk { kind: Some("ext4"), volume }),
        syncs: Some(Ok(Syncs { count: 200, p50: 400, p99: 2_000 })),
        logs: Some(Ok(vec![Log { origin: "a.example/tlog/x-0".into(), key: Ok(None) }])),
        refused: Some(Vec::new()),
        suspect: None,
        clock: Clock::Synchronised("chronyc".into()),
        port: Some(Port { address: "127.0.0.1:8420".into(), state: PortState::Ours }),
        files: Files { max: Some(8_192) },
        memory: Memory { all: Some(4 << 30), free: Some(2 << 30) },
        config: Some(Ok(Some("a.example".into()))),
        server: Some(Server {
            url: "http://127.0.0.1:8420".into(),
            reached: Ok(env!("CARGO_PKG_VERSION").into()),
            ready: Some((200, "ok".into())),
            token: Some(200),
        }),
    }
}

/// What is not ok when `change` has been at the facts.
fn judged(change: impl FnOnce(&mut Facts)) -> Vec<String> {
    let mut facts = well();
    change(&mut facts);
    let mut wrong = Vec::new();
    for finding in judge(&facts).iter().filter(|finding| finding.level != Level::Ok) {
        assert!(finding.name == "ready" || !finding.mend.is_empty(), "no mend: {finding:?}");
        wrong.push(format!("{:?} {}", finding.level, finding.name));
    }
    wrong
}

fn data(facts: &mut Facts) -> &mut Folder {
    facts.data.as_mut().expect("a folder")
}

fn volume(facts: &mut Facts) -> &mut Volume {
    &mut facts.disk.as_mut().expect("a disk").volume
}

fn server(facts: &mut Facts) -> &mut Server {
    facts.server.as_mut().expect("a server")
}

#[test]
fn nothing_is_wrong_where_all_is_well() {
    assert_eq!(judged(|_| {}), [""; 0]);
    assert_eq!(judge(&well()).len(), 17, "every fact has its line");
}

#[test]
fn folders_and_keys_are_judged() {
    assert_eq!(judged(|f| data(f).is_there = false), ["Warning data folder"]);
    assert_eq!(judged(|f| data(f).is_folder = false), ["Bad data folder"]);
    assert_eq!(judged(|f| f.refused = Some(vec!["x".into(), "y".into()])), ["Bad start"; 2]);
    assert_eq!(judged(|f| data(f).is_own = false), ["Bad data folder"]);
    assert_eq!(judged(|f| data(f).mode = 0o40750), ["Bad data folder"]);
    let open = |f: &mut Facts| {
        f.keys.as_mut().expect("keys").open_files.push(("/k/x-0.key".into(), 0o100644));
    };
    assert_eq!(judged(open), ["Bad keys folder"]);
    let wrong = |f: &mut Facts| {
        let log = Log { origin: "a.example/tlog/y".into(), key: Err("is another's".into()) };
        f.logs.as_mut().expect("logs").as_mut().expect("read").push(log);
    };
    assert_eq!(judged(wrong), ["Bad keys"]);
    assert_eq!(judged(|f| f.logs = Some(Err("x".into()))), ["Bad keys"]);
    let event = Suspect { log: "x-0".into(), seq: 7, place: ("journal/1".into(), 8_192) };
    assert_eq!(judged(|f| f.suspect = Some(Ok(event))), ["Bad suspect"]);
    assert_eq!(judged(|f| f.suspect = Some(Err(Unread::Malformed))), ["Warning suspect"]);
    let unread = Unread::Failed("Permission denied".into());
    assert_eq!(judged(|f| f.suspect = Some(Err(unread))), ["Unknown suspect"]);
    assert_eq!(judged(|f| f.config = Some(Err("line 3".into()))), ["Bad configuration"]);
    assert_eq!(judged(|f| f.config = Some(Ok(Some("b.example".into())))), ["Bad origin"]);
    assert_eq!(judged(|f| f.config = Some(Ok(None))), [""; 0]);
}

#[test]
fn a_folder_of_somebody_else_is_never_to_be_closed() {
    let mut facts = well();
    let foreign = |folder: Option<&mut Folder>| {
        let folder = folder.expect("a folder");
        (folder.is_ours, folder.mode, folder.is_own) = (false, 0o40755, false);
    };
    foreign(facts.data.as_mut());
    foreign(facts.keys.as_mut());
    let said = judge(&facts);
    let of_folders: Vec<_> = said.iter().filter(|f| f.name.ends_with("folder")).collect();
    assert_eq!(of_folders.len(), 2);
    for Finding { level, found, mend, .. } in of_folders {
        assert!(*level == Level::Bad && found.contains("has other files"), "{found}");
        assert!(!mend.contains("chmod") && !mend.contains("chown"), "{mend}");
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (kind, of, is_ours) in [
        (Kind::Keys, &["passwd", "hosts"][..], false),
        (Kind::Keys, &["passwd", "a-0.key"], true),
        (Kind::Keys, &["frame.key"], true),
        (Kind::Keys, &[], true),
        (Kind::Data, &["lost+found"], true),
        (Kind::Data, &["a-0.key", "notes.txt"], false),
        (Kind::Data, &["notes.txt", "folder.json"], true),
    ] {
        assert_eq!(kind.has(&names(of)), is_ours, "{kind:?} {of:?}");
    }
}

#[test]
fn what_was_not_looked_at_is_said() {
    let down = |f: &mut Facts| server(f).reached = Err("refused".into());
    assert_eq!(judged(down), ["Unknown journal", "Warning server"]);
    assert_eq!(judged(|f| f.server = None), ["Unknown journal"]);
    let new = |f: &mut Facts| (f.logs, f.server) = (None, None);
    assert_eq!(judged(new), [""; 0]);
}

#[test]
fn the_machine_is_judged() {
    assert_eq!(judged(|f| volume(f).bytes_free = RESERVE_BYTES - 1), ["Bad disk room"]);
    assert_eq!(judged(|f| volume(f).bytes_free = FREE_WARN - 1), ["Warning disk room"]);
    assert_eq!(judged(|f| volume(f).inodes_free = 999), ["Warning file room"]);
    let kind = |f: &mut Facts, kind| f.disk.as_mut().expect("a disk").kind = Some(kind);
    assert_eq!(judged(|f| kind(f, "tmpfs")), ["Warning file system"]);
    assert_eq!(judged(|f| kind(f, "nfs")), ["Warning file system"]);
    let slow = Syncs { count: 9, p50: 1, p99: SYNC_P99_WARN + 1 };
    assert_eq!(judged(|f| f.syncs = Some(Ok(slow))), ["Warning fdatasync"]);
    assert_eq!(judged(|f| f.syncs = Some(Err("x".into()))), ["Unknown fdatasync"]);
    assert_eq!(judged(|f| f.clock = Clock::Unknown), ["Unknown clock"]);
    assert_eq!(judged(|f| f.clock = Clock::Not("x".into())), ["Warning clock"]);
    assert_eq!(judged(|f| f.files.max = Some(1_024)), ["Warning open files"]);
    assert_eq!(judged(|f| f.files.max = None), [""; 0]);
    assert_eq!(judged(|f| f.memory.free = Some(1)), ["Warning memory"]);
    assert_eq!(judged(|f| f.memory.all = None), ["Unknown memory"]);
    let port = |f: &mut Facts, state| f.port.as_mut().expect("a port").state = state;
    assert_eq!(judged(|f| port(f, PortState::Theirs)), ["Bad port"]);
    assert_eq!(judged(|f| port(f, PortState::No("x".into()))), ["Bad port"]);
    assert_eq!(judged(|f| port(f, PortState::Free)), [""; 0]);
}

#[test]
fn the_server_is_judged() {
    let gone = |f: &mut Facts| (f.logs, server(f).reached) = (None, Err("refused".into()));
    assert_eq!(judged(gone), ["Warning server"]);
    assert_eq!(judged(|f| server(f).reached = Ok("0.0.0".into())), ["Warning server"]);
    assert_eq!(judged(|f| server(f).ready = Some((503, "not ready".into()))), ["Bad ready"]);
    assert_eq!(judged(|f| server(f).token = Some(401)), ["Bad token"]);
    assert_eq!(judged(|f| server(f).token = None), ["Warning token"]);
    assert_eq!(judged(|f| server(f).token = Some(403)), [""; 0]);
}
