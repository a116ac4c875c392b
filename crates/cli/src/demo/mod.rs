//! `counterfoil demo`: a server of its own and a shop of six services that sends to it.
//!
//! Promises: what is made for the demo alone (two folders, a saved context) is gone when it ends,
//! also on Ctrl-C or when its terminal is closed, and the context that was in use before is in use
//! again. Where the data is kept, so is its context.
//!
//! KNOWN: a demo that is killed outright leaves them behind. The next one takes its context over.

mod driver;
mod shop;

use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use server::config::{Config, Loaded, LogConfig};
use server::{NewToken, Role, Running};

use crate::args;
use crate::commands::serve::{Signals, beside, runtime, save_first_context, start, traces};
use crate::context::Saved;
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use crate::supervisor::Supervisor;
use driver::Driver;

/// Who owns what in the shop.
const OWNERS: &str = include_str!("owners.toml");

/// Runs the demo until it is stopped.
pub(crate) fn run(args: &args::Demo) -> Result<(), CliError> {
    traces();
    let runtime = runtime()?;
    if let Some(data) = &args.data {
        let mut saved = Vec::new();
        let ended = runtime.block_on(demo(args, data, &mut saved));
        // Its token is of use when the same folder is served again.
        return ended.and(saved.iter().try_for_each(Saved::give_back));
    }
    let (data, mut saved) = (temporary_folder()?, Vec::new());
    let ended = runtime.block_on(demo(args, &data, &mut saved));
    let forgotten = saved.iter().try_for_each(Saved::undo);
    // Two folders of our own making; what cannot be removed is the system's to clean.
    let _ = std::fs::remove_dir_all(&data);
    let _ = std::fs::remove_dir_all(beside(&data));
    ended.and(forgotten)
}

/// Two folders that nobody could have made before us: their names cannot be guessed, and they are
/// made here or not at all.
fn temporary_folder() -> Result<PathBuf, CliError> {
    let random = RandomState::new().hash_one(std::process::id());
    let data = std::env::temp_dir().join(format!("counterfoil-demo-{random:016x}"));
    for folder in [&data, &beside(&data)] {
        let made = std::fs::DirBuilder::new().mode(0o700).create(folder);
        made.map_err(|error| CliError::file(folder, error))?;
    }
    Ok(data)
}

/// Plays until a signal, a failure or the last of the events asked for.
async fn demo(args: &args::Demo, data: &Path, saved: &mut Vec<Saved>) -> Result<(), CliError> {
    let mut signals = Signals::listen_to_terminal()?;
    let config = Loaded::from(Config {
        listen: args.listen,
        origin: Some("demo.local".into()),
        log: vec![LogConfig {
            name: "shop-0".into(),
            tenant: "shop".into(),
            public: true,
            catalogue: Some(owners(data)?),
            ..LogConfig::default()
        }],
        ..Config::default()
    });
    let running = start(data, &beside(data), &config, &mut Supervisor::none()).await?;
    let tokens = service_tokens(&running).await?;
    for (_, token) in &running.started.first_tokens {
        saved.extend(save_first_context("demo", &running.started, token));
    }
    greet(&running, args.data.as_deref(), saved);
    let driver = Driver::new(&format!("http://{}", running.started.address), &tokens)?;
    let events_max = args.events;
    let driving = tokio::task::spawn_blocking(move || driver.run(events_max));
    let driven = tokio::select! {
        driven = driving => driven.unwrap_or_else(|error| Err(CliError::Server(error.to_string()))),
        () = signals.heard() => Ok(()),
        () = running.failed() => Ok(()),
    };
    driven.and(running.stop().await.map_err(CliError::Server))
}

/// The shop's catalogue, in the data folder: another one that stands there is kept.
fn owners(data: &Path) -> Result<PathBuf, CliError> {
    let path = data.join("owners.toml");
    let wrong = |error| CliError::file(&path, error);
    platform::make_folders(data).map_err(wrong)?;
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(OWNERS.as_bytes()).map_err(wrong)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(wrong(error)),
    }
    Ok(path)
}

/// Each service sends with a token of its own, which speaks for it alone.
/// Those of an earlier demo on the same data are in nobody's hands any more.
async fn service_tokens(running: &Running) -> Result<Vec<(&'static str, String)>, CliError> {
    let mut made = Vec::new();
    for service in shop::SERVICES {
        let services = vec![service.to_owned()];
        let new =
            NewToken { name: service.into(), role: Role::Producer, services, expires_in_s: None };
        made.push((service, running.renew_token("shop", new).await.map_err(CliError::Server)?));
    }
    Ok(made)
}

fn greet(running: &Running, kept: Option<&Path>, saved: &[Saved]) {
    let started = &running.started;
    let data = match kept {
        Some(folder) => format!("data in {}", folder.display()),
        None => "data in a temporary folder, gone on Ctrl-C".into(),
    };
    out::line(&format!("{}    {data}", ink(Ink::Bold, "Counterfoil demo shop")));
    out::line(&format!("  api    http://{}", started.address));
    for vkey in &started.vkeys {
        out::line(&format!("  key    {vkey}"));
    }
    for saved in saved {
        out::line(&format!("  token  saved with address and key as context {:?}", saved.name));
        let instead = saved.former().map(|former| format!(" instead of {former:?}"));
        let instead = instead.unwrap_or_default();
        out::line(&format!("         which is in use{instead} until the demo ends"));
    }
    out::line("Try, in a second terminal:");
    if let Some(program) = by_path() {
        out::line(&ink(Ink::Dim, &format!("  alias counterfoil={program}")));
    }
    let verify = format!("verify http://{}", started.address);
    for (command, what) in [
        ("search 'outcome:failure since:5m'", "what went wrong"),
        ("show 9d1e40c2", "one of these, in words"),
        ("trace 4bf92f35", "the same through five services"),
        ("services", "who owns what, and what it weighs"),
        ("status", "is all well?"),
        (&verify, "is the log whole?"),
    ] {
        out::line(&format!("  counterfoil {command:<34} {what}"));
    }
}

/// Where this program is, if it was not found under its name alone.
fn by_path() -> Option<String> {
    let called = std::env::args().next()?;
    let program = std::env::current_exe().ok()?;
    called.contains('/').then(|| program.display().to_string())
}
