//! The commit path alone: batches are admitted, digested and compressed beforehand; what is
//! measured is the lane: plan, write, fdatasync, sign, publish, answer.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use commit::{Answer, Indexer, Log, LogSpec, Prepared, Settings, Store, World, id_key};
use platform::{Disk, RealDisk, SystemClock, SystemEntropy};

use crate::bulk::{START_NS, bulk};
use crate::child::LOG;
use crate::digest::admit_body;
use crate::machine::Machine;
use crate::report::Row;
use crate::sample::{Sample, number, rate, ratio, time};
use crate::screen::complain;
use crate::{Failed, Size};

const TARGET: f64 = 500_000.0;
const BATCH: u64 = 1_000;
/// Batches in flight in each run.
const IN_FLIGHT: [usize; 3] = [1, 16, 64];

/// Measures this part.
pub(crate) fn run(
    machine: &Machine,
    folder: &Path,
    size: Size,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let store = open(folder)?;
    let log = store.logs().get(LOG).ok_or("the log is not there")?.clone();
    let batches = size.pick(400, 60);
    for (seed, in_flight) in (1..).zip(IN_FLIGHT) {
        let (prepared, each) = prepare(machine, &store, &log, seed, batches)?;
        if in_flight == IN_FLIGHT[0] {
            let decode = machine.limits(folder)?.decode;
            let many = format!("{:.2} × typed serde_json decode", ratio(each, decode));
            rows.push(Row::plain(
                "prepare (ids, digest, compress), an event, one core",
                time(each),
                many,
            ));
        }
        let sync = machine.limits(folder)?.sync;
        let (acks, took) = commit(machine, &store, prepared, in_flight)?;
        let found = rate(batches * BATCH, took);
        complain(&format!("commit: {in_flight} in flight, {} events/s", number(found)));
        let what = format!("commit alone, 1,000-event batches, {in_flight} in flight, events/s");
        let per_sync = found * sync.p50().as_secs_f64();
        let ratio = format!(
            "{} events in the time of one fdatasync; ack p50 {:.1} ×, p99 {:.1} × fdatasync p50",
            number(per_sync),
            ratio(acks.p50(), sync.p50()),
            ratio(acks.p99(), sync.p50())
        );
        rows.push(match in_flight {
            1 => Row::plain(&what, number(found), ratio),
            _ => Row::aimed(&what, "≥ 500 k", number(found), found >= TARGET, ratio),
        });
    }
    store.close().map_err(|fatal| fatal.0.to_string())
}

fn open(folder: &Path) -> Result<Store, Failed> {
    let disk = |name: &str| -> Result<Arc<dyn Disk>, Failed> {
        Ok(Arc::new(RealDisk::new(&folder.join(name)).map_err(|error| error.to_string())?))
    };
    let (data, keys) = (disk("data")?, disk("keys")?);
    let entropy = Arc::new(SystemEntropy);
    let id_key = id_key(data.as_ref(), keys.as_ref(), entropy.as_ref());
    let id_key = id_key.map_err(|error| error.to_string())?;
    let clock = Arc::new(SystemClock::new());
    let world = World { disk: data, keys, clock, entropy, id_key };
    let spec = LogSpec {
        name: LOG.into(),
        tenant: "default".into(),
        public: true,
        purpose: commit::Purpose::Events,
    };
    let settings = Settings::new("bench.example", vec![spec]);
    let nothing: Arc<Indexer> =
        Arc::new(|_: &Prepared, _: &[admit::Admitted]| -> commit::Index { Box::new(|_| {}) });
    Store::open(world, &settings, &mut |_, _| {}, &nothing, |_| {})
        .map_err(|error| error.to_string())
}

/// Batches ready for the lane, and what making one event of them ready takes.
fn prepare(
    machine: &Machine,
    store: &Store,
    log: &Arc<Log>,
    seed: u64,
    batches: u64,
) -> Result<(Vec<Prepared>, Duration), Failed> {
    let mut lines = bulk(seed, batches * BATCH, START_NS);
    let (mut ready, mut took) = (Vec::new(), Duration::ZERO);
    for _ in 0..batches {
        let body: Vec<String> = lines.by_ref().take(BATCH as usize).collect();
        let admitted = admit_body(body.join("\n").as_bytes())?;
        let (prepared, this) = machine.busy(|| store.prepare(log, &admitted));
        ready.push(prepared.map_err(|error| error.to_string())?);
        took += this;
    }
    Ok((ready, took / (batches * BATCH) as u32))
}

/// An answer, and when it came.
type Heard = (Answer, Duration, Duration);

fn commit(
    machine: &Machine,
    store: &Store,
    batches: Vec<Prepared>,
    in_flight: usize,
) -> Result<(Sample, Duration), Failed> {
    let clock = Arc::new(SystemClock::new());
    let (give, take): (Sender<Heard>, Receiver<Heard>) = channel();
    let (mut acks, mut waiting) = (Sample::default(), 0);
    let began = machine.elapsed();
    for prepared in batches {
        while waiting == in_flight {
            hear(&take, &mut acks)?;
            waiting -= 1;
        }
        let (give, clock) = (give.clone(), clock.clone());
        let sent = platform::Clock::elapsed(clock.as_ref());
        let reply = Box::new(move |answer| {
            let heard = platform::Clock::elapsed(clock.as_ref());
            // Who listens ends after the last answer.
            let _ = give.send((answer, sent, heard));
        });
        store.submit(prepared, Box::new(|_| {}), reply);
        waiting += 1;
    }
    for _ in 0..waiting {
        hear(&take, &mut acks)?;
    }
    Ok((acks, machine.elapsed() - began))
}

fn hear(take: &Receiver<Heard>, acks: &mut Sample) -> Result<(), Failed> {
    let (answer, sent, heard) = take.recv().map_err(|error| error.to_string())?;
    acks.add(heard - sent);
    match answer {
        Answer::Committed { .. } => Ok(()),
        other => Err(format!("a batch was not committed: {other:?}")),
    }
}
