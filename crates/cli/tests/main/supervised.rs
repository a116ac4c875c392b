//! What a service manager hears of a server, over a socket as systemd opens one.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::support::Folder;

/// Longer than anything here may take; a test that waits in vain must end.
const WAIT: Duration = Duration::from_secs(120);
/// Small enough for the test to see it come again.
const WATCHDOG: (&str, &str) = ("WATCHDOG_USEC", "200000");

/// A manager that keeps all it hears.
struct Told {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Told {
    fn at(address: &SocketAddr) -> Told {
        let socket = UnixDatagram::bind_addr(address).expect("a socket");
        socket.set_read_timeout(Some(WAIT)).expect("set");
        Told { socket, heard: Vec::new() }
    }

    /// Hears messages until one begins with `beginning`; its place among all.
    fn until(&mut self, beginning: &str) -> usize {
        loop {
            let mut buffer = [0; 4096];
            let bytes = self.socket.recv(&mut buffer).expect(beginning);
            self.heard.push(String::from_utf8_lossy(&buffer[..bytes]).into_owned());
            if self.heard.last().is_some_and(|it| it.starts_with(beginning)) {
                return self.heard.len() - 1;
            }
        }
    }
}

#[test]
fn a_manager_hears_ready_alive_and_stopping_in_order() {
    let folder = Folder::new();
    let path = folder.path("notify");
    let mut manager = Told::at(&SocketAddr::from_pathname(&path).expect("a path"));
    let socket = ("NOTIFY_SOCKET", path.to_str().expect("text"));
    let server = folder.serve_told(&[socket, WATCHDOG]);
    let ready = manager.until("READY=1\nSTATUS=");
    assert!(manager.heard[..ready].iter().all(|it| it.starts_with("EXTEND_TIMEOUT_USEC=")));
    manager.until(&format!("STATUS=serves {}", server.url));
    manager.until("WATCHDOG=1");
    manager.until("WATCHDOG=1");
    let token = folder.first_token("default");
    folder.write("event.json", EVENT);
    let url = server.url.clone();
    folder.run(&["send", "event.json", "--url", &url, "--token", &token]).code(0);
    server.stop();
    let stopping = manager.until("STOPPING=1\nSTATUS=");
    let again = |it: &String| it.starts_with("READY") || it.starts_with("STOPPING");
    assert_eq!(manager.heard.iter().filter(|it| again(it)).count(), 2, "{:#?}", manager.heard);
    assert!(stopping > ready);
}

const EVENT: &str = r#"{"id":"e","action":"a.b","actor":{"type":"user","id":"u"},"service":{"name":"s"},"occurred_at":"2026-01-02T03:04:05Z"}"#;

#[test]
fn a_start_on_what_is_there_asks_for_time_and_vouches_for_nothing_unasked() {
    let folder = Folder::new();
    folder.serve().stop();
    let name = format!("counterfoil-supervised-{}", std::process::id());
    let mut manager = Told::at(&SocketAddr::from_abstract_name(&name).expect("a name"));
    let socket = format!("@{name}");
    let other = ("WATCHDOG_PID", "1");
    let server = folder.serve_told(&[("NOTIFY_SOCKET", &socket), WATCHDOG, other]);
    let asked = manager.until("EXTEND_TIMEOUT_USEC=");
    let ready = manager.until("READY=1\nSTATUS=");
    assert!(asked < ready);
    server.stop();
    manager.until("STOPPING=1");
    assert!(!manager.heard.contains(&"WATCHDOG=1".to_owned()), "it was for another process");
}

#[test]
fn a_manager_hears_why_a_start_failed() {
    let folder = Folder::new();
    let path = folder.path("notify");
    let mut manager = Told::at(&SocketAddr::from_pathname(&path).expect("a path"));
    let server = folder.serve();
    let mut second = folder.command(&["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    let ran = second.env("NOTIFY_SOCKET", &path).output().expect("it runs");
    assert_eq!(ran.status.code(), Some(1));
    let said = manager.until("STATUS=cannot start: ");
    assert!(manager.heard[said].contains("another process has the data folder"));
    server.stop();
}

#[test]
fn a_manager_that_cannot_be_reached_keeps_nobody_from_starting() {
    let folder = Folder::new();
    for socket in ["relative", "@nobody-listens-here", "/nobody/listens/here"] {
        folder.serve_told(&[("NOTIFY_SOCKET", socket)]).stop();
    }
}
