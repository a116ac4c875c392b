//! Commit: the lane, the journal, the Merkle logs, recovery.
//!
//! Promises: who was answered has its events on the disk, under a signed checkpoint, readable; an
//! event's seq and time never change; of a crash nothing is believed that the disk did not keep;
//! what was signed and is not there any more is found at start-up and named.
//!
//! Never: tokio, Parquet, SQL; a decision about who may write or read.
//!
//! ```text
//! Admitted ─ prepare (sender's thread) ─▶ Prepared
//!          ─ Lane: plan, write, sync, sign, publish ─▶ Answer ─ receipt
//! ```

mod aside;
mod clock_watch;
pub mod evidence;
mod fair;
mod folder;
mod frame_key;
mod front;
mod head;
mod id_key;
pub mod journal;
mod keys;
mod lane;
mod log;
mod logs;
mod look;
mod marks;
mod measures;
mod open;
mod own;
mod part;
mod partitions;
mod prepare;
mod put_back;
pub mod receipt;
mod rekey;
mod replay;
mod rising;
mod rotate;
mod settle;
mod signed;
mod slots;
mod stepped;
mod store;
mod submission;
mod suspect;
mod sweep;
mod world;

pub use aside::SetAside;
pub use clock_watch::{ClockWatch, JUMP_MIN_NS, Jump};
pub use folder::{KeyCheck, KeysFound, LogSpec, check_files, check_keys, check_new};
pub use frame_key::read_frame_key;
pub use front::PartitionLimits;
pub use id_key::id_key;
pub use lane::Fatal;
pub use log::{
    Checkpoint, DamageNote, Damaged, Handover, IDS_MAX, IdKey, KeyPeriod, Log, LogMeta, Published,
    Purpose, ReadError, Reader, TILE_WIDTH, Tree, WINDOW_NS, hex,
};
pub use logs::LogMap;
pub use measures::{Histogram, Measures};
pub use open::{OnDamage, OpenError, Progress, Settings};
pub use prepare::{Earlier, Fate, Place, Prepared, prepare};
pub use put_back::PutBack;
pub use rekey::{KeyError, KeyOrder, KeyTurn, TOGETHER_MAX};
pub use replay::{Replay, Replayed, Unreadable, compare};
pub use rotate::{ORDERS_DAY_MAX, Order, RotateError};
pub use stepped::Stepped;
pub use store::{Indexer, Store, TickError};
pub use submission::{Answer, Index, Placed, Reply};
pub use suspect::Unfit;
pub use world::World;
