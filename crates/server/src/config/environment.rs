//! Settings from the environment: `limits.body_bytes_max` is `COUNTERFOIL_LIMITS__BODY_BYTES_MAX`.
//!
//! Promises: a variable that looks like a setting and is none is refused, with the nearest name: a
//! limit that nobody hears is worse than a start that fails. A list has no variable. An empty
//! variable is as good as none.
//!
//! Never: says what a variable holds.

use std::path::Path;

use super::fault::Place;
use super::load::Draft;
use super::{LOG, QUOTA, SETTINGS};

/// What every variable of ours begins with.
const PREFIX: &str = "COUNTERFOIL_";
/// Variables that are no settings: options of commands, and what tests go by.
const OTHERS: [&str; 14] = [
    "URL",
    "TOKEN",
    "CONTEXT",
    "CONTEXTS",
    "DATA",
    "KEYS",
    "CONFIG",
    "DAYS",
    "SHARED",
    "SEED",
    "SEEDS",
    "KILLS",
    "TRIES",
    "METRICS_OUT",
];

/// Lists of the file.
const LISTS: [&str; 2] = ["log", "quota"];

/// A variable; without a value if that is no UTF-8.
pub(super) type Variable = (String, Option<String>);

/// The variables of this process that are ours.
pub(super) fn variables() -> Vec<Variable> {
    let texts = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.into_string().ok()));
    let mut ours: Vec<Variable> = texts.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    ours.sort();
    ours
}

/// The variable of a setting.
pub(super) fn variable(setting: &str) -> String {
    format!("{PREFIX}{}", setting.replace('.', "__").to_ascii_uppercase())
}

/// Takes all that the environment sets.
pub(super) fn take(draft: &mut Draft, variables: &[Variable]) {
    for (name, value) in variables.iter().filter(|(_, value)| value.as_deref() != Some("")) {
        let place = Place::Environment { name: name.clone() };
        let Some(setting) = SETTINGS.iter().find(|setting| variable(setting.name) == *name) else {
            if let Some(what) = stranger(name) {
                draft.faults.add(place, what);
            }
            continue;
        };
        let text = value.as_deref().ok_or_else(|| "must be UTF-8".to_owned());
        let put = text
            .and_then(|text| setting.field.read(text))
            .and_then(|value| setting.field.put(&mut draft.config, value, Path::new("")));
        draft.given(setting.name, setting.name, place, put);
    }
}

/// What is wrong with a variable that is no setting; nothing if it is somebody else's.
fn stranger(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    if OTHERS.contains(&rest) || is_of_kubernetes(rest) {
        return None;
    }
    let is_of = |list: &str| {
        let list = variable(list);
        name == list || name.strip_prefix(&list).is_some_and(|rest| rest.starts_with("__"))
    };
    if let Some(list) = LISTS.iter().find(|list| is_of(list)) {
        return Some(format!("`{list}` is a list, which the file alone can set"));
    }
    let near = nearest(name, variable);
    let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    Some(format!("no setting has this variable{near}"))
}

/// Kubernetes tells every container of the services beside it. Where one is named `counterfoil` or
/// `counterfoil-…`, those variables begin as ours do.
fn is_of_kubernetes(rest: &str) -> bool {
    let of_port = |rest: &str| {
        let (port, protocol) = rest.split_once('_')?;
        let number = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let known = ["TCP", "UDP", "SCTP"].into_iter();
        let protocol = known.map(|p| protocol.strip_prefix(p)).find(Option::is_some)??;
        let known = ["", "_PROTO", "_PORT", "_ADDR"].contains(&protocol);
        (number && known).then_some(())
    };
    let whole = format!("_{rest}");
    whole.ends_with("_SERVICE_HOST")
        || whole.contains("_SERVICE_PORT")
        || whole.ends_with("_PORT")
        || whole.split_once("_PORT_").is_some_and(|(_, rest)| of_port(rest).is_some())
}

/// The setting whose name, as `written` writes it, is nearest to one that is none.
pub(super) fn nearest(unknown: &str, written: impl Fn(&str) -> String) -> Option<String> {
    let names = SETTINGS.iter().map(|s| s.name).chain(LOG.iter().map(|s| s.name));
    let names = names.chain(QUOTA.iter().map(|s| s.name));
    let last = |name: &str| name.rsplit(['.']).next().unwrap_or_default().to_owned();
    let far = |name: &String| {
        let whole = strsim::damerau_levenshtein(name, unknown);
        // The right name in the wrong table is near too.
        whole.min(strsim::damerau_levenshtein(&last(name), &last(unknown)) + 1)
    };
    let near = names.map(written).map(|name| (far(&name), name)).min()?;
    (near.0 <= 3 && near.0 < unknown.len()).then_some(near.1)
}
