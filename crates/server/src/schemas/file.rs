//! `schemas.json` in the data folder.

use std::collections::BTreeMap;
use std::io;

use admit::schemas::Enforcement;
use platform::Disk;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ALL_BYTES_MAX, RegistryError};

pub(crate) const NAME: &str = "schemas.json";
const FORMAT: &str = "counterfoil.schemas/v1";
const FILE_BYTES_MAX: u64 = 256 << 20;

/// What is kept, by tenant and action.
pub(super) type Stored = BTreeMap<String, BTreeMap<String, Action>>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    tenants: Stored,
}

/// A registered action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    pub(super) enforcement: Enforcement,
    /// Ascending; the last is the one in force.
    pub(super) versions: Vec<Version>,
}

/// One text of a schema.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    pub(super) version: u32,
    pub(super) made_at: String,
    pub(super) made_by: String,
    pub(super) schema: Box<RawValue>,
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        (self.version, self.schema.get()) == (other.version, other.schema.get())
    }
}

impl Action {
    /// Bytes of all its versions.
    pub(super) fn bytes(&self) -> usize {
        self.versions.iter().map(|version| version.schema.get().len()).sum()
    }
}

/// What the folder has; nothing if there is no such file.
pub(super) fn read(disk: &dyn Disk) -> Result<Stored, RegistryError> {
    let bytes = match disk.read_small(NAME, FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::new()),
        Err(error) => return Err(error.into()),
    };
    let unread = |why: String| RegistryError::Wrong(format!("it cannot be read: {why}"));
    let file: File = serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
    match file.format == FORMAT {
        true => Ok(file.tenants),
        false => Err(unread(format!("its format is not {FORMAT}"))),
    }
}

/// Puts it into the folder, whole or not at all.
pub(super) fn write(disk: &dyn Disk, tenants: Stored) -> Result<(), RegistryError> {
    let bytes: usize =
        tenants.values().flat_map(|actions| actions.values().map(Action::bytes)).sum();
    if bytes > ALL_BYTES_MAX {
        return Err(RegistryError::Wrong(format!(
            "the schemas of all tenants would take {bytes} bytes, {ALL_BYTES_MAX} are allowed"
        )));
    }
    let file = File { format: FORMAT.into(), tenants };
    let text = serde_json::to_vec(&file).map_err(io::Error::other)?;
    Ok(disk.replace_small(NAME, &text)?)
}
