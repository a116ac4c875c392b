//! `counterfoil send`: files of events to the server, in batches, with progress and a summary.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use capture::{Body, Format, Part};
use event::limits::EVENT_BYTES_MAX;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::client;
use crate::args::{self, Global, SendFormat};
use crate::client::Client;
use crate::error::CliError;
use crate::out;
use tally::{Tally, report};

mod files;
mod tally;

/// Bytes of one request's events; the server takes 16 MiB.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_EVENTS: usize = 1_000;
/// Bytes of the largest file that is read, decompressed.
const FILE_BYTES_MAX: u64 = 2 << 30;

struct Sender<'a> {
    client: Client,
    path: &'static str,
    media_type: &'static str,
    tally: Tally,
    refusals: Option<fs::File>,
    receipts: Option<fs::File>,
    bar: &'a ProgressBar,
}

pub(crate) fn run(global: &Global, args: &args::Send) -> Result<u8, CliError> {
    let files = files::named(&args.paths)?;
    if files.is_empty() {
        return Err(CliError::usage("there is no file in what was named; nothing was sent"));
    }
    let bar = out::progress("  sending  {wide_bar}  {bytes} of {total_bytes}  {msg}  {eta} left");
    bar.set_length(files.iter().map(|file| file_size(file)).sum());
    let (path, media_type, format) = endpoint(args.format);
    // Appended to, never replaced: receipts of earlier sendings are evidence.
    let create = |path: &Option<PathBuf>| {
        let open = |path: &PathBuf| {
            let file = fs::OpenOptions::new().append(true).create(true).open(path);
            file.map_err(|error| CliError::file(path, error))
        };
        path.as_ref().map(open).transpose()
    };
    let mut sender = Sender {
        client: client(global)?,
        path,
        media_type,
        tally: Tally::default(),
        refusals: create(&args.refusals)?,
        receipts: create(&args.receipts)?,
        bar: &bar,
    };
    let sent = files.iter().try_for_each(|file| {
        sender.file(file, format)?;
        bar.inc(file_size(file));
        Ok(())
    });
    // Receipts are kept also of what was sent before something went wrong.
    let kept = sender.sync_receipts(args.receipts.as_deref());
    sent.and(kept)?;
    bar.finish_and_clear();
    report(global, &sender.tally, files.len())?;
    Ok(u8::from(!sender.tally.refused.is_empty()))
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

/// Why a record cannot be sent, in the server's words: it would sink the batch it stands in.
fn unfit(part: &Part<'_>) -> Option<Value> {
    let (code, reason) = match &part.value {
        _ if part.text.len() > EVENT_BYTES_MAX => {
            ("too_large", format!("an event has at most {EVENT_BYTES_MAX} bytes"))
        }
        Err(error) if part.heavy => ("too_large", error.to_string()),
        Err(error) => ("json", error.to_string()),
        Ok(_) => return None,
    };
    Some(json!({"code": code, "path": "", "reason": reason}))
}

fn file_size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| CliError::file(path, error);
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(fs::File::open(path).map_err(failed)?)
    };
    let gzip = path.extension().is_some_and(|e| e == "gz");
    let source: Box<dyn Read> =
        if gzip { Box::new(flate2::read::MultiGzDecoder::new(source)) } else { source };
    platform::read_bytes(source, FILE_BYTES_MAX).map_err(failed)
}

impl Sender<'_> {
    fn file(&mut self, path: &Path, format: Format) -> Result<(), CliError> {
        let bytes = read(path)?;
        let mut body = Body::new(&bytes, format.wrapper(), false)
            .map_err(|error| CliError::file(path, error))?;
        let mut batch = Vec::new();
        let mut nth = 0;
        let mut first = 0;
        while let Some(part) = body.next_part().map_err(|error| CliError::file(path, error))? {
            let text = part.text;
            if let Some(refused) = unfit(&part) {
                let words = self.refuse(path, nth, &refused)?;
                let why = refused["reason"].as_str().unwrap_or_default();
                let first = format!("record {nth} of {}: {why}", path.display());
                self.tally.unsent.entry(words).or_insert(first);
                nth += 1;
                continue;
            }
            let full = batch.len() + text.len() > BATCH_BYTES || nth - first >= BATCH_EVENTS;
            if !batch.is_empty() && full {
                self.batch(path, first, &mut batch)?;
            }
            if batch.is_empty() {
                first = nth;
            }
            batch.push(if batch.is_empty() { b'[' } else { b',' });
            batch.extend_from_slice(text.as_bytes());
            nth += 1;
        }
        if batch.is_empty() { Ok(()) } else { self.batch(path, first, &mut batch) }
    }

    fn batch(&mut self, path: &Path, first: usize, batch: &mut Vec<u8>) -> Result<(), CliError> {
        batch.push(b']');
        let answer = self.client.post(self.path, self.media_type, batch)?;
        batch.clear();
        let receipt: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(events) = receipt["events"].as_array() else { return Err(answer.failure()) };
        for (at, event) in events.iter().enumerate() {
            if let Some(refused) = event.get("refused") {
                match refused["code"].as_str() {
                    Some("left_out" | "counted") => {
                        self.tally.sent += 1;
                        self.tally.left_out += 1;
                    }
                    _ => drop(self.refuse(path, first + at, refused)?),
                }
                continue;
            }
            self.tally.sent += 1;
            self.tally.new += u64::from(event["duplicate"] != true);
            self.tally.duplicates += u64::from(event["duplicate"] == true);
            self.tally.conflicts += u64::from(event.get("conflict").is_some());
        }
        if let Some(file) = &mut self.receipts {
            let written = file.write_all(&answer.body).and_then(|()| file.write_all(b"\n"));
            written.map_err(|error| CliError::Server(format!("receipts: {error}")))?;
        }
        self.bar.set_message(out::count(self.tally.sent, "event"));
        Ok(())
    }

    /// Receipts are evidence: they outlast a power failure, where they are in a file.
    fn sync_receipts(&self, path: Option<&Path>) -> Result<(), CliError> {
        let (Some(file), Some(path)) = (&self.receipts, path) else { return Ok(()) };
        let synced = file.metadata().and_then(|meta| match meta.is_file() {
            true => file.sync_all().and_then(|()| platform::sync_name(path)),
            false => Ok(()),
        });
        synced.map_err(|error| CliError::file(path, error))
    }

    /// Counts a refusal; answers with the words it is counted under.
    fn refuse(&mut self, path: &Path, nth: usize, refused: &Value) -> Result<String, CliError> {
        self.tally.sent += 1;
        let place = refused["path"].as_str().unwrap_or_default();
        let reason = format!("{} {place}", refused["code"].as_str().unwrap_or("?"));
        let reason = reason.trim_end().to_owned();
        *self.tally.refused.entry(reason.clone()).or_default() += 1;
        let Some(file) = &mut self.refusals else { return Ok(reason) };
        let line = json!({"file": path.display().to_string(), "record": nth, "refused": refused});
        let written = writeln!(file, "{line}");
        written.map_err(|error| CliError::Server(format!("refusals: {error}")))?;
        Ok(reason)
    }
}
