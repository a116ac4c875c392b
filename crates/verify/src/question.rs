//! What the judge is asked: whom it believes, how much must be seen, what it remembers.

use crate::checkpoint::Checkpoint;
use crate::error::Usage;
use crate::path::Path;
use crate::policy::Policy;
use crate::trust;

/// How much of an event must be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nothing in particular.
    Any,
    /// Every field at least by name.
    #[default]
    Named,
    /// Every field with its value.
    Full,
}

/// A question to a judge. `Default` asks with no policy at all, which nothing can satisfy.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Whom the judge believes.
    pub policy: Option<Policy>,
    /// How much of every event must be seen.
    pub need: Need,
    /// Fields that every event must show with their value.
    pub required: Vec<Path>,
    /// A checkpoint seen earlier, as the note it was.
    pub saved: Option<String>,
}

impl Question {
    /// The saved checkpoint, read and found signed under the policy. Without a policy nothing is
    /// signed, and the verdict says so before any saved checkpoint could matter.
    pub(crate) fn saved(&self) -> Result<Option<Checkpoint>, Usage> {
        let (Some(note), Some(policy)) = (&self.saved, &self.policy) else { return Ok(None) };
        let wrong = |what: &str| Usage(format!("the saved checkpoint {what}"));
        let saved = Checkpoint::parse(note).map_err(|fault| wrong(&format!("is none: {fault}")))?;
        let standing = trust::standing(policy, &saved);
        if standing.signed_by.is_empty() || !standing.broken.is_empty() {
            return Err(wrong("is not signed under the policy"));
        }
        Ok(Some(saved))
    }
}

/// The usage error of a saved checkpoint of a log that is not judged here.
pub(crate) fn foreign_saved(saved: &Checkpoint) -> Usage {
    Usage(format!("the saved checkpoint is of {}, which is not judged here", saved.origin))
}
