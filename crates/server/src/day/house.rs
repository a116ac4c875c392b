//! Everything outside the server, and the process that is alive in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, header};
use commit::{World, id_key};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use platform::Disk;
use platform::sim::{Crash, SimClock, SimDisk, SimEntropy};
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use crate::app::App;
use crate::compose::Composed;
use crate::config::Sources;
use crate::start_error::StartError;
use crate::{http, pulse};

/// 2026-01-02T03:04:05Z.
const START: i64 = 1_767_323_045_000_000_000;
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;

pub(super) struct House {
    pub(super) disk: SimDisk,
    pub(super) clock: Arc<SimClock>,
    entropy: Arc<SimEntropy>,
    runtime: Runtime,
    /// Of the configuration's file, which is the machine's.
    folder: PathBuf,
}

/// An answer, as its caller sees it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// What a program goes by where it failed.
    pub(super) fn code(&self) -> String {
        let json: Json = serde_json::from_str(&self.body).unwrap_or_default();
        json["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl House {
    pub(super) fn new(seed: u64, number: u64) -> House {
        let name = format!("counterfoil-day-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
        House {
            disk: SimDisk::new(seed),
            clock: Arc::new(SimClock::new(START)),
            entropy: Arc::new(SimEntropy::new(seed)),
            runtime,
            folder,
        }
    }

    /// Writes the configuration's file.
    pub(super) fn configure(&self, text: &str) {
        std::fs::write(self.folder.join("counterfoil.toml"), text).expect("the file is written");
    }

    /// Starts a process on what the one before left.
    pub(super) fn start(&self) -> Result<Composed, StartError> {
        let file = self.folder.join("counterfoil.toml");
        let loaded = Sources::of_process(Some(&file)).load().expect("a sound configuration");
        let (data, keys) = (self.disk.folder("data"), self.disk.folder("keys"));
        let id_key = id_key(&data, &keys, self.entropy.as_ref())?;
        let world = World {
            disk: Arc::new(data),
            keys: Arc::new(keys),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            id_key,
        };
        self.runtime.block_on(Composed::start(world, &loaded, &mut |_, _| {}))
    }

    /// Whether the process has not been struck.
    pub(super) fn is_alive(&self) -> bool {
        self.disk.list("").is_ok()
    }

    /// The process ends; the next one finds what `how` leaves.
    pub(super) fn crash(&mut self, how: Crash) {
        self.disk = self.disk.crash(how);
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }

    /// What the server does by itself every second.
    pub(super) fn beat(&self, app: &Arc<App>) {
        pulse::beat(app, self.runtime.handle());
    }

    /// Asks the router, as a connection would.
    pub(super) fn ask(&self, app: &Arc<App>, how: &str, token: &str, body: String) -> Answer {
        self.wait(async { whole(answer(app, how, token, body).await).await })
    }

    /// Asks for what goes on and on; what else is answered is the error.
    pub(super) fn open(&self, app: &Arc<App>, how: &str, token: &str) -> Result<Body, Answer> {
        self.wait(async {
            let response = answer(app, how, token, String::new()).await;
            match response.status().as_u16() {
                200 => Ok(response.into_body()),
                _ => Err(whole(response).await),
            }
        })
    }

    /// What it says next.
    pub(super) fn piece(&self, body: &mut Body) -> Option<String> {
        let frame = self.wait(body.frame())?.expect("a body");
        let bytes = frame.into_data().expect("no trailers");
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    pub(super) fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }
}

async fn answer(app: &Arc<App>, how: &str, token: &str, body: String) -> Response<Body> {
    let (method, path) = how.split_once(' ').expect("a method and a path");
    let method: Method = method.parse().expect("a method");
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body)).expect("a request");
    let router = TowerToHyperService::new(http::router(app.clone()));
    let Ok(response) = router.call(request).await;
    response
}

async fn whole(response: Response<Body>) -> Answer {
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.expect("a body");
    Answer { status, body: String::from_utf8(bytes.to_vec()).expect("text") }
}

impl Drop for House {
    fn drop(&mut self) {
        // A folder that stays does no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
