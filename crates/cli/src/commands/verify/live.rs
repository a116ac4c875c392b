//! A live log, fetched tile by tile and judged as it comes.

use std::path::Path;

use verify::Verdict;
use verify::live::{LiveLog, NotStarted};

use super::report::report;
use super::{about_saved, ask, progress};
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::context::{self, Contexts, Server};
use crate::error::CliError;
use crate::out;
use crate::view::{self, list};

/// Judges what a server shows, as somebody from outside.
pub(super) fn live(global: &Global, args: &args::Verify) -> Result<u8, CliError> {
    if let Some(path) = &args.remember {
        can_keep(path)?;
    }
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
    let note = client.get(&format!("/tlog/{}/checkpoint", escape(&log)))?.text()?;
    let outcome = match LiveLog::new(&asked.question, &note) {
        Ok(judge) => fetch_all(&client, &log, judge)?,
        Err(NotStarted::Usage(usage)) => return Err(about_saved(usage, args)),
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
    if name.is_some() || global.url.as_ref().is_some_and(same) {
        server.token = context::given_token(global)?.or(server.token);
    }
    Ok((name, server))
}

fn only_log(client: &Client) -> Result<String, CliError> {
    let answer = client.get_json("/v1/logs")?;
    // An access log is verified by who names it.
    let logs = list(&answer["logs"]).iter().filter(|log| log["purpose"] != "access");
    let names: Vec<String> = logs.map(|log| view::text(&log["name"])).collect();
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
    let bar = progress("{human_pos} entries   {rate}");
    bar.set_length(judge.expect_entries());
    for bundle in judge.bundles() {
        let answer = client.get(&format!("/tlog/{}/{}", escape(log), bundle.path))?;
        if !answer.is_success() {
            return Err(answer.failure());
        }
        judge.push_bundle(&answer.body);
        bar.set_position(judge.entries());
        // A bundle that is none ends the judgement; a hostile log could serve them for ever.
        if judge.entries() < bundle.end {
            break;
        }
    }
    bar.finish_and_clear();
    let ended = judge.finish();
    Ok((ended.verdict, ended.remember))
}

/// Looks before anything is judged whether the checkpoint could be kept: whoever reads VERIFIED
/// reads no further.
fn can_keep(path: &Path) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(CliError::usage(format!(
            "--remember {}: there is no folder {}; nothing was looked at",
            path.display(),
            folder.display()
        ))),
        None => Ok(()),
    }
}

fn keep(path: &Path, checkpoint: Option<&str>, had_one: bool) -> Result<(), CliError> {
    let Some(note) = checkpoint else {
        out::note(&format!("{} is left as it was", path.display()));
        return Ok(());
    };
    // All that the next run has to hold the log to. It is no secret.
    platform::replace_durably(path, note.as_bytes(), 0o666).map_err(|error| {
        CliError::file(path, format!("{error}; the checkpoint was NOT saved, only judged"))
    })?;
    out::note(match had_one {
        true => "  remembered  the saved checkpoint still holds; the new one is in its place",
        false => "  remembered  nothing yet; saved, and the next run must extend it",
    });
    Ok(())
}
