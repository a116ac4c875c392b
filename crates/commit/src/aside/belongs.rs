//! Whether what stands below `damaged/` was set aside from this folder.
//!
//! Promises: a copy of the living folder, of another folder or of another part closes no log and
//! shows no event, wherever somebody puts it.

use std::collections::BTreeSet;

use platform::Disk;

use super::{ASIDE, finding};
use crate::folder;
use crate::log::{LogMeta, hex};
use crate::open::OpenError;

/// What is known of the folder that goes on.
pub(super) struct Living {
    id: Option<[u8; 16]>,
    logs: Vec<LogMeta>,
}

impl Living {
    pub(super) fn read(disk: &dyn Disk) -> Result<Living, OpenError> {
        Ok(Living { id: folder::present_id(disk, "")?, logs: folder::logs(disk)? })
    }

    /// What speaks against a part. `seen` has the ids of those before it.
    pub(super) fn judge(
        &self,
        disk: &dyn Disk,
        number: u64,
        seen: &mut BTreeSet<[u8; 16]>,
    ) -> Result<(), String> {
        let base = format!("{ASIDE}/{number}/");
        let found = finding(disk, number);
        // What can no longer be read there is made up for by a log that goes on and names it.
        let is_followed =
            self.logs.iter().any(|meta| meta.damage.as_ref().is_some_and(|it| it.number == number));
        let id = folder::present_id(disk, &base).map_err(|error| error.to_string())?;
        match id {
            None if !is_followed => return Err("there is no data folder here".into()),
            None => {}
            id if id == self.id => return Err("it is a copy of the folder it stands in".into()),
            Some(id) if seen.contains(&id) => return Err("it is a copy of a part before it".into()),
            Some(id) => match found {
                Ok(found) if found.folder == hex(&id) => {}
                Err(_) if is_followed => {}
                _ => return Err("its finding is not of the folder that stands here".into()),
            },
        }
        let logs = format!("{base}logs");
        let names = folder::names(disk, &logs).map_err(|error| error.to_string())?;
        if let Some(meta) = self.logs.iter().find(|meta| names.iter().any(|n| n == meta.name())) {
            return Err(format!("its log {} is one of the folder that goes on", meta.name()));
        }
        // Only now: a copy that is not used stands for nothing.
        seen.extend(id);
        Ok(())
    }
}
