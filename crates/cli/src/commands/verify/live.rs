//! A live log, fetched tile by tile and judged as it comes.

use std::path::Path;

use serde_json::Value;
use verify::checkpoint::Checkpoint;
use verify::live::{LiveLog, NotStarted};
use verify::{Class, Verdict};

use super::pins::{self, Pin};
use super::report::{remembering, report};
use super::{Asked, about_saved, ask, follow, policy_of, progress};
use crate::args::{self, Global};
use crate::client::{Client, escape};
use crate::context::{self, Contexts, Server};
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use crate::view::{self, list};

/// The exit code of a chain of logs that breaks off.
const INCOMPLETE: u8 = 3;

/// What was remembered, and what is now.
const FIRST: &str = "nothing yet; saved, and the next run must extend it";
const EXTENDED: &str = "the saved checkpoint still holds; the new one is in its place";
const FOLLOWED: &str =
    "the saved checkpoint still holds; those of the logs that followed are there";

/// Judges what a server shows, as somebody from outside: the log that is named, that of the saved
/// checkpoint and those that followed it, or all.
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
    let live = Live { global, args, client: Client::new(server)? };
    let saved = asked.question.saved.as_deref().map(pins::read).transpose();
    let saved = saved.map_err(|usage| about_saved(usage, args))?.unwrap_or_default();
    match args.log.clone().or(name) {
        Some(name) => live.one(&name, saved, asked),
        None if saved.is_empty() => live.all(asked),
        None => live.chain(&saved, asked),
    }
}

/// A server that is judged.
struct Live<'a> {
    global: &'a Global,
    args: &'a args::Verify,
    client: Client,
}

/// A log that was judged.
struct Judged {
    verdict: Verdict,
    /// Its checkpoint, if everything was as it should be.
    pin: Option<Pin>,
}

/// How far a chain of logs was judged.
#[derive(Default)]
struct Walked {
    /// Of the last verdict.
    code: u8,
    /// The origins that were judged.
    seen: Vec<String>,
    /// What to remember.
    kept: Vec<Pin>,
    /// The log that is not judged, and why.
    broken: Option<(String, String)>,
}

impl Live<'_> {
    /// Judges one log that somebody named, and no other.
    fn one(&self, log: &str, mut saved: Vec<Pin>, mut asked: Asked) -> Result<u8, CliError> {
        // One of another log is not judged here, and the verdict says so.
        let pin = pins::of(&saved, log).or(saved.first());
        asked.question.saved = pin.map(|pin| pin.note.clone());
        let judged = self.judge(log, &asked)?;
        if let Some(path) = &self.args.remember {
            let had_one = !saved.is_empty();
            let is_well = judged.pin.is_some();
            if let Some(new) = judged.pin {
                saved.retain(|pin| pin.origin != new.origin);
                saved.push(new);
            }
            self.keep(path, is_well.then_some(&saved), if had_one { EXTENDED } else { FIRST })?;
            self.tell_closed(&judged.verdict);
        }
        Ok(judged.verdict.exit_code())
    }

    /// Judges every log of events; with a file to remember in, the one that is open.
    fn all(&self, mut asked: Asked) -> Result<u8, CliError> {
        let logs = self.client.get_json("/v1/logs")?;
        let logs: Vec<&Value> = of_events(&logs).collect();
        let is_open = |log: &&Value| !logs.iter().any(|other| other["follows"] == log["origin"]);
        let open: Vec<String> =
            logs.iter().copied().filter(is_open).map(|log| view::text(&log["name"])).collect();
        match (&self.args.remember, &open[..]) {
            (_, []) => return Err(CliError::usage("the server shows no log of events")),
            (Some(_), [name]) => return self.one(name, Vec::new(), asked),
            (Some(_), names) => {
                let each = names.iter().map(|name| self.command(&["--log", name]));
                let each = each.collect::<Vec<_>>().join(" · ");
                return Err(CliError::usage(format!("which log? a file for each: {each}")));
            }
            (None, _) => {}
        }
        let mut worst = (Class::Verified, 0);
        for (at, log) in logs.iter().enumerate() {
            asked.is_last = at + 1 == logs.len();
            let verdict = self.judge(&view::text(&log["name"]), &asked)?.verdict;
            worst = worst.max((verdict.class, verdict.exit_code()));
        }
        Ok(worst.1)
    }

    /// Judges the log of the first saved checkpoint, then each that took over from the one before,
    /// each against its own if there is one.
    fn chain(&self, saved: &[Pin], asked: Asked) -> Result<u8, CliError> {
        // Asked first: a log that is closed meanwhile is followed the next time.
        let logs = self.client.get_json("/v1/logs");
        if let Err(error) = &logs {
            out::note(&format!("whether another log follows is not known: {error}"));
        }
        let walked = self.walk(saved, asked, &logs.unwrap_or_default())?;
        let unseen = saved.iter().find(|pin| !walked.seen.contains(&pin.origin));
        let lacking = match (&walked.broken, unseen) {
            (Some((next, why)), _) => Some((next.as_str(), why.as_str())),
            // Whoever hides a log must not have its checkpoint forgotten.
            (None, Some(pin)) if walked.code == 0 => {
                Some((pins::name(&pin.origin), "its checkpoint is saved, and nothing led there"))
            }
            (None, _) => None,
        };
        if let Some((next, why)) = lacking {
            self.not_followed(next, why);
        }
        if let Some(path) = &self.args.remember {
            let is_known = |pin: &Pin| pins::of(saved, &pin.origin).is_some();
            let how = if walked.kept.iter().all(is_known) { EXTENDED } else { FOLLOWED };
            let is_whole = walked.code == 0 && lacking.is_none();
            self.keep(path, is_whole.then_some(&walked.kept), how)?;
        }
        Ok(if walked.code == 0 && lacking.is_some() { INCOMPLETE } else { walked.code })
    }

    fn walk(&self, saved: &[Pin], mut asked: Asked, logs: &Value) -> Result<Walked, CliError> {
        let mut walked = Walked::default();
        let origin = saved[0].origin.clone();
        let mut log = follow::Next { name: pins::name(&origin).to_owned(), origin };
        loop {
            asked.question.saved = pins::of(saved, &log.origin).map(|pin| pin.note.clone());
            let judged = self.judge(&log.name, &asked)?;
            walked.seen.push(log.origin.clone());
            let Some(pin) = judged.pin else {
                walked.code = judged.verdict.exit_code();
                return Ok(walked);
            };
            if pin.origin != log.origin {
                walked.broken = Some((log.name, format!("{} is shown there", pin.origin)));
                return Ok(walked);
            }
            walked.kept.push(pin.clone());
            // Where a server shows a circle, it ends.
            let next = follow::next(logs, &pin.origin);
            let Some(next) = next.filter(|next| !walked.seen.contains(&next.origin)) else {
                return Ok(walked);
            };
            match self.lead(&pin, &next, &asked)? {
                Ok(led) => (asked, log) = (led, next),
                Err(why) => {
                    let why = format!("it says it follows {}: {why}", log.name);
                    walked.broken = Some((next.name, why));
                    return Ok(walked);
                }
            }
            // A log whose key the judge has needs none before it.
            if asked.led.is_none() {
                walked.kept.clear();
            }
        }
    }

    /// What is asked of the log that follows, if the one before leads there.
    fn lead(
        &self,
        closed: &Pin,
        next: &follow::Next,
        asked: &Asked,
    ) -> Result<Result<Asked, String>, CliError> {
        let (Some(policy), Ok(checkpoint)) =
            (&asked.question.policy, Checkpoint::parse(&closed.note))
        else {
            return Ok(Err("no key is given".into()));
        };
        let believed = follow::Believed { policy, keys: &asked.keys };
        let closed = (pins::name(&closed.origin), &checkpoint);
        let led = match follow::prove(&self.client, closed, next, &believed) {
            Ok(Ok(led)) => led,
            Ok(Err(why)) => return Ok(Err(why)),
            // A role that may not ask, or an answer that is none: nothing is proved by it.
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut next = Asked { led: None, ..asked.clone() };
        if let Some(keys) = led.keys {
            next.question.policy = Some(policy_of(&keys)?);
            (next.keys, next.led) = (keys, Some(led.how));
        }
        Ok(Ok(next))
    }

    fn judge(&self, log: &str, asked: &Asked) -> Result<Judged, CliError> {
        let note = self.client.get(&format!("/tlog/{}/checkpoint", escape(log)))?.text()?;
        let (verdict, note) = match LiveLog::new(&asked.question, &note) {
            Ok(judge) => fetch_all(&self.client, log, judge)?,
            Err(NotStarted::Usage(usage)) => return Err(about_saved(usage, self.args)),
            Err(NotStarted::Verdict(verdict)) => (*verdict, None),
        };
        report(self.global, &verdict, asked, self.args)?;
        let origin = verdict.logs.first().map(|log| log.origin.clone());
        let pin = note.zip(origin).map(|(note, origin)| Pin { origin, note });
        Ok(Judged { verdict, pin })
    }

    /// A log that somebody named stays the one that is remembered, also when it has come to its
    /// end: what is next is said.
    fn tell_closed(&self, verdict: &Verdict) {
        let origin = verdict.logs.first().map(|log| log.origin.as_str());
        let Ok(logs) = self.client.get_json("/v1/logs") else { return };
        let Some(next) = origin.and_then(|origin| follow::next(&logs, origin)) else { return };
        let command = self.command(&["--log", &next.name]);
        self.tell(&format!("  closed  {} follows, in a file of its own: {command}", next.name));
    }

    fn not_followed(&self, next: &str, why: &str) {
        let command = self.command(&["--log", next]);
        self.tell(&format!("{}  {next}: {why}", ink(Ink::Warn, "NOT FOLLOWED")));
        self.tell(&format!("  exit {INCOMPLETE}; if you trust it all the same: {command}"));
    }

    /// A line beside the verdicts; where those are JSON, beside the output.
    fn tell(&self, text: &str) {
        if self.global.json { out::note(text) } else { out::line(text) }
    }

    /// This command for a log that is remembered in a file of its own.
    fn command(&self, log: &[&str]) -> String {
        let base = self.args.what.split("/tlog/").next().unwrap_or_default();
        remembering(base, self.args, log)
    }

    fn keep(&self, path: &Path, pins: Option<&Vec<Pin>>, how: &str) -> Result<(), CliError> {
        let Some(pins) = pins else {
            out::note(&format!("{} is left as it was", path.display()));
            return Ok(());
        };
        // All that the next run has to hold the log to. It is no secret.
        let text = pins::text(pins);
        platform::replace_durably(path, text.as_bytes(), 0o666).map_err(|error| {
            CliError::file(path, format!("{error}; the checkpoint was NOT saved, only judged"))
        })?;
        out::note(&format!("  remembered  {how}"));
        Ok(())
    }
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

/// The logs that hold events. An access log is verified by who names it.
fn of_events(logs: &Value) -> impl Iterator<Item = &Value> {
    list(&logs["logs"]).iter().filter(|log| log["purpose"] != "access")
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
