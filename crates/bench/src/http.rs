//! What producers see: events over loopback HTTP until durable, findable and receipted, in batches
//! of three sizes over three numbers of connections.

use std::path::Path;
use std::time::Duration;

use crate::bulk::{START_NS, bulk};
use crate::child::{Child, own_cpu};
use crate::load::{self, Load, post};
use crate::machine::{Limits, Machine};
use crate::report::Row;
use crate::sample::{number, rate, ratio, time};
use crate::screen::complain;
use crate::{Failed, Size};

const BATCHES: [u64; 3] = [1, 100, 1_000];
const CONNECTIONS: [usize; 3] = [1, 16, 64];
const TARGET: f64 = 80_000.0;
const TARGET_SINGLE: f64 = 10_000.0;

/// One cell of the table, measured.
struct Cell {
    batch: u64,
    connections: usize,
    load: Load,
    /// Time on the processors: the server's, and the load's own.
    cpu: Duration,
    own: Duration,
    /// That of everybody, if it can be known.
    all: Option<Duration>,
    limits: Limits,
}

/// Measures this part.
pub(crate) fn run(
    machine: &Machine,
    folder: &Path,
    size: Size,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    for (nth, batch) in BATCHES.into_iter().enumerate() {
        let folder = folder.join(batch.to_string());
        let child = Child::start(&folder, None)?;
        for (step, connections) in CONNECTIONS.into_iter().enumerate() {
            let seed = 100 + (nth * CONNECTIONS.len() + step) as u64;
            let requests = requests(&child.token, batch, seed, size);
            let mut limits = machine.limits(&folder)?;
            let (cpu, own, all) = (child.cpu()?, own_cpu()?, machine.all_busy());
            let time_max = Duration::from_millis(size.pick(5_000, 1_500));
            let load = load::run(child.address, requests, connections, time_max)?;
            let (cpu, own) = (child.cpu()? - cpu, own_cpu()? - own);
            let all = machine.all_busy().zip(all).map(|(after, before)| after - before);
            limits.join(machine.limits(&folder)?);
            let cell = Cell { batch, connections, load, cpu, own, all, limits };
            cell.tell();
            cell.rows(rows);
        }
        child.stop()?;
    }
    Ok(())
}

/// More requests than a cell's time takes.
fn requests(token: &str, batch: u64, seed: u64, size: Size) -> Vec<Vec<u8>> {
    let count = match batch {
        1 => size.pick(80_000, 20_000),
        100 => size.pick(5_000, 1_000),
        _ => size.pick(500, 120),
    };
    requests_of(token, batch, seed, count)
}

/// So many requests with generated events.
pub(crate) fn requests_of(token: &str, batch: u64, seed: u64, count: u64) -> Vec<Vec<u8>> {
    let mut lines = bulk(seed, count * batch, START_NS);
    let mut next = || lines.by_ref().take(batch as usize).collect::<Vec<_>>();
    (0..count).map(|_| post(token, &next())).collect()
}

impl Cell {
    fn events(&self) -> u64 {
        self.load.acks.count() as u64 * self.batch
    }

    fn rate(&self) -> f64 {
        rate(self.events(), self.load.took)
    }

    fn costs(&self) -> String {
        let each = |cpu: Duration| time(cpu.div_f64(self.events().max(1) as f64));
        let ours = self.cpu + self.own;
        let others = self.all.map(|all| ratio(all.saturating_sub(ours), self.load.took));
        let others = others.map_or_else(String::new, |n| format!(", others' {n:.2}"));
        format!(
            "processor time an event: server {}, load {}; processors at work: ours {:.2}{others}",
            each(self.cpu),
            each(self.own),
            ratio(ours, self.load.took)
        )
    }

    fn tell(&self) {
        let (batch, connections, busy) = (self.batch, self.connections, self.load.busy);
        let rate = number(self.rate());
        let (acks, sync) = (time(self.load.acks.p50()), time(self.limits.sync.p50()));
        let costs = self.costs();
        complain(&format!(
            "http: {batch} × {connections}: {rate}/s, ack p50 {acks}, fdatasync {sync}, \
             busy {busy}; {costs}"
        ));
    }

    fn rows(&self, rows: &mut Vec<Row>) {
        let (batch, connections) = (self.batch, self.connections);
        let sync = self.limits.sync.p50();
        let found = self.rate();
        let per_sync = number(found * sync.as_secs_f64());
        let costs = self.costs();
        let busy = match self.load.busy {
            0 => String::new(),
            n => format!("; {n} times told to come again"),
        };
        let what = format!("batches of {batch} over {connections}, events/s");
        let ratio_ = format!("{per_sync} events in one fdatasync; {costs}{busy}");
        let asked = self.target();
        rows.push(match asked {
            Some(target) => {
                let text = format!("≥ {}", number(target));
                Row::aimed(&what, text, number(found), found >= target, ratio_)
            }
            None => Row::plain(&what, number(found), ratio_),
        });
        let (p50, p99) = (self.load.acks.p50(), self.load.acks.p99());
        let measured = format!("{} / {}", time(p50), time(p99));
        let ratio_ = format!("{:.1} × / {:.1} × fdatasync p50", ratio(p50, sync), ratio(p99, sync));
        let ack_max = 2 * sync + Duration::from_millis(1);
        rows.push(if batch == 1 && connections == 64 {
            let text = format!("p50 ≤ {} (2 fdatasync + 1 ms)", time(ack_max));
            Row::aimed("– ack p50 / p99", text, measured, p50 <= ack_max, ratio_)
        } else {
            Row::plain("– ack p50 / p99", measured, ratio_)
        });
    }

    /// Events a second that are asked for here.
    fn target(&self) -> Option<f64> {
        match (self.batch, self.connections) {
            (1, 64) => {
                let by_disk = 0.5 * 64.0 / self.limits.sync.p50().as_secs_f64();
                Some(by_disk.min(TARGET_SINGLE))
            }
            (1_000, 16 | 64) => Some(TARGET),
            _ => None,
        }
    }
}
