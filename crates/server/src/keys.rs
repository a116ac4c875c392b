//! Looking at a folder's keys without opening it.

use std::path::Path;

use commit::KeyCheck;
use platform::RealDisk;

/// The logs of a data folder by origin, each with whether its key is the one that signed it, or
/// why not. Both folders must be there. Changes nothing, and works beside a running server.
pub fn check_keys(data: &Path, keys: &Path) -> Result<Vec<KeyCheck<String>>, String> {
    let disk = |path| RealDisk::new(path).map_err(|error| error.to_string());
    let found = commit::check_keys(&disk(data)?, &disk(keys)?).map_err(|error| told(&error))?;
    Ok(found.into_iter().map(|(origin, key)| (origin, key.map_err(|e| told(&e)))).collect())
}

/// An error with what is behind it.
fn told(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}
