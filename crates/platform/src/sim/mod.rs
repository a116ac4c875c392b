//! A simulated world: disk, clock and entropy in memory, the same again from the same seed.
//!
//! # What the disk does to those who trust it
//!
//! - *Writes* go to a cache. Only [`File::sync`] makes them durable, and only those of that file.
//! - *Power loss* keeps or loses every unsynced sector of 512 bytes on its own: writes tear and
//!   change places. A file whose length was not synced has the old length or the new one.
//! - *Names* (create, rename, remove) are as durable as the last [`Disk::sync_folder`] of their
//!   folder; each change after it is kept or lost on its own. A rename is kept or lost as a whole,
//!   also one from folder to folder, which a sync of either makes durable.
//! - *A killed process* loses nothing: the cache, names included, is there for the next one.
//!   What was not synced can still be lost later, when the power goes.
//! - *A failed sync* marks its sectors clean. Some reached the device and some did not; those that
//!   did not lie: cached reads show them, a later sync succeeds and does nothing about them, and
//!   so it stays for the next process, until they are written again or the power goes.
//! - *Reads past the cache* show what the device has. What is unsynced is written back for them
//!   first, as Linux does for O_DIRECT, and so they see it though a power loss can still take it;
//!   what lies they see through.
//! - *A full disk* takes the part of a write that fits and then fails it. Every byte of a file's
//!   length counts, zeros too.
//! - *Rot* flips a bit on the device, and so it reads from then on.
//! - *A step* is a call that changes anything. A [`Fault`] can strike any of them: the step fails,
//!   or the process dies before or after it. A dead process's calls all fail.
//!
//! What it does not do: reads never fail, a sector is never half written, the contents of a
//! folder are never damaged, only old.
//!
//! [`File::sync`]: crate::File::sync
//! [`Disk::sync_folder`]: crate::Disk::sync_folder

mod calls;
mod dice;
mod disk;
mod names;
mod sectors;
mod state;

pub use dice::{Dice, SimClock, SimEntropy};
pub use disk::{Crash, Fault, SimDisk};
