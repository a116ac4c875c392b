//! A live log, fetched tile by tile and judged as it comes.

use std::fs;
use std::path::{Path, PathBuf};

use verify::Verdict;
use verify::live::{LiveLog, NotStarted};

use super::report::report;
use super::{ask, progress};
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::context::{Contexts, Server};
use crate::error::CliError;
use crate::out;
use crate::view::{self, list};

/// Judges what a server shows, as somebody from outside.
pub(super) fn live(global: &Global, args: &args::Verify) -> Result<u8, CliError> {
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
    let bar = progress("{human_pos} entries   {per_sec}");
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

fn keep(path: &Path, checkpoint: Option<&str>, had_one: bool) -> Result<(), CliError> {
    let Some(note) = checkpoint else {
        out::note(&format!("{} is left as it was", path.display()));
        return Ok(());
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    fs::write(&beside, note).map_err(|e| CliError::file(&beside, e))?;
    fs::rename(&beside, path).map_err(|e| CliError::file(path, e))?;
    out::note(match had_one {
        true => "  remembered  the saved checkpoint still holds; the new one is in its place",
        false => "  remembered  nothing yet; saved, and the next run must extend it",
    });
    Ok(())
}
