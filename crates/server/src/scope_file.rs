//! The files with the rules of the audit scope, as the configuration names them.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use admit::scope::{FILE_BYTES_MAX, Rules};

/// Reads a rules file. What looks like a mistake is traced.
pub(crate) fn read(file: &Path) -> Result<Arc<Rules>, String> {
    let mut text = String::new();
    let read = File::open(file)
        .and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_string(&mut text));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    Rules::parse(&text).map(Arc::new).map_err(|error| error.to_string())
}
