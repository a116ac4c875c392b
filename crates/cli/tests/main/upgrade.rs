//! A data folder of an earlier build, opened by this one: tests/upgrade/ has folder, keys and what
//! left the house with them, as `make.sh` there had them made.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::support::{Folder, Server};

/// The state before there were services, schemas and owners; one log was closed, one never was.
const BUILD: &str = "ed8978b";
const BLOCK: usize = 512;
/// More than the journal files of any archive have together.
const ARCHIVE_BYTES_MAX: u64 = 1 << 30;

/// A folder with what an earlier build left.
struct Left(Folder);

/// Events with where they stand, as a search shows them.
type Found = Vec<[Value; 4]>;

impl Left {
    fn unpack(build: &str) -> Left {
        let name = format!("tests/upgrade/{build}.tar.zst");
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
        let file = File::open(path).expect("the archive");
        let tar = zstd::stream::read::Decoder::new(file).expect("zstd");
        let folder = Folder::new();
        untar(tar.take(ARCHIVE_BYTES_MAX), &folder.path(""));
        Left(folder)
    }

    fn serve(&self) -> Server {
        self.0.serve_as(&["serve", "--config", "config.toml", "--data", "data"])
    }

    fn saved(&self, name: &str) -> String {
        fs::read_to_string(self.0.path("saved").join(name)).expect(name)
    }

    /// Runs a command as the first admin of a tenant.
    fn run(&self, server: &Server, tenant: &str, args: &[&str]) -> String {
        let token = self.0.first_token(tenant);
        let who = ["--url", server.url.as_str(), "--token", &token];
        self.0.run(&[args, &who].concat()).code(0)
    }

    fn search(&self, server: &Server, tenant: &str) -> Found {
        let args = ["search", "", "-n", "1000", "--oldest", "--json"];
        found(&self.run(server, tenant, &args))
    }

    /// Judges the data folder as it stands, by the keys that were exported then and now.
    fn judge(&self, keys: &[&str]) -> String {
        let mut args = vec!["verify", "data"];
        keys.iter().for_each(|key| args.extend(["-k", key]));
        args.extend(["--saved", "saved/default.checkpoint"]);
        self.0.run(&args).code(0)
    }
}

fn found(json: &str) -> Found {
    let page: Value = serde_json::from_str(json).expect("JSON");
    let events = page["events"].as_array().expect("a list");
    let parts = |it: &Value| ["log", "seq", "recorded_at", "event"].map(|name| it[name].clone());
    events.iter().map(parts).collect()
}

const OLD_KEYS: [&str; 2] = ["saved/default.key", "saved/open.key"];

#[test]
fn a_folder_of_an_earlier_build_goes_on() {
    let left = Left::unpack(BUILD);
    let verdict = left.judge(&OLD_KEYS);
    assert!(verdict.starts_with("VERIFIED"), "before it is opened: {verdict}");

    let frame_key = left.0.path("data-keys/frame.key");
    assert!(!frame_key.exists(), "that build had none");
    let server = left.serve();
    let made = fs::read(&frame_key).expect("its first start made it");
    assert_eq!(fs::metadata(&frame_key).expect("there").permissions().mode() & 0o777, 0o600);
    let marks: Value = serde_json::from_slice(&made).expect("JSON");
    assert!(marks["from"].as_u64() > Some(1), "what it had keeps no mark");
    let tokens = ["data", "data-keys"].map(|at| left.0.path(&format!("{at}/tokens.json")));
    assert_eq!(tokens.each_ref().map(|list| list.exists()), [false, true], "its list was moved");
    all_is_found(&left, &server);
    sent_again(&left, &server);
    what_left_the_house_holds(&left);
    let event = left.saved("later.ndjson").lines().next().expect("one").replace("old-", "new-");
    left.0.write("new.ndjson", &event);
    let sent = left.run(&server, "default", &["send", "new.ndjson", "--receipts", "new.receipts"]);
    assert!(sent.contains("1 new, 0 known already"), "{sent}");
    let live = ["verify", &server.url, "--log", "default-0", "-k", "saved/default.key"];
    let live = [&live[..], &["--remember", "saved/default.checkpoint"]].concat();
    let live = left.run(&server, "default", &live);
    assert!(live.contains("extends"), "what was remembered then is the beginning: {live}");
    left.0.write("now.key", &keys(&left, &server));
    server.stop();

    let verdict = left.judge(&["now.key"]);
    assert!(verdict.starts_with("VERIFIED"), "after it was written to and closed: {verdict}");
    left.0.run(&["verify", "new.receipts", "-k", "saved/default.key"]).code(0);
    let server = left.serve();
    assert_eq!(fs::read(&frame_key).expect("there"), made);
    all_is_found(&left, &server);
    let again = left.run(&server, "default", &["send", "new.ndjson"]);
    assert!(again.contains("0 new, 1 known already"), "{again}");
    server.stop();
}

/// The keys of all logs that there are by then; the old ones are among them.
fn keys(left: &Left, server: &Server) -> String {
    let mut all = String::new();
    for tenant in ["default", "open"] {
        let keys = left.run(server, tenant, &["key", "export"]);
        assert!(keys.contains(left.saved(&format!("{tenant}.key")).trim()), "{keys}");
        all.push_str(&keys);
    }
    all
}

/// Every event of then stands where it stood, with the words that it had.
fn all_is_found(left: &Left, server: &Server) {
    for (tenant, least) in [("default", 265), ("open", 21)] {
        let then = found(&left.saved(&format!("{tenant}.json")));
        let now = left.search(server, tenant);
        assert!(then.len() >= least, "the archive has {} events of {tenant}", then.len());
        for event in &then {
            assert!(now.contains(event), "{tenant}: not found as it was: {event:#?}");
        }
    }
}

/// A sender that never heard its answer sends again. The archive is older than the day for which
/// ids are known, so these are new events, once; that a retry within the day is a duplicate whatever
/// build took the first is shown live, by `cargo xtask upgrade`.
fn sent_again(left: &Left, server: &Server) {
    let of = |tenant, name: &str, more: &[&str]| {
        let file = format!("saved/{name}.ndjson");
        left.run(server, tenant, &[&["send", &file], more].concat())
    };
    let kubernetes = ["--format", "kubernetes"];
    for (tenant, name, count, more) in [
        ("default", "many", 200, &[][..]),
        ("default", "later", 60, &[]),
        ("open", "open", 20, &[]),
        ("default", "kubernetes", 1, &kubernetes),
    ] {
        let said = of(tenant, name, more);
        assert!(said.contains(&format!("{count} new, 0 known already, 0 refused")), "{said}");
        let said = of(tenant, name, more);
        assert!(said.contains(&format!("0 new, {count} known already, 0 refused")), "{said}");
    }
    let reader = left.saved("reader.token");
    let who = ["search", "id:old-7", "--url", &server.url, "--token", reader.trim()];
    let seen = left.0.run(&who).code(0);
    assert!(seen.contains("invoice.delete"), "a token of then is one: {seen}");
}

/// What auditors and producers got then is judged as it was then.
fn what_left_the_house_holds(left: &Left) {
    let judged = |name: &str, key: &str| {
        let (file, key) = (format!("saved/{name}"), format!("saved/{key}.key"));
        let said = left.0.run(&["verify", &file, "-k", &key, "--need", "any"]).code(0);
        assert!(said.starts_with("VERIFIED"), "{name}: {said}");
    };
    for name in [
        "many.receipts",
        "later.receipts",
        "kubernetes.receipts",
        "proof.txt",
        "some.evidence.json",
        "range.evidence.json",
    ] {
        judged(name, "default");
    }
    judged("open.receipts", "open");
}

/// Unpacks a ustar archive; blocks of zeros become holes.
fn untar(mut tar: impl Read, root: &Path) {
    let mut head = [0; BLOCK];
    loop {
        tar.read_exact(&mut head).expect("a header");
        if head == [0; BLOCK] {
            return;
        }
        let text = |at: usize, bytes: usize| {
            let field = &head[at..at + bytes];
            let end = field.iter().position(|b| *b == 0 || *b == b' ').unwrap_or(bytes);
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let octal = |at, bytes| u64::from_str_radix(&text(at, bytes), 8).expect("octal");
        let (name, size) = (text(0, 100), octal(124, 12));
        let path = root.join(&name);
        let plain = |part| matches!(part, Component::Normal(_));
        assert!(Path::new(&name).components().all(plain), "{name} leads out of the folder");
        match head[156] {
            b'5' => fs::create_dir_all(&path).expect("a folder"),
            b'0' => unpack_file(&mut tar, &path, size),
            kind => panic!("{name}: of kind {kind}"),
        }
    }
}

fn unpack_file(tar: &mut impl Read, path: &Path, size: u64) {
    let mut file = File::create(path).expect("a file");
    file.set_len(size).expect("room");
    let mut block = [0; BLOCK];
    for at in (0..size).step_by(BLOCK) {
        tar.read_exact(&mut block).expect("a block");
        if block != [0; BLOCK] {
            let bytes = usize::try_from(size - at).unwrap_or(BLOCK).min(BLOCK);
            file.seek(SeekFrom::Start(at)).expect("sought");
            file.write_all(&block[..bytes]).expect("written");
        }
    }
}
