//! The catalogue itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::draft::Draft;
use crate::error::CatalogueError;
use crate::limits::{ALL_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX};
use crate::{backstage, owners_toml};

/// What the digest begins with, so that it is of nothing else.
const DIGEST_LABEL: &[u8] = b"counterfoil/catalogue/v1\0";

/// A file's name and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// How it is named in an error; what it ends with says what it is.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What is declared of one service, or of all whose name begins so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The team that answers for it.
    pub team: String,
    /// How the team is reached: its own, else the team's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// How much depends on it, in the house's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Where it is in its life, in the house's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// The actions that it says it records, ascending; `*` at the end stands for any rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
}

/// Which team owns which service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalogue {
    /// By name; `*` at the end of one stands for any rest.
    services: BTreeMap<String, Service>,
}

impl Catalogue {
    /// Reads the files of a catalogue. What is wrong anywhere refuses all of it.
    pub fn read(texts: &[Text]) -> Result<Catalogue, CatalogueError> {
        if texts.len() > FILES_MAX {
            return Err(CatalogueError::new(format!("a catalogue has at most {FILES_MAX} files")));
        }
        let mut texts: Vec<&Text> = texts.iter().collect();
        texts.sort_by(|a, b| a.name.cmp(&b.name));
        let (mut draft, mut bytes) = (Draft::default(), 0);
        for Text { name, text } in texts {
            bytes += text.len();
            if text.len() > FILE_BYTES_MAX || bytes > ALL_BYTES_MAX {
                return Err(CatalogueError::new(format!(
                    "{name}: a file has at most {FILE_BYTES_MAX} bytes, all of a catalogue \
                     {ALL_BYTES_MAX}"
                )));
            }
            match name.rsplit('.').next() {
                Some("toml") => owners_toml::read(name, text, &mut draft)?,
                Some("yaml" | "yml") => backstage::read(name, text, &mut draft)?,
                _ => {
                    let what = "is neither TOML (owners.toml) nor YAML (catalog-info.yaml)";
                    return Err(CatalogueError::new(format!("{name}: {what}")));
                }
            }
        }
        draft.finish()
    }

    pub(crate) fn new(services: BTreeMap<String, Service>) -> Catalogue {
        Catalogue { services }
    }

    /// The services by name or pattern.
    pub fn services(&self) -> impl ExactSizeIterator<Item = (&str, &Service)> {
        self.services.iter().map(|(name, service)| (name.as_str(), service))
    }

    /// How many services and patterns there are.
    pub fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// What stands under exactly this name or pattern.
    pub fn get(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }

    /// What is declared of a service: under its name, else under the longest pattern that its name
    /// begins with.
    pub fn of(&self, service: &str) -> Option<(&str, &Service)> {
        matching(&self.services, service)
    }

    /// `sha256:` and the digest of what it says, not of how it was written.
    pub fn digest(&self) -> String {
        let text = serde_json::to_vec(&self.services).unwrap_or_default();
        let digest = Sha256::new().chain_update(DIGEST_LABEL).chain_update(text).finalize();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }
}

/// What stands under a name, else under the longest pattern that the name begins with.
pub fn matching<'m, V>(map: &'m BTreeMap<String, V>, name: &str) -> Option<(&'m str, &'m V)> {
    if let Some((key, value)) = map.get_key_value(name) {
        return Some((key, value));
    }
    let ends = (0..=name.len()).rev().filter(|end| name.is_char_boundary(*end));
    ends.filter_map(|end| map.get_key_value(&format!("{}*", &name[..end])))
        .map(|(key, value)| (key.as_str(), value))
        .next()
}
