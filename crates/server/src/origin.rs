//! What the logs of a folder are named after.
//!
//! The host part of an origin is chosen once: it stands in every signed checkpoint. A start that is
//! told another one is refused before it changes anything, rather than go on under the old name as
//! if it had been heard.

use commit::LogMeta;
use platform::Disk;

use crate::start_error::StartError;

/// Bytes of a `log.json`, generously.
const META_BYTES_MAX: u64 = 64 << 10;

/// Refuses a host that is not that of the logs there are.
pub(crate) fn check(disk: &dyn Disk, given: Option<&str>) -> Result<(), StartError> {
    match (host(disk), given) {
        (Some(has), Some(given)) if has != given => {
            Err(StartError::Origin { has, given: given.to_owned() })
        }
        _ => Ok(()),
    }
}

/// The host of the first log that can be read. What cannot be read is for those to judge who open
/// the folder.
fn host(disk: &dyn Disk) -> Option<String> {
    let names = disk.list("logs").ok()?;
    names.iter().find_map(|name| {
        let bytes = disk.read_small(&format!("logs/{name}/log.json"), META_BYTES_MAX).ok()?;
        let meta: LogMeta = serde_json::from_slice(&bytes).ok()?;
        Some(meta.origin.split_once("/tlog/")?.0.to_owned())
    })
}
