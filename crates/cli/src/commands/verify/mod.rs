//! `counterfoil verify`: the judge's command. The judgement is the crate `verify`'s; here stand
//! the files, the network and the words.

mod follow;
mod live;
mod pins;
mod report;
mod whose;

use std::fs::File;
use std::path::Path;

use atrest::{AtRest, NotAtRest};
use indicatif::ProgressBar;
use verify::folder;
use verify::{Need, Policy, Question, Verdict};

use crate::args::{self, Global};
use crate::error::CliError;
use crate::out;
use report::report;

/// Bytes of the largest file that is judged whole.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Bytes of the largest file that the judge brings along.
const BROUGHT_BYTES_MAX: u64 = 1 << 20;

/// Where the keys came from: a verdict by keys that the judge did not bring says so.
#[derive(Clone)]
struct Asked {
    question: Question,
    /// The keys that the policy is made of; none where the judge brought a policy.
    keys: Vec<String>,
    keys_of_context: Option<String>,
    /// How the judge was led to the log that is judged, if it was from another one.
    led: Option<String>,
    /// Whether nothing is judged after this, and what is next may be said.
    is_last: bool,
}

pub(crate) fn run(global: &Global, args: &args::Verify) -> Result<u8, CliError> {
    let path = Path::new(&args.what);
    if is_address(&args.what) {
        return live::live(global, args);
    }
    if args.remember.is_some() {
        return Err(CliError::usage("--remember is for a live log; for files use --saved"));
    }
    let asked = ask(args, None)?;
    let verdict = if path.is_dir() {
        judge_folder(path, args, &asked.question)?
    } else {
        let bytes = read_file(path)?;
        no_key(path, &bytes)?;
        verify::judge(&bytes, &asked.question).map_err(|usage| about_saved(usage, args))?
    };
    report(global, &verdict, &asked, args)?;
    Ok(verdict.exit_code())
}

/// Whether a server is meant, and no file.
fn is_address(what: &str) -> bool {
    what.starts_with("http://") || what.starts_with("https://")
}

/// Names the file of a saved checkpoint that cannot be used.
fn about_saved(usage: verify::Usage, args: &args::Verify) -> CliError {
    let saved = args.saved.as_ref().or(args.remember.as_ref());
    match saved.filter(|_| usage.0.starts_with("the saved checkpoint")) {
        Some(path) => CliError::usage(format!("{}: {}", path.display(), usage.0)),
        None => usage.into(),
    }
}

/// What begins a file that signs.
const SECRET: &str = "PRIVATE+KEY+";

fn secret(named: &str) -> CliError {
    CliError::usage(format!(
        "{named} is a secret key, which signs and is nobody's but the server's; its public one: \
         counterfoil key export"
    ))
}

/// A key is what one verifies by, and is easily put in the place of the file.
fn no_key(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(first) else { return Ok(()) };
    let (shown, is_key) = (path.display(), || policy_of(&[line.trim().to_owned()]).is_ok());
    if line.starts_with(SECRET) {
        return Err(secret(&shown.to_string()));
    }
    if line.contains('+') && is_key() {
        return Err(CliError::usage(format!(
            "{shown} is a key, by which one verifies: counterfoil verify FILE -k {shown}"
        )));
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let absent = |error: std::io::Error| {
        let what = "what to verify is a file, a data folder, or a server's address with http://";
        CliError::file(path, format!("{error}; {what}"))
    };
    let file = File::open(path).map_err(absent)?;
    platform::read_bytes(file, FILE_BYTES_MAX).map_err(|error| CliError::file(path, error))
}

/// Reads what the judge brings along: keys, a policy, a checkpoint.
pub(crate) fn read_brought(path: &Path) -> Result<String, CliError> {
    platform::read_once(path, BROUGHT_BYTES_MAX).map_err(|error| CliError::file(path, error))
}

fn ask(args: &args::Verify, saved_keys: Option<(&str, &[String])>) -> Result<Asked, CliError> {
    let need = match args.need {
        args::Need::Any => Need::Any,
        args::Need::Named => Need::Named,
        args::Need::Full => Need::Full,
    };
    let (mut keys, mut keys_of_context) = (Vec::new(), None);
    let policy = if let Some(path) = &args.policy {
        Some(Policy::parse(read_brought(path)?.as_bytes())?)
    } else if !args.key.is_empty() {
        let given = args.key.iter().map(|key| read_keys(key)).collect::<Result<Vec<_>, _>>()?;
        keys = given.concat();
        Some(policy_of(&keys)?)
    } else if let Some((name, saved)) = saved_keys.filter(|(_, keys)| !keys.is_empty()) {
        keys_of_context = Some(name.to_owned());
        saved.clone_into(&mut keys);
        Some(policy_of(&keys)?)
    } else {
        None
    };
    let saved = args.saved.as_ref().or(args.remember.as_ref());
    let saved = match saved {
        Some(path) if args.remember.is_some() && !path.exists() => None,
        Some(path) => Some(read_brought(path)?),
        None => None,
    };
    let required = args.require.iter().map(|pointer| {
        verify::Path::from_pointer(pointer)
            .map_err(|e| CliError::usage(format!("{pointer}: {}", e.0)))
    });
    let required = required.collect::<Result<_, _>>()?;
    let question = Question { policy, need, required, saved };
    Ok(Asked { question, keys, keys_of_context, led: None, is_last: true })
}

/// A key itself, or a file of keys, one a line.
pub(crate) fn read_keys(key: &str) -> Result<Vec<String>, CliError> {
    let path = Path::new(key);
    let text = if path.is_file() {
        read_brought(path)?
    } else if key.contains('+') {
        key.to_owned()
    } else {
        return Err(CliError::usage(format!("{key}: neither a key nor a file that is there")));
    };
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    // A secret is not repeated.
    let named = if path.is_file() { key } else { "the key given" };
    if lines.iter().any(|line| line.starts_with(SECRET)) {
        return Err(secret(named));
    }
    if let Some(error) = policy_of(&lines).err().filter(|_| path.is_file()) {
        return Err(CliError::usage(format!("{named}: {error}")));
    }
    Ok(lines)
}

pub(crate) fn policy_of(keys: &[String]) -> Result<Policy, CliError> {
    let lines: String = keys.iter().map(|key| format!("log {key}\n")).collect();
    Ok(Policy::parse(format!("{lines}quorum none\n").as_bytes())?)
}

fn judge_folder(
    path: &Path,
    args: &args::Verify,
    question: &Question,
) -> Result<Verdict, CliError> {
    let data = AtRest::open(path).map_err(|error| {
        let next = match error {
            NotAtRest::None(..) | NotAtRest::Closed(..) => "",
            NotAtRest::Held(_) => "; verify its address instead, or stop it",
            NotAtRest::NoLock(..) => "; verify a copy of the folder on another file system",
        };
        CliError::usage(format!("{error}{next}"))
    })?;
    let bar = progress("{bytes} of {total_bytes}  {bytes_per_sec}");
    let mut heard = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let verdict = folder::judge(&data, question, &mut heard);
    let verdict = verdict.map_err(|usage| about_saved(usage, args))?;
    bar.finish_and_clear();
    Ok(verdict)
}

fn progress(what: &str) -> ProgressBar {
    out::progress(&format!("  checking  {{wide_bar}}  {what}   {{eta}} left"))
}
