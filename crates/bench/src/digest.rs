//! From a line to a digest, on one core: each step by itself, and what SHA-256 alone would take.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use admit::{Admitted, Identity, Peer, Policy, Speaks, admit};
use capture::{Body, Format};
use event::{EpochKey, Fields, OriginDigest, Schema, Value, json};

use crate::bulk::{START_NS, bulk};
use crate::machine::Machine;
use crate::report::Row;
use crate::sample::{Sample, number, rate, ratio, time};
use crate::{Failed, Size};

const TARGET: f64 = 120_000.0;
const ORIGIN: &str = "bench.example/tlog/default-0";
const EVENTS: u64 = 10_000;

/// Median of what each step takes for one event.
#[derive(Default)]
struct Steps {
    read: Sample,
    conform: Sample,
    flatten: Sample,
    digest: Sample,
    admit: Sample,
}

/// Measures this part.
pub(crate) fn run(
    machine: &Machine,
    folder: &Path,
    size: Size,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let limits = machine.limits(folder)?;
    let lines: Vec<String> = bulk(1, EVENTS, START_NS).collect();
    let mut steps = Steps::default();
    let mut blocks = 0;
    for _ in 0..size.pick(40, 8) {
        blocks = steps.turn(machine, &lines)?;
    }
    let hashes = limits.hash.mul_f64(blocks as f64 / EVENTS as f64);
    let Steps { read, conform, flatten, digest, admit } = &steps;
    let step = |sample: &Sample| sample.p50() / EVENTS as u32;
    let both = step(flatten) + step(digest);
    rows.push(Row::aimed(
        "flatten and digest, events/s/core",
        "≥ 120 k",
        number(rate(1, both)),
        rate(1, both) >= TARGET,
        format!(
            "{:.2} × its {:.1} SHA-256 blocks",
            ratio(both, hashes),
            blocks as f64 / EVENTS as f64
        ),
    ));
    let decode = limits.decode;
    let of_decode =
        |took: Duration| format!("{:.2} × typed serde_json decode", ratio(took, decode));
    for (what, sample) in
        [("read (JSON, strict)", read), ("conform to the schema", conform), ("flatten", flatten)]
    {
        let took = step(sample);
        rows.push(Row::plain(&format!("– {what}, an event"), time(took), of_decode(took)));
    }
    let took = step(digest);
    let of_hashes = format!("{:.2} × its SHA-256 blocks", ratio(took, hashes));
    rows.push(Row::plain("– digest, an event", time(took), of_hashes));
    let took = step(admit);
    rows.push(Row::plain(
        "capture and admit a body (read, conform, flatten), an event",
        time(took),
        of_decode(took),
    ));
    Ok(())
}

impl Steps {
    /// All lines through all steps; how many SHA-256 blocks their digests are.
    fn turn(&mut self, machine: &Machine, lines: &[String]) -> Result<u64, Failed> {
        let (values, took) =
            machine.busy(|| lines.iter().map(|line| json::read(line.as_bytes())).collect());
        let values: Result<Vec<Value<'_>>, _> = values;
        self.read.add(took);
        let values = values.map_err(|error| error.to_string())?;
        let mut events: Vec<_> = values
            .into_iter()
            .filter_map(|value| if let Value::Object(event) = value { Some(event) } else { None })
            .collect();
        let schema = Schema::event();
        let (conformed, took) =
            machine.busy(|| events.iter_mut().try_for_each(|event| schema.conform(event)));
        conformed.map_err(|problem| problem.to_string())?;
        self.conform.add(took);
        let (flat, took) = machine.busy(|| events.iter().map(Fields::flatten).collect());
        let flat: Result<Vec<Fields>, _> = flat;
        self.flatten.add(took);
        let flat = flat.map_err(|error| error.to_string())?;
        let (epoch, origin) = (EpochKey::new(&[7; 32]), OriginDigest::new(ORIGIN));
        let ((), took) = machine.busy(|| {
            for (counter, fields) in flat.iter().enumerate() {
                black_box(origin.of_fields(fields, &epoch.event_key(counter as u64)));
            }
        });
        self.digest.add(took);
        let body = lines.join("\n");
        let (admitted, took) = machine.busy(|| admit_body(body.as_bytes()));
        self.admit.add(took);
        drop(admitted?);
        Ok(flat.iter().map(blocks).sum())
    }
}

/// What the server does with a body before its events are prepared.
pub(crate) fn admit_body(body: &[u8]) -> Result<Vec<Admitted>, Failed> {
    let identity = Identity { kind: "token", id: "bench".into() };
    let peer = Peer { identity, tenant: "default".into(), speaks: Speaks::ForMany };
    let policy = Policy::default();
    let mut body = Body::new(body, Format::Native.wrapper(), true).map_err(|e| e.to_string())?;
    let mut admitted = Vec::new();
    while let Some(part) = body.next_part().map_err(|e| e.to_string())? {
        let value = part.value.map_err(|e| e.to_string())?;
        let record = Format::Native.adapt(value).map_err(|e| e.to_string())?;
        let event = admit(record, &peer, &policy, String::new).map_err(|refusal| refusal.reason)?;
        admitted.push(event);
    }
    Ok(admitted)
}

/// SHA-256 blocks that an event's digest is made of (docs/formats/digest.md), its key included.
fn blocks(fields: &Fields) -> u64 {
    let of = |bytes: usize| (bytes as u64 + 9).div_ceil(64);
    let each = fields.iter().map(|field| of(17 + field.text.len()) + of(33 + field.path.len()));
    // The event key is one HMAC over half a block, its two padded keys hashed before.
    each.sum::<u64>() + of(28 + ORIGIN.len() + 32 * fields.len()) + 2
}
