//! Finding credentials in what a source sent: by the member's name, by the look of the text.
//!
//! Promises: says where, and where in the event after fitting; a place within another is named
//! once. Never: changes a value. Adapters add the places that only they know.
//!
//! Where this errs it errs towards redacting: a member called `password` is one.

use std::collections::HashSet;

use event::{Object, Step, Value};

use crate::trail::Trail;

/// Ends of member names (letters and digits only, lower case) that hold credentials.
const ENDINGS: [&str; 23] = [
    "password",
    "passwd",
    "passphrase",
    "passworddata",
    "sessiontoken",
    "securitytoken",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "authorizationtoken",
    "bearertoken",
    "apitoken",
    "webidentitytoken",
    "secretaccesskey",
    "privatekey",
    "presharedkey",
    "clientsecret",
    "sharedsecret",
    "secretstring",
    "secretbinary",
    "samlassertion",
    "xamzsignature",
    "authparameters",
];

/// Whole names, too common as an ending.
const NAMES: [&str; 10] = [
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "idtoken",
    "tokenvalue",
    "tokencode",
    "userdata",
    "plaintext",
    "keymaterial",
];

/// Further ends where a name stands beside its value, as in a container's environment.
const PAIR_ENDINGS: [&str; 5] = ["token", "secret", "apikey", "secretkey", "credentials"];

/// Members that hold a name, and the member beside it that holds the value.
const PAIRS: [(&str, &str); 5] = [
    ("name", "value"),
    ("Name", "Value"),
    ("key", "value"),
    ("path", "value"),
    ("parameterKey", "parameterValue"),
];

/// What sources write where they hold a secret back themselves.
const WITHHELD: [&str; 6] = [
    "HIDDEN_DUE_TO_SECURITY_REASONS",
    "Value hidden due to security reasons.",
    "<sensitiveDataRemoved>",
    "***",
    "****",
    "*****",
];

/// Which values a credential's name makes a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Strings alone: elsewhere in this source such a name is a name (a CRD's `password: {type}`).
    Strings,
    /// Strings and containers.
    Containers,
}

/// Whether a member of this name holds a credential.
pub(crate) fn is_credential(name: &str) -> bool {
    let name = Letters::of(name);
    let name = name.as_slice();
    ENDINGS.iter().any(|ending| name.ends_with(ending.as_bytes()))
        || NAMES.iter().any(|whole| name == whole.as_bytes())
}

/// Whether the source held the value back itself.
pub(crate) fn is_withheld(text: &str) -> bool {
    text.is_empty() || WITHHELD.contains(&text)
}

/// The last letters and digits of a name, in lower case. They are more than the longest name known
/// has, so that a longer name is never taken for one of them.
struct Letters {
    bytes: [u8; LETTERS_MAX],
    from: usize,
}

const LETTERS_MAX: usize = 20;

impl Letters {
    fn of(name: &str) -> Letters {
        let mut letters = Letters { bytes: [0; LETTERS_MAX], from: LETTERS_MAX };
        for byte in name.bytes().rev().filter(u8::is_ascii_alphanumeric).take(LETTERS_MAX) {
            letters.from -= 1;
            letters.bytes[letters.from] = byte.to_ascii_lowercase();
        }
        letters
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[self.from..]
    }
}

/// Adds the places of credentials in `value`.
pub(crate) fn search(
    value: &Value<'_>,
    trail: &Trail<'_>,
    reach: Reach,
    found: &mut Vec<Vec<Step>>,
) {
    match value {
        Value::String(text) if carries_credential(text) => found.push(trail.steps()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                search(item, &Trail::Index(trail, index), reach, found);
            }
        }
        Value::Object(object) => search_members(object, trail, reach, found),
        _ => {}
    }
}

/// Adds the places of credentials in the members of `object`.
pub(crate) fn search_members(
    object: &Object<'_>,
    trail: &Trail<'_>,
    reach: Reach,
    found: &mut Vec<Vec<Step>>,
) {
    let pair = paired_value(object);
    for (key, value) in &object.0 {
        let trail = Trail::Key(trail, key);
        if (pair == Some(key) || is_credential(key)) && can_be_secret(value, reach) {
            found.push(trail.steps());
        } else {
            search(value, &trail, reach, found);
        }
    }
}

/// The places of texts in `event` that carry a credential whatever they are called.
pub(crate) fn in_texts(event: &Object<'_>) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    search_members(event, &Trail::Root, Reach::Strings, &mut found);
    found
}

fn can_be_secret(value: &Value<'_>, reach: Reach) -> bool {
    match value {
        Value::String(text) => !is_withheld(text),
        Value::Object(object) => reach == Reach::Containers && !object.0.is_empty(),
        Value::Array(items) => reach == Reach::Containers && !items.is_empty(),
        _ => false,
    }
}

/// The member of `object` that holds a credential because the name beside it says so.
fn paired_value(object: &Object<'_>) -> Option<&'static str> {
    let named = |name: &str| {
        let letters = Letters::of(name);
        let ends = |ending: &&str| letters.as_slice().ends_with(ending.as_bytes());
        PAIR_ENDINGS.iter().any(ends) || is_credential(name)
    };
    PAIRS.iter().find(|(name, _)| object.str(name).is_some_and(named)).map(|(_, value)| *value)
}

/// Whether a text is a header value with a credential, or a URL with one among its parameters.
fn carries_credential(text: &str) -> bool {
    let scheme = ["Bearer ", "Basic "].iter().find_map(|scheme| text.strip_prefix(scheme));
    if scheme.is_some_and(|token| token.len() >= 8 && !token.contains(' ')) {
        return true;
    }
    let Some((_, query)) = text.split_once('?') else { return false };
    query.split(['&', ';']).filter_map(|parameter| parameter.split_once('=')).any(
        |(name, value)| {
            let named = is_credential(name) || name.eq_ignore_ascii_case("token");
            named && !value.is_empty() && !name.contains(char::is_whitespace)
        },
    )
}

/// The places in the fitted event: a secret inside a container that became a string makes the
/// whole string one.
pub(crate) fn settle(found: Vec<Vec<Step>>, stringified: &[Vec<Step>]) -> Vec<Vec<Step>> {
    let strings: HashSet<&[Step]> = stringified.iter().map(Vec::as_slice).collect();
    let outer = |mut path: Vec<Step>| {
        let whole = (1..=path.len()).find(|steps| strings.contains(&path[..*steps]));
        path.truncate(whole.unwrap_or(path.len()));
        path
    };
    let mut found: Vec<Vec<Step>> = found.into_iter().map(outer).collect();
    // A path sorts before those it begins, so one look back finds a container named already.
    found.sort_unstable();
    let mut settled: Vec<Vec<Step>> = Vec::with_capacity(found.len());
    for path in found {
        if settled.last().is_none_or(|last| !path.starts_with(last)) {
            settled.push(path);
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{json, pointer};

    fn places(json: &str, reach: Reach) -> String {
        let value = json::read(json.as_bytes()).expect(json);
        let mut found = Vec::new();
        search(&value, &Trail::Root, reach, &mut found);
        let found = settle(found, &[]);
        found.iter().map(|path| pointer(path)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_and_looks() {
        for (json, want) in [
            (
                r#"{"masterUserPassword":"a","db_password":"a","passwordResetRequired":true}"#,
                "/db_password /masterUserPassword",
            ),
            (
                r#"{"nextToken":"a","clientRequestToken":"a","X-Amz-Security-Token":"a"}"#,
                "/X-Amz-Security-Token",
            ),
            (r#"{"password":"HIDDEN_DUE_TO_SECURITY_REASONS","userData":""}"#, ""),
            (r#"{"userData":{"value":"a"}}"#, "/userData"),
            (
                r#"{"env":[{"name":"API_TOKEN","value":"a"},{"name":"HOME","value":"/"}]}"#,
                "/env/0/value",
            ),
            (r#"{"h":["Bearer abcdefgh","Bearer of bad news"]}"#, "/h/0"),
            (r#"["/x?access_token=a","/x?a=1&token=b","what?token = x","/x?token="]"#, "/0 /1"),
        ] {
            assert_eq!(places(json, Reach::Containers), want, "{json}");
        }
        assert_eq!(places(r#"{"password":{"type":"string"}}"#, Reach::Strings), "");
    }
}
