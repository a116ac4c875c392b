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
    /// Neither this nor `required` may be asked of a receipt or a tlog-proof.
    pub saved: Option<String>,
}

impl Question {
    /// The saved checkpoint, read and found signed under the policy. Without a policy nobody's
    /// signature counts, and the verdict says so: see [`Question::believed`].
    pub(crate) fn saved(&self) -> Result<Option<Checkpoint>, Usage> {
        let Some(note) = &self.saved else { return Ok(None) };
        let wrong = |what: &str| Usage(format!("the saved checkpoint {what}"));
        let saved = Checkpoint::parse(note).map_err(|fault| wrong(&format!("is none: {fault}")))?;
        if let Some(policy) = &self.policy {
            let standing = trust::standing(policy, &saved);
            if standing.signed_by.is_empty() || !standing.broken.is_empty() {
                return Err(wrong("is not signed under the policy"));
            }
        }
        Ok(Some(saved))
    }

    /// The saved checkpoint, if somebody in a policy vouches for it: only then can it contradict.
    pub(crate) fn believed<C>(&self, saved: Option<C>) -> Option<C> {
        saved.filter(|_| self.policy.is_some())
    }

    /// Refuses what can only be asked of events and of a log's growth.
    pub(crate) fn without_events(&self, what: &str) -> Result<(), Usage> {
        let given = match (&self.saved, self.required.is_empty()) {
            (Some(_), _) => "saved checkpoint",
            (None, false) => "required path",
            (None, true) => return Ok(()),
        };
        Err(Usage(format!("{what} is judged without a {given}: it proves leaves alone")))
    }
}

/// The usage error of a saved checkpoint of a log that is not judged here.
pub(crate) fn foreign_saved(saved: &Checkpoint) -> Usage {
    Usage(format!("the saved checkpoint is of {}, which is not judged here", saved.origin))
}
