//! What a person sees. The one place that writes to the terminal.

use std::io::Write;

/// Writes a line to standard output. A reader that went away does not matter.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes findings and then their number; an error if there is any.
pub fn report(chore: &str, looked_at: &str, findings: &[String]) -> Result<(), String> {
    findings.iter().for_each(|finding| say(finding));
    match findings.len() {
        0 => {
            say(&format!("{chore}: {looked_at}, nothing to mend"));
            Ok(())
        }
        n => Err(format!("{chore}: {looked_at}, {n} to mend")),
    }
}
