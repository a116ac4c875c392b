//! What a server answered, and what it says is wrong.

use std::time::Duration;

use serde_json::Value;

use crate::error::{CliError, Refused};

/// An answer: status and body.
pub(crate) struct Answer {
    /// Of the server.
    pub(super) url: String,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// When to ask again.
    pub(super) retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the request succeeded.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, or what the server says is wrong.
    pub(crate) fn json(&self) -> Result<Value, CliError> {
        if !self.is_success() {
            return Err(self.failure());
        }
        serde_json::from_slice(&self.body).map_err(|_| {
            CliError::Server(format!("{} answered with no JSON: is it a Counterfoil?", self.url))
        })
    }

    /// The body as text, or what the server says is wrong.
    pub(crate) fn text(&self) -> Result<String, CliError> {
        if !self.is_success() {
            return Err(self.failure());
        }
        String::from_utf8(self.body.clone()).map_err(|_| {
            CliError::Server(format!("{} answered with no text: is it a Counterfoil?", self.url))
        })
    }

    pub(crate) fn problem(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as JSON, or what the server says is wrong; where nothing is there, what to do.
    pub(crate) fn json_or(&self, next: &str) -> Result<Value, CliError> {
        match self.status {
            404 if self.problem()["code"].is_string() => {
                Err(CliError::Refused(Refused { next: Some(next.into()), ..self.refused() }))
            }
            _ => self.json(),
        }
    }

    /// What the server says is wrong, with the command that a code asks for: the server knows its
    /// own interface alone.
    pub(crate) fn failure_next(&self, code: &str, next: &str) -> CliError {
        let refused = self.refused();
        match refused.code.as_deref() == Some(code) {
            true => CliError::Refused(Refused { next: Some(next.to_owned()), ..refused }),
            false => CliError::Refused(refused),
        }
    }

    /// What the server says is wrong (RFC 9457).
    pub(crate) fn failure(&self) -> CliError {
        CliError::Refused(self.refused())
    }

    fn refused(&self) -> Refused {
        let problem = self.problem();
        let text = |name: &str| problem[name].as_str().map(str::to_owned);
        let (code, detail) = (text("code"), text("detail"));
        let next = match self.status {
            _ if code.is_none() => None,
            401 => Some(
                "give a token: --token, COUNTERFOIL_TOKEN, or saved by counterfoil context add \
                 NAME --at URL --token-file FILE",
            ),
            403 => Some("take a token with another role: --token, --context"),
            _ => None,
        };
        let detail = match (&code, detail) {
            (Some(_), detail) => detail.unwrap_or_else(|| "no reason was given".into()),
            // A Counterfoil always has a code.
            (None, detail) => {
                let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
                format!("what answers at {} is no Counterfoil, or a proxy{detail}", self.url)
            }
        };
        let (request_id, next) = (text("request_id"), next.map(str::to_owned));
        Refused { status: self.status, code, detail, request_id, next }
    }
}
