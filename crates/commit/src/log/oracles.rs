//! The tree against independent implementations: ct-merkle for roots and proofs, tlog_tiles and
//! signed_note for what readers of the public formats see.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use event::Leaf;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Error, Hash, HashReader, Tile, TileHashReader, TileReader, stored_hash_index};

use super::checkpoint::sign;
use super::{Frontier, Growth, LogKey, Tree};

fn leaf(n: u64) -> Leaf {
    Leaf { recorded_at: n as i64 + 1, digest: [n as u8; 32] }
}

/// A tree of `size` leaves, grown in steps of uneven size.
fn tree(size: u64) -> (Tree, Frontier) {
    let (mut tree, mut frontier) = (Tree::default(), Frontier::default());
    let mut step = 1;
    while frontier.size() < size {
        let mut growth = Growth::default();
        let upto = (frontier.size() + step).min(size);
        let leaves: Vec<Leaf> = (frontier.size()..upto).map(leaf).collect();
        leaves.iter().for_each(|leaf| frontier.push(leaf, &mut growth));
        tree.grow(&leaves, growth);
        step = step % 37 + 5;
    }
    (tree, frontier)
}

#[test]
fn roots_and_proofs_are_those_of_ct_merkle() {
    let (tree, _) = tree(300);
    let mut theirs: MemoryBackedTree<sha2::Sha256, Vec<u8>> = MemoryBackedTree::new();
    for size in 1..=300 {
        theirs.push(tree.leaf(size - 1).unwrap().to_vec());
        assert_eq!(tree.root(size).unwrap(), theirs.root().as_bytes()[..], "size {size}");
        for seq in (0..size).step_by(1 + size as usize / 9) {
            let ours = tree.inclusion_proof(seq, size).unwrap();
            let proof = theirs.prove_inclusion(seq as usize);
            assert_eq!(ours.as_flattened(), proof.as_bytes(), "{seq} of {size}");
        }
        for old in (1..=size).step_by(1 + size as usize / 9) {
            let ours = tree.consistency_proof(old, size).unwrap();
            let proof = theirs.prove_consistency((size - old) as usize);
            assert_eq!(ours.as_flattened(), proof.as_bytes(), "{old} in {size}");
        }
    }
}

/// Our tiles, as a stranger reads them.
struct Served<'a>(&'a Tree);

impl TileReader for Served<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            let bytes = self.0.tile(tile.level(), tile.level_index(), u64::from(tile.width()));
            bytes.expect("a tile of the tree")
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn tiles_are_those_of_tlog_tiles() {
    for size in [1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 66_000] {
        let (tree, frontier) = tree(size);
        assert_eq!(tree.root(size), Some(frontier.root()));
        let served = Served(&tree);
        let reader = TileHashReader::new(size, Hash(frontier.root()), &served);
        let seqs: Vec<u64> = (0..size).step_by(1 + size as usize / 50).collect();
        let indexes: Vec<u64> = seqs.iter().map(|seq| stored_hash_index(0, *seq)).collect();
        let hashes = reader.read_hashes(&indexes).expect("tiles that add up to the root");
        for (seq, hash) in seqs.iter().zip(hashes) {
            assert_eq!(hash.0, leaf(*seq).hash(), "{seq} of {size}");
        }
    }
}

#[test]
fn a_checkpoint_is_a_signed_note() {
    let key = LogKey::new("log.example/tlog/a-0", &[7; 32]);
    let note = key.sign(9, [3; 32]).note;
    let verifier = StandardVerifier::new(&key.public().to_string()).expect("a vkey");
    let parsed = Note::from_bytes(note.as_bytes()).expect("a note");
    let known = VerifierList::new(vec![Box::new(verifier)]);
    assert_eq!(parsed.verify(&known).expect("signed").0.len(), 1);
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(parsed.text()).expect("a checkpoint");
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("log.example/tlog/a-0", 9));
    assert_eq!(checkpoint.hash().0, [3; 32]);
}

/// One line for each key, as anybody's reader of notes has it.
#[test]
fn two_keys_sign_one_note() {
    let keys = [7, 8].map(|seed| LogKey::new("log.example/tlog/a-0", &[seed; 32]));
    let note = sign(keys.iter(), "log.example/tlog/a-0", 9, [3; 32]).note;
    let parsed = Note::from_bytes(note.as_bytes()).expect("a note");
    for known in [&keys[..], &keys[..1], &keys[1..]] {
        let verifier = |key: &LogKey| StandardVerifier::new(&key.public().to_string());
        let all = known.iter().map(|key| Box::new(verifier(key).expect("a vkey")) as Box<_>);
        let known_by = VerifierList::new(all.collect());
        let (good, unknown) = parsed.verify(&known_by).expect("signed");
        assert_eq!((good.len(), unknown.len()), (known.len(), 2 - known.len()));
    }
}
