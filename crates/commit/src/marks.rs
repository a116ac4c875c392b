//! Which frames a start takes as this server's own.
//!
//! A signature vouches for all below it. Behind the newest one only the frame's mark does, so each
//! frame there must have one that holds. The last frame must have it in any case, since start-up
//! writes it anew with a mark of its own and would vouch for whatever stands in it.
//!
//! Below a signature a frame must be marked, but no mark is computed: entries, their times and
//! their order are under the signature, events are compared with their entries, and a mark would
//! have every start hash the whole journal. KNOWN: the id tags there, and when a frame was
//! written, are under nothing.

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
        let what = match header.mark {
            None if header.number >= key.first() => {
                format!("frame {} has no mark, and from {} on all have", header.number, key.first())
            }
            None if !is_signed => {
                format!("frame {} has no mark, and no checkpoint covers it", header.number)
            }
            Some(_) if !is_signed && !key.holds(header, sections) => {
                format!("the mark of frame {} does not hold", header.number)
            }
            _ => return Ok(()),
        };
        let what = format!("{what}: whoever wrote it did not have {NAME}");
        Err(Damage { file: file_name(place.file), offset: place.offset, what })
    }

    /// Looks at the last frame, and whether a key is missing. `is_lost`: it is known to be.
    pub(crate) fn finish(mut self, found: &Found, is_lost: bool) -> Result<(), OpenError> {
        if let (Some(last), Some(key)) = (&found.last, self.key) {
            let is_before = last.header.number < key.first();
            let held = self.check(last.header, &last.sections, is_before, last.place);
            held.map_err(OpenError::Damaged)?;
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
