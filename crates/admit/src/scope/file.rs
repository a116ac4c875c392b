//! The rules file: TOML, one `[[rule]]` after the other; docs/scope.md has the table.

use event::Schema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::pattern::Patterns;
use super::{Rule, Rules, Then, When};

/// Bytes of a rules file.
pub const FILE_BYTES_MAX: usize = 256 << 10;
/// Rules of one file.
pub const RULES_MAX: usize = 200;
/// Patterns of one condition.
const PATTERNS_MAX: usize = 64;
/// Bytes of one pattern.
const PATTERN_BYTES_MAX: usize = 256;
/// Characters of a rule's name, and of its reason.
const NAME_CHARS_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 256;
/// Seconds of a window, and what it is when nothing is said.
const WINDOW_S_MAX: u32 = 3_600;
const WINDOW_S: u32 = 60;

/// A rules file that cannot be used: where and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ScopeError {
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Entry>>,
}

/// A rule as it stands in the file. Its JSON is what is digested: the order of members is fixed.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    then: Then,
    reason: Option<String>,
    service: Option<Patterns>,
    action: Option<Patterns>,
    kind: Option<Patterns>,
    verb: Option<Patterns>,
    path: Option<Patterns>,
    outcome: Option<Patterns>,
    #[serde(default)]
    allow_sensitive: bool,
    window_s: Option<u32>,
    by_path: Option<bool>,
}

pub(super) fn parse(text: &str) -> Result<Rules, ScopeError> {
    let whole = |reason: String| ScopeError { line: None, reason };
    if text.len() > FILE_BYTES_MAX {
        return Err(whole(format!("a rules file has at most {FILE_BYTES_MAX} bytes")));
    }
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|error| ScopeError {
        line: error.span().map(|span| line_of(span.start)),
        reason: error.message().to_owned(),
    })?;
    if file.rule.len() > RULES_MAX {
        return Err(whole(format!("there are {} rules, {RULES_MAX} are allowed", file.rule.len())));
    }
    let (mut rules, mut digest) = (Vec::<Rule>::new(), Sha256::new());
    for entry in file.rule {
        let line = line_of(entry.span().start);
        let at_line = |reason: String| ScopeError { line: Some(line), reason };
        let entry = entry.into_inner();
        check(&entry).map_err(|why| at_line(format!("rule \"{}\": {why}", shown(&entry.name))))?;
        if rules.iter().any(|rule| rule.name == entry.name) {
            return Err(at_line(format!("rule \"{}\" stands twice", entry.name)));
        }
        let text = serde_json::to_vec(&entry).map_err(|error| at_line(error.to_string()))?;
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(&text);
        rules.push(rule(entry, short(&Sha256::digest(&text)), line));
    }
    Ok(Rules { rules, digest: short(&digest.finalize()) })
}

fn rule(entry: Entry, digest: String, line: usize) -> Rule {
    let Entry { name, then, reason, allow_sensitive, .. } = entry;
    Rule {
        name,
        digest,
        then,
        reason,
        allow_sensitive,
        window_s: entry.window_s.unwrap_or(WINDOW_S),
        by_path: entry.by_path.unwrap_or(false),
        line,
        when: When {
            service: entry.service,
            action: entry.action,
            kind: entry.kind,
            verb: entry.verb,
            path: entry.path,
            outcome: entry.outcome,
        },
    }
}

/// The first 16 hexadecimal digits.
fn short(hash: &[u8]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn shown(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).flat_map(char::escape_debug).collect()
}

fn check(entry: &Entry) -> Result<(), String> {
    let sound = |text: &str, most: usize| {
        (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if !sound(&entry.name, NAME_CHARS_MAX) {
        return Err(format!("a name has 1 to {NAME_CHARS_MAX} characters, none of them control"));
    }
    if entry.reason.as_ref().is_some_and(|reason| !sound(reason, REASON_CHARS_MAX)) {
        return Err(format!("a reason has 1 to {REASON_CHARS_MAX} characters on one line"));
    }
    check_conditions(entry)?;
    if entry.then != Then::Keep && entry.reason.is_none() {
        return Err("needs reason = \"…\": whoever reads the log will ask why it left out".into());
    }
    if entry.then == Then::Keep && entry.allow_sensitive {
        return Err("allow_sensitive belongs to drop and aggregate; what is kept is kept".into());
    }
    let counts = entry.window_s.is_some() || entry.by_path.is_some();
    if entry.then != Then::Aggregate && counts {
        return Err("window_s and by_path belong to then = \"aggregate\" alone".into());
    }
    if entry.window_s.is_some_and(|window| !(1..=WINDOW_S_MAX).contains(&window)) {
        return Err(format!("window_s must be 1 to {WINDOW_S_MAX}"));
    }
    Ok(())
}

fn check_conditions(entry: &Entry) -> Result<(), String> {
    let open = [("service", &entry.service), ("action", &entry.action), ("path", &entry.path)];
    let closed: [(&str, &Option<Patterns>, &[&str]); 3] = [
        ("kind", &entry.kind, &["kind"]),
        ("verb", &entry.verb, &["verb"]),
        ("outcome", &entry.outcome, &["outcome", "result"]),
    ];
    let said = |found: &Option<Patterns>| found.is_some();
    if !open.iter().any(|(_, found)| said(found)) && !closed.iter().any(|(_, f, _)| said(f)) {
        return Err("fits every event; say service = \"*\" if that is meant".into());
    }
    for (name, found) in open {
        found.as_ref().map_or(Ok(()), |patterns| check_patterns(name, patterns))?;
    }
    for (name, found, members) in closed {
        let Some(patterns) = found else { continue };
        check_patterns(name, patterns)?;
        let words = Schema::event().words(members).unwrap_or_default();
        if let Some(wrong) = patterns.texts().iter().find(|text| !words.contains(text)) {
            let near = words.iter().min_by_key(|w| strsim::damerau_levenshtein(w, wrong));
            let near = near.filter(|word| strsim::damerau_levenshtein(word, wrong) <= 3);
            let near = near.map(|w| format!("did you mean \"{w}\"? ")).unwrap_or_default();
            let (wrong, allowed) = (shown(wrong), words.join(", "));
            return Err(format!("{name}: \"{wrong}\" is no {name}; {near}Allowed: {allowed}"));
        }
    }
    Ok(())
}

fn check_patterns(name: &str, patterns: &Patterns) -> Result<(), String> {
    let texts = patterns.texts();
    if !(1..=PATTERNS_MAX).contains(&texts.len()) {
        return Err(format!("{name}: 1 to {PATTERNS_MAX} texts are allowed"));
    }
    let sized = |text: &String| (1..=PATTERN_BYTES_MAX).contains(&text.len());
    if !texts.iter().all(sized) {
        return Err(format!("{name}: a text has 1 to {PATTERN_BYTES_MAX} bytes"));
    }
    match texts.iter().find(|text| text.trim_end_matches('*').contains('*') || text.ends_with("**"))
    {
        Some(text) => Err(format!("{name}: \"{}\": * stands at the end alone, once", shown(text))),
        None => Ok(()),
    }
}
