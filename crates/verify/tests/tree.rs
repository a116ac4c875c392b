//! Runs, inclusion and consistency against a plain recursive tree, and against published vectors.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::b64;
use verify::digest::Hash;
use verify::tree::{
    Frontier, empty_root, inclusion_root, is_consistent, leaf_hash, node_hash, run_root,
};

/// The definition in RFC 6962 §2.1, word by word.
fn plain_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&plain_root(left), &plain_root(right))
        }
    }
}

/// The proof of leaves [a, b), left to right.
fn run_proof(leaves: &[Hash], lo: usize, a: usize, b: usize, out: &mut Vec<Hash>) {
    let hi = lo + leaves.len();
    if hi <= a || lo >= b {
        out.push(plain_root(leaves));
    } else if leaves.len() > 1 {
        let k = leaves.len().next_power_of_two() / 2;
        run_proof(&leaves[..k], lo, a, b, out);
        run_proof(&leaves[k..], lo + k, a, b, out);
    }
}

/// RFC 6962 §2.1.2.
fn consistency_proof(leaves: &[Hash], m: usize, whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { vec![] } else { vec![plain_root(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    if m <= k {
        let mut proof = consistency_proof(left, m, whole);
        proof.push(plain_root(right));
        proof
    } else {
        let mut proof = consistency_proof(right, m - k, false);
        proof.push(plain_root(left));
        proof
    }
}

fn leaves(n: usize) -> Vec<Hash> {
    (0..n).map(|i| leaf_hash(&[u8::try_from(i).unwrap()])).collect()
}

#[test]
fn frontier_has_the_root_of_the_definition() {
    let leaves = leaves(255);
    let mut frontier = Frontier::default();
    for n in 0..leaves.len() {
        assert_eq!(frontier.root(), plain_root(&leaves[..n]));
        assert_eq!(frontier.size(), n as u64);
        frontier.push(leaves[n]);
    }
}

#[test]
fn every_run_of_small_trees_verifies_and_no_bit_of_its_proof_may_flip() {
    for n in 1..=40 {
        let leaves = leaves(n);
        let root = plain_root(&leaves);
        for a in 0..n {
            for b in a + 1..=n {
                let mut proof = Vec::new();
                run_proof(&leaves, 0, a, b, &mut proof);
                check_run(&leaves[a..b], a as u64, n as u64, root, proof);
            }
        }
    }
}

fn check_run(run: &[Hash], first: u64, size: u64, root: Hash, mut proof: Vec<Hash>) {
    let answer = |proof: &[Hash]| run_root(first, run, proof, size);
    assert_eq!(answer(&proof), Some(root));
    // Every bit of small trees' proofs; of larger ones a bit of every byte.
    let step = if size <= 9 { 1 } else { 41 };
    for bit in (0..proof.len() * 256).step_by(step) {
        let (hash, byte, mask) = (bit / 256, bit / 8 % 32, 1 << (bit % 8));
        proof[hash][byte] ^= mask;
        assert_ne!(answer(&proof), Some(root));
        proof[hash][byte] ^= mask;
    }
    proof.push([0; 32]);
    assert_eq!(answer(&proof), None);
    proof.pop();
    if proof.pop().is_some() {
        assert_eq!(answer(&proof), None);
    }
}

#[test]
fn runs_that_do_not_lie_in_the_tree() {
    let leaf = [leaf_hash(b"x")];
    assert_eq!(run_root(0, &[], &[], 0), None);
    assert_eq!(run_root(0, &leaf, &[], 0), None);
    assert_eq!(run_root(1, &leaf, &[], 1), None);
    assert_eq!(run_root(u64::MAX, &leaf, &[], u64::MAX), None);
    assert_eq!(run_root(0, &leaf, &[], u64::MAX), None);
    let lengths = 0..=64;
    let proofs =
        lengths.filter(|&n| run_root(u64::MAX - 1, &leaf, &[[0; 32]; 64][..n], u64::MAX).is_some());
    assert_eq!(proofs.count(), 1);
}

#[test]
fn audit_paths_and_consistency_of_small_trees() {
    for n in 1..=40usize {
        let leaves = leaves(n);
        let root = plain_root(&leaves);
        for m in 0..n {
            let mut path = Vec::new();
            audit_path(&leaves, m, &mut path);
            assert_eq!(inclusion_root(m as u64, leaves[m], &path, n as u64), Some(root));
            let old = plain_root(&leaves[..m]);
            let proof = if m == 0 { vec![] } else { consistency_proof(&leaves, m, true) };
            let holds = |p: &[Hash]| is_consistent(m as u64, &old, n as u64, &root, p);
            assert!(holds(&proof), "{m} {n}");
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at][7] ^= 1;
                assert!(!holds(&bad));
                assert!(!holds(&proof[..at]));
            }
            assert!(!holds(&[proof.as_slice(), &[root]].concat()));
        }
    }
}

/// From the leaf's sibling up.
fn audit_path(leaves: &[Hash], at: usize, out: &mut Vec<Hash>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if at < left.len() {
        audit_path(left, at, out);
        out.push(plain_root(right));
    } else {
        audit_path(right, at - left.len(), out);
        out.push(plain_root(left));
    }
}

#[test]
fn published_vectors() {
    let Some(shared) = std::env::var_os("COUNTERFOIL_SHARED") else {
        println!("skipped: COUNTERFOIL_SHARED is not set, so there are no RFC 6962 vectors");
        return;
    };
    let folder = PathBuf::from(shared).join("corpora/rfc6962-vectors/testdata");
    let inclusion = check_files(&folder.join("inclusion"), &|v| {
        let index = v["leafIdx"].as_u64()?;
        let size = v["treeSize"].as_u64()?;
        let root = inclusion_root(index, hash(&v["leafHash"])?, &hashes(&v["proof"])?, size)?;
        (root == hash(&v["root"])?).then_some(())
    });
    let consistency = check_files(&folder.join("consistency"), &|v| {
        let (old, new) = (v["size1"].as_u64()?, v["size2"].as_u64()?);
        let (old_root, new_root) = (hash(&v["root1"])?, hash(&v["root2"])?);
        is_consistent(old, &old_root, new, &new_root, &hashes(&v["proof"])?).then_some(())
    });
    println!("{inclusion} inclusion and {consistency} consistency vectors");
    assert!(inclusion > 50 && consistency > 50);
}

fn check_files(folder: &PathBuf, holds: &dyn Fn(&Value) -> Option<()>) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += check_files(&path, holds);
            continue;
        }
        let vector: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        // Those who made the vectors call a proof from the empty tree useless; here it holds.
        if vector["size1"] == 0 && vector["size2"] != 0 && vector["root1"] == b64(&empty_root()) {
            continue;
        }
        let fails = vector["wantErr"].as_bool().unwrap();
        assert_eq!(holds(&vector).is_none(), fails, "{}", path.display());
        count += 1;
    }
    count
}

/// Some vectors have words for roots where only their equality matters: filled up with zeros.
fn hash(value: &Value) -> Option<Hash> {
    let mut bytes = STANDARD.decode(value.as_str()?).ok()?;
    if !bytes.is_empty() {
        bytes.resize(bytes.len().max(32), 0);
    }
    bytes.try_into().ok()
}

fn hashes(value: &Value) -> Option<Vec<Hash>> {
    match value {
        Value::Null => Some(vec![]),
        list => list.as_array()?.iter().map(hash).collect(),
    }
}
