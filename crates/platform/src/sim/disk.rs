//! The simulated disk. Its fault model stands in `mod.rs`.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::names::{join, split};
use super::state::{Planned, State, dead};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crash {
    /// The process alone: the cache is there for the next one.
    Killed,
    /// The power goes: each unsynced sector and name is kept or lost.
    PowerLoss,
    /// The power goes, and nothing unsynced is kept.
    PowerLossBare,
}

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The step fails; a sync that fails leaves a cache that lies.
    Error,
    /// The process dies before the step is done.
    DieBefore,
    /// The process dies when the step is done.
    DieAfter,
}

/// A disk in memory, seen by one process. Clones see the same.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    /// Which process this is; the calls of earlier ones fail.
    life: u64,
    pub(super) root: String,
}

impl SimDisk {
    /// An empty disk; what it decides by chance, `seed` decides.
    pub fn new(seed: u64) -> SimDisk {
        let state = State::new(seed);
        SimDisk { state: Arc::new(Mutex::new(state)), life: 0, root: String::new() }
    }

    /// The part of this disk below a folder, which is made durable if it is not there.
    pub fn folder(&self, name: &str) -> SimDisk {
        let (mut state, root) = (self.state(), join(&self.root, name));
        state.names.create_folder(&root);
        // The folder above is there: create_folder made it.
        let _ = state.names.sync(split(&root).0);
        drop(state);
        SimDisk { root, ..self.clone() }
    }

    /// Ends the process; the answer is the whole disk as the next one finds it.
    pub fn crash(&self, how: Crash) -> SimDisk {
        let mut state = self.state();
        state.crash(how);
        SimDisk { state: self.state.clone(), life: state.life, root: String::new() }
    }

    /// A copy of everything as it is now; what happens to one does not happen to the other.
    pub fn snapshot(&self) -> SimDisk {
        let state = self.state();
        let copy = state.copy();
        SimDisk { state: Arc::new(Mutex::new(copy)), ..self.clone() }
    }

    /// Lets `fault` strike the next step whose name begins with `step`, after `skip` such steps
    /// have gone well. Steps are named `create`, `create_folder`, `rename`, `remove`,
    /// `sync_folder`, `write`, `sync`, then a space and the path.
    pub fn plan(&self, step: &str, skip: u64, fault: Fault) {
        self.state().planned.push(Planned { step: step.to_owned(), skip, fault });
    }

    /// Lets a sync fail after `count` that succeed.
    pub fn fail_sync_after(&self, count: u64) {
        self.plan("sync ", count, Fault::Error);
    }

    /// Leaves room for files of `bytes` in all.
    pub fn fill_at(&self, bytes: u64) {
        self.state().bytes_max = bytes;
    }

    /// Bytes that all files take.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Flips the bits `flip` of one byte at rest.
    pub fn rot(&self, name: &str, offset: u64, flip: u8) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.names.file(&join(&self.root, name))?;
        if let Some(file) = state.files.get_mut(&inode) {
            file.rot(offset, flip);
        }
        Ok(())
    }

    /// All files below this folder, with their sizes.
    pub fn files(&self) -> Vec<(String, u64)> {
        let state = self.state();
        let inside = |path: &str| match self.root.as_str() {
            "" => Some(path.to_owned()),
            root => path.strip_prefix(root)?.strip_prefix('/').map(str::to_owned),
        };
        let files = state
            .names
            .files()
            .filter_map(|(path, inode)| Some((inside(&path)?, state.files.get(&inode)?.len())));
        files.collect()
    }

    /// The steps since the last call.
    pub fn take_steps(&self) -> Vec<String> {
        std::mem::take(&mut self.state().steps)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for a process that lives.
    pub(super) fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.dead || state.life != self.life { Err(dead()) } else { Ok(state) }
    }
}
