//! Real audit files through a running server, held against an independent script
//! (`count_corpora.py`). Needs the folder that `COUNTERFOIL_SHARED` names.

#![expect(clippy::print_stdout, reason = "the counts are what acceptance wants to see")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Folder;

/// What is sent in one go.
struct Set {
    format: &'static str,
    folders: &'static [&'static str],
    /// Events of this set have an `origin.adapter` of that name.
    adapter: &'static str,
}

const SETS: [Set; 2] = [
    Set {
        format: "cloudtrail",
        folders: &["invictus-aws", "stratus-red-team"],
        adapter: "cloudtrail",
    },
    Set { format: "kubernetes", folders: &["falco-k8s-audit"], adapter: "kubernetes" },
];

#[test]
fn real_files_are_recorded_as_an_independent_script_counts_them() {
    let Some(shared) = std::env::var_os("COUNTERFOIL_SHARED") else {
        println!("COUNTERFOIL_SHARED is not set: no corpus was sent");
        return;
    };
    let corpora = Path::new(&shared).join("corpora");
    let folder = Folder::new();
    let server = folder.serve();
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("log.key", &key);
    let before = logs_size(&folder);

    let mut recorded = 0;
    for set in &SETS {
        let want = counted(&corpora, set);
        let said = send(&folder, &corpora, set);
        println!("{}: {said}", set.format);
        let refused = want["refused"].as_array().expect("a list").len() as u64;
        let new = number(&want["records"]) - refused - number(&want["repeats"]);
        assert_eq!(number(&said["records"]), number(&want["records"]));
        assert_eq!(number(&said["new"]), new);
        assert_eq!(number(&said["duplicates"]), number(&want["repeats"]));
        assert_eq!(number(&said["conflicts"]), number(&want["conflicts"]));
        assert_eq!(refusals(&folder, set), want["refused"]);
        // The server adds an event of its own for each conflict.
        recorded += new + number(&want["conflicts"]);
    }
    assert_eq!(logs_size(&folder), before + recorded);

    let events = everything(&folder);
    let conflicts = events.iter().filter(|event| event["action"] == "id.conflict").count();
    println!("{conflicts} conflicts recorded by the server");
    assert_eq!(conflicts, 2);
    for set in &SETS {
        same(set, &counted(&corpora, set), &tally(&events, set));
    }
    let again: Vec<Value> = SETS.iter().map(|set| send(&folder, &corpora, set)).collect();
    assert!(again.iter().all(|said| said["new"] == 0), "{again:?}");
    assert_eq!(logs_size(&folder), before + recorded, "resending adds nothing");
    assert_eq!(everything(&folder).len(), events.len());
    receipts_verify(&folder);
    server.stop();
    let verdict = folder.run(&["verify", "data", "-k", "log.key"]).code(0);
    assert!(verdict.contains("VERIFIED"), "{verdict}");
}

/// What the script counts.
fn counted(corpora: &Path, set: &Set) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/main/count_corpora.py");
    let folders = set.folders.iter().map(|name| corpora.join(name));
    let mut command = Command::new("python3");
    let output = command.arg(script).arg(set.format).args(folders).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn send(folder: &Folder, corpora: &Path, set: &Set) -> Value {
    let paths: Vec<PathBuf> = set.folders.iter().map(|name| corpora.join(name)).collect();
    let (refusals, receipts) =
        (format!("{}.refusals", set.format), format!("{}.receipts", set.format));
    let mut args = vec!["--json", "send", "--format", set.format];
    args.extend(["--refusals", &refusals, "--receipts", &receipts]);
    args.extend(paths.iter().map(|path| path.to_str().expect("UTF-8")));
    let ran = folder.run(&args);
    let refused = std::fs::read_to_string(folder.path(&refusals)).expect("a file");
    assert_eq!(ran.code, i32::from(!refused.is_empty()), "{ran:?}");
    serde_json::from_str(&ran.out).expect("JSON")
}

/// The names of the files with a refused record, in order.
fn refusals(folder: &Folder, set: &Set) -> Value {
    let path = folder.path(&format!("{}.refusals", set.format));
    let text = std::fs::read_to_string(path).expect("a file");
    let name = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        println!("refused: {line}");
        assert_eq!(line["refused"]["code"], "format", "{line}");
        let path = PathBuf::from(line["file"].as_str().expect("a path"));
        path.file_name().expect("a name").to_string_lossy().into_owned()
    };
    json!(text.lines().map(name).collect::<Vec<String>>())
}

fn logs_size(folder: &Folder) -> u64 {
    let status: Value =
        serde_json::from_str(&folder.run(&["--json", "status"]).code(0)).expect("JSON");
    number(&status["logs"][0]["size"])
}

/// Every event, read page by page.
fn everything(folder: &Folder) -> Vec<Value> {
    let (mut events, mut seqs) = (Vec::new(), BTreeSet::new());
    let mut cursor: Option<String> = None;
    loop {
        let mut args = vec!["--json", "search", "-n", "500"];
        args.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor.as_str()]));
        let page: Value = serde_json::from_str(&folder.run(&args).code(0)).expect("JSON");
        assert_eq!(page["unreadable"], json!([]));
        for event in page["events"].as_array().expect("a list") {
            assert!(seqs.insert(number(&event["seq"])), "read twice: {event}");
            events.push(event["event"].clone());
        }
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return events,
        }
    }
}

/// The same counts as the script's, of what was read back.
fn tally(events: &[Value], set: &Set) -> Value {
    let mut ids = BTreeSet::new();
    let mut counts = [const { BTreeMap::<&str, u64>::new() }; 3];
    let of_set = |event: &&Value| event["origin"]["adapter"] == set.adapter;
    for event in events.iter().filter(of_set) {
        ids.insert(event["id"].as_str().expect("an id"));
        let keys = [&event["action"], &event["actor"]["id"], &event["outcome"]["code"]];
        for (counts, key) in counts.iter_mut().zip(keys) {
            *counts.entry(key.as_str().unwrap_or("-")).or_default() += 1;
        }
    }
    let [actions, actors, errors] = counts;
    json!({"ids": ids.len(), "actions": actions, "actors": actors, "errors": errors})
}

/// Compares count by count, so that a difference is named.
fn same(set: &Set, want: &Value, got: &Value) {
    assert_eq!(want["ids"], got["ids"], "{}: distinct ids", set.format);
    for kind in ["actions", "actors", "errors"] {
        let counts = |all: &Value| all[kind].as_object().expect("counts").clone();
        let (want, got) = (counts(want), counts(got));
        let keys: BTreeSet<&String> = want.keys().chain(got.keys()).collect();
        let differ = keys.iter().filter(|key| want.get(**key) != got.get(**key));
        let differ: Vec<String> = differ
            .map(|key| {
                format!("{key}: {:?} by the script, {:?} here", want.get(*key), got.get(*key))
            })
            .collect();
        assert!(differ.is_empty(), "{} {kind}: {differ:#?}", set.format);
        println!("{}: {} distinct {kind}, all counts equal", set.format, keys.len());
    }
}

/// The other verifier takes a receipt of each set as well.
fn receipts_verify(folder: &Folder) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/verify.py");
    let key = std::fs::read_to_string(folder.path("log.key")).expect("a key");
    for set in &SETS {
        let path = folder.path(&format!("{}.receipts", set.format));
        let receipts = std::fs::read_to_string(path).expect("receipts");
        folder.write("receipt.json", receipts.lines().next().expect("a receipt"));
        let mut python = Command::new("python3");
        python.arg(&script).arg(folder.path("receipt.json")).args(["--key", key.trim()]);
        let output = python.output().expect("python3 runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        println!("{}: verify.py says {}", set.format, said.lines().next().unwrap_or_default());
        folder.run(&["verify", "receipt.json", "-k", "log.key"]).code(0);
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}
