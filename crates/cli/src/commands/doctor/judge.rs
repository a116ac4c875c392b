//! From facts to findings: pure.

use serde::Serialize;
use server::RESERVE_BYTES;

use super::facts::{Clock, Disk, Facts, Memory, Port, PortState, Server, Syncs};
use crate::out;
use folders::{folder, journal, keys, origin, refused, suspect};

mod folders;

/// File systems that keep nothing over a power failure, and those where a sync is somebody else's
/// word.
const FORGETFUL: [&str; 2] = ["tmpfs", "ramfs"];
const REMOTE: [&str; 7] = ["nfs", "cifs", "smb2", "9p", "fuse", "ceph", "overlayfs"];
/// As `disk.free_warn_bytes` is unless it is set.
const FREE_WARN: u64 = 2 << 30;
const INODES_WARN: u64 = 1_000;
/// A sync that takes longer holds up every sender, in microseconds.
const SYNC_P99_WARN: u64 = 50_000;
/// Open files for the connections there may be by default.
const FILES_WARN: u64 = 1_344;
const MEMORY_WARN: u64 = 512 << 20;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    Warning,
    Bad,
    Unknown,
}

/// One line of the doctor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) name: &'static str,
    pub(super) found: String,
    /// A command or a setting; empty where nothing is to be mended.
    pub(super) mend: String,
}

fn finding(
    level: Level,
    name: &'static str,
    found: impl Into<String>,
    mend: impl Into<String>,
) -> Finding {
    Finding { level, name, found: found.into(), mend: mend.into() }
}

/// Judges all that is known.
pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(facts.config.as_ref().map(config));
    all.push(match &facts.data {
        Some(found) => folder("data folder", found),
        None => finding(Level::Unknown, "data folder", "not looked at: give --data DIR", ""),
    });
    all.extend(facts.keys.as_ref().map(|found| folder("keys folder", found)));
    if let Some(found) = &facts.refused {
        refused(&mut all, found);
    }
    if let Some(logs) = &facts.logs {
        keys(&mut all, logs);
        all.extend(origin(facts, logs));
    }
    all.extend(facts.suspect.as_ref().map(suspect));
    all.extend(journal(facts));
    if let Some(found) = &facts.disk {
        disk(&mut all, found);
    }
    all.extend(facts.syncs.as_ref().map(syncs));
    all.push(clock(&facts.clock));
    all.extend(facts.port.as_ref().map(port));
    all.push(files(facts.files.max));
    all.push(memory(&facts.memory));
    if let Some(found) = &facts.server {
        server(&mut all, found);
    }
    all
}

fn config(config: &Result<Option<String>, String>) -> Finding {
    match config {
        Ok(_) => finding(Level::Ok, "configuration", "can be used", ""),
        Err(why) => {
            let mend = "counterfoil config check FILE; docs/configuration.md has every setting";
            finding(Level::Bad, "configuration", why, mend)
        }
    }
}

fn disk(all: &mut Vec<Finding>, disk: &Disk) {
    let volume = &disk.volume;
    let kind = disk.kind.unwrap_or("a file system unknown here");
    all.push(if FORGETFUL.contains(&kind) {
        let found = format!("{kind}: gone with the power");
        finding(Level::Warning, "file system", found, "put the data folder on a disk")
    } else if REMOTE.contains(&kind) {
        let found = format!("{kind}: what a sync means there, only its server knows");
        finding(Level::Warning, "file system", found, "put the data folder on a local disk")
    } else {
        finding(Level::Ok, "file system", kind, "")
    });
    let free = format!("{} of {} free", out::bytes(volume.bytes_free), out::bytes(volume.bytes));
    let mend = "give the file system room; what is free lasts: counterfoil status";
    all.push(match volume.bytes_free {
        0..RESERVE_BYTES => finding(Level::Bad, "disk room", free, mend),
        RESERVE_BYTES..FREE_WARN => finding(Level::Warning, "disk room", free, mend),
        _ => finding(Level::Ok, "disk room", free, ""),
    });
    let inodes = format!("{} files may still be made", volume.inodes_free);
    all.push(match (volume.inodes, volume.inodes_free) {
        (0, _) => finding(Level::Ok, "file room", "no bound on files", ""),
        (_, 0..INODES_WARN) => {
            finding(Level::Warning, "file room", inodes, "remove small files from it")
        }
        _ => finding(Level::Ok, "file room", inodes, ""),
    });
}

fn syncs(syncs: &Result<Syncs, String>) -> Finding {
    let name = "fdatasync";
    let Syncs { count, p50, p99 } = match syncs {
        Ok(syncs) => syncs,
        Err(why) => {
            let found = format!("could not be measured: {why}");
            return finding(Level::Unknown, name, found, "run it as the server's user");
        }
    };
    let millis = |micros: &u64| format!("{:.1} ms", *micros as f64 / 1_000.0);
    let found = format!("p50 {}, p99 {} of {count}", millis(p50), millis(p99));
    if *p99 > SYNC_P99_WARN {
        let mend = "every answer waits for one: a disk with power-loss protection, or fewer \
                    neighbours on it";
        return finding(Level::Warning, name, found, mend);
    }
    finding(Level::Ok, name, found, "")
}

fn clock(clock: &Clock) -> Finding {
    match clock {
        Clock::Synchronised(found) => finding(Level::Ok, "clock", found, ""),
        Clock::Not(who) => {
            let found = format!("{who} says that it is not synchronised");
            finding(Level::Warning, "clock", found, "timedatectl set-ntp true, or start chronyd")
        }
        Clock::Unknown => {
            let found = "whether it is synchronised cannot be seen from here";
            let mend = "look on the machine itself: timedatectl, or chronyc tracking";
            finding(Level::Unknown, "clock", found, mend)
        }
    }
}

fn port(port: &Port) -> Finding {
    let Port { address, state } = port;
    match state {
        PortState::Free => finding(Level::Ok, "port", format!("{address} is free"), ""),
        PortState::Ours => finding(Level::Ok, "port", format!("a Counterfoil has {address}"), ""),
        PortState::Theirs => {
            let found = format!("another program has {address}");
            finding(Level::Bad, "port", found, "end that program, or set another `listen`")
        }
        PortState::No(why) => {
            let found = format!("{address} cannot be listened on: {why}");
            finding(Level::Bad, "port", found, "set another `listen`")
        }
    }
}

fn files(max: Option<u64>) -> Finding {
    let Some(max) = max else { return finding(Level::Ok, "open files", "no bound", "") };
    let found = format!("a process may have {max} open");
    if max < FILES_WARN {
        let mend = "ulimit -n 8192, or LimitNOFILE=8192 in the unit";
        return finding(Level::Warning, "open files", found, mend);
    }
    finding(Level::Ok, "open files", found, "")
}

fn memory(memory: &Memory) -> Finding {
    let (Some(all), Some(free)) = (memory.all, memory.free) else {
        return finding(Level::Unknown, "memory", "cannot be seen from here", "look at free -m");
    };
    let found = format!("{} of {} free", out::bytes(free), out::bytes(all));
    if free < MEMORY_WARN {
        let mend = "give the machine or its group more, or lower limits.in_flight_bytes_max";
        return finding(Level::Warning, "memory", found, mend);
    }
    finding(Level::Ok, "memory", found, "")
}

fn server(all: &mut Vec<Finding>, server: &Server) {
    let url = &server.url;
    let version = match &server.reached {
        Ok(version) => version,
        Err(why) => {
            let mend = "start it, or name another: --url, counterfoil context use NAME";
            let found = if why.contains(url) { why.clone() } else { format!("{url}: {why}") };
            all.push(finding(Level::Warning, "server", found, mend));
            return;
        }
    };
    let ours = env!("CARGO_PKG_VERSION");
    let found = format!("{url} answers, version {version}");
    all.push(if version == ours {
        finding(Level::Ok, "server", found, "")
    } else {
        let found = format!("{found}; this command is {ours}");
        finding(Level::Warning, "server", found, "use the command of the same version")
    });
    match &server.ready {
        Some((200, _)) => all.push(finding(Level::Ok, "ready", "writes are accepted", "")),
        Some((_, why)) => {
            all.push(finding(Level::Bad, "ready", why, "counterfoil status; GET /readyz"));
        }
        None => all.push(finding(Level::Unknown, "ready", "/readyz gave no answer", "")),
    }
    let save = "counterfoil context add NAME --at URL --token-file FILE";
    all.push(match server.token {
        Some(200) => finding(Level::Ok, "token", "works", ""),
        Some(403) => finding(Level::Ok, "token", "is known; it is no auditor's or admin's", ""),
        Some(401) => finding(Level::Bad, "token", "is not known there, or was revoked", save),
        Some(status) => {
            let found = format!("was answered {status}");
            finding(Level::Unknown, "token", found, "counterfoil status")
        }
        None => finding(Level::Warning, "token", "there is none", save),
    });
}

#[cfg(test)]
mod tests;
