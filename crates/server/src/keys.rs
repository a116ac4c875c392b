//! Looking at a folder's keys without opening it.

use std::path::Path;

use commit::{KeyCheck, KeysFound};
use event::format_time;
use platform::RealDisk;

use crate::start_error::StartError;

/// A log's origin, and whether its keys are those that signed it, or why not; with a word about a
/// change of keys that is under way.
pub type LogKeys = (String, Result<Option<String>, String>);

/// What the keys of each log in a data folder are worth. Both folders must be there. Changes
/// nothing, and works beside a running server.
pub fn check_keys(data: &Path, keys: &Path) -> Result<Vec<LogKeys>, String> {
    let disk = |path| RealDisk::new(path).map_err(|error| error.to_string());
    let found = commit::check_keys(&disk(data)?, &disk(keys)?.through_links());
    let found = found.map_err(|error| told(&StartError::from(error).in_folders(data, keys)))?;
    let told_of = |found| under_way(found, |error| error.in_folders(data, keys));
    Ok(found.into_iter().map(told_of).collect())
}

fn under_way(
    (origin, key): KeyCheck<commit::OpenError>,
    placed: impl Fn(StartError) -> StartError,
) -> LogKeys {
    let told_of = key.map(|found| match found {
        KeysFound::One => None,
        KeysFound::Two(Some(until)) => {
            Some(format!("two keys sign together until {}", format_time(until)))
        }
        KeysFound::Two(None) => Some("a change of keys has begun".to_owned()),
    });
    (origin, told_of.map_err(|error| told(&placed(error.into()))))
}

/// An error with what is behind it.
fn told(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}
