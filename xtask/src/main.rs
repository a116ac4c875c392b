//! The project's chores, in the language of the project and without a dependency.
//!
//! ```text
//! cargo xtask ci [--after-tests]     everything that must be green before a change lands
//! cargo xtask tidy                   house rules that neither rustfmt nor clippy knows
//! cargo xtask deps                   which crate may need which
//! cargo xtask accept [--write] [ID…] runs docs/acceptance.md
//! ```

mod accept;
mod ci;
mod deps;
mod json;
mod run;
mod screen;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND
  ci [--after-tests]      all checks; --after-tests leaves out cargo test --workspace
  tidy                    lengths, width, module docs, words, paths
  deps                    dependency arrows between crates
  accept [--write] [ID…]  the acceptance table; --write puts result and date into it";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let outcome = match arguments.as_slice() {
        ["ci"] => ci::run(&root, ci::Tests::Run),
        ["ci", "--after-tests"] => ci::run(&root, ci::Tests::Done),
        ["tidy"] => tidy::run(&root),
        ["deps"] => deps::run(&root),
        ["accept", rest @ ..] => accept::run(&root, rest),
        _ => {
            screen::complain(USAGE);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            screen::complain(&format!("xtask: {what}"));
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder: where this crate was built, so that chores run from anywhere in it.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is a folder of the workspace").to_owned()
}
