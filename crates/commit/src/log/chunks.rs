//! Where the events of a log stand in the journal.
//!
//! Start-up knows where each section's event list stands, and opens for writes; which chunks a
//! list has is known once it was unpacked ([`crate::Replay`]). Until then a list stands for its
//! chunks: one event of it is read by unpacking it from its start.

use crate::journal::Place;

/// Where some consecutive events stand: one chunk, or one event list not yet looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkPlace {
    pub(crate) first: u64,
    pub(crate) place: Place,
    pub(crate) bytes: u32,
    pub(crate) raw_bytes: u32,
}

/// All of a log, ascending.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// Event lists that start-up found and nobody has looked into.
    lists: Vec<ChunkPlace>,
    /// The chunks behind them.
    chunks: Vec<ChunkPlace>,
}

impl Chunks {
    pub(crate) fn add_list(&mut self, list: ChunkPlace) {
        self.lists.push(list);
    }

    pub(super) fn add(&mut self, chunks: Vec<ChunkPlace>) {
        self.chunks.extend(chunks);
    }

    /// What holds the event at `seq`, or ends before it.
    pub(super) fn find(&self, seq: u64) -> Option<ChunkPlace> {
        let last = |places: &[ChunkPlace]| {
            let after = places.partition_point(|place| place.first <= seq);
            places.get(after.checked_sub(1)?).copied()
        };
        last(&self.chunks).or_else(|| last(&self.lists))
    }

    /// All that begin below `end`.
    pub(super) fn below(&self, end: u64) -> Vec<ChunkPlace> {
        let all = self.lists.iter().chain(&self.chunks);
        all.take_while(|place| place.first < end).copied().collect()
    }

    /// Puts the chunks of all lists in their place.
    pub(super) fn looked_into(&mut self, mut chunks: Vec<ChunkPlace>) {
        if !self.lists.is_empty() {
            chunks.append(&mut self.chunks);
            self.chunks = chunks;
            self.lists = Vec::new();
        }
    }

    /// Start-up copied a frame: what stood at `from` and behind it now stands at `to`.
    pub(crate) fn moved(&mut self, from: Place, to: Place) {
        let is_moved = |list: &&mut ChunkPlace| {
            list.place.file == from.file && list.place.offset >= from.offset
        };
        for list in self.lists.iter_mut().rev().take_while(is_moved) {
            let offset = list.place.offset - from.offset + to.offset;
            list.place = Place { file: to.file, offset };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(first: u64, file: u64, offset: u64) -> ChunkPlace {
        ChunkPlace { first, place: Place { file, offset }, bytes: 1, raw_bytes: 1 }
    }

    #[test]
    fn a_list_stands_for_its_chunks_until_they_are_known() {
        let mut chunks = Chunks::default();
        assert_eq!(chunks.find(0), None);
        chunks.add_list(at(0, 1, 0));
        chunks.add_list(at(100, 1, 50));
        chunks.add(vec![at(150, 2, 0)]);
        let found = |chunks: &Chunks| [0, 99, 100, 149, 150].map(|s| chunks.find(s).unwrap().first);
        assert_eq!(found(&chunks), [0, 0, 100, 100, 150]);
        let fine = [at(0, 1, 0), at(64, 1, 25), at(100, 1, 50)];
        chunks.looked_into(fine.to_vec());
        assert_eq!(found(&chunks), [0, 64, 100, 100, 150]);
        assert_eq!(chunks.below(150), fine);
    }

    #[test]
    fn a_copied_frame_takes_its_lists_along() {
        let mut chunks = Chunks::default();
        for list in [at(0, 1, 90), at(1, 2, 10), at(2, 2, 40)] {
            chunks.add_list(list);
        }
        let place = |file, offset| Place { file, offset };
        chunks.moved(place(2, 30), place(3, 7));
        assert_eq!(chunks.below(3), [at(0, 1, 90), at(1, 2, 10), at(2, 3, 17)]);
    }
}
