//! The logs of an open folder: readers take them as they are at one moment; the lane adds to them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::log::Log;

/// Logs by name.
pub type LogMap = BTreeMap<String, Arc<Log>>;

/// The logs, shared. Written by the lane alone, when a log is opened.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<RwLock<Arc<LogMap>>>);

impl Logs {
    pub(crate) fn new(logs: LogMap) -> Logs {
        Logs(Arc::new(RwLock::new(Arc::new(logs))))
    }

    /// Shows a log that was opened.
    pub(crate) fn add(&self, log: Arc<Log>) {
        let mut logs = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut logs).insert(log.meta.name().to_owned(), log);
    }

    /// All logs there are now.
    pub(crate) fn all(&self) -> Arc<LogMap> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
