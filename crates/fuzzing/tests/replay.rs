//! Every file of every corpus, asked again.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, and says where")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzzing::TARGETS;

const FILES_MAX: usize = 60;
const CORPORA_BYTES_MAX: u64 = 300 << 10;

fn fuzz(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(below)
}

/// Names in a folder, ascending; those that begin with a dot are not ours.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("a name in UTF-8"));
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

#[test]
fn every_corpus_is_replayed() {
    let (mut files, mut bytes, mut broken) = (0, 0, Vec::new());
    for target in TARGETS {
        let folder = fuzz("corpus").join(target.name);
        let names = names(&folder);
        assert!((1..=FILES_MAX).contains(&names.len()), "{}: {} files", target.name, names.len());
        for name in names {
            let input = fs::read(folder.join(&name)).unwrap();
            files += 1;
            bytes += input.len() as u64;
            if catch_unwind(|| (target.run)(&input)).is_err() {
                broken.push(format!("{}/{name}", target.name));
            }
        }
    }
    println!("{files} files of {} targets, {bytes} bytes", TARGETS.len());
    assert!(broken.is_empty(), "broken by {broken:?}");
    assert!(bytes <= CORPORA_BYTES_MAX, "the corpora have {bytes} bytes");
}

#[test]
fn every_target_is_one_of_fuzz() {
    let ours: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let corpora: BTreeSet<String> = names(&fuzz("corpus")).into_iter().collect();
    assert_eq!(corpora, ours);
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    for name in &ours {
        let text = fs::read_to_string(fuzz(&format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("fuzzing::run(\"{name}\", bytes)")), "{name}");
        assert!(manifest.contains(&format!("\"fuzz_targets/{name}.rs\"")), "{name}");
    }
    assert_eq!(names(&fuzz("fuzz_targets")).len(), ours.len());
}
