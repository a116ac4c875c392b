//! One Merkle log: its key, its tree, its ids, and what readers may see of it.

mod checkpoint;
mod epochs;
mod ids;
mod sequencer;
mod shared;
mod tree;

pub use checkpoint::{Checkpoint, LogKey, hex, read_unverified};
pub use epochs::Epochs;
pub use ids::{IDS_MAX, IdKey, Ids, WINDOW_NS};
pub use sequencer::{Plan, Sequencer};
pub use shared::{Files, Log, LogMeta, Published, ReadError};
pub(crate) use shared::{Addition, ChunkPlace};
pub use tree::{Frontier, Growth, TILE_WIDTH, Tree};
