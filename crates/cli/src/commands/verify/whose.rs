//! Whose keys there are, where those that were given are of no log that is judged.
//!
//! Never: judges by a key that the judge did not name. That a context has one is said, with the
//! command that uses it.

use verify::{Reason, Verdict};

use super::Asked;
use crate::args;
use crate::context::Contexts;
use crate::out;

/// Keys that one command names.
const KEYS_MAX: usize = 8;

/// The verdict's sentence; where keys were given, in terms of keys.
pub(super) fn sentence(verdict: &Verdict, asked: &Asked) -> String {
    let missing = missing(verdict, &asked.keys);
    if verdict.reason != Reason::UnknownLog || asked.keys.is_empty() || missing.is_empty() {
        return verdict.sentence.clone();
    }
    let mut given: Vec<&str> = asked.keys.iter().map(|key| origin(key)).collect();
    given.sort_unstable();
    given.dedup();
    let whose = match &asked.keys_of_context {
        Some(name) => format!("saved in context {name:?}"),
        None => "that were given".to_owned(),
    };
    format!("the keys {whose} are of {}, and none is of {}", given.join(", "), missing.join(", "))
}

/// The saved server that has keys of all logs that are lacking one, and the command with them.
pub(super) fn saved(
    verdict: &Verdict,
    asked: &Asked,
    args: &args::Verify,
) -> Option<(String, String)> {
    let missing = missing(verdict, &asked.keys);
    // A file of contexts that cannot be read is no reason not to judge.
    let contexts = Contexts::read().ok()?;
    let of_missing = |keys: &[String]| -> Vec<String> {
        let is_missing = |key: &&String| missing.contains(&origin(key));
        keys.iter().filter(is_missing).take(KEYS_MAX).cloned().collect()
    };
    let (name, keys) = contexts.contexts.iter().find_map(|(name, server)| {
        let keys = of_missing(&server.keys);
        (!keys.is_empty()).then_some((name, keys))
    })?;
    Some((format!("context {name:?} has the log's key; if you trust it:"), again(args, &keys)))
}

/// The logs that are judged and of which no key was given.
fn missing<'v>(verdict: &'v Verdict, keys: &[String]) -> Vec<&'v str> {
    let is_given = |wanted: &str| keys.iter().any(|key| origin(key) == wanted);
    let origins = verdict.logs.iter().map(|log| log.origin.as_str());
    origins.filter(|origin| !is_given(origin)).collect()
}

/// The name of the log whose key it is.
fn origin(key: &str) -> &str {
    key.split('+').next().unwrap_or(key)
}

/// This command with further keys.
fn again(args: &args::Verify, keys: &[String]) -> String {
    let mut words = vec!["verify".to_owned(), args.what.clone()];
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), value.to_owned()]);
    args.key.iter().chain(keys).for_each(|key| add("-k", key));
    match args.need {
        args::Need::Any => add("--need", "any"),
        args::Need::Named => {}
        args::Need::Full => add("--need", "full"),
    }
    args.require.iter().for_each(|pointer| add("--require", pointer));
    args.saved.iter().for_each(|path| add("--saved", &path.to_string_lossy()));
    out::command(&words)
}
