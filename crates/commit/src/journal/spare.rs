//! Journal files made ahead: zeroed, headed and synced before the lane needs them, so that the
//! hot path never waits for allocation and a full disk is known before it is full.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use platform::{Disk, File};

use super::file::{FileHeader, file_name};

static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
/// How long a lane without a file waits for one before it says so.
const WAIT: Duration = Duration::from_secs(5);
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
    /// Made ahead by a thread; two are in reserve.
    Ahead(Ahead),
}

pub(super) struct Ahead {
    ready: Receiver<io::Result<Spare>>,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Spares {
    pub(super) fn inline(disk: Arc<dyn Disk>, next: FileHeader) -> Spares {
        Spares::Inline { disk, next }
    }

    pub(super) fn ahead(disk: Arc<dyn Disk>, next: FileHeader) -> io::Result<Spares> {
        // One waits in the channel and one in the maker's hand.
        let (give, ready) = sync_channel(1);
        let (stop, stopped) = channel();
        let maker = move || make_ahead(disk.as_ref(), next, &give, &stopped);
        let thread = std::thread::Builder::new().name("journal-files".into()).spawn(maker)?;
        Ok(Spares::Ahead(Ahead { ready, stop: Some(stop), thread: Some(thread) }))
    }

    /// The next file. An error means that the disk has no room now; nothing is lost by it.
    pub(super) fn take(&mut self) -> io::Result<Spare> {
        match self {
            Spares::Inline { disk, next } => {
                let spare = make(disk.as_ref(), *next)?;
                next.number += 1;
                Ok(spare)
            }
            Spares::Ahead(ahead) => match ahead.ready.recv_timeout(WAIT) {
                Ok(made) => made,
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no journal file is ready")),
            },
        }
    }
}

fn make_ahead(
    disk: &dyn Disk,
    mut next: FileHeader,
    give: &SyncSender<io::Result<Spare>>,
    stopped: &Receiver<()>,
) {
    loop {
        let made = make(disk, next);
        let failed = made.is_err();
        if give.send(made).is_err() {
            return;
        }
        if failed {
            if stopped.recv_timeout(REST) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        } else {
            next.number += 1;
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop.take();
        // Closing the channel wakes a maker that stands at it with a finished file.
        let (_, closed) = sync_channel(0);
        self.ready = closed;
        if let Some(thread) = self.thread.take() {
            // A maker that panicked has nothing left to do.
            let _ = thread.join();
        }
    }
}
