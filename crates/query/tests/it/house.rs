//! A store with its hot index, and events to put into it.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use admit::{Admitted, Identity, Peer, Policy, Speaks, admit};
use capture::Record;
use commit::journal::event_list::{ChunkWriter, StoredEvent};
use commit::{Answer, Fate, IdKey, Indexer, Log, LogMap, LogSpec, Order, Replayed, Store, World};
use event::{Fields, Value, json};
use platform::{Clock, SystemEntropy};
use query::{Hot, Scope, Settings, Source};

use crate::disk::MemoryDisk;

/// 2026-11-22T14:00:00Z.
pub const NOW: i64 = 1_795_356_000_000_000_000;

/// Stands still, so that logs record at the same times.
struct Still;

impl Clock for Still {
    fn now(&self) -> i64 {
        NOW
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// The logs of every test: two of one tenant, one of another.
pub const LOGS: [(&str, &str); 3] = [("acme-0", "acme"), ("acme-1", "acme"), ("other-0", "other")];

/// Whose they are.
pub const TENANTS: [&str; 2] = ["acme", "other"];

/// Where an event stands: recorded_at, log, seq.
pub type Place = (i64, String, u64);

pub struct House {
    pub store: Store,
    pub hot: Arc<Hot>,
    indexer: Arc<Indexer>,
    logs: Arc<LogMap>,
    world: World,
    settings: Settings,
}

impl House {
    pub fn new(block_rows: usize) -> House {
        let world = World {
            disk: Arc::new(MemoryDisk::default()),
            keys: Arc::new(MemoryDisk::default()),
            clock: Arc::new(Still),
            entropy: Arc::new(SystemEntropy),
            id_key: IdKey::new(&[7; 32]),
        };
        House::open(world, Settings { block_rows, ..Settings::default() })
    }

    pub fn open(world: World, settings: Settings) -> House {
        House::open_with(world, settings, |_| ())
    }

    /// The same; `meanwhile` is done before what was there is replayed.
    fn open_with(world: World, settings: Settings, meanwhile: impl FnOnce(&Store)) -> House {
        let specs = LOGS.map(|(name, tenant)| LogSpec {
            name: name.into(),
            tenant: tenant.into(),
            public: false,
            purpose: commit::Purpose::Events,
        });
        let mut open = commit::Settings::new("query.test", specs.into());
        (open.file_bytes, open.files_ahead) = (1 << 20, false);
        let hot = Arc::new(Hot::resuming(settings));
        let indexer = hot.indexer();
        let store =
            Store::open(world.clone(), &open, &mut |_, _| {}, &indexer, |fatal| panic!("{fatal}"));
        let store = store.expect("opens");
        meanwhile(&store);
        for replayed in store.replay() {
            let Replayed { log, first, leaves, events, .. } = replayed.expect("undamaged");
            hot.replay(&log.meta, first, &leaves, &events);
        }
        hot.resumed();
        House { logs: store.logs(), store, hot, indexer, world, settings }
    }

    /// Closes in order and starts anew.
    pub fn restart(self) -> House {
        self.store.close().expect("closes");
        House::open(self.world.clone(), self.settings)
    }

    /// The same, and a log is closed before what was there is replayed.
    pub fn restart_and_rotate(self, log: &str) -> House {
        self.store.close().expect("closes");
        House::open_with(self.world.clone(), self.settings, |store| rotate(store, log))
    }

    /// Closes a log and opens the next.
    pub fn rotate(&mut self, log: &str) {
        rotate(&self.store, log);
        self.logs = self.store.logs();
    }

    pub fn source(&self) -> Source<'_> {
        Source { logs: &self.logs, hot: &self.hot, is_over: &|| false, damaged: &|_, _| () }
    }

    pub fn log(&self, name: &str) -> &Arc<Log> {
        &self.logs[name]
    }

    /// Commits events of one sender to a log, as one batch.
    pub fn write(&self, log: &str, events: &[String]) -> Vec<Fate> {
        let log = self.log(log);
        let sent: Vec<Admitted> = events.iter().map(|json| admitted(json, &self.store)).collect();
        loop {
            let prepared = self.store.prepare(log, &sent).expect("readable");
            let (fates, index) = (prepared.fates().to_vec(), (self.indexer)(&prepared, &sent));
            let (give, take) = channel();
            self.store.submit(prepared, index, Box::new(move |answer| drop(give.send(answer))));
            match take.recv().expect("an answer") {
                Answer::Committed { .. } => return fates,
                Answer::Stale => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Writes over the last zstd frame in the newest journal file.
    pub fn overwrite_newest_chunk(&self, with: &[u8]) {
        let mut names = self.world.disk.list("journal").expect("listed");
        names.sort();
        let name = names.last().expect("a journal file");
        let file = self.world.disk.open(&format!("journal/{name}")).expect("opened");
        let mut bytes = vec![0; file.len().expect("a length") as usize];
        file.read_at(0, &mut bytes).expect("read");
        let magic = [0x28, 0xb5, 0x2f, 0xfd];
        let at = bytes.windows(4).rposition(|window| window == magic).expect("a chunk");
        file.write_at(at as u64, with).expect("written");
    }

    /// Changes the texts of an event that the newest chunk has alone, and packs it again: of what
    /// `forge` makes of a text and a number, the first that takes as many bytes as the honest one.
    pub fn forge_newest(&self, log: &str, seq: u64, forge: impl Fn(&str, u32) -> String) {
        let mut stored = self.log(log).read(seq).expect("readable");
        let texts: Vec<_> =
            stored.fields.iter().map(|f| (f.path.to_owned(), f.text.to_owned())).collect();
        let packed = |event: &StoredEvent| {
            let mut writer = ChunkWriter::default();
            writer.push(&event.fields, event.salts);
            writer.finish().remove(0).bytes
        };
        let honest = packed(&stored);
        let mut forged = (0..1_000).map(|n| {
            let made: Vec<_> = texts.iter().map(|(path, text)| (path, forge(text, n))).collect();
            let made = made.iter().map(|(path, text)| (path.as_str(), text.as_str()));
            stored.fields = Fields::from_stored(made).expect("in order");
            packed(&stored)
        });
        let fits = forged.find(|bytes| bytes.len() == honest.len());
        self.overwrite_newest_chunk(&fits.expect("one is as long as the honest one"));
    }

    /// Every event that a scope sees, oldest first, read one by one.
    pub fn all(&self, scope: &Scope) -> Vec<(Place, Fields)> {
        let mut found = Vec::new();
        for log in self.store.logs().values().filter(|log| scope.sees(&log.meta)) {
            for seq in 0..log.checkpoint().size {
                let at = log.published().tree.recorded_at(seq).expect("an entry");
                let fields = log.read(seq).expect("readable").fields;
                found.push(((at, log.meta.name().to_owned(), seq), fields));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }
}

fn rotate(store: &Store, log: &str) {
    let order = Order { why: "a test".into(), by: None };
    store.rotate(log, &order).expect("rotated");
}

pub fn admitted(json: &str, store: &Store) -> Admitted {
    let Ok(Value::Object(event)) = json::read(json.as_bytes()) else { panic!("{json}") };
    let peer = Peer {
        identity: Identity { kind: "token", id: "gate".into() },
        tenant: "acme".into(),
        speaks: Speaks::ForMany,
    };
    let record = Record { event, secrets: Vec::new() };
    admit(record, &peer, &Policy::default(), || store.world().new_id())
        .unwrap_or_else(|refusal| panic!("{refusal:?}: {json}"))
}

/// An event with the least it needs and more members.
pub fn event(service: &str, action: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(",{more}") };
    let at = if more.contains("occurred_at") || more.contains("observed_at") {
        ""
    } else {
        r#","occurred_at":"2026-11-22T13:59:00Z""#
    };
    let actor =
        if more.contains("\"actor\"") { "" } else { r#","actor":{"type":"user","id":"alice"}"# };
    format!(r#"{{"action":"{action}","service":{{"name":"{service}"}}{at}{actor}{more}}}"#)
}
