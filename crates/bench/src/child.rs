//! The server under measurement: this program again, as a child process, running the very crate
//! that `counterfoil serve` runs.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use server::config::{Config, Loaded};

use crate::Failed;
use crate::machine::TICKS;
use crate::screen::say;

/// The first argument of a child.
pub(crate) const WORD: &str = "serve-to-be-measured";
/// The one log that a child has.
pub(crate) const LOG: &str = "default-0";

/// What a child's main function does: serves until its standard input ends.
pub(crate) fn serve(words: &[String]) -> Result<(), Failed> {
    let [folder] = words else { return Err("one folder is wanted".into()) };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut config = Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            origin: Some("bench.example".into()),
            ..Config::default()
        };
        // Lookups are measured as fast as they go.
        config.limits.reads_s_max = 1 << 40;
        config.log.iter_mut().for_each(|log| log.public = true);
        let folder = Path::new(folder);
        let (data, keys) = (folder.join("data"), folder.join("keys"));
        let config = Loaded::from(config);
        let running = server::start(&data, &keys, &config, &mut |_, _| {}).await;
        let running = running.map_err(|error| error.to_string())?;
        let started = &running.started;
        let token = started.first_tokens.first().map_or("", |(_, token)| token);
        say(&format!("{} {} {token}", started.address, started.vkeys.join(",")));
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        tokio::select! {
            _ = ended => {}
            () = running.failed() => {}
        }
        running.stop().await
    })
}

/// A running child. Dropped, it is killed.
pub(crate) struct Child {
    process: std::process::Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// An admin's token.
    pub(crate) token: String,
    /// The logs' public keys, with commas between.
    pub(crate) vkey: String,
}

impl Child {
    /// Starts a server on the data below `folder`. `token`: one that an earlier start gave.
    pub(crate) fn start(folder: &Path, token: Option<String>) -> Result<Child, Failed> {
        let failed = |error: std::io::Error| format!("the server did not start: {error}");
        let program = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(program)
            .arg(WORD)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let out = process.stdout.take().ok_or("the server has no standard output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).map_err(failed)?;
        let mut words = line.trim_end().splitn(3, ' ');
        let address = words.next().and_then(|word| word.parse().ok());
        let (Some(address), Some(vkey)) = (address, words.next()) else {
            // It said on standard error why.
            let _ = process.wait();
            return Err("the server did not start".into());
        };
        let given = words.next().filter(|token| !token.is_empty()).map(str::to_owned);
        let token = given.or(token).ok_or("the server gave no token")?;
        Ok(Child { process, address, token, vkey: vkey.to_owned() })
    }

    /// Time on the processors so far.
    pub(crate) fn cpu(&self) -> Result<Duration, Failed> {
        cpu(&self.process.id().to_string())
    }

    /// Resident memory, bytes.
    pub(crate) fn memory(&self) -> Result<u64, Failed> {
        let path = format!("/proc/{}/status", self.process.id());
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let kib =
            text.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next());
        let kib: Option<u64> = kib.and_then(|kib| kib.parse().ok());
        Ok(kib.ok_or_else(|| format!("{path} names no VmRSS"))? << 10)
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) -> Result<(), Failed> {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        ended.map(drop).map_err(|error| error.to_string())
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) -> Result<(), Failed> {
        drop(self.process.stdin.take());
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Time that this process spent on the processors so far.
pub(crate) fn own_cpu() -> Result<Duration, Failed> {
    cpu("self")
}

fn cpu(process: &str) -> Result<Duration, Failed> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    ticks(&text)
        .map(|ticks| Duration::from_secs(ticks) / TICKS)
        .ok_or_else(|| format!("{path} is odd"))
}

/// User and system time of a process, from its line in /proc (proc_pid_stat(5)): the 14th and 15th
/// words. The second is a name in brackets and may hold blanks.
fn ticks(line: &str) -> Option<u64> {
    let mut words = line.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_read_behind_any_name() {
        let line = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 12 30 0 0 20 0 1 0 5 0 0";
        assert_eq!(ticks(line), Some(42));
        assert!(own_cpu().is_ok());
    }
}
