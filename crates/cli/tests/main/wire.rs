//! HTTP/1.1 on a bare connection: for requests that no decent client would send, and for many.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here may take; a test that waits in vain must end.
const WAIT: Duration = Duration::from_secs(120);

/// An open connection.
pub struct Wire {
    stream: BufReader<TcpStream>,
    host: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A header, or a mistake in one.
pub type Header<'a> = (&'a str, &'a str);

impl Wire {
    /// Connects to `http://HOST:PORT`.
    pub fn open(url: &str) -> Wire {
        Wire::try_open(url).expect("a connection")
    }

    pub fn try_open(url: &str) -> std::io::Result<Wire> {
        let host = url.strip_prefix("http://").expect("an http address").to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_read_timeout(Some(WAIT))?;
        stream.set_write_timeout(Some(WAIT))?;
        stream.set_nodelay(true)?;
        Ok(Wire { stream: BufReader::new(stream), host })
    }

    /// Sends a request with its body and reads the answer; the connection stays.
    pub fn ask(&mut self, method: &str, path: &str, headers: &[Header], body: &[u8]) -> Answer {
        self.try_ask(method, path, headers, body).expect("an answer")
    }

    pub fn try_ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[Header],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let length = body.len().to_string();
        let mut all = vec![("content-length", length.as_str())];
        all.extend_from_slice(headers);
        self.head(method, path, &all)?;
        // A server that answers before it has read all may close: the answer is what counts.
        let sent = self.stream.get_mut().write_all(body);
        match (self.answer(method), sent) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        }
    }

    /// Sends the head of a request alone.
    pub fn head(&mut self, method: &str, path: &str, headers: &[Header]) -> std::io::Result<()> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.get_mut().write_all(head.as_bytes())
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Says that nothing more will come.
    pub fn hang_up(&mut self) {
        self.stream.get_ref().shutdown(Shutdown::Write).expect("half closed");
    }

    /// Reads an answer.
    pub fn answer(&mut self, method: &str) -> std::io::Result<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let broken = |what: &str| std::io::Error::other(format!("{what}: {first:?}"));
        let status = status.ok_or_else(|| broken("no status"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken("no header"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").parse().unwrap_or(0);
        if method != "HEAD" {
            answer.body.resize(length, 0);
            self.stream.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// Reads the next piece of a chunked answer whose head was read; empty at its end.
    pub fn chunk(&mut self) -> std::io::Result<Vec<u8>> {
        let size = self.line()?;
        let size = usize::from_str_radix(&size, 16).map_err(std::io::Error::other)?;
        let mut piece = vec![0; size];
        self.stream.read_exact(&mut piece)?;
        self.line()?;
        Ok(piece)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Answer {
    /// A header's value; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// One request on a connection of its own.
pub fn ask(url: &str, token: &str, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let headers = if token.is_empty() { &headers[1..] } else { &headers[..] };
    Wire::open(url).ask(method, path, headers, body.as_bytes())
}
