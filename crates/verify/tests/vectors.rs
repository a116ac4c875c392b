//! The vectors of docs/formats/: V1, V2, V3 and V3b as numbers, and every file of verdicts.

use std::path::Path;

use crate::support::*;
use serde_json::Value;
use verify::digest::{self, Leaf};
use verify::{Class, Need, Policy, Question, tree};

fn hash(text: &str) -> Hash {
    hex(text).try_into().unwrap()
}

#[test]
fn v1() {
    let mut digests = Vec::new();
    for (path, text) in vector_fields() {
        let salt = vector_salt(&path);
        let commitment = digest::commitment(&salt, text.as_bytes());
        let field = digest::field_digest(&commitment, path.as_bytes());
        if path == "[\"actor\",\"id\"]" {
            assert_eq!(salt.as_slice(), hex("543f6a782065a3f3d398b934da4c462e"));
            assert_eq!(
                commitment,
                hash("6c0ba45ae23312ea2d99e27bbaf4b6239cc67372c11d4c333b5ce5a7cbbc8ecf")
            );
            assert_eq!(
                field,
                hash("c585e37701f561042b637b00443d2731a21e467ee5a53ef9ae3e9ecb171560e1")
            );
        }
        if path == "[\"attributes\",\"a/b~c\",1,\"0\"]" {
            assert_eq!(
                field,
                hash("77a0e9577d1281bd01d6f43db9e786225444e3e442ae9f849fe24b7e3b468587")
            );
        }
        digests.push(field);
    }
    let event = digest::event_digest(ORIGIN, &mut digests).unwrap();
    assert!(digests[0].starts_with(&hex("1749037f")) && digests[10].starts_with(&hex("fd75a04f")));
    assert_eq!(event, hash("8c8d2ec5b235bcf44852a7c8b4b3a1537cf37a6e6d1d08e718bcba28736f2f6d"));
    let leaf = Leaf { recorded_at: TIME, digest: event };
    assert!(leaf.encode().starts_with(&hex("011886caf21c963207")));
    assert_eq!(Leaf::decode(&leaf.encode()), Some(leaf));
    assert_eq!(
        tree::leaf_hash(&leaf.encode()),
        hash("9c548f4734abccbdc3c84e0018be59805218e5820b359c24b4a18bc79c5a56b9")
    );
}

#[test]
fn v2() {
    let commitment = digest::commitment(&[0; 16], b"\"a\"");
    let d = |path: &str| digest::field_digest(&commitment, path.as_bytes());
    assert_eq!(
        d("[\"x\",0]"),
        hash("8d3c1e062d0ab59052b78b79e153ef5e0667858d7ae3c8907c0e8f100ce940c9")
    );
    assert_eq!(
        d("[\"x\",\"0\"]"),
        hash("6dcc4a4ef3cef647fb0ec6cc985ea02da68a2490552748b74c148ab6c9d77073")
    );
}

#[test]
fn v3() {
    let leaves: Vec<Hash> = vector_leaves(true).iter().map(|leaf| tree::leaf_hash(leaf)).collect();
    let root3 = hash("cc0ed0bedf36704317984e305935ca5d5025120f44287bf99ec4508451a985ac");
    let v1 = hash("9c548f4734abccbdc3c84e0018be59805218e5820b359c24b4a18bc79c5a56b9");
    assert_eq!(tree::run_root(1, &leaves[1..3], &[v1], 3), Some(root3));
    let proof = [
        hash("659246e5802ff10f1c94c88b2dd56257094b8350cf27ff21b6a1baf792ff03ed"),
        hash("bb56d41490dd263e19029f47769841a7a74227cd5e6986ff71a23e181ab44ba1"),
    ];
    assert_eq!(tree::run_root(0, &leaves[..1], &proof, 3), Some(root3));
    let root4 = hash("74f30e78fd8059afbbf4f95293f1aab38fa7535b0e042d52a5d782369566c26f");
    let proof = [
        hash("377c9e39a82d44a34fab4f9ff2448719f89db71a7fb7d5553984da1967c74ac2"),
        hash("4c7b5cc15eecf14b7ad604c34c49336a323d222273d5fba4da532bbbd1399b43"),
    ];
    assert_eq!(tree::run_root(2, &leaves[2..3], &proof, 4), Some(root4));
    assert_eq!(tree::inclusion_root(2, leaves[2], &[proof[1], proof[0]], 4), Some(root4));
}

#[test]
fn v3_signature() {
    let note = format!(
        "{ORIGIN}\n3\n{}\n\n— {ORIGIN} {}\n",
        b64(&root(&vector_leaves(false))),
        concat!(
            "/A9+iz8tHpVWlz1l6la8vhENJEzXPOoVVP5Gny/os4JEqfTM/ilpMc1elH7B",
            "/AxkqAqupKDnp9i+kZPtgM9NQJVHFwE="
        )
    );
    assert_eq!(Key::vector().vkey(), VKEY);
    assert_eq!(checkpoint(&Key::vector(), 3, &root(&vector_leaves(false))), note);
    let mut file = vector_evidence();
    file["logs"][0]["checkpoint"] = note.into();
    let question = Question { policy: Some(Policy::of_key(VKEY).unwrap()), ..Question::default() };
    let verdict = verify::judge(file.to_string().as_bytes(), &question).unwrap();
    assert_eq!(verdict.class, Class::Verified, "{verdict:?}");
    assert_eq!(verdict.sentence, "1 event, unchanged since 2026-01-02 03:04:05.000 UTC");
    assert_eq!(verdict.rests_on, "log's key only");
}

/// Checks docs/formats/vectors/verdicts/MANIFEST.json: a list of
/// {file, kind, policy, need, required, saved, class, reason, seq, exit}.
#[test]
fn verdict_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/vectors/verdicts");
    let Ok(manifest) = std::fs::read(folder.join("MANIFEST.json")) else {
        println!("skipped: there are no files of verdicts");
        return;
    };
    let manifest: Vec<Value> = serde_json::from_slice(&manifest).unwrap();
    let mut faults = Vec::new();
    for entry in &manifest {
        let bytes = std::fs::read(folder.join(entry["file"].as_str().unwrap())).unwrap();
        if let Err(fault) = check(entry, &bytes) {
            faults.push(format!("{}: {fault}", entry["file"]));
        }
    }
    println!("{} files of verdicts", manifest.len());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn check(entry: &Value, bytes: &[u8]) -> Result<(), String> {
    let answer = question(entry).and_then(|question| match entry["kind"].as_str() {
        Some("evidence") => verify::evidence::judge(bytes, &question),
        Some("receipt") => verify::receipt::judge(bytes, &question),
        Some("tlog-proof") => verify::tlogproof::judge(bytes, &question),
        kind => panic!("unknown kind {kind:?}"),
    });
    let wanted = |name: &str| entry[name].as_str().unwrap_or_default();
    match answer {
        Err(_) if entry["exit"] == 2 => Ok(()),
        Err(usage) => Err(format!("usage error {usage}")),
        Ok(verdict) => {
            let got = serde_json::to_value(&verdict).unwrap();
            let same = got["class"] == wanted("class")
                && (got["reason"] == wanted("reason") || wanted("class") == "verified")
                && got["seq"] == entry["seq"]
                && got["exit"] == entry["exit"];
            let named = format!(
                "{} {} {} {}",
                entry["class"], entry["reason"], entry["seq"], entry["exit"]
            );
            let found: Vec<_> =
                verdict.findings.iter().map(|f| (f.reason, f.seq, &f.sentence)).collect();
            if same { Ok(()) } else { Err(format!("wanted {named}, got {found:?}")) }
        }
    }
}

fn question(entry: &Value) -> Result<Question, verify::Usage> {
    let policy = entry["policy"].as_str().map(|text| Policy::parse(text.as_bytes())).transpose()?;
    let required = entry["required"].as_array().into_iter().flatten();
    Ok(Question {
        policy,
        need: match entry["need"].as_str() {
            Some("any") => Need::Any,
            Some("full") => Need::Full,
            _ => Need::Named,
        },
        required: required
            .map(|path| verify::Path::from_json(&path.to_string()).unwrap())
            .collect(),
        saved: entry["saved"].as_str().map(str::to_owned),
    })
}
