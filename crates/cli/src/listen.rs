//! Listening to a server: server-sent events, one connection after the other.
//!
//! Promises: what is heard comes in order, and each connection goes on where the one before was
//! cut. A peer that is silent for three heartbeats is given up. A signal is heard at any moment.
//!
//! Never: prints.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, NoStream, is_silence};
use crate::commands::serve::Signals;
use crate::error::CliError;

/// Things heard that wait to be looked at.
const WAITING_MAX: usize = 256;
/// Bytes of one event of the stream.
const EVENT_BYTES_MAX: usize = 16 << 20;
/// Three heartbeats.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Why it is given up then.
const SILENT: &str = "it is silent";
/// How long between two connections: at first, and at most.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What was heard.
pub(crate) enum Heard {
    /// The stream begins, or begins anew: the count of connections before this one.
    Open(u64),
    /// An event of the stream: its name and what it says.
    Said(String, Value),
    /// The connection is gone; why, and when the next one is tried.
    Broke(String, Duration),
    /// Somebody asked for an end.
    Interrupted,
}

/// What the threads tell, with the number of the connection.
enum Told {
    Open,
    Id(String),
    Said(Said),
    Broke(String),
    Refused(CliError),
    Interrupted,
}

/// A listener.
pub(crate) struct Listener {
    client: Arc<Client>,
    path: String,
    give: SyncSender<(u64, Told)>,
    take: Receiver<(u64, Told)>,
    /// The place to go on from.
    id: Option<String>,
    /// The connection at hand, from 0; others are not listened to any more.
    nth: u64,
    pause: Duration,
    /// Whether the connection at hand is to be made anew.
    broken: bool,
}

impl Listener {
    /// Begins to listen.
    pub(crate) fn new(client: Client, path: String) -> Result<Listener, CliError> {
        let (give, take) = sync_channel(WAITING_MAX);
        let signals = give.clone();
        // Signals are heard by a thread that waits for nothing else.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| CliError::Server(error.to_string()))?;
        let mut heard = runtime.block_on(async { Signals::listen() })?;
        std::thread::spawn(move || {
            runtime.block_on(heard.heard());
            // Who listened may have ended.
            let _ = signals.send((0, Told::Interrupted));
        });
        let client = Arc::new(client);
        let (id, nth, pause) = (None, 0, PAUSE);
        let listener = Listener { client, path, give, take, id, nth, pause, broken: false };
        listener.connect();
        Ok(listener)
    }

    /// Waits for the next thing. An error is a server that will not let us listen.
    pub(crate) fn next(&mut self) -> Result<Heard, CliError> {
        match self.next_within(SILENCE_MAX)? {
            Some(heard) => Ok(heard),
            None => Ok(self.broke(SILENT.into())),
        }
    }

    /// The same for so long; `None` if nothing came.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Result<Option<Heard>, CliError> {
        if self.broken {
            (self.broken, self.nth) = (false, self.nth + 1);
            self.connect();
        }
        loop {
            let (nth, told) = match self.take.recv_timeout(patience) {
                Ok(told) => told,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Ok(Some(Heard::Interrupted)),
            };
            match told {
                Told::Interrupted => return Ok(Some(Heard::Interrupted)),
                _ if nth != self.nth => {}
                Told::Open => {
                    self.pause = PAUSE;
                    return Ok(Some(Heard::Open(nth)));
                }
                Told::Id(id) => self.id = Some(id),
                Told::Said(said) => {
                    self.id = said.id.or(self.id.take());
                    return Ok(Some(Heard::Said(said.name, said.data)));
                }
                Told::Broke(why) => return Ok(Some(self.broke(why))),
                Told::Refused(error) => return Err(error),
            }
        }
    }

    /// Waits before the next connection; a signal ends it.
    fn broke(&mut self, why: String) -> Heard {
        let pause = self.pause;
        self.pause = (2 * pause).min(PAUSE_MAX);
        self.broken = true;
        Heard::Broke(why, pause)
    }

    /// Passes the time until the next connection is to be tried; `false` if somebody asked for an
    /// end.
    pub(crate) fn wait(&self, pause: Duration) -> bool {
        loop {
            match self.take.recv_timeout(pause) {
                Ok((_, Told::Interrupted)) => return false,
                // What the old connection still says is asked for again.
                Ok(_) => {}
                Err(_) => return true,
            }
        }
    }

    fn connect(&self) {
        let (client, path, id) = (self.client.clone(), self.path.clone(), self.id.clone());
        let (give, nth) = (self.give.clone(), self.nth);
        std::thread::spawn(move || {
            let tell = |told| give.send((nth, told)).is_ok();
            let last = listen(&client, &path, id.as_deref(), SILENCE_MAX, &tell);
            tell(last);
        });
    }
}

/// Reads one connection to its end; how it ended. One that is silent ends as well: nobody else
/// would close it.
fn listen(
    client: &Client,
    path: &str,
    id: Option<&str>,
    silence_max: Duration,
    tell: &impl Fn(Told) -> bool,
) -> Told {
    let mut stream = match client.stream(path, id, silence_max) {
        Ok(stream) => stream,
        // No room, or not yet.
        Err(NoStream::Answered(answer)) if answer.status == 503 => {
            return Told::Broke(answer.failure().to_string());
        }
        Err(NoStream::Answered(answer)) => return Told::Refused(answer.failure()),
        Err(NoStream::Silent) => return Told::Broke(SILENT.into()),
        Err(NoStream::Failed(error)) if id.is_none() => return Told::Refused(error),
        Err(NoStream::Failed(error)) => return Told::Broke(error.to_string()),
    };
    let (mut text, mut piece) = (Blocks::default(), vec![0; 64 << 10]);
    // A stream begins with its place: an answer that ends without one was none.
    let mut is_stream = false;
    loop {
        match stream.read(&mut piece) {
            Ok(0) if !is_stream => return Told::Refused(CliError::no_counterfoil()),
            Ok(0) => return Told::Broke("the server ended it".into()),
            Ok(count) => text.add(&piece[..count]),
            Err(error) => {
                let said = error.to_string();
                return Told::Broke(if is_silence(error) { SILENT.into() } else { said });
            }
        }
        while let Some(said) = text.next() {
            if !std::mem::replace(&mut is_stream, true) && !tell(Told::Open) {
                return Told::Interrupted;
            }
            let heard = match said {
                Ok(said) if said.data.is_null() => said.id.is_none_or(|id| tell(Told::Id(id))),
                Ok(said) => tell(Told::Said(said)),
                Err(what) => return Told::Broke(what),
            };
            if !heard {
                return Told::Interrupted;
            }
        }
        if text.bytes.len() > EVENT_BYTES_MAX {
            return Told::Broke(format!("an event of more than {EVENT_BYTES_MAX} bytes"));
        }
    }
}

/// An event of the stream; without data it is a place alone.
#[derive(Debug, PartialEq)]
struct Said {
    name: String,
    id: Option<String>,
    data: Value,
}

/// The stream's text, cut into events.
#[derive(Default)]
struct Blocks {
    bytes: Vec<u8>,
}

impl Blocks {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole event.
    fn next(&mut self) -> Option<Result<Said, String>> {
        let end = self.bytes.windows(2).position(|two| two == b"\n\n")?;
        let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
        let Ok(block) = String::from_utf8(block) else { return Some(Err("no UTF-8".into())) };
        let mut said = Said { name: String::new(), id: None, data: Value::Null };
        let mut data = String::new();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut said.name),
                Some(("id", id)) => said.id = Some(id.to_owned()),
                Some(("data", text)) => data.push_str(text),
                _ => {}
            }
        }
        if !data.is_empty() {
            match serde_json::from_str(&data) {
                Ok(value) => said.data = value,
                Err(_) => return Some(Err("what came is no JSON".into())),
            }
        }
        Some(Ok(said))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::Write;
    use std::net::TcpListener;

    use serde_json::json;

    use super::*;
    use crate::context::Server;

    #[test]
    fn a_connection_that_falls_silent_is_read_no_more() {
        // The first says nothing at all, the second begins, goes on, and then says nothing.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let silence = Duration::from_secs(1);
        let peer = std::thread::spawn(move || {
            let (first, _) = listener.accept().expect("a connection");
            let (mut second, _) = listener.accept().expect("a connection");
            second.write_all(b"HTTP/1.1 200 X\r\n\r\n").expect("sent");
            for beat in 0..3 {
                write!(second, "data: {beat}\n\n").expect("sent");
                // Slower than nothing, and faster than silence: together longer than it.
                std::thread::sleep(silence * 2 / 5);
            }
            // Open until whoever listens hangs up.
            let mut rest = Vec::new();
            (&first).read_to_end(&mut rest).and_then(|_| second.read_to_end(&mut rest))
        });
        let client = Client::new(Server { url, ..Server::default() }).expect("a client");
        let heard = Cell::new(0);
        let tell = |told: Told| {
            heard.set(heard.get() + usize::from(matches!(told, Told::Said(_))));
            true
        };
        for count in [0, 3] {
            let ended = listen(&client, "/", None, silence, &tell);
            assert!(matches!(ended, Told::Broke(why) if why == SILENT), "{count}");
            assert_eq!(heard.get(), count);
        }
        drop(client);
        peer.join().expect("no panic").expect("both are closed");
    }

    #[test]
    fn events_are_taken_as_they_become_whole() {
        let text = "retry: 2000\nid: a\n\n:\nid: b\n\nid: c\ndata: {\"x\":1}\n\nevent: lag\ndata: {}\n\nda";
        let mut heard = Vec::new();
        for step in [1, 3, 500] {
            let (mut blocks, mut found) = (Blocks::default(), Vec::new());
            for piece in text.as_bytes().chunks(step) {
                blocks.add(piece);
                while let Some(said) = blocks.next() {
                    let said = said.expect("an event");
                    found.push((said.name, said.id, said.data));
                }
            }
            heard.push(found);
        }
        let said = |name: &str, id: Option<&str>, data| (name.into(), id.map(Into::into), data);
        let want = vec![
            said("", Some("a"), Value::Null),
            said("", Some("b"), Value::Null),
            said("", Some("c"), json!({"x": 1})),
            said("lag", None, json!({})),
        ];
        assert_eq!(heard, [want.clone(), want.clone(), want]);
    }
}
