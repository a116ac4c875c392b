//! `counterfoil demo`: a server of its own and a shop of six services that sends to it.

mod driver;
mod shop;

use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use server::config::{Config, LogConfig};
use server::{NewToken, Role, Running};

use crate::args;
use crate::commands::serve::{beside, runtime, save_first_context, start, traces, until_stopped};
use crate::error::CliError;
use crate::out::{self, Ink, ink};
use driver::Driver;

/// Runs the demo until it is stopped.
pub(crate) fn run(args: &args::Demo) -> Result<(), CliError> {
    traces();
    let temporary = args.data.is_none();
    let data = match &args.data {
        Some(data) => data.clone(),
        None => temporary_folder()?,
    };
    let ended = runtime()?.block_on(demo(args, &data));
    if temporary {
        // Two folders of our own making; what cannot be removed is the system's to clean.
        let _ = std::fs::remove_dir_all(&data);
        let _ = std::fs::remove_dir_all(beside(&data));
    }
    ended
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

async fn demo(args: &args::Demo, data: &Path) -> Result<(), CliError> {
    let config = Config {
        listen: args.listen,
        origin: Some("demo.local".into()),
        log: vec![LogConfig { name: "shop-0".into(), tenant: "shop".into(), public: true }],
        ..Config::default()
    };
    let running = start(data, &beside(data), &config).await?;
    let tokens = service_tokens(&running)?;
    greet(&running, args.data.is_none());
    let driver = Driver::new(&format!("http://{}", running.started.address), &tokens)?;
    let events_max = args.events;
    let driving = tokio::task::spawn_blocking(move || driver.run(events_max));
    if events_max.is_some() {
        let driven = driving.await.map_err(|error| CliError::Server(error.to_string()))?;
        return driven.and(running.stop().await.map_err(CliError::Server));
    }
    until_stopped(running).await
}

/// Each service sends with a token of its own, which speaks for it alone.
fn service_tokens(running: &Running) -> Result<Vec<(&'static str, String)>, CliError> {
    let make = |service: &'static str| {
        let services = vec![service.to_owned()];
        let new = NewToken { name: service.into(), role: Role::Producer, services };
        let made = running.create_token("shop", new);
        Ok((service, made.map_err(|error| CliError::Server(error.to_string()))?))
    };
    shop::SERVICES.into_iter().map(make).collect()
}

fn greet(running: &Running, temporary: bool) {
    let started = &running.started;
    let kept = if temporary { "data in a temporary folder, gone on Ctrl-C" } else { "" };
    out::line(&format!("{:<50} {kept}", ink(Ink::Bold, "Counterfoil demo shop")));
    out::line(&format!("  api   http://{:<28} log  demo.local/tlog/shop-0", started.address));
    for (_, token) in &started.first_tokens {
        save_first_context("demo", started, token).into_iter().for_each(|line| out::line(&line));
    }
    for vkey in &started.vkeys {
        out::line(&format!("  key   {vkey}"));
    }
    out::line("Try, in a second terminal:");
    for (command, what) in [
        ("search 'outcome:failure since:5m'", "what went wrong"),
        ("search 'action:refund.create' -n 3", "one refund, and its trace id"),
        ("status", "is all well?"),
    ] {
        out::line(&format!("  counterfoil {command:<38} {what}"));
    }
    let verify = format!("verify http://{}", started.address);
    out::line(&format!("  counterfoil {verify:<38} is the log whole?"));
}
