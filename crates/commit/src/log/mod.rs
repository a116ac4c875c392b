//! One Merkle log: its key, its tree, its ids, and what readers may see of it.

mod checkpoint;
mod epochs;
mod ids;
#[cfg(test)]
mod oracles;
mod sequencer;
mod shared;
mod tree;

pub use checkpoint::{Checkpoint, LogKey, hex, read_unverified};
pub(crate) use epochs::{Counters, Epochs};
pub use ids::{IDS_MAX, IdKey, Ids, SAME_ID_MAX, WINDOW_NS};
pub use sequencer::{Plan, Sequencer};
pub(crate) use shared::{Addition, ChunkPlace};
pub use shared::{Files, Log, LogMeta, Published, ReadError};
pub use tree::{Frontier, Growth, TILE_WIDTH, Tree};
