//! Looking at a folder and its keys without opening it.

use std::path::Path;
use std::sync::Arc;

use commit::{KeyCheck, KeysFound};
use event::format_time;
use platform::{RealDisk, SystemClock, SystemEntropy};

use crate::config::Loaded;
use crate::first_tokens::first_admins;
use crate::schemas::Registry;
use crate::serve::has_logs;
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

/// What of the small files of both folders a start would refuse, in its words. The data folder must
/// be there. Changes nothing, and works beside a running server.
pub fn check_start(data: &Path, keys: &Path, loaded: &Loaded) -> Vec<String> {
    let disk = Arc::new(RealDisk::at(data));
    if !keys.is_dir() && has_logs(&disk) {
        return vec![told(&StartError::NoKeys(keys.display().to_string()))];
    }
    let key_disk = RealDisk::at(keys).through_links();
    let tokens = first_admins(data, keys, loaded).err();
    let files = commit::check_files(disk.as_ref(), &key_disk, &SystemEntropy);
    let schemas = Registry::open(disk, Arc::new(SystemClock::new())).err();
    let found = tokens
        .into_iter()
        .chain(files.into_iter().map(StartError::from))
        .chain(schemas.map(|error| StartError::Schemas(error.to_string())));
    found.map(|error| told(&error.in_folders(data, keys))).collect()
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
