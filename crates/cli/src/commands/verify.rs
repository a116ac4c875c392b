//! `counterfoil verify`: the judge's command. The judgement is the crate `verify`'s; here stand
//! the files, the network and the words.

use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use verify::folder::{self, Folder};
use verify::live::{BUNDLE_ENTRIES, LiveLog, NotStarted};
use verify::{Class, Need, Policy, Question, Verdict};

use crate::args::{self, Global};
use crate::client::Client;
use crate::context::{Contexts, Server};
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use crate::view::{self, list};

/// Bytes of the largest file that is judged whole.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Where the keys came from: a verdict by keys that the judge did not bring says so.
struct Asked {
    question: Question,
    keys_of_context: Option<String>,
}

pub(crate) fn run(global: &Global, args: &args::Verify) -> Result<u8, CliError> {
    let path = Path::new(&args.what);
    if args.what.starts_with("http://") || args.what.starts_with("https://") {
        return live(global, args);
    }
    if args.remember.is_some() {
        return Err(CliError::usage("--remember is for a live log; for files use --saved"));
    }
    let asked = ask(args, None)?;
    let verdict = if path.is_dir() {
        judge_folder(path, &asked.question)?
    } else {
        let bytes = read_file(path)?;
        verify::judge(&bytes, &asked.question)?
    };
    report(global, &verdict, &asked, args)?;
    Ok(verdict.exit_code())
}

fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| CliError::file(path, error);
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(CliError::file(path, "has more than 1 GiB, which is not judged"));
    }
    Ok(bytes)
}

fn ask(args: &args::Verify, saved_keys: Option<(&str, &[String])>) -> Result<Asked, CliError> {
    let need = match args.need.as_str() {
        "any" => Need::Any,
        "named" => Need::Named,
        "full" => Need::Full,
        other => {
            return Err(CliError::usage(format!("--need {other}: any, named or full")));
        }
    };
    let mut keys_of_context = None;
    let policy = if let Some(path) = &args.policy {
        Some(Policy::parse(&fs::read(path).map_err(|e| CliError::file(path, e))?)?)
    } else if !args.key.is_empty() {
        let keys = args.key.iter().map(|key| read_keys(key)).collect::<Result<Vec<_>, _>>()?;
        Some(policy_of(&keys.concat())?)
    } else if let Some((name, keys)) = saved_keys.filter(|(_, keys)| !keys.is_empty()) {
        keys_of_context = Some(name.to_owned());
        Some(policy_of(keys)?)
    } else {
        None
    };
    let saved = args.saved.as_ref().or(args.remember.as_ref());
    let saved = match saved {
        Some(path) if args.remember.is_some() && !path.exists() => None,
        Some(path) => Some(fs::read_to_string(path).map_err(|e| CliError::file(path, e))?),
        None => None,
    };
    let required = args.require.iter().map(|pointer| {
        verify::Path::from_pointer(pointer)
            .map_err(|e| CliError::usage(format!("{pointer}: {}", e.0)))
    });
    let required = required.collect::<Result<_, _>>()?;
    Ok(Asked { question: Question { policy, need, required, saved }, keys_of_context })
}

/// A key itself, or a file of keys, one a line.
fn read_keys(key: &str) -> Result<Vec<String>, CliError> {
    let path = Path::new(key);
    let text = if path.is_file() {
        fs::read_to_string(path).map_err(|e| CliError::file(path, e))?
    } else if key.contains('+') {
        key.to_owned()
    } else {
        return Err(CliError::usage(format!("{key}: neither a key nor a file that is there")));
    };
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

fn policy_of(keys: &[String]) -> Result<Policy, CliError> {
    let lines: String = keys.iter().map(|key| format!("log {key}\n")).collect();
    Ok(Policy::parse(format!("{lines}quorum none\n").as_bytes())?)
}

/// A data folder as the judge reads it.
struct RealFolder(PathBuf);

impl RealFolder {
    fn walk(&self, folder: &str, found: &mut Vec<(String, u64)>) -> std::io::Result<()> {
        for entry in fs::read_dir(self.0.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            // Links are not followed: they could lead out of the folder.
            let meta = fs::symlink_metadata(entry.path())?;
            if meta.is_dir() {
                self.walk(&name, found)?;
            } else {
                found.push((name, meta.len()));
            }
        }
        Ok(())
    }
}

impl Folder for RealFolder {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        let mut found = Vec::new();
        self.walk("", &mut found).map_err(|error| error.to_string())?;
        Ok(found)
    }

    fn read(&self, name: &str, offset: u64, out: &mut [u8]) -> Result<(), String> {
        let file = fs::File::open(self.0.join(name)).map_err(|error| error.to_string())?;
        file.read_exact_at(out, offset).map_err(|error| error.to_string())
    }
}

fn judge_folder(path: &Path, question: &Question) -> Result<Verdict, CliError> {
    let lock = fs::File::open(path.join("lock"));
    let lock = lock.map_err(|_| CliError::usage(format!("{}: no data folder", path.display())))?;
    if lock.try_lock_shared().is_err() {
        return Err(CliError::usage(format!(
            "a server is running on {}; verify its address instead, or stop it",
            path.display()
        )));
    }
    let bar = progress("{bytes} of {total_bytes}  {bytes_per_sec}");
    let mut heard = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let verdict = folder::judge(&RealFolder(path.to_owned()), question, &mut heard)?;
    bar.finish_and_clear();
    Ok(verdict)
}

fn progress(what: &str) -> ProgressBar {
    out::progress(&format!("  checking  {{wide_bar}}  {what}   {{eta}} left"))
}

fn live(global: &Global, args: &args::Verify) -> Result<u8, CliError> {
    let (base, name) = match args.what.split_once("/tlog/") {
        Some((base, log)) => (base.to_owned(), Some(log.trim_end_matches('/').to_owned())),
        None => (args.what.trim_end_matches('/').to_owned(), None),
    };
    let (context, server) = known_server(global, &base)?;
    let keys = server.keys.clone();
    let asked = ask(args, context.as_deref().map(|name| (name, keys.as_slice())))?;
    let client = Client::new(server)?;
    let log = match args.log.clone().or(name) {
        Some(name) => name,
        None => only_log(&client)?,
    };
    let note = client.get(&format!("/tlog/{log}/checkpoint"))?.text()?;
    let outcome = match LiveLog::new(&asked.question, &note) {
        Ok(judge) => fetch_all(&client, &log, judge)?,
        Err(NotStarted::Usage(usage)) => return Err(usage.into()),
        Err(NotStarted::Verdict(verdict)) => (*verdict, None),
    };
    let (verdict, remember) = outcome;
    report(global, &verdict, &asked, args)?;
    if let Some(path) = &args.remember {
        keep(path, remember.as_deref(), asked.question.saved.is_some())?;
    }
    Ok(verdict.exit_code())
}

/// The saved server with this address; its token and keys are for no other.
fn known_server(global: &Global, url: &str) -> Result<(Option<String>, Server), CliError> {
    let contexts = Contexts::read()?;
    let found =
        contexts.contexts.iter().find(|(_, server)| server.url.trim_end_matches('/') == url);
    let (name, mut server) = match found {
        Some((name, server)) => (Some(name.clone()), server.clone()),
        None => (None, Server { url: url.to_owned(), ..Server::default() }),
    };
    // A token is for the server it was made by: not for every address that is to be verified.
    let same = |named: &String| named.trim_end_matches('/') == url;
    if global.token.is_some() && (name.is_some() || global.url.as_ref().is_some_and(same)) {
        server.token.clone_from(&global.token);
    }
    Ok((name, server))
}

fn only_log(client: &Client) -> Result<String, CliError> {
    let answer = client.get_json("/v1/logs")?;
    let logs = list(&answer["logs"]);
    let names: Vec<String> = logs.iter().map(|log| view::text(&log["name"])).collect();
    match &names[..] {
        [name] => Ok(name.clone()),
        _ => Err(CliError::usage(format!("which log? --log one of: {}", names.join(", ")))),
    }
}

fn fetch_all(
    client: &Client,
    log: &str,
    mut judge: LiveLog,
) -> Result<(Verdict, Option<String>), CliError> {
    let bar = progress("{human_pos} entries   {per_sec}");
    bar.set_length(judge.expect_entries());
    let width = BUNDLE_ENTRIES;
    for index in 0..judge.expect_entries().div_ceil(width) {
        let left = judge.expect_entries() - index * width;
        let part = if left < width { format!(".p/{left}") } else { String::new() };
        let path = format!("/tlog/{log}/tile/entries/{}{part}", tile_index(index));
        let answer = client.get(&path)?;
        if !answer.is_success() {
            return Err(answer.failure());
        }
        judge.push_bundle(&answer.body);
        bar.set_position(judge.entries());
        // A bundle that is none ends the judgement; a hostile log could serve them for ever.
        if judge.entries() < (index * width).saturating_add(left.min(width)) {
            break;
        }
    }
    bar.finish_and_clear();
    let ended = judge.finish();
    Ok((ended.verdict, ended.remember))
}

/// 1234067 as `x001/x234/067` (C2SP tlog-tiles).
fn tile_index(index: u64) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    text
}

fn keep(path: &Path, checkpoint: Option<&str>, had_one: bool) -> Result<(), CliError> {
    let Some(note) = checkpoint else {
        out::note(&format!("{} is left as it was", path.display()));
        return Ok(());
    };
    let beside = path.with_extension("new");
    fs::write(&beside, note).map_err(|e| CliError::file(&beside, e))?;
    fs::rename(&beside, path).map_err(|e| CliError::file(path, e))?;
    let before = if had_one { "the saved checkpoint still holds" } else { "nothing yet" };
    out::note(&format!("  remembered  {before}; saved now, and the next run must extend it"));
    Ok(())
}

fn report(
    global: &Global,
    verdict: &Verdict,
    asked: &Asked,
    args: &args::Verify,
) -> Result<(), CliError> {
    if global.json {
        return out::json(verdict);
    }
    let (word, colour) = match verdict.class {
        Class::Verified => ("VERIFIED", Ink::Good),
        Class::Incomplete => ("INCOMPLETE", Ink::Warn),
        Class::Unverifiable => ("UNVERIFIABLE", Ink::Warn),
        Class::Tampered => ("TAMPERED", Ink::Bad),
    };
    out::line(&format!("{}  {}", ink(colour, word), verdict.sentence));
    if verdict.class != Class::Verified {
        let at =
            if verdict.place.is_empty() { String::new() } else { format!(" at {}", verdict.place) };
        out::line(&format!("  reason      {}{at}", verdict.reason.word()));
    }
    counted(verdict);
    for log in &verdict.logs {
        let whose = asked.keys_of_context.as_ref().map_or("the key you gave".to_owned(), |name| {
            format!("the key saved in context {name:?} (not given by you)")
        });
        if !log.signed_by.is_empty() {
            out::line(&format!("  signed by   {}    {whose}", log.signed_by.join(", ")));
        }
        if let Some(size) = log.extends_saved {
            out::line(&format!("  extends     the saved checkpoint of size {}", out::number(size)));
        }
    }
    out::line(&format!("  rests on    {}", verdict.rests_on));
    if let Some(next) = advice(verdict, args) {
        out::line(&ink(Ink::Dim, &format!("  next        {next}")));
    }
    let codes = "(0 verified · 1 tampered · 2 usage · 3 incomplete · 4 unverifiable)";
    if verdict.exit_code() != 0 {
        out::line(&ink(Ink::Dim, &format!("  exit {} {codes}", verdict.exit_code())));
    }
    Ok(())
}

fn counted(verdict: &Verdict) {
    let counts = &verdict.counts;
    if counts.events > 0 {
        out::line(&format!(
            "  content     {} shown, {} named, {} hidden in {}",
            out::count(counts.shown, "field"),
            out::number(counts.named),
            out::number(counts.hidden),
            out::count(counts.events, "event")
        ));
    }
    if !verdict.named.is_empty() {
        let named: Vec<&str> = verdict.named.iter().take(8).map(String::as_str).collect();
        out::line(&format!("  withheld    {}", named.join(", ")));
    }
    for log in &verdict.logs {
        out::line(&format!("  log         {}, size {}", log.origin, out::number(log.size)));
    }
}

/// What to do next.
fn advice(verdict: &Verdict, args: &args::Verify) -> Option<String> {
    match verdict.reason.word() {
        "unknown-log" | "unknown-key" => Some(
            "give the log's public key: --key FILE (counterfoil key export, from whom you trust)"
                .into(),
        ),
        "withheld" => Some("ask for a file that shows more, or accept less: --need any".into()),
        "torn-tail" => Some("start the server once: it cuts what was never acknowledged".into()),
        "truncated" | "missing" => {
            Some("compare with a backup and with receipts that producers kept".into())
        }
        "verified" if args.remember.is_none() && args.saved.is_none() => Some(
            "who holds that key could have kept a second log; pin a checkpoint: \
             counterfoil verify URL --remember FILE"
                .into(),
        ),
        _ => None,
    }
}
