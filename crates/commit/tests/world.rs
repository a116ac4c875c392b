//! A simulated world with a commit path in it, and events to send.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use admit::{Admitted, Identity, Peer, Policy, Speaks, admit};
use capture::Record;
use commit::{
    Answer, Fatal, Fate, Index, Indexer, Log, LogSpec, OpenError, Settings, Stepped, Unfit, World,
    id_key,
};
use event::Value;
use platform::sim::{Crash, SimClock, SimDisk, SimEntropy};

use crate::witness::Witness;

/// 2026-01-02T03:04:05Z.
pub const START: i64 = 1_767_323_045_000_000_000;
/// Small files, so that the lane goes through many of them.
pub const FILE_BYTES: u64 = 64 << 10;

/// Everything outside the commit path.
pub struct Outside {
    pub disk: SimDisk,
    pub clock: Arc<SimClock>,
    pub entropy: Arc<SimEntropy>,
    pub settings: Settings,
    pub witness: Witness,
}

/// An answer as its sender hears it.
pub type Heard = Arc<Mutex<Option<Answer>>>;

/// A batch that waits for its answer.
pub struct Waiting {
    pub log: Arc<Log>,
    /// As a receipt may name them.
    pub logs: Vec<Arc<Log>>,
    pub sent: Vec<Admitted>,
    pub fates: Vec<Fate>,
    heard: Heard,
}

impl Outside {
    pub fn new(seed: u64, logs: &[&str]) -> Outside {
        let spec = |name: &&str| LogSpec {
            name: format!("{name}-0"),
            tenant: (*name).to_owned(),
            public: false,
            purpose: commit::Purpose::Events,
        };
        let logs = logs.iter().map(spec).collect();
        let mut settings = Settings::new("audit.example.com", logs);
        settings.file_bytes = FILE_BYTES;
        settings.files_ahead = false;
        Outside {
            disk: SimDisk::new(seed),
            clock: Arc::new(SimClock::new(START)),
            entropy: Arc::new(SimEntropy::new(seed)),
            settings,
            witness: Witness::default(),
        }
    }

    /// The same folders again, in a world of their own.
    pub fn copy(&self) -> Outside {
        Outside {
            disk: self.disk.snapshot(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            settings: self.settings.clone(),
            witness: self.witness.clone(),
        }
    }

    pub fn world(&self) -> Result<World, OpenError> {
        let keys = Arc::new(self.disk.folder("keys"));
        let data = self.disk.folder("data");
        let id_key = id_key(&data, keys.as_ref(), self.entropy.as_ref())?;
        Ok(World {
            disk: Arc::new(self.disk.folder("data")),
            keys,
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            id_key,
        })
    }

    /// Opens the folder; the witness looks at what comes up, before and after all was read.
    pub fn open(&mut self) -> Result<Stepped, OpenError> {
        let stepped = self.start()?;
        self.witness.look(&stepped.logs());
        check_all(&stepped)?;
        Ok(stepped)
    }

    /// Opens the folder, unseen.
    pub fn start(&self) -> Result<Stepped, OpenError> {
        let indexer: Arc<Indexer> = Arc::new(|_: &_, _: &_| -> Index { Box::new(|_| {}) });
        Stepped::open(self.world()?, &self.settings, &mut |_, _| {}, &indexer)
    }

    /// The process ends; the next one sees what `how` leaves.
    pub fn crash(&mut self, how: Crash) {
        self.disk = self.disk.crash(how);
    }

    /// Writes one batch to the log of a tenant and tells the witness what was answered.
    pub fn write(
        &mut self,
        stepped: &mut Stepped,
        tenant: &str,
        mut sent: Vec<Admitted>,
    ) -> Result<Answer, Fatal> {
        loop {
            let waiting = submit(stepped, tenant, sent);
            let ended = stepped.drain();
            let answer = waiting.answer();
            self.witness.hear(&waiting, &answer);
            ended?;
            if !matches!(answer, Answer::Stale) {
                return Ok(answer);
            }
            sent = waiting.sent;
        }
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }
}

impl Waiting {
    /// What was answered. A reply that was dropped says no more than "unknown".
    pub fn answer(&self) -> Answer {
        self.heard.lock().unwrap().clone().unwrap_or(Answer::Unknown)
    }
}

/// Reads what the start found and compares it with what was signed.
pub fn check_all(stepped: &Stepped) -> Result<(), OpenError> {
    unfit(stepped).map_err(OpenError::from)
}

/// The same, with the place of the first event that does not fit.
pub fn unfit(stepped: &Stepped) -> Result<(), Unfit> {
    stepped.replay().try_for_each(|replayed| replayed?.check())
}

/// Hands a batch to the lane.
pub fn submit(stepped: &mut Stepped, tenant: &str, sent: Vec<Admitted>) -> Waiting {
    let log = log_of(stepped, tenant);
    let prepared = stepped.prepare(&log, &sent).expect("what is committed can be read");
    let (fates, logs) = (prepared.fates().to_vec(), prepared.logs());
    let heard = Heard::default();
    let hears = heard.clone();
    let reply = Box::new(move |answer| *hears.lock().unwrap() = Some(answer));
    stepped.submit(prepared, Box::new(|_| {}), reply);
    Waiting { log, logs, sent, fates, heard }
}

/// The open log of a tenant.
pub fn log_of(stepped: &Stepped, tenant: &str) -> Arc<Log> {
    stepped.newest(&format!("{tenant}-0")).expect("a tenant of this world")
}

/// An event with an id, or without one for the server to give, that says `text`.
pub fn event(tenant: &str, id: Option<&str>, text: &str) -> Admitted {
    let id = id.map(|id| format!(r#""id":"{id}","#)).unwrap_or_default();
    let json = format!(
        r#"{{{id}"action":"invoice.delete","actor":{{"type":"user","id":"alice"}},
            "service":{{"name":"billing"}},"occurred_at":"2026-01-02T03:04:05Z",
            "attributes":{{"text":"{text}"}}}}"#
    );
    let Ok(Value::Object(event)) = event::json::read(json.as_bytes()) else { panic!("{json}") };
    let peer = Peer {
        identity: Identity { kind: "token", id: "billing".into() },
        tenant: tenant.to_owned(),
        speaks: Speaks::For(vec!["billing".into()]),
    };
    let record = Record { event, secrets: Vec::new() };
    // Ids that the server gives must differ, and be the same again for the same event.
    let given = format!("given-{text}");
    admit(record, &peer, &Policy::default(), || given).expect("the event conforms")
}

/// Events with ids `<prefix>-0` and so on.
pub fn events(tenant: &str, prefix: &str, count: usize) -> Vec<Admitted> {
    let event = |n| {
        let id = format!("{prefix}-{n}");
        event(tenant, Some(&id), &format!("text of {id}"))
    };
    (0..count).map(event).collect()
}
