//! Journal files made ahead: zeroed, headed and synced before the lane needs them, so that the
//! hot path never waits for allocation and a full disk is known before it is full.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use platform::{Disk, File};

use super::file::{FileHeader, file_name};

static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
/// How long a lane without a file waits for one before it says so.
const WAIT: Duration = Duration::from_secs(5);
/// Files in reserve.
const AHEAD: usize = 2;
/// How long the maker rests after the disk refused.
const REST: Duration = Duration::from_secs(1);

/// A file ready for frames.
pub(super) struct Spare {
    pub(super) number: u64,
    pub(super) file: Arc<dyn File>,
}

/// Makes the file: after a crash in here there is a `.new` file, which start-up removes.
pub(super) fn make(disk: &dyn Disk, header: FileHeader) -> io::Result<Spare> {
    let name = file_name(header.number);
    let beside = format!("{name}.new");
    let file = disk.create_anew(&beside)?;
    let block = header.encode();
    file.write_at(0, &block)?;
    let mut at = block.len() as u64;
    while at < header.size {
        let piece = (header.size - at).min(ZEROS.len() as u64);
        file.write_at(at, &ZEROS[..piece as usize])?;
        at += piece;
    }
    file.sync()?;
    disk.rename(&beside, &name)?;
    disk.sync_folder("journal")?;
    Ok(Spare { number: header.number, file })
}

/// Where the next file comes from.
pub(super) enum Spares {
    /// Made when asked for: deterministic, for simulation.
    Inline { disk: Arc<dyn Disk>, next: FileHeader },
    /// Made ahead by a thread.
    Ahead(Ahead),
}

pub(super) struct Ahead {
    shelf: Arc<Shelf>,
    thread: Option<JoinHandle<()>>,
}

/// Between the maker and the lane.
#[derive(Default)]
struct Shelf {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Spare>,
    /// Why the disk refused the newest file; nothing once it took one. A refusal that waited its
    /// turn behind the files would be told when it is long over.
    refused: Option<(ErrorKind, String)>,
    stopping: bool,
}

impl Spares {
    pub(super) fn inline(disk: Arc<dyn Disk>, next: FileHeader) -> Spares {
        Spares::Inline { disk, next }
    }

    pub(super) fn ahead(disk: Arc<dyn Disk>, next: FileHeader) -> io::Result<Spares> {
        let shelf = Arc::new(Shelf::default());
        let of_maker = shelf.clone();
        let maker = move || make_ahead(disk.as_ref(), next, &of_maker);
        let thread = std::thread::Builder::new().name("journal-files".into()).spawn(maker)?;
        Ok(Spares::Ahead(Ahead { shelf, thread: Some(thread) }))
    }

    /// The next file. An error means that the disk has no room now; nothing is lost by it.
    pub(super) fn take(&mut self) -> io::Result<Spare> {
        match self {
            Spares::Inline { disk, next } => {
                let spare = make(disk.as_ref(), *next)?;
                next.number += 1;
                Ok(spare)
            }
            Spares::Ahead(ahead) => ahead.shelf.take(),
        }
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> io::Result<Spare> {
        let nothing = |state: &mut State| state.ready.is_empty() && state.refused.is_none();
        let waited = self.changed.wait_timeout_while(self.lock(), WAIT, nothing);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(spare) = state.ready.pop_front() {
            self.changed.notify_all();
            return Ok(spare);
        }
        Err(match &state.refused {
            Some((kind, why)) => io::Error::new(*kind, why.clone()),
            None => io::Error::new(ErrorKind::TimedOut, "no journal file is ready"),
        })
    }

    /// Takes what was made, or why it was not. Whether another is to be made, once it is time.
    fn put(&self, made: io::Result<Spare>) -> bool {
        let mut state = self.lock();
        let rest = made.is_err().then_some(REST);
        match made {
            Ok(spare) => {
                state.ready.push_back(spare);
                state.refused = None;
            }
            Err(error) => state.refused = Some((error.kind(), error.to_string())),
        }
        self.changed.notify_all();
        let state = match rest {
            Some(rest) => {
                let goes_on = |state: &mut State| !state.stopping;
                let rested = self.changed.wait_timeout_while(state, rest, goes_on);
                rested.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let is_full = |state: &mut State| state.ready.len() >= AHEAD && !state.stopping;
                let asked = self.changed.wait_while(state, is_full);
                asked.unwrap_or_else(PoisonError::into_inner)
            }
        };
        !state.stopping
    }
}

fn make_ahead(disk: &dyn Disk, mut next: FileHeader, shelf: &Shelf) {
    loop {
        let made = make(disk, next);
        next.number += u64::from(made.is_ok());
        if !shelf.put(made) {
            return;
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shelf.lock().stopping = true;
        self.shelf.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A maker that panicked has nothing left to do.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use platform::sim::SimDisk;

    use super::*;

    #[test]
    fn a_refusal_is_over_when_the_disk_has_room_again() {
        let disk = SimDisk::new(1).folder("data");
        disk.create_folder("journal").expect("made");
        let next = FileHeader { folder: [7; 16], number: 1, size: 1 << 16 };
        let mut spares = Spares::ahead(Arc::new(disk.clone()), next).expect("a thread");
        let first = spares.take().expect("there is room");
        disk.fill_at(disk.used());
        let mut taken = first.number + 1;
        let error = loop {
            match spares.take() {
                Ok(spare) => {
                    assert_eq!(spare.number, taken);
                    taken += 1;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        disk.fill_at(u64::MAX);
        let Spares::Ahead(ahead) = &spares else { unreachable!("they are made ahead") };
        while ahead.shelf.lock().refused.is_some() {
            std::thread::sleep(Duration::from_millis(10));
        }
        for number in taken..taken + 4 {
            assert_eq!(spares.take().expect("there is room again").number, number);
        }
    }
}
