//! What is handed to people: one static program for Linux, and a container image of it.
//!
//! Promises: nothing is left in `target/dist` that was not looked at: the program is static by its
//! own headers and has run; the image was written twice with the same bytes and judged by
//! `packaging/image/check.py`. Needs the Rust target and musl's C compiler, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::json::{self, Value};
use crate::run::{self, End, seconds};
use crate::screen::say;
use crate::{deps, elf};

const TARGET: &str = "x86_64-unknown-linux-musl";
/// Events of the demo that is run with the program.
const DEMO_EVENTS: &str = "100";

/// Builds the static program, checks it and runs it. Returns where it is.
pub fn program(root: &Path) -> Result<PathBuf, String> {
    let start = run::now();
    needed(root)?;
    let words = ["cargo", "build", "--release", "--locked", "--package", "cli", "--target", TARGET];
    say(&words.join(" "));
    passed(root, &words)?;
    let target = target(root)?;
    let built = target.join(TARGET).join("release/counterfoil");
    let shown = built.display().to_string();
    let bytes = fs::read(&built).map_err(|error| format!("{shown}: {error}"))?;
    elf::is_static(&bytes).map_err(|what| format!("{shown} {what}"))?;
    let program = target.join("dist/counterfoil");
    let failed = |error| format!("{}: {error}", program.display());
    fs::create_dir_all(target.join("dist")).map_err(failed)?;
    fs::copy(&built, &program).map_err(failed)?;
    let mib = bytes.len() as f64 / f64::from(1 << 20);
    say(&format!("{} is static, {mib:.1} MiB", program.display()));
    try_out(&program)?;
    say(&format!("dist: {}, {}", program.display(), seconds(start.elapsed())));
    Ok(program)
}

/// Builds the program and its image.
pub fn image(root: &Path) -> Result<(), String> {
    let program = program(root)?;
    let dist = target(root)?.join("dist");
    let folders = [dist.join("image"), dist.join("image-again")];
    for folder in &folders {
        // Of an earlier run, and made by nobody else: the name is ours.
        let gone = fs::remove_dir_all(folder);
        let missing = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        gone.or_else(|error| if missing(&error) { Ok(()) } else { Err(error) })
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        write_image(root, &program, folder)?;
    }
    let [first, again] = &folders;
    let (first_text, again_text) = (first.display().to_string(), again.display().to_string());
    passed(root, &["diff", "--recursive", &first_text, &again_text])
        .map_err(|_| "the same image twice has other bytes".to_owned())?;
    fs::remove_dir_all(again).map_err(|error| format!("{again_text}: {error}"))?;
    passed(root, &["python3", "packaging/image/check.py", &first_text])?;
    say(&format!("image: {first_text}, the same bytes twice"));
    Ok(())
}

fn write_image(root: &Path, program: &Path, folder: &Path) -> Result<(), String> {
    let (program, folder) = (program.display().to_string(), folder.display().to_string());
    let commit = said(root, &["git", "log", "-1", "--format=%H %ct"])?;
    let (revision, at) = commit.trim().split_once(' ').ok_or("git named no commit")?;
    let created = said(root, &["date", "--utc", "--date", &format!("@{at}"), "+%FT%TZ"])?;
    let mut words = vec!["cargo", "run", "--quiet", "--locked", "--package", "image", "--"];
    words.extend([&program, &folder, created.trim()]);
    // What was changed since is of no commit.
    if said(root, &["git", "status", "--porcelain"])?.is_empty() {
        words.push(revision);
    }
    passed(root, &words)
}

/// Says what is missing, and how to come by it.
fn needed(root: &Path) -> Result<(), String> {
    let library = said(root, &["rustc", "--print", "target-libdir", "--target", TARGET])?;
    if !Path::new(library.trim()).is_dir() {
        return Err(format!("the Rust target is missing: rustup target add {TARGET}"));
    }
    let own = std::env::var_os("CC_x86_64_unknown_linux_musl");
    if own.is_none() && said(root, &["musl-gcc", "--version"]).is_err() {
        let packages = "musl-tools in Debian and Ubuntu, musl-gcc in Fedora";
        return Err(format!(
            "a C compiler for musl is missing, which zstd needs: install {packages}, or name one \
             in CC_x86_64_unknown_linux_musl"
        ));
    }
    Ok(())
}

/// The program says its version, and serves a demo that finds its own events.
fn try_out(program: &Path) -> Result<(), String> {
    let folder = std::env::temp_dir();
    let name = program.display().to_string();
    let version = said(&folder, &[&name, "--version"])?;
    say(&format!("  {}", version.trim()));
    let contexts = format!("COUNTERFOIL_CONTEXTS={}.contexts", program.display());
    let words = [&name, "demo", "--listen", "127.0.0.1:0", "--events", DEMO_EVENTS];
    let demo = said(&folder, &[&["env", &contexts][..], &words].concat())?;
    let last = demo.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    say(&format!("  demo of {DEMO_EVENTS} events: {}", last.trim()));
    // The demo takes its context back; what is left is an empty list.
    let _ = fs::remove_file(format!("{}.contexts", program.display()));
    Ok(())
}

/// Where Cargo builds.
pub fn target(root: &Path) -> Result<PathBuf, String> {
    let metadata = json::read(&deps::metadata(root)?)?;
    let folder = metadata.get("target_directory").and_then(Value::text);
    Ok(PathBuf::from(folder.ok_or("cargo metadata names no target folder")?))
}

/// Runs a program that must succeed.
pub fn passed(folder: &Path, words: &[&str]) -> Result<(), String> {
    match run::run(folder, words, true)?.end {
        End::Passed => Ok(()),
        End::Skipped | End::Failed => Err(format!("{} failed", words.join(" "))),
    }
}

/// What a program says that must succeed.
pub fn said(folder: &Path, words: &[&str]) -> Result<String, String> {
    let (name, arguments) = words.split_first().ok_or("no program was named")?;
    let output = Command::new(name).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("{name} could not be run: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{} failed: {}", words.join(" "), why.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
