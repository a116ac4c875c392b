//! The independent verifier of Counterfoil: what an auditor trusts instead of the operator.
//!
//! It takes bytes and a [`Question`] and gives a [`Verdict`]:
//!
//! | what is judged | by |
//! | --- | --- |
//! | a file of evidence | [`evidence::judge`] |
//! | a receipt | [`receipt::judge`] |
//! | a tlog-proof text | [`tlogproof::judge`] |
//! | any of these three, told apart by their first words | [`judge()`] |
//! | a live log's entry bundles | [`live::LiveLog`] |
//! | a data folder at rest | [`folder::judge`] |
//! | evidence of the key that takes over from a trusted one | [`succession::judge`] |
//!
//! It promises to try every row of the format's table on everything that can be read, to name the
//! worst finding and its place, and to say on whose word a good verdict rests. It never does I/O,
//! knows no clock, depends on no other crate of ours, never panics and never allocates more than
//! its input warrants, whatever the bytes. A fault in the question is a [`Usage`] error, not a
//! verdict.
//!
//! The way through the code: [`note`], [`vkey`], [`checkpoint`], [`policy`] read what is signed;
//! [`digest`], [`tree`], [`scalar`], [`path`] compute; `trust` and `run` hold the rows that all
//! judges share; `docket` collects findings and draws the [`verdict`].

pub mod checkpoint;
pub mod digest;
pub mod evidence;
pub mod folder;
pub mod live;
pub mod note;
pub mod path;
pub mod policy;
pub mod question;
pub mod receipt;
pub mod run;
pub mod scalar;
pub mod succession;
pub mod tlogproof;
pub mod tree;
pub mod utc;
pub mod verdict;
pub mod vkey;

mod base64;
mod docket;
mod error;
mod json;
mod statement;
mod trust;

pub use error::{Malformed, Usage};
pub use path::Path;
pub use policy::Policy;
pub use question::{Need, Question};
pub use verdict::{Class, Finding, Reason, Verdict};

/// Judges a file of evidence, a receipt or a tlog-proof, whichever it is.
pub fn judge(bytes: &[u8], question: &Question) -> Result<Verdict, Usage> {
    if bytes.starts_with(tlogproof::FORMAT.as_bytes()) {
        return tlogproof::judge(bytes, question);
    }
    match format_of(bytes).as_deref() {
        Some(receipt::FORMAT) => receipt::judge(bytes, question),
        _ => evidence::judge(bytes, question),
    }
}

/// The `format` of a JSON file, if it is one.
fn format_of(bytes: &[u8]) -> Option<String> {
    json::parse(bytes).ok()?.object("").ok()?.take("format")?.text("").ok()
}
