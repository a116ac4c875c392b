//! `counterfoil serve`.

mod first_tokens;
mod signals;

use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use server::config::{Loaded, Sources};
use server::{Running, StartError, Started};
use tokio::signal::unix::{Signal, SignalKind};

use super::{config, doctor};
use crate::args;
use crate::context::{Contexts, Saved, Server};
use crate::error::CliError;
use crate::out;
use crate::supervisor::Supervisor;
pub(crate) use signals::Signals;
use signals::hear;

/// How often a progress bar is brought up to date.
const REDRAW: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &args::Serve) -> Result<(), CliError> {
    traces();
    let config = sources(args).load().map_err(|error| config::refused(&error))?;
    let keys = args.keys.clone().unwrap_or_else(|| beside(&args.data));
    keep_apart(&args.data, &keys)?;
    if !std::io::stdout().is_terminal() {
        let admins = server::first_admins(&args.data, &keys, &config);
        let admins = admins.map_err(|error| refused(&error, &args.data))?;
        first_tokens::check(&keys, &admins)?;
    }
    if doctor::has_others(&args.data) {
        let folder = whole(&args.data);
        let what = "has files of somebody else's and none of a data folder; one is made there";
        out::note(&format!("counterfoil: {} {what}", folder.display()));
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let mut hangup = hear(SignalKind::hangup())?;
        let mut supervisor = Supervisor::from_environment();
        let started = start(&args.data, &keys, &config, &mut supervisor).await;
        let running = started.inspect_err(|error| supervisor.failed(error))?;
        if let Err(error) = greet(&running.started, &args.data, &keys) {
            // Nobody has the tokens: the next start makes others.
            running.forget_first_tokens().await.map_err(CliError::Server)?;
            running.stop().await.map_err(CliError::Server)?;
            return Err(error);
        }
        let indexing = async {
            show_indexing(&running).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = signals.heard() => {}
            () = running.failed() => {}
            () = indexing => {}
            () = reloads(&mut hangup, &running) => {}
            () = supervisor.attend(&running) => {}
        }
        supervisor.stopping();
        running.stop().await.map_err(CliError::Server)
    });
    // All that counts has ended; a file on a disk that hangs is read by a thread for ever.
    runtime.shutdown_background();
    ended
}

/// Where the configuration of this command comes from.
fn sources(args: &args::Serve) -> Sources {
    let listen = args.listen.map(|address| ("listen", "--listen", address.to_string()));
    let origin = args.origin.as_ref().map(|host| ("origin", "--origin", host.clone()));
    let all = Sources::of_process(args.config.as_deref());
    [listen, origin]
        .into_iter()
        .flatten()
        .fold(all, |all, (setting, option, text)| all.option(setting, option, text))
}

/// Whoever copies the data folder must not take the keys along.
fn keep_apart(data: &Path, keys: &Path) -> Result<(), CliError> {
    let (data, keys) = (whole(data), whole(keys));
    let what = if keys.starts_with(&data) {
        "the folder of keys must not stand in the data folder"
    } else if data.starts_with(&keys) {
        "the data folder must not stand in the folder of keys"
    } else {
        return Ok(());
    };
    let (data, keys) = (data.display(), keys.display());
    Err(CliError::usage(format!("{what}: {keys}, {data}; name another: --keys DIR")))
}

/// The path of a folder that may not be there yet, without `.` and `..` as far as it is.
fn whole(folder: &Path) -> PathBuf {
    let absolute = || std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    folder.canonicalize().unwrap_or_else(|_| absolute())
}

/// The folder of keys that stands beside a data folder.
pub(crate) fn beside(data: &Path) -> PathBuf {
    let data = whole(data);
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push("-keys");
    data.with_file_name(name)
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Server(format!("cannot start: {error}")))
}

/// Diagnostics go to standard error, structured, at the level that RUST_LOG asks for.
pub(crate) fn traces() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let layer = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Standard error may stand on a full disk: to complain of that there would be a panic.
    let layer = layer.log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        layer.compact().init();
    } else {
        layer.json().init();
    }
}

/// Starts a server, with a progress bar while the journal is read.
pub(crate) async fn start(
    data: &Path,
    keys: &Path,
    config: &Loaded,
    supervisor: &mut Supervisor,
) -> Result<Running, CliError> {
    let bar = out::progress(
        "  reading the journal  {wide_bar}  {bytes} of {total_bytes}  {bytes_per_sec}   {eta} left",
    );
    let mut heard = |done: u64, total: u64| {
        bar.set_length(total);
        bar.set_position(done);
        supervisor.reading(done, total);
    };
    let started = server::start(data, keys, config, &mut heard).await;
    bar.finish_and_clear();
    started.map_err(|error| refused(&error, data))
}

fn refused(error: &StartError, data: &Path) -> CliError {
    CliError::Server(format!("{}{}", explain(error), next_of(error, data)))
}

/// What to do about a start that failed.
fn next_of(error: &StartError, data: &Path) -> String {
    match error {
        StartError::Listen(_, error) => match error.kind() {
            ErrorKind::AddrInUse => {
                "; does another server run there? another address: --listen".into()
            }
            ErrorKind::PermissionDenied => {
                "; ports below 1024 need a privilege: another one, --listen".into()
            }
            ErrorKind::AddrNotAvailable => "; this machine has no such address: --listen".into(),
            _ => "; another address: --listen".into(),
        },
        StartError::Held(..) => "; is a server running on it?".into(),
        StartError::Folder(..) => {
            format!("; counterfoil doctor --data {} looks at it", data.display())
        }
        _ => String::new(),
    }
}

/// An error with all its causes.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

/// Says where the server is. Whoever waits for the first line finds tokens and contexts written.
fn greet(started: &Started, data: &Path, keys: &Path) -> Result<(), CliError> {
    if started.is_new {
        // Where another was meant, nobody would find its events here.
        let folder = whole(data);
        out::note(&format!("counterfoil: a new data folder was made in {}", folder.display()));
    }
    let terminal = std::io::stdout().is_terminal();
    if !terminal {
        let written = first_tokens::write(keys, &started.first_tokens);
        written.map_err(|error| match started.is_new {
            true => error,
            false => first_tokens::lost(&error, keys),
        })?;
    }
    let several = started.first_tokens.len() > 1;
    let save = |(tenant, token): &(String, String)| {
        save_first_context(if several { tenant } else { "local" }, started, token)
    };
    let saved: Vec<Option<Saved>> = started.first_tokens.iter().map(save).collect();
    out::line(&format!("counterfoil serves http://{}", started.address));
    for vkey in &started.vkeys {
        out::line(&format!("  key    {vkey}"));
    }
    for ((tenant, token), saved) in started.first_tokens.iter().zip(&saved) {
        if terminal {
            out::line(&format!("  token  {token}    admin of {tenant}; shown once"));
        } else {
            let path = first_tokens::path(keys, tenant);
            out::line(&format!("  token  of {tenant} is in {}", path.display()));
        }
        if let Some(Saved { name, .. }) = saved {
            out::line(&format!("  token and key are saved as context {name:?}"));
        }
    }
    in_use(&saved).iter().for_each(|line| out::line(line));
    Ok(())
}

/// Which of the contexts just saved is in use: commands that name none go elsewhere from now on.
fn in_use(saved: &[Option<Saved>]) -> Option<String> {
    let saved: Vec<&Saved> = saved.iter().flatten().collect();
    let (first, Saved { name, .. }) = (saved.first()?, saved.last()?);
    let now = format!("  context {name:?} is in use from now on");
    Some(match first.former() {
        Some(former) => {
            format!("{now} instead of {former:?}; back: counterfoil context use {former}")
        }
        None => now,
    })
}

/// Saves address, token and keys, so that a second terminal just works. A file that cannot be
/// written is worth a remark, not a failed start.
pub(crate) fn save_first_context(name: &str, started: &Started, token: &str) -> Option<Saved> {
    let server = Server {
        url: format!("http://{}", started.address),
        token: Some(token.to_owned()),
        keys: started.vkeys.clone(),
        ..Server::default()
    };
    let failed = |error: &CliError| {
        out::note(&format!(
            "the context was not saved: {error}; set COUNTERFOIL_CONTEXTS to a file that can be \
             written"
        ));
    };
    Contexts::save_beside(name, server).inspect_err(failed).ok()
}

/// Shows how far indexing is, while there is something to show.
async fn show_indexing(running: &Running) {
    let bar = out::progress(
        "  indexing; writes are accepted  {wide_bar}  {pos} of {len}  {rate}   {eta} left",
    );
    while let Some((done, events)) = running.indexing() {
        bar.set_length(events);
        bar.set_position(done);
        tokio::time::sleep(REDRAW).await;
    }
    bar.finish_and_clear();
}

/// Has the configuration read again whenever SIGHUP says so; ends never.
async fn reloads(hangup: &mut Signal, running: &Running) {
    while hangup.recv().await.is_some() {
        match running.reload().await {
            Ok(reloaded) => config::lines(&reloaded)
                .iter()
                .for_each(|line| out::note(&format!("counterfoil: reload: {line}"))),
            Err(why) => out::note(&format!("counterfoil: reload: {why}")),
        }
    }
    std::future::pending::<()>().await;
}
