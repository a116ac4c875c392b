//! The pages of docs/errors/, one for each stable code, inside the program: the server gives them
//! out at the address that a problem's `type` names, and `counterfoil explain` prints them.
//!
//! Promises: every code that is answered anywhere has its page, with what it means, what to do and
//! an example. Needs neither the network nor the project's folder.

/// The pages by code, in order. `docs/errors/CODE.md` must exist; a test misses what is not here.
macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        &[$(($code, include_str!(concat!("../../../docs/errors/", $code, ".md")))),*]
    };
}

const PAGES: &[(&str, &str)] = pages![
    "action_schema",
    "atomic",
    "body",
    "busy",
    "catalogue",
    "closed",
    "config",
    "connections",
    "counted",
    "damaged",
    "disk",
    "empty",
    "encoding",
    "evidence",
    "format",
    "indexing",
    "internal",
    "json",
    "key",
    "key_change",
    "left_out",
    "media_type",
    "method",
    "missing",
    "not_found",
    "number",
    "path",
    "query",
    "quota",
    "read_quota",
    "reserved",
    "restart",
    "role",
    "schema",
    "schema_action",
    "scope",
    "scope_rules",
    "second_person",
    "stopping",
    "time",
    "timeout",
    "token",
    "too_deep",
    "too_large",
    "too_many_fields",
    "too_soon",
    "unknown_member",
    "unstated",
    "unwritable",
];

/// The page about all of them.
pub const INDEX: &str = include_str!("../../../docs/errors/README.md");

/// The page about a code, in Markdown.
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

/// The code that may be meant by one that is none.
pub fn nearest(code: &str) -> Option<&'static str> {
    query::nearest(code, codes())
}

/// All codes, in order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

#[cfg(test)]
mod tests;
