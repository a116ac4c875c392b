//! Changes under way. Who asked for one may hang up: it comes to its end all the same, in the
//! access log too, and a stop waits for that.

use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::http::error::Failure;

/// All changes that are being made.
#[derive(Default)]
pub(crate) struct UnderWay(Arc<RwLock<()>>);

/// One change, for as long as it lasts.
pub(crate) struct Begun {
    _held: OwnedRwLockReadGuard<()>,
}

/// Nothing is being changed, and nothing will be while this is held.
pub(crate) struct AtRest {
    _held: OwnedRwLockWriteGuard<()>,
}

impl UnderWay {
    /// A change begins, unless the server stops.
    pub(crate) fn begin(&self) -> Result<Begun, Failure> {
        let held = self.0.clone().try_read_owned();
        let held = held.map_err(|_| Failure::busy("stopping", "the server stops"))?;
        Ok(Begun { _held: held })
    }

    /// Lets no further change begin, and waits for the end of those that have.
    pub(crate) async fn at_rest(&self) -> AtRest {
        AtRest { _held: self.0.clone().write_owned().await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_waits_for_what_has_begun_and_lets_nothing_begin() {
        let changes = Arc::new(UnderWay::default());
        let begun = changes.begin().map_err(|failure| failure.code()).expect("it begins");
        let mut stop = Box::pin(changes.at_rest());
        tokio::select! {
            biased;
            _ = &mut stop => panic!("a change is under way"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(changes.begin().err().map(|failure| failure.code()), Some("stopping"));
        drop(begun);
        let _at_rest = stop.await;
        assert_eq!(changes.begin().err().map(|failure| failure.code()), Some("stopping"));
    }
}
