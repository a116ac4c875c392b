//! Which frames a start takes as this server's own.
//!
//! A signature vouches for the entries below it, and for nothing else of their frames: not for id
//! tags, epochs, or when a frame was written. Behind the newest signature nothing vouches for
//! anything. So the mark of every frame is computed, from the first that has one on; those before
//! it are an earlier build's, and must be under a checkpoint.

use crate::frame_key::NAME;
use crate::journal::file::file_name;
use crate::journal::frame::FrameHeader;
use crate::journal::mark::FrameKey;
use crate::journal::{Damage, Found, Place};
use crate::open::OpenError;

/// Looks at the marks of frames, one after the other.
pub(crate) struct Marks<'k> {
    key: Option<&'k FrameKey>,
    /// A frame that has a mark, where there is no key.
    marked: Option<Place>,
}

impl<'k> Marks<'k> {
    pub(crate) fn new(key: Option<&'k FrameKey>) -> Marks<'k> {
        Marks { key, marked: None }
    }

    /// Looks at a frame whose checksums hold; `is_signed`: the head's checkpoints cover all of it.
    /// No crash leaves a frame whose checksums hold and whose mark does not.
    pub(crate) fn check(
        &mut self,
        header: FrameHeader,
        sections: &[u8],
        is_signed: bool,
        place: Place,
    ) -> Result<(), Damage> {
        let Some(key) = self.key else {
            self.marked = self.marked.or_else(|| header.mark.map(|_| place));
            return Ok(());
        };
        let (number, first) = (header.number, key.first());
        // A mark from before the key's first frame is of a key that was lost.
        let what = if number < first && !is_signed {
            format!("frame {number} has no mark, and no checkpoint covers it")
        } else if number >= first && header.mark.is_none() {
            format!("frame {number} has no mark, and from {first} on all have")
        } else if number >= first && !key.holds(header, sections) {
            format!("the mark of frame {number} does not hold")
        } else {
            return Ok(());
        };
        let what = format!("{what}: whoever wrote it did not have {NAME}");
        Err(Damage { file: file_name(place.file), offset: place.offset, what })
    }

    /// Looks at what the key says of the journal, and whether a key is missing. `is_lost`: it is
    /// known to be.
    pub(crate) fn finish(self, found: &Found, is_lost: bool) -> Result<(), OpenError> {
        let (first, next) = (self.key.map_or(0, FrameKey::first), found.next_frame);
        if first > next {
            let what = format!(
                "marks frames from {first} on, and the journal goes on with frame {next}: the data \
                 folder is older than the key. Put the right one back"
            );
            return Err(OpenError::key(NAME, &what));
        }
        match self.marked {
            Some(Place { file, offset }) if !is_lost => {
                let what = format!(
                    "is missing, though the frame in {}, byte {offset}, has its mark: put it back \
                     from a backup of the folder of keys, or see docs/operations/keys.md",
                    file_name(file)
                );
                Err(OpenError::key(NAME, &what))
            }
            _ => Ok(()),
        }
    }
}
