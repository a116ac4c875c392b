//! Just enough HTTP to send events to a server that a chore started.
//!
//! Promises: an answer within [`PATIENCE`] or an error, whatever the server does, and of an answer
//! no more than [`ANSWER_BYTES_MAX`].

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::json::{self, Value};
use crate::run;

/// How long one request may take, all in all.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of an answer's head and receipt.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Sends lines of events; the receipt, if the server took them.
pub fn send(address: SocketAddr, token: &str, path: &str, lines: &str) -> Result<Value, String> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/x-ndjson\r\n\
         Content-Length: {}\r\n\r\n",
        lines.len()
    );
    let answer = exchange(address, &[head.as_bytes(), lines.as_bytes()].concat())
        .map_err(|error| format!("{address}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("half an answer")?;
    match head.starts_with("HTTP/1.1 200 ") {
        true => json::read(body),
        false => Err(format!("events were not taken: {answer}")),
    }
}

fn exchange(address: SocketAddr, request: &[u8]) -> std::io::Result<String> {
    let start = run::now();
    let left = || {
        let left = PATIENCE.checked_sub(start.elapsed()).filter(|left| !left.is_zero());
        left.ok_or_else(|| std::io::Error::other("no whole answer in time"))
    };
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    stream.write_all(request)?;
    let (mut answer, mut part) = (Vec::new(), [0; 16 << 10]);
    loop {
        stream.set_read_timeout(Some(left()?))?;
        match stream.read(&mut part)? {
            0 => break,
            more => answer.extend_from_slice(&part[..more]),
        }
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(std::io::Error::other("the answer has more than 4 MiB"));
        }
    }
    String::from_utf8(answer).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What `send` makes of an answer; beside it what the server read.
    fn answered(answer: &'static str) -> (Result<Value, String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = thread::spawn(move || {
            let (mut peer, _) = listener.accept().expect("a peer");
            let mut read = Vec::new();
            while !read.ends_with(b"{}\n") {
                let mut part = [0; 512];
                let bytes = peer.read(&mut part).expect("a request");
                read.extend_from_slice(&part[..bytes]);
            }
            peer.write_all(answer.as_bytes()).expect("sent");
            String::from_utf8(read).expect("text")
        });
        let answer = send(address, "secret", "/v1/events", "{}\n{}\n");
        (answer, server.join().expect("a request"))
    }

    #[test]
    fn only_a_receipt_is_an_answer() {
        let (answer, read) = answered("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n{\"events\":[1]}");
        assert_eq!(answer.expect("taken").get("events").map(|it| it.items().len()), Some(1));
        assert!(read.starts_with("POST /v1/events HTTP/1.1\r\n"), "{read}");
        assert!(read.contains("\r\nContent-Length: 6\r\n"), "{read}");
        let (answer, _) = answered("HTTP/1.1 503 Service Unavailable\r\n\r\nbusy");
        assert!(answer.is_err_and(|what| what.contains("503") && what.contains("busy")));
        let (answer, _) = answered("HTTP/1.1 200 OK\r\n");
        assert_eq!(answer, Err("half an answer".into()));
    }
}
