//! The project's chores, in the language of the project and without a dependency.
//!
//! ```text
//! cargo xtask ci                     everything that must be green before a change lands
//! cargo xtask tidy                   house rules that neither rustfmt nor clippy knows
//! cargo xtask deps                   which crate may need which
//! cargo xtask accept [--write] [ID…] runs docs/acceptance.md
//! cargo xtask bench …                benchmarks; docs/benchmarks.md says what may follow
//! cargo xtask dist                   the static program, in target/dist
//! cargo xtask image                  the same and a container image of it
//! cargo xtask upgrade …              from the build before to this one, under load
//! cargo xtask conformance            Tessera's fsck against a served log of 70,000 entries
//! ```

mod accept;
mod ci;
mod conformance;
mod deps;
mod dist;
mod elf;
mod http;
mod json;
mod run;
mod screen;
mod served;
mod tidy;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND
  ci                      all that must be green before a change lands
  tidy                    lengths, width, module docs, words, paths
  deps                    dependency arrows between crates
  accept [--write] [ID…]  the acceptance table; --write puts result and date into it
  bench [ARGUMENT…]       benchmarks, see docs/benchmarks.md
  dist                    the static program in target/dist; needs a C compiler for musl
  image                   the same, and a container image of it
  upgrade [--from REVISION | --program FILE]
                          from the build before to this one, under load
  conformance             another project's fsck against a served log; needs Go";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let outcome = match arguments.as_slice() {
        ["ci"] => ci::run(&root),
        ["tidy"] => tidy::run(&root),
        ["deps"] => deps::run(&root),
        ["accept", rest @ ..] => accept::run(&root, rest),
        ["bench", rest @ ..] => bench(&root, rest),
        ["dist"] => dist::program(&root).map(drop),
        ["image"] => dist::image(&root),
        ["upgrade", rest @ ..] => upgrade::run(&root, rest),
        ["conformance"] => conformance::run(&root),
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

/// Runs the crate `bench` in the build that is measured.
fn bench(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut words = vec!["cargo", "run", "--release", "--quiet", "--package", "bench", "--"];
    words.extend(arguments);
    match run::run(root, &words, true)?.end {
        run::End::Passed => Ok(()),
        run::End::Skipped | run::End::Failed => Err("bench: a part has no figures".into()),
    }
}

/// The workspace's folder, so that chores run from anywhere in it. Cargo says where when it runs
/// us: two checkouts may share one target folder, and what was compiled in is then the other's.
fn root() -> PathBuf {
    let told = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = told.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().unwrap_or(Path::new(".")).to_owned()
}
