//! What a text must be like: one of some texts, or begin as one of them.

use serde::{Deserialize, Serialize};

/// One or several patterns; one of them must fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a text, or a list of texts")]
pub(super) enum Patterns {
    One(String),
    Many(Vec<String>),
}

impl Patterns {
    /// All of them.
    pub(super) fn texts(&self) -> &[String] {
        match self {
            Patterns::One(text) => std::slice::from_ref(text),
            Patterns::Many(texts) => texts,
        }
    }

    /// Whether one of them fits `text`.
    pub(super) fn fit(&self, text: &str) -> bool {
        self.texts().iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => pattern == text,
        })
    }

    /// Whether every text that fits `other` fits these, as far as single patterns show it.
    pub(super) fn cover(&self, other: &Patterns) -> bool {
        other.texts().iter().all(|text| match text.strip_suffix('*') {
            None => self.fit(text),
            Some(prefix) => self.texts().iter().any(|own| {
                own.strip_suffix('*').is_some_and(|own_prefix| prefix.starts_with(own_prefix))
            }),
        })
    }
}
