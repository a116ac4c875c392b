//! Fuzzing: what is asked of every decoder and parser of bytes that nobody vouches for.
//!
//! A target is a function of bytes that panics if a promise is broken. `fuzz/` gives each of them
//! to libFuzzer; `tests/replay.rs` gives them every file of `fuzz/corpus/`, so that what fuzzing
//! has found once is asked again by every `cargo test`.
//!
//! Promises: no panic, and beyond that what the crates say of themselves: what was written is read
//! back as it was, two readers agree, one form stays one form, a flipped byte is not verified.
//!
//! Never: the network, the disk, the clock. The same bytes do the same every time.
//!
//! KNOWN: HTTP itself, which is a library's, is not reached.

pub mod events;
pub mod folder;
pub mod formats;
pub mod journal;
pub mod judges;
pub mod queries;
pub mod requests;
pub mod rules;
pub mod settings;

/// A decoder and what is asked of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the file in `fuzz/fuzz_targets/`, of the folder in `fuzz/corpus/`.
    pub name: &'static str,
    /// Panics if these bytes break a promise.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// All targets.
pub const TARGETS: [Target; 24] = [
    target("event_json", events::json),
    target("event_fields", events::fields),
    target("event_path", events::path),
    target("event_time", events::time),
    target("capture_body", formats::body),
    target("capture_formats", formats::all),
    target("admit_scope", rules::scope),
    target("admit_schema", rules::schema),
    target("commit_frame", journal::frame),
    target("commit_events", journal::event_list),
    target("commit_open", folder::open),
    target("verify_judge", judges::files),
    target("verify_note", judges::note),
    target("verify_policy", judges::policy),
    target("verify_path", judges::path),
    target("verify_live", judges::live),
    target("verify_folder", folder::judge),
    target("query_filter", queries::filter),
    target("query_cursor", queries::cursor),
    target("server_config", settings::config),
    target("catalogue_owners", settings::owners),
    target("server_tokens", settings::tokens),
    target("server_encoding", requests::encoding),
    target("server_tile_path", requests::tile_path),
];

/// Runs one target.
///
/// # Panics
/// If the bytes break a promise, or no target has this name.
pub fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|target| target.name == name);
    (found.expect("a target has this name").run)(bytes);
}
