//! What a service manager is told over the datagram socket that `NOTIFY_SOCKET` names, as
//! sd_notify(3) has it: lines of `NAME=value`.
//!
//! Promises: `READY=1` once writes are accepted, `STOPPING=1` before anything is closed, more time
//! while the journal is read, and `WATCHDOG=1` only after the lane has answered, so that a lane
//! which hangs in a write is not vouched for. Without the variable nothing is said.
//!
//! Never fails a start or a stop: a manager that does not take a message within a second misses it.

use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use server::Running;

/// How long a manager may keep us waiting for a message to go.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the manager hears how far indexing is.
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// Bytes of the journal after which a start asks for more time.
const EXTEND_BYTES: u64 = 64 << 20;
/// The time that a start asks for: enough for so many bytes from a very slow disk.
const EXTEND_USEC: u64 = 120_000_000;

/// The service manager, if there is one.
pub(crate) struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that all is well.
    watchdog: Option<Duration>,
    /// Bytes of the journal at which more time is asked for next.
    extend_at: u64,
    /// Whether it was said that the manager does not listen.
    complained: Cell<bool>,
}

impl Supervisor {
    /// Nobody.
    pub(crate) fn none() -> Supervisor {
        Supervisor { socket: None, watchdog: None, extend_at: 0, complained: Cell::new(false) }
    }

    /// The manager that the environment names.
    pub(crate) fn from_environment() -> Supervisor {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Supervisor::none();
        };
        let var = |name| std::env::var(name).ok();
        let own = std::process::id().to_string();
        // Without the second, the first is for whoever reads it.
        let is_ours = var("WATCHDOG_PID").is_none_or(|pid| pid == own);
        let watchdog = var("WATCHDOG_USEC").filter(|_| is_ours).and_then(|usec| every(&usec));
        match open(&name) {
            Ok(socket) => Supervisor { socket: Some(socket), watchdog, ..Supervisor::none() },
            Err(error) => {
                let socket = name.to_string_lossy().into_owned();
                tracing::warn!(socket, %error, "the service manager cannot be told anything");
                Supervisor::none()
            }
        }
    }

    /// Called as the journal is read: asks for time as long as there is progress.
    pub(crate) fn reading(&mut self, done: u64, total: u64) {
        if self.socket.is_some() && done >= self.extend_at {
            self.extend_at = done + EXTEND_BYTES;
            let [done, total] = [done, total].map(|bytes| bytes >> 20);
            self.tell(&format!(
                "EXTEND_TIMEOUT_USEC={EXTEND_USEC}\nSTATUS=reading the journal: {done} of {total} \
                 MiB"
            ));
        }
    }

    /// Writes are accepted; from here on says how far indexing is, and that the lane is alive.
    /// Ends never.
    pub(crate) async fn attend(&self, running: &Running) {
        self.tell(&format!("READY=1\nSTATUS={}", status(running)));
        tokio::join!(self.report(running), self.vouch(running));
        std::future::pending::<()>().await;
    }

    /// The start failed: whoever asks the manager why reads it there.
    pub(crate) fn failed(&self, why: &impl std::fmt::Display) {
        // A line ends a value; what comes after it would be a message of its own.
        self.tell(&format!("STATUS=cannot start: {why}").replace('\n', " "));
    }

    /// The stop has begun.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping: answers what is worked on, closes the folder");
    }

    async fn report(&self, running: &Running) {
        while self.socket.is_some() && running.indexing().is_some() {
            self.tell(&format!("STATUS={}", status(running)));
            tokio::time::sleep(STATUS_EVERY).await;
        }
        self.tell(&format!("STATUS={}", status(running)));
    }

    async fn vouch(&self, running: &Running) {
        let Some(every) = self.watchdog else { return };
        loop {
            // A lane that hangs never answers, and then nobody says that all is well.
            if running.lane_answers().await {
                self.tell("WATCHDOG=1");
            }
            tokio::time::sleep(every).await;
        }
    }

    fn tell(&self, message: &str) {
        let Some((socket, manager)) = &self.socket else { return };
        let Err(error) = socket.send_to_addr(message.as_bytes(), manager) else { return };
        if !self.complained.replace(true) {
            tracing::warn!(%error, told = message, "the service manager did not take a message");
        }
    }
}

fn status(running: &Running) -> String {
    let address = running.started.address;
    match running.indexing() {
        Some((done, events)) => {
            format!("takes writes at http://{address}; indexes what it has: {done} of {events}")
        }
        None => format!("serves http://{address}"),
    }
}

/// How often to vouch for the lane: twice in the time that the manager waits.
fn every(usec: &str) -> Option<Duration> {
    let usec: u64 = usec.parse().ok()?;
    (usec > 0).then(|| Duration::from_micros(usec / 2))
}

/// A socket to speak from, and the manager's address: a path, or an abstract name after `@`.
fn open(name: &OsString) -> io::Result<(UnixDatagram, SocketAddr)> {
    let manager = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => {
            let what = "NOTIFY_SOCKET must be an absolute path, or a name after '@'";
            return Err(io::Error::other(what));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok((socket, manager))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_are_refused() {
        let long = format!("@{}", "x".repeat(200));
        for name in ["relative", "vsock:2:1", long.as_str()] {
            assert!(open(&name.into()).is_err(), "{name}");
        }
        let socket = open(&"@counterfoil".into()).expect("an abstract name").1;
        assert_eq!(socket.as_abstract_name(), Some(&b"counterfoil"[..]));
    }

    #[test]
    fn time_is_asked_for_as_long_as_the_journal_is_read() {
        let name = format!("counterfoil-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let manager = UnixDatagram::bind_addr(&address).expect("bound");
        manager.set_nonblocking(true).expect("set");
        let socket = Some(open(&format!("@{name}").into()).expect("opened"));
        let mut supervisor = Supervisor { socket, ..Supervisor::none() };
        for mib in [0, 1, 63, 64, 65, 128] {
            supervisor.reading(mib << 20, 128 << 20);
        }
        let mut buffer = [0; 200];
        let mut told = Vec::new();
        while let Ok(bytes) = manager.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
            assert!(text.starts_with("EXTEND_TIMEOUT_USEC=120000000\nSTATUS="), "{text}");
            told.push(text.rsplit(": ").next().expect("an end").to_owned());
        }
        assert_eq!(told, ["0 of 128 MiB", "64 of 128 MiB", "128 of 128 MiB"]);
    }

    #[test]
    fn the_lane_is_vouched_for_twice_in_the_time_given() {
        assert_eq!(every("4000000"), Some(Duration::from_secs(2)));
        assert_eq!((every("0"), every("soon")), (None, None));
    }
}
