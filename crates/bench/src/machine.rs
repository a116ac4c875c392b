//! What this machine can do, measured beside what we do with it: rates drift with the neighbours.

use std::fmt;
use std::fs;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use platform::{Clock, SystemClock};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::Failed;
use crate::bulk::{START_NS, bulk};
use crate::sample::{Sample, time};

/// Bytes of one write before its sync.
const SYNC_BYTES: usize = 64 << 10;
/// Writes before and after each part.
const SYNCS: usize = 150;
/// Ticks of /proc in a second; Linux shows 100 on every machine.
pub(crate) const TICKS: u32 = 100;
const HASHES: u32 = 1_000_000;
const DECODES: usize = 20_000;

/// The machine and its clock.
pub(crate) struct Machine {
    clock: SystemClock,
}

/// What the machine could do around one part.
pub(crate) struct Limits {
    /// fdatasync after 64 KiB on space that was zeroed before.
    pub(crate) sync: Sample,
    /// SHA-256 of a message of one block.
    pub(crate) hash: Duration,
    /// serde_json reads one generated event into types.
    pub(crate) decode: Duration,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        Machine { clock: SystemClock::new() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// How long a job takes.
    pub(crate) fn time<T>(&self, job: impl FnOnce() -> T) -> (T, Duration) {
        let began = self.elapsed();
        let done = job();
        (done, self.elapsed() - began)
    }

    /// How long a job of this thread's keeps a processor busy, whoever else wants it meanwhile.
    pub(crate) fn busy<T>(&self, job: impl FnOnce() -> T) -> (T, Duration) {
        let began = (on_processor(), self.elapsed());
        let done = job();
        let took = match (began.0, on_processor()) {
            (Some(began), Some(ended)) => ended - began,
            _ => self.elapsed() - began.1,
        };
        (done, took)
    }

    /// Time that all processes together spent on the processors, or the host took from them.
    pub(crate) fn all_busy(&self) -> Option<Duration> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let words = text.lines().next()?.split_ascii_whitespace().skip(1);
        let ticks: Vec<u32> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        // proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal; then guests again.
        let busy = ticks.iter().take(8).enumerate().filter(|(at, _)| !matches!(at, 3 | 4));
        Some(Duration::from_secs(1) * busy.map(|(_, ticks)| ticks).sum::<u32>() / TICKS)
    }

    /// Today, UTC.
    pub(crate) fn date(&self) -> String {
        event::format_time(self.clock.now())[..10].to_owned()
    }

    /// Cores and processor.
    pub(crate) fn describe(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, |n| n.get());
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        format!("{cores} cores, {}", model.map_or("unknown processor", |(_, name)| name))
    }

    /// Measures the limits in a folder.
    pub(crate) fn limits(&self, folder: &Path) -> Result<Limits, Failed> {
        let sync = self.syncs(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Limits { sync, hash: self.hash(), decode: self.decode()? })
    }

    fn syncs(&self, folder: &Path) -> std::io::Result<Sample> {
        let path = folder.join("limits");
        let file = fs::OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
        // Space that holds zeros already: a sync need not make a file's size durable as well.
        let zeros = vec![0; SYNC_BYTES];
        for n in 0..SYNCS {
            file.write_all_at(&zeros, (n * SYNC_BYTES) as u64)?;
        }
        file.sync_all()?;
        let (bytes, mut sample) = (vec![0x5a; SYNC_BYTES], Sample::default());
        for n in 0..SYNCS {
            file.write_all_at(&bytes, (n * SYNC_BYTES) as u64)?;
            let (synced, took) = self.time(|| file.sync_data());
            synced?;
            sample.add(took);
        }
        fs::remove_file(path)?;
        Ok(sample)
    }

    fn hash(&self) -> Duration {
        let mut message = [7_u8; 55];
        let ((), took) = self.busy(|| {
            for _ in 0..HASHES {
                let hash = Sha256::digest(black_box(&message));
                message[..32].copy_from_slice(&hash);
            }
        });
        took / HASHES
    }

    fn decode(&self) -> Result<Duration, Failed> {
        let lines: Vec<String> = bulk(9, DECODES as u64, START_NS).collect();
        let (read, took) = self.busy(|| {
            lines.iter().try_for_each(|line| {
                serde_json::from_str(line).map(|it: Typed| drop(black_box(it)))
            })
        });
        read.map_err(|error| format!("the generated event is not of its types: {error}"))?;
        Ok(took / DECODES as u32)
    }
}

impl Limits {
    /// The same limits, measured again.
    pub(crate) fn join(&mut self, other: Limits) {
        self.sync.join(other.sync);
        self.hash = (self.hash + other.hash) / 2;
        self.decode = (self.decode + other.decode) / 2;
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (time(self.sync.p50()), time(self.sync.p99()));
        let (hash, decode) = (time(self.hash), time(self.decode));
        write!(f, "fdatasync p50 {p50} p99 {p99}, SHA-256 block {hash}, JSON decode {decode}")
    }
}

/// Time that this thread spent on a processor: the first word of its line in /proc.
fn on_processor() -> Option<Duration> {
    let line = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(line.split(' ').next()?.parse().ok()?))
}

/// A generated event as a program that knows it would read it.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Typed<'a> {
    id: &'a str,
    kind: &'a str,
    action: &'a str,
    verb: &'a str,
    outcome: Outcome<'a>,
    occurred_at: &'a str,
    observed_at: &'a str,
    duration_ns: u64,
    #[serde(borrow)]
    actor: Actor<'a>,
    resources: Vec<Resource<'a>>,
    service: Service<'a>,
    source: Source<'a>,
    correlation: Correlation<'a>,
    producer: Producer<'a>,
    attributes: Attributes<'a>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Outcome<'a> {
    result: &'a str,
    code: Option<&'a str>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Actor<'a> {
    r#type: &'a str,
    id: &'a str,
    name: Option<&'a str>,
    relation: Option<&'a str>,
    #[serde(default, borrow)]
    on_behalf_of: Vec<Actor<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Resource<'a> {
    role: &'a str,
    r#type: &'a str,
    id: &'a str,
    #[serde(default, borrow)]
    changes: Vec<Change<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Change<'a> {
    path: &'a str,
    before: i64,
    after: i64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Service<'a> {
    name: &'a str,
    namespace: &'a str,
    version: &'a str,
    instance: &'a str,
    environment: &'a str,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Source<'a> {
    service: &'a str,
    identity: &'a str,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Correlation<'a> {
    trace_id: &'a str,
    span_id: &'a str,
    parent_span_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Producer<'a> {
    id: &'a str,
    stream: &'a str,
    seq: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read for the time it takes")]
struct Attributes<'a> {
    team: &'a str,
    amount: &'a str,
}
