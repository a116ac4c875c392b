//! The decision what a log becomes: pure, one per log. The lane makes it durable.

use event::{Hash, Leaf};

use super::tree::{Frontier, Growth};

/// Where a log stands.
#[derive(Clone, Debug, Default)]
pub struct Sequencer {
    frontier: Frontier,
    /// recorded_at of the newest entry.
    newest: i64,
}

/// What a batch will make of the log once it is durable.
#[derive(Debug)]
pub struct Plan {
    /// Seq of the first new entry.
    pub first: u64,
    /// The new entries.
    pub leaves: Vec<Leaf>,
    /// The root with them.
    pub root: Hash,
    growth: Growth,
    after: Sequencer,
}

impl Sequencer {
    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Plans entries for these event digests, in order. recorded_at strictly increases, also when
    /// the clock does not.
    pub fn plan(&self, digests: impl Iterator<Item = Hash>, now: i64) -> Plan {
        let mut next = self.newest.saturating_add(1).max(now);
        let leaves = digests.map(|digest| {
            let leaf = Leaf { recorded_at: next, digest };
            next = next.saturating_add(1);
            leaf
        });
        self.replay(leaves.collect())
    }

    /// Plans entries that already have their time: recovery runs what health runs.
    pub fn replay(&self, leaves: Vec<Leaf>) -> Plan {
        let mut after = self.clone();
        let mut growth = Growth::default();
        for leaf in &leaves {
            after.frontier.push(leaf, &mut growth);
            after.newest = leaf.recorded_at;
        }
        Plan { first: self.size(), root: after.root(), leaves, growth, after }
    }

    /// Whether these leaves may follow: times strictly rise.
    pub fn accepts(&self, leaves: &[Leaf]) -> bool {
        let mut newest = if self.size() == 0 { i64::MIN } else { self.newest };
        leaves.iter().all(|leaf| {
            let rises = leaf.recorded_at > newest;
            newest = leaf.recorded_at;
            rises
        })
    }

    /// Takes a plan that is durable; returns what the tree grows by.
    pub fn apply(&mut self, plan: Plan) -> (Vec<Leaf>, Growth) {
        let Plan { leaves, growth, after, .. } = plan;
        *self = after;
        (leaves, growth)
    }
}
