//! The files with the rules of the audit scope, as the configuration names them.

use std::path::Path;
use std::sync::Arc;

use admit::scope::{FILE_BYTES_MAX, Rules};
use platform::read_regular;

/// Reads a rules file.
pub(crate) fn read(file: &Path) -> Result<Arc<Rules>, String> {
    let text = read_regular(file, FILE_BYTES_MAX as u64);
    let text = text.map_err(|error| format!("cannot be read: {error}"))?;
    Rules::parse(&text).map(Arc::new).map_err(|error| error.to_string())
}
