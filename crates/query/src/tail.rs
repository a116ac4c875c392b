//! Completeness of one log: who was heard when, and which numbers came, as its chain keeps them.

use std::sync::Arc;

use crate::chain::{Chain, Heard, Place, Streams};
use crate::heard::HeardAt;
use crate::services::Activities;

/// What is known of a log's producers.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    log: String,
    /// Seq behind the last row that was taken in.
    applied: u64,
    /// Known once the log that this one follows has been heard to its end.
    chain: Option<Entered>,
    pub(crate) activities: Activities,
}

/// The chain, and which of its logs this is.
#[derive(Debug)]
struct Entered {
    chain: Arc<Chain>,
    nth: u32,
}

impl Tail {
    /// Nothing known of a log yet.
    pub(crate) fn of(log: &str) -> Tail {
        Tail { log: log.to_owned(), ..Tail::default() }
    }

    /// The streams' chain, if it is known.
    pub(crate) fn chain(&self) -> Option<&Arc<Chain>> {
        self.chain.as_ref().map(|entered| &entered.chain)
    }

    /// Goes on with the streams of a chain.
    pub(crate) fn enter(&mut self, chain: Arc<Chain>) {
        let nth = chain.enter(&self.log);
        self.chain = Some(Entered { chain, nth });
    }

    /// Takes in batches, each once. Nothing before the chain is known.
    pub(crate) fn take(&mut self, batches: &[HeardAt]) {
        let Some(Entered { chain, nth }) = &self.chain else { return };
        let mut streams = chain.streams();
        for batch in batches {
            if batch.first < self.applied {
                continue;
            }
            self.applied = batch.end();
            for tally in &batch.heard.tallies {
                self.activities.take(tally, batch.recorded_at[tally.last as usize]);
            }
            number(&mut streams, batch, *nth);
        }
    }
}

fn number(streams: &mut Streams, batch: &HeardAt, log: u32) {
    for numbered in &batch.heard.numbered {
        let name = &batch.heard.streams[numbered.stream as usize];
        let place = Place { at: batch.recorded_at[numbered.row as usize], log };
        streams.take(name, Heard { seq: numbered.seq, dropped: numbered.dropped, place });
    }
}
