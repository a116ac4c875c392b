//! The head: each log's newest signed checkpoint, outside the journal.
//!
//! A journal whose last frames were cut off is still a whole journal; the head says how far it
//! reached. Its bytes are those of [`Slots`].

use std::io;

use platform::Disk;

use crate::open::OpenError;
use crate::slots::{self, Checkpoints, Slot, Slots};

/// Its name in the data folder.
pub(crate) const NAME: &str = "head";

/// The head file, open for writing.
pub(crate) struct Head {
    file: Slots,
    newest: Slot,
}

/// The ids that the slots of the living folder's head have.
pub(crate) fn ids(disk: &dyn Disk) -> Vec<[u8; 16]> {
    slots::read(disk, NAME).into_iter().flatten().map(|(id, _)| id).collect()
}

/// The checkpoints in each slot that can be read of a head that nobody has open, by origin.
pub(crate) fn notes(disk: &dyn Disk, name: &str) -> Vec<Checkpoints> {
    slots::read(disk, name).into_iter().flatten().map(|(_, slot)| slot.checkpoints).collect()
}

/// Opens a head that must be there and whole.
pub(crate) fn open(disk: &dyn Disk, folder: [u8; 16]) -> Result<Head, OpenError> {
    let opened = Slots::open(disk, NAME, folder).map_err(|error| OpenError::io(NAME, error))?;
    let (file, newest) = opened.map_err(OpenError::Damaged)?;
    Ok(Head { file, newest })
}

impl Head {
    /// Makes the head of a new folder: both slots whole, no log.
    pub(crate) fn create(disk: &dyn Disk, folder: [u8; 16]) -> io::Result<()> {
        Slots::create(disk, NAME, folder, &Checkpoints::new())
    }

    /// What the newest slot says.
    pub(crate) fn slot(&self) -> &Slot {
        &self.newest
    }

    /// Whether everything written is durable.
    pub(crate) fn is_synced(&self) -> bool {
        self.file.is_synced()
    }

    /// Writes newer checkpoints; not durable before [`Head::sync`].
    pub(crate) fn write(
        &mut self,
        newer: impl IntoIterator<Item = (String, String)>,
        closed: bool,
    ) -> io::Result<()> {
        self.newest.checkpoints.extend(newer);
        self.newest.closed = closed;
        self.file.write(&self.newest.checkpoints, closed)
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}
