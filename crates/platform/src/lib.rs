//! The only door to the world: time, randomness and files.
//!
//! Promises: everything above takes these as arguments, so that a test can hold the whole world
//! in its hand, tear it, and run it again from the same seed.
//!
//! Never: knows what is stored.

mod beneath;
mod clock;
mod disk;
mod durable;
mod entropy;
mod limits;
mod named;
mod own;
mod real;
pub mod sim;
mod terminal;
mod volume;

pub use clock::{Clock, SystemClock};
pub use disk::{Disk, File, may_not_write};
pub use durable::{make_folders, replace_durably, sync_name};
pub use entropy::{Entropy, SystemEntropy};
pub use limits::raise_open_files;
pub use named::{open_regular, read_bytes, read_once, read_regular, read_text};
pub use own::{OwnProcess, own_process};
pub use real::{Held, RealDisk};
pub use terminal::TerminalSettings;
pub use volume::{Volume, volume, volume_kind};
