//! Asking the machine, the folders and the server. Whatever cannot be asked is left unknown.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use platform::{Clock as _, Disk as _, RealDisk, SystemClock};
use serde_json::Value;
use server::config::{Config, Sources};

use super::facts::{
    Disk, Facts, Files, Folder, Kind, Log, Port, PortState, Server, Suspect, Syncs, Unread,
};
use super::machine;
use crate::args::{self, Global};
use crate::client::{ANSWER_TIME_MAX, Client};
use crate::commands::serve::beside;
use crate::context;
use crate::out;

/// Syncs that are measured, within so much time.
const SYNCS: u64 = 200;
const SYNCS_TIME_MAX: Duration = Duration::from_secs(3);

/// Names of a folder that are looked at to tell what it is.
const NAMES_MAX: usize = 100_000;

/// Bytes of a suspect's file.
const SUSPECT_BYTES_MAX: u64 = 64 << 10;

/// Finds out what it can.
pub(super) fn gather(global: &Global, args: &args::Doctor) -> Facts {
    // As `serve` would have it: file and environment.
    let config = Sources::of_process(args.config.as_deref()).load();
    let mut facts = Facts {
        config: Some(match &config {
            Ok(loaded) => Ok(loaded.config.origin.clone()),
            Err(error) => Err(error.to_string()),
        }),
        clock: machine::clock(),
        files: Files { max: platform::raise_open_files() },
        memory: machine::memory(),
        server: context::choose(global).ok().map(server),
        ..Facts::default()
    };
    let loaded = config.unwrap_or_default();
    let listen = loaded.config.listen;
    let listen = match (&facts.server, args.config.is_some()) {
        (Some(server), false) if listen == Config::default().listen => {
            here(&server.url).unwrap_or(listen)
        }
        _ => listen,
    };
    if listen.port() != 0 {
        facts.port = Some(Port { address: listen.to_string(), state: port(&listen.to_string()) });
    }
    let Some(data) = &args.data else { return facts };
    let keys = args.keys.clone().unwrap_or_else(|| beside(data));
    let open = server::open_files(data, &keys);
    let (of_data, of_keys) = (folder(Kind::Data, data, &open), folder(Kind::Keys, &keys, &open));
    let are_ours = of_data.is_ours && of_keys.is_ours;
    (facts.data, facts.keys) = (Some(of_data), Some(of_keys));
    if !data.is_dir() {
        return facts;
    }
    let volume = platform::volume(data).ok();
    let kind = platform::volume_kind(data).ok().flatten();
    facts.disk = volume.map(|volume| Disk { kind, volume });
    facts.syncs = Some(syncs(data).map_err(|error| error.to_string()));
    facts.suspect = suspect(data);
    if are_ours {
        facts.refused = Some(server::check_start(data, &keys, &loaded));
    }
    if are_ours && keys.is_dir() && data.join("logs").is_dir() {
        facts.logs = Some(logs(data, &keys));
    }
    facts
}

/// The address of a server on this machine, where its own configuration names none.
fn here(url: &str) -> Option<SocketAddr> {
    let address: SocketAddr = url.strip_prefix("http://")?.trim_end_matches('/').parse().ok()?;
    address.ip().is_loopback().then_some(address)
}

/// A folder, and what in it others may touch.
fn folder(kind: Kind, path: &Path, open: &[server::Open]) -> Folder {
    let shown = path.display().to_string();
    let Ok(meta) = fs::metadata(path) else {
        return Folder {
            path: shown,
            kind,
            is_there: false,
            is_folder: false,
            is_ours: true,
            mode: 0,
            is_own: true,
            open_files: Vec::new(),
        };
    };
    let is_ours = is_ours(kind, path);
    let own = fs::metadata("/proc/self").map(|own| own.uid()).ok();
    let is_own = own.is_none_or(|own| own == meta.uid() || own == 0);
    let open = open.iter().filter(|open| open.path.starts_with(path));
    let open_files = open.map(|open| (open.path.display().to_string(), open.mode)).collect();
    let (is_folder, mode) = (meta.is_dir(), meta.mode());
    Folder { path: shown, kind, is_there: true, is_folder, is_ours, mode, is_own, open_files }
}

/// Whether a folder is what it is meant to be, or empty; one that cannot be read is taken for it.
pub(super) fn is_ours(kind: Kind, path: &Path) -> bool {
    let entries = fs::read_dir(path).into_iter().flatten().flatten().take(NAMES_MAX);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    kind.has(&names.collect::<Vec<_>>())
}

/// Measures fdatasync in the data folder, on a file that has no name.
fn syncs(data: &Path) -> io::Result<Syncs> {
    let disk = RealDisk::new(data)?;
    let name = format!("doctor-{}.new", std::process::id());
    let file = disk.create(&name)?;
    disk.remove(&name)?;
    let clock = SystemClock::new();
    let line = out::progress("  measuring fdatasync  {pos} of {len}");
    line.set_length(SYNCS);
    let mut micros = Vec::new();
    let block = [1_u8; 4096];
    for nth in 0..SYNCS {
        let began = clock.elapsed();
        file.write_at(nth * block.len() as u64, &block)?;
        file.sync()?;
        micros.push((clock.elapsed() - began).as_micros() as u64);
        line.set_position(nth + 1);
        if clock.elapsed() > SYNCS_TIME_MAX {
            break;
        }
    }
    line.finish_and_clear();
    micros.sort_unstable();
    let at = |part: usize| micros[(micros.len() - 1) * part / 100];
    Ok(Syncs { count: micros.len(), p50: at(50), p99: at(99) })
}

/// What the server that ran last found wrong, if it found something.
fn suspect(data: &Path) -> Option<Result<Suspect, Unread>> {
    let disk = RealDisk::new(data).ok()?;
    let disk: &dyn platform::Disk = &disk;
    let bytes = match disk.read_small("suspect.json", SUSPECT_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(Unread::Failed(error.to_string()))),
        Ok(bytes) => bytes,
    };
    let file: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |name: &str| file[name].as_str().map(str::to_owned);
    let number = |name: &str| file[name].as_u64();
    let read = || {
        let place = (text("file")?, number("offset")?);
        Some(Suspect { log: text("log")?, seq: number("seq")?, place })
    };
    Some(read().ok_or(Unread::Malformed))
}

fn logs(data: &Path, keys: &Path) -> Result<Vec<Log>, String> {
    let logs = server::check_keys(data, keys)?;
    Ok(logs.into_iter().map(|(origin, key)| Log { origin, key }).collect())
}

fn port(address: &str) -> PortState {
    match TcpListener::bind(address) {
        Ok(_) => PortState::Free,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let server = context::Server { url: format!("http://{address}"), ..Default::default() };
            match version(&Client::new(server).map(|client| client.within(ANSWER_TIME_MAX))) {
                Ok(_) => PortState::Ours,
                Err(_) => PortState::Theirs,
            }
        }
        Err(error) => PortState::No(error.to_string()),
    }
}

/// The version of a server, as its metrics say.
fn version(client: &Result<Client, crate::error::CliError>) -> Result<String, String> {
    let client = client.as_ref().map_err(ToString::to_string)?;
    let answer = client.get("/metrics").and_then(|answer| answer.text());
    let text = answer.map_err(|error| error.to_string())?;
    let mark = "counterfoil_build_info{version=\"";
    let version = text.split(mark).nth(1).and_then(|rest| rest.split('"').next());
    version.map(str::to_owned).ok_or_else(|| "this is no Counterfoil".into())
}

fn server(server: context::Server) -> Server {
    let (url, has_token) = (server.url.clone(), server.token.is_some());
    let client = Client::new(server).map(|client| client.within(ANSWER_TIME_MAX));
    let reached = version(&client);
    let client = client.ok().filter(|_| reached.is_ok());
    let get = |path: &str| client.as_ref().and_then(|client| client.get(path).ok());
    let ready = get("/readyz").map(|answer| {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let why = body.lines().find(|line| line.starts_with("bad")).unwrap_or("not ready");
        (answer.status, why.to_owned())
    });
    let token = get("/v1/status").filter(|_| has_token).map(|answer| answer.status);
    Server { url, reached, ready, token }
}
