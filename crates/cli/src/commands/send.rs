//! `counterfoil send`: files of events to the server, in batches, with progress and a summary.
//!
//! Promises: whatever ends a sending, Ctrl-C too, what was answered until then is told, and what
//! was asked without an answer.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::mpsc::{RecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capture::{Body, BodyError, Format, Part};
use event::limits::EVENT_BYTES_MAX;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::client;
use super::serve::Signals;
use crate::args::{self, Global, SendFormat};
use crate::client::Client;
use crate::error::CliError;
use crate::out;
use files::Named;
use place::{Finger, Place, broken};
use tally::{Refusal, Tally, UnderWay, report};

mod files;
mod place;
mod tally;

/// Bytes of one request's events; the server takes 16 MiB.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_EVENTS: usize = 1_000;
/// Bytes of the largest file that is read, decompressed.
const FILE_BYTES_MAX: u64 = 2 << 30;
/// What a shell makes of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

struct Sender<'a> {
    client: Client,
    path: &'static str,
    media_type: &'static str,
    sent: Arc<Mutex<Sent>>,
    bar: &'a ProgressBar,
    /// Bytes of the files that were sent to their end.
    bytes_done: u64,
}

/// What is known so far. Ctrl-C tells it: nobody lets go of it half changed.
struct Sent {
    tally: Tally,
    refusals: Option<fs::File>,
    receipts: Option<(PathBuf, fs::File)>,
    is_told: bool,
}

/// Records that go into one request.
#[derive(Default)]
struct Batch {
    body: Vec<u8>,
    /// Which record of the file each is, from 1, and where it stands.
    records: Vec<(u64, Place)>,
}

pub(crate) fn run(global: &Global, args: &args::Send) -> Result<u8, CliError> {
    let files = files::named(&args.paths)?;
    if files.is_empty() {
        return Err(CliError::usage("there is no file in what was named; nothing was sent"));
    }
    let bar = out::progress("  sending  {wide_bar}  {bytes} of {total_bytes}  {msg}");
    bar.set_length(files.iter().map(Named::size).sum());
    let (path, media_type, format) = endpoint(args.format);
    let client = client(global)?;
    let receipts = args.receipts.as_ref();
    let receipts = receipts.map(|path| append(path).map(|file| (path.clone(), file)));
    let sent = Arc::new(Mutex::new(Sent {
        tally: Tally::default(),
        refusals: args.refusals.as_deref().map(append).transpose()?,
        receipts: receipts.transpose()?,
        is_told: false,
    }));
    tell_when_interrupted(global.json, sent.clone(), bar.clone());
    let mut sender =
        Sender { client, path, media_type, sent: sent.clone(), bar: &bar, bytes_done: 0 };
    let ended = files.iter().try_for_each(|file| sender.file(file, format));
    bar.finish_and_clear();
    let mut sent = hold(&sent);
    let told = sent.tell(global.json, ended.is_ok());
    // Receipts are kept also of what was sent before something went wrong.
    let kept = sent.sync_receipts();
    ended.and(told).and(kept)?;
    Ok(u8::from(!sent.tally.refused.is_empty()))
}

/// Appended to, never replaced: receipts of earlier sendings are evidence.
fn append(path: &Path) -> Result<fs::File, CliError> {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.map_err(|error| CliError::file(path, error))
}

fn hold(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has Ctrl-C end the command with what is known, at once: the server may be silent, and standard
/// input too. Where no signal can be heard it ends the command as it ends any.
fn tell_when_interrupted(json: bool, sent: Arc<Mutex<Sent>>, bar: ProgressBar) {
    let (is_heard, heard) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let interrupted = runtime.is_ok_and(|runtime| {
            runtime.block_on(async {
                let Ok(mut signals) = Signals::listen() else { return false };
                drop(is_heard);
                signals.heard().await;
                true
            })
        });
        if !interrupted {
            return;
        }
        bar.finish_and_clear();
        let mut sent = hold(&sent);
        let told = sent.tell(json, false);
        if let Err(error) = told.and(sent.sync_receipts()) {
            out::error(&error, json);
        }
        exit(INTERRUPTED);
    });
    // Nothing is asked before it is heard.
    let _: Result<(), RecvError> = heard.recv();
}

fn endpoint(format: SendFormat) -> (&'static str, &'static str, Format) {
    match format {
        SendFormat::Native => ("/v1/events", "application/json", Format::Native),
        SendFormat::Cloudevents => {
            ("/v1/events", "application/cloudevents-batch+json", Format::CloudEvents)
        }
        SendFormat::Kubernetes => ("/v1/intake/kubernetes", "application/json", Format::Kubernetes),
        SendFormat::Cloudtrail => ("/v1/intake/cloudtrail", "application/json", Format::CloudTrail),
    }
}

/// Why a record cannot be sent, in the server's words, and how far behind its beginning the mistake
/// is: it would sink the batch it stands in.
fn unfit(part: &Part<'_>) -> Option<(Value, usize)> {
    let (code, reason, offset) = match &part.value {
        _ if part.text.len() > EVENT_BYTES_MAX => {
            ("too_large", format!("an event has at most {EVENT_BYTES_MAX} bytes"), 0)
        }
        Err(error) if part.heavy => ("too_large", error.what.clone(), 0),
        Err(error) => {
            let offset = error.offset.min(part.text.len());
            ("json", format!("not valid JSON: {}", error.what), offset)
        }
        Ok(_) => return None,
    };
    Some((json!({"code": code, "path": "", "reason": reason}), offset))
}

impl Sender<'_> {
    fn file(&mut self, file: &Named, format: Format) -> Result<(), CliError> {
        let path = file.path.as_path();
        let begun = UnderWay { file: path.to_owned(), known: 0, asked: 0 };
        self.hold().tally.begin(begun);
        let bytes = file.read(FILE_BYTES_MAX)?;
        let wrong = |error: BodyError| broken(path, &bytes, &error.0);
        let mut body = Body::new(&bytes, format.wrapper(), false).map_err(wrong)?;
        let mut batch = Batch::default();
        let (mut nth, mut finger) = (0, Finger::new(&bytes));
        while let Some(part) = body.next_part().map_err(wrong)? {
            // The text of a part is a piece of the file's.
            let begin = part.text.as_ptr().addr() - bytes.as_ptr().addr();
            let place = finger.at(begin);
            nth += 1;
            if let Some((refused, offset)) = unfit(&part) {
                let place = place.behind(&bytes[begin..begin + offset]);
                let file = path.display().to_string();
                self.hold().refuse(Refusal { file, record: nth, place, refused })?;
                continue;
            }
            if batch.is_full(part.text) {
                self.batch(path, &mut batch)?;
                self.advance(file, begin, bytes.len());
            }
            batch.push(part.text, nth, place);
        }
        self.batch(path, &mut batch)?;
        self.bytes_done += file.size();
        self.bar.set_position(self.bytes_done);
        self.hold().tally.under_way = None;
        Ok(())
    }

    fn batch(&self, path: &Path, batch: &mut Batch) -> Result<(), CliError> {
        let Some((last, _)) = batch.records.last() else { return Ok(()) };
        batch.body.push(b']');
        self.hold().tally.asks(batch.records[0].0 - 1, *last);
        let answer = self.client.post(self.path, self.media_type, &batch.body);
        // Where nobody was reached, nobody stored anything.
        let answer = answer.inspect_err(|error| {
            if matches!(error, CliError::Unreached(_)) {
                self.hold().tally.asks_nothing();
            }
        })?;
        let receipt: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let mut sent = self.hold();
        let Some(events) = receipt["events"].as_array() else {
            // A request that is wrong stores nothing.
            if (400..500).contains(&answer.status) {
                sent.tally.asks_nothing();
            }
            return Err(answer.failure());
        };
        for (event, (record, place)) in events.iter().zip(&batch.records) {
            match event.get("refused") {
                Some(refused) if !is_left_out(refused) => {
                    let (file, refused) = (path.display().to_string(), refused.clone());
                    sent.refuse(Refusal { file, record: *record, place: *place, refused })?;
                }
                _ => sent.tally.count(event),
            }
        }
        sent.tally.is_answered();
        *batch = Batch::default();
        sent.keep(&answer.body)
    }

    /// Shows how far the sending is, and how long it takes once there is a rate to tell it by.
    fn advance(&self, file: &Named, at: usize, of: usize) {
        // What is compressed is smaller on the disk than here.
        let share = at as f64 / of.max(1) as f64;
        self.bar.set_position(self.bytes_done + (file.size() as f64 * share) as u64);
        let events = out::count(self.hold().tally.sent, "event");
        let left = self.bar.eta();
        self.bar.set_message(match left > Duration::ZERO {
            true => format!("{events}  {} left", out::lasted(left.as_secs_f64() * 1_000.0)),
            false => events,
        });
    }

    fn hold(&self) -> MutexGuard<'_, Sent> {
        hold(&self.sent)
    }
}

/// Whether the audit scope wants no such event: nobody has to mend it.
fn is_left_out(refused: &Value) -> bool {
    matches!(refused["code"].as_str(), Some("left_out" | "counted"))
}

impl Batch {
    /// Whether one more record has no room.
    fn is_full(&self, text: &str) -> bool {
        let is_long = self.body.len() + text.len() > BATCH_BYTES;
        !self.records.is_empty() && (is_long || self.records.len() >= BATCH_EVENTS)
    }

    fn push(&mut self, text: &str, record: u64, place: Place) {
        self.body.push(if self.records.is_empty() { b'[' } else { b',' });
        self.body.extend_from_slice(text.as_bytes());
        self.records.push((record, place));
    }
}

impl Sent {
    /// Counts a refusal, and writes it down where somebody wants that.
    fn refuse(&mut self, refusal: Refusal) -> Result<(), CliError> {
        let line = refusal.json();
        self.tally.refuse(refusal);
        let Some(file) = &mut self.refusals else { return Ok(()) };
        let written = writeln!(file, "{line}");
        written.map_err(|error| CliError::Server(format!("refusals: {error}")))
    }

    fn keep(&mut self, receipt: &[u8]) -> Result<(), CliError> {
        let Some((_, file)) = &mut self.receipts else { return Ok(()) };
        let written = file.write_all(receipt).and_then(|()| file.write_all(b"\n"));
        written.map_err(|error| CliError::Server(format!("receipts: {error}")))
    }

    /// Tells what is known, once. What ended before anything was asked has nothing to tell.
    fn tell(&mut self, json: bool, is_whole: bool) -> Result<(), CliError> {
        if std::mem::replace(&mut self.is_told, true) || !(is_whole || self.tally.has_begun()) {
            return Ok(());
        }
        report(json, &self.tally)
    }

    /// Receipts are evidence: they outlast a power failure, where they are in a file.
    fn sync_receipts(&self) -> Result<(), CliError> {
        let Some((path, file)) = &self.receipts else { return Ok(()) };
        let synced = file.metadata().and_then(|meta| match meta.is_file() {
            true => file.sync_all().and_then(|()| platform::sync_name(path)),
            false => Ok(()),
        });
        synced.map_err(|error| CliError::file(path, error))
    }
}
