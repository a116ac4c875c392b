//! The load: requests built beforehand, sent over keep-alive connections by one thread. Of answers
//! only status and length are read.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use platform::{Clock, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failed;
use crate::sample::Sample;

/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Bytes of an answer; the largest are a thousand events with their content.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How long a request waits that was told to come again.
const PAUSE: Duration = Duration::from_millis(5);

/// A keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body_at: usize,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Connection, Failed> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Connection { stream, buffer: Vec::with_capacity(64 << 10), body_at: 0 })
    }

    /// Sends a request and reads its answer; the answer's status.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<u16, Failed> {
        self.stream.write_all(request).await.map_err(|error| error.to_string())?;
        self.buffer.clear();
        let (status, end) = loop {
            self.more().await?;
            if let Some(head) = Head::read(&self.buffer)? {
                self.body_at = head.bytes;
                break (head.status, head.bytes + head.length);
            }
        };
        while self.buffer.len() < end {
            self.more().await?;
        }
        Ok(status)
    }

    /// The last answer's body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.buffer[self.body_at..]
    }

    async fn more(&mut self) -> Result<(), Failed> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("the server hung up".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What must be known of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    bytes: usize,
    length: usize,
}

impl Head {
    /// Reads a head; `None` if it is not all there.
    fn read(bytes: &[u8]) -> Result<Option<Head>, Failed> {
        let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            let whole = bytes.len() < HEAD_BYTES_MAX;
            return if whole { Ok(None) } else { Err("an answer's head does not end".into()) };
        };
        let text = std::str::from_utf8(&bytes[..at]).map_err(|error| error.to_string())?;
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let named = name.eq_ignore_ascii_case("content-length");
            named.then(|| value.trim().parse().ok().filter(|n| *n <= ANSWER_BYTES_MAX))?
        });
        match (status, length) {
            (Some(status), Some(length)) => Ok(Some(Head { status, bytes: at + 4, length })),
            _ => Err("an answer has no status or no length".into()),
        }
    }
}

/// A request with these events, one a line.
pub(crate) fn post(token: &str, events: &[String]) -> Vec<u8> {
    let length = events.iter().map(|event| event.len() + 1).sum::<usize>();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut request = Vec::with_capacity(head.len() + length);
    request.extend_from_slice(head.as_bytes());
    for event in events {
        request.extend_from_slice(event.as_bytes());
        request.push(b'\n');
    }
    request
}

/// A request that reads.
pub(crate) fn get(token: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into()
}

/// What came of a load.
#[derive(Default)]
pub(crate) struct Load {
    /// From the first byte sent to the last byte of the receipt.
    pub(crate) acks: Sample,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// Answers that said to come again.
    pub(crate) busy: u64,
}

/// Sends requests over so many connections, until none is left or the time is over.
pub(crate) fn run(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    connections: usize,
    time_max: Duration,
) -> Result<Load, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let shared = Rc::new(Shared {
            requests,
            next: Cell::new(0),
            clock: SystemClock::new(),
            ends: time_max,
        });
        let mut opened = Vec::new();
        for _ in 0..connections {
            opened.push(Connection::open(address).await?);
        }
        let began = shared.clock.elapsed();
        let tasks: Vec<_> = opened
            .into_iter()
            .map(|connection| tokio::task::spawn_local(send(connection, shared.clone())))
            .collect();
        let mut load = Load::default();
        for task in tasks {
            let one = task.await.map_err(|error| error.to_string())??;
            load.acks.join(one.acks);
            load.busy += one.busy;
        }
        load.took = shared.clock.elapsed() - began;
        Ok(load)
    })
}

/// What the connections share; all of them live in one thread.
struct Shared {
    requests: Vec<Vec<u8>>,
    next: Cell<usize>,
    clock: SystemClock,
    ends: Duration,
}

async fn send(mut connection: Connection, shared: Rc<Shared>) -> Result<Load, Failed> {
    let mut load = Load::default();
    while shared.clock.elapsed() < shared.ends {
        let nth = shared.next.replace(shared.next.get() + 1);
        let Some(request) = shared.requests.get(nth) else { break };
        loop {
            let sent = shared.clock.elapsed();
            match connection.ask(request).await? {
                200 => {
                    load.acks.add(shared.clock.elapsed() - sent);
                    break;
                }
                503 => {
                    load.busy += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                status => {
                    let said = String::from_utf8_lossy(connection.body()).into_owned();
                    return Err(format!("status {status}: {said}"));
                }
            }
        }
    }
    Ok(load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\nbody";
        let head = Head { status: 200, bytes: answer.len() - 4, length: 12 };
        assert_eq!(Head::read(answer), Ok(Some(head)));
        assert_eq!(Head::read(&answer[..20]), Ok(None));
        for broken in
            ["HTTP/1.1 200 OK\r\n\r\n", "\r\n\r\n", "HTTP/1.1 x\r\ncontent-length: 1\r\n\r\n"]
        {
            assert!(Head::read(broken.as_bytes()).is_err(), "{broken:?}");
        }
        assert!(Head::read(&[b' '; HEAD_BYTES_MAX]).is_err());
    }
}
