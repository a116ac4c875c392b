//! Finding, as a person's client does it: one request after the other over one HTTP connection, on
//! a server that has nothing else to do. Beside it stands a request that finds nothing out.

use std::time::Duration;

use serde_json::Value;

use crate::Failed;
use crate::child::Child;
use crate::load::{Connection, get};
use crate::machine::Machine;
use crate::report::Row;
use crate::sample::{Sample, number, ratio, time};
use crate::screen::complain;

/// Events that are looked for.
pub(crate) const SAMPLES: u64 = 300;
/// The longest that one kind of lookup is repeated.
const TIME_MAX: Duration = Duration::from_secs(6);

/// Reads over one connection.
pub(crate) struct Reader {
    runtime: tokio::runtime::Runtime,
    connection: Connection,
    token: String,
}

/// Times that a read is asked for again; the server keeps each waiting for a while.
const TURNS_AWAY_MAX: usize = 100;

impl Reader {
    pub(crate) fn open(child: &Child) -> Result<Reader, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let connection = runtime.block_on(Connection::open(child.address))?;
        Ok(Reader { runtime, connection, token: child.token.clone() })
    }

    /// The body of the answer to a request that must succeed.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<&[u8], Failed> {
        match self.runtime.block_on(self.connection.ask(request))? {
            200 => Ok(self.connection.body()),
            status => {
                Err(format!("status {status}: {}", String::from_utf8_lossy(self.connection.body())))
            }
        }
    }

    /// The body found at a path.
    pub(crate) fn get(&mut self, path: &str) -> Result<&[u8], Failed> {
        let request = get(&self.token, path);
        self.ask(&request)
    }

    /// Asks for a path until it is answered otherwise than with "come again".
    pub(crate) fn wait_for(&mut self, path: &str) -> Result<(), Failed> {
        let request = get(&self.token, path);
        for _ in 0..TURNS_AWAY_MAX {
            if self.runtime.block_on(self.connection.ask(&request))? != 503 {
                break;
            }
        }
        self.ask(&request).map(drop)
    }

    /// How long answers to these paths take, each of this status.
    fn time(&mut self, machine: &Machine, paths: &[String], want: u16) -> Result<Sample, Failed> {
        let (mut sample, began) = (Sample::default(), machine.elapsed());
        for path in paths {
            let request = get(&self.token, path);
            let (status, took) =
                machine.time(|| self.runtime.block_on(self.connection.ask(&request)));
            let status = status?;
            if status != want {
                return Err(format!("{path}: status {status} instead of {want}"));
            }
            sample.add(took);
            if machine.elapsed() - began > TIME_MAX {
                break;
            }
        }
        Ok(sample)
    }
}

/// Measures all kinds of lookup.
pub(crate) fn run(
    machine: &Machine,
    mut reader: Reader,
    events: &[Value],
    of: u64,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let all = |path: &str| vec![path.to_owned(); events.len()];
    let bare = reader.time(machine, &all("/livez"), 200)?.p50();
    let text = |event: &Value, at: &str| {
        event.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let each = |start: &str, at: &str| -> Vec<String> {
        events.iter().map(|event| format!("{start}{}", text(event, at))).collect()
    };
    let absent: Vec<String> =
        (0..events.len()).map(|n| format!("/v1/events/01a20390-809a-7000-8000-{n:012x}")).collect();
    let kinds = [
        ("event id", each("/v1/events/", "/id"), 200),
        ("trace id, the whole trace", each("/v1/traces/", "/correlation/trace_id"), 200),
        ("actor, newest 20", each("/v1/events?limit=20&actor=", "/actor/id"), 200),
        ("resource, newest 20", each("/v1/events?limit=20&resource=", "/resources/0/id"), 200),
        ("event id that is not there", absent, 404),
    ];
    let of_bare = |took: Duration| format!("{:.1} × /livez", ratio(took, bare));
    rows.push(Row::plain(
        "HTTP request that looks nothing up (/livez), p50",
        time(bare),
        String::new(),
    ));
    let mut add = |reader: &mut Reader, what: &str, paths: &[String], status, max: Duration| {
        let sample = reader.time(machine, paths, status)?;
        let measured = format!("{} / {}", time(sample.p50()), time(sample.p99()));
        complain(&format!("lookups: {what}: {measured}, {} times", sample.count()));
        let (met, ratio) = (sample.p50() <= max, of_bare(sample.p50()));
        rows.push(Row::aimed(what, format!("p50 ≤ {}", time(max)), measured, met, ratio));
        Ok::<(), Failed>(())
    };
    for (what, paths, status) in kinds {
        let what = format!("lookup by {what}, p50 / p99");
        add(&mut reader, &what, &paths, status, Duration::from_millis(1))?;
    }
    for (name, filter, max) in FILTERS {
        let path = format!("/v1/events?limit=100&{filter}");
        let count = count(&mut reader, filter)?;
        let what = format!("{name} ({count} of {} match), p50 / p99", number(of as f64));
        add(&mut reader, &what, &all(&path), 200, max(of))?;
    }
    Ok(())
}

/// The longest that an answer may take among so many events.
type Most = fn(u64) -> Duration;

const FILTERS: [(&str, &str, Most); 3] = [
    ("newest 100 of an actor's", "actor=svc-0.shop.example", |_| Duration::from_millis(50)),
    ("newest 100 of two clauses", "service=carriers&outcome=failure&action=order.*", |_| {
        Duration::from_millis(50)
    }),
    ("free text that no event has", "q=zanzibarine", |of| Duration::from_secs_f64(of as f64 / 1e7)),
];

/// How many events a filter matches.
fn count(reader: &mut Reader, filter: &str) -> Result<u64, Failed> {
    let body = reader.get(&format!("/v1/events?limit=1&count=exact&{filter}"))?;
    let answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    answer.pointer("/count/count").and_then(Value::as_u64).ok_or_else(|| "no count".into())
}
