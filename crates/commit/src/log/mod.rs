//! One Merkle log: its key, its tree, its ids, and what readers may see of it.

mod checkpoint;
mod chunks;
mod epochs;
mod ids;
mod keyring;
mod meta;
#[cfg(test)]
mod oracles;
mod pages;
mod published;
mod reader;
mod sequencer;
mod shared;
mod tree;
mod vkey;

pub use checkpoint::{Checkpoint, LogKey, hex, read_unverified};
pub(crate) use chunks::{ChunkPlace, Chunks};
pub(crate) use epochs::{Counters, Epochs, NUMBER_MAX as EPOCH_NUMBER_MAX};
pub use ids::{IDS_MAX, IdKey, Ids, SAME_ID_MAX, WINDOW_NS};
pub use keyring::{Handover, KeyPeriod};
pub(crate) use keyring::{Keyring, Term};
pub use meta::{DamageNote, LogMeta, Purpose};
pub(crate) use published::Addition;
pub use published::Published;
pub use reader::Reader;
pub use sequencer::{Plan, Sequencer};
pub use shared::{Damaged, Files, Log, ReadError};
pub use tree::{Frontier, Growth, TILE_WIDTH, Tree};
pub use vkey::Vkey;
