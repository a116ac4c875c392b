//! What a person sees. The one place that writes to the terminal.

use std::io::Write;

/// Writes a result to standard output.
pub(crate) fn say(text: &str) {
    // A reader that went away does not matter.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes progress and failures to standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
