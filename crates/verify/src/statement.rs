//! What a log states of the key that takes over from its own.
//!
//! Only the server states it: `recorded.identity.kind` is `local`, which no sender can have. What
//! else an event says counts for nothing here.

use sha2::{Digest as _, Sha256};

use crate::json;

/// Who signs from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Successor {
    /// Another key of the same log (`key.rotate`).
    Key {
        /// The key.
        vkey: String,
        /// `sha256:<hex>` of the vkey before.
        old_digest: String,
        /// Until when both sign.
        together_until: String,
    },
    /// Another log, for the one that is closed with this event (`log.close`).
    Log {
        /// Its origin.
        origin: String,
        /// `sha256:<hex>` of the vkey that it begins with.
        vkey_digest: String,
    },
}

/// Reads what an event states, from the texts of its fields by path.
pub(crate) fn successor<'t>(field: impl Fn(&str) -> Option<&'t str>) -> Option<Successor> {
    let text = |path: &str| json::parse(field(path)?.as_bytes()).ok()?.text("").ok();
    if text(r#"["recorded","identity","kind"]"#)? != "local" {
        return None;
    }
    match text(r#"["action"]"#)?.as_str() {
        "key.rotate" => Some(Successor::Key {
            vkey: text(r#"["attributes","vkey"]"#)?,
            old_digest: text(r#"["attributes","old_vkey"]"#)?,
            together_until: text(r#"["attributes","together_until"]"#)?,
        }),
        "log.close" => Some(Successor::Log {
            origin: text(r#"["attributes","successor","origin"]"#)?,
            vkey_digest: text(r#"["attributes","successor","vkey"]"#)?,
        }),
        _ => None,
    }
}

/// A vkey as events name it: `sha256:<hex>` of its text.
pub fn vkey_digest(vkey: &str) -> String {
    let digest = Sha256::digest(vkey);
    digest.iter().fold("sha256:".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}
