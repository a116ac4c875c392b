//! A server that answers whatever a test wants: what a real one never would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

/// Where it listens. It goes with the tests' process.
pub struct Fake {
    pub url: String,
}

/// One of its answers.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    retry_after: Option<u32>,
    body: Vec<u8>,
}

impl Reply {
    pub fn json(value: &Value) -> Reply {
        Reply::text(&value.to_string())
    }

    pub fn text(text: &str) -> Reply {
        Reply { status: 200, retry_after: None, body: text.into() }
    }

    pub fn bytes_of(status: u16, body: Vec<u8>) -> Reply {
        Reply { status, retry_after: None, body }
    }

    pub fn busy(retry_after: u32, problem: &Value) -> Reply {
        Reply::failed(503, problem).later(retry_after)
    }

    pub fn failed(status: u16, problem: &Value) -> Reply {
        Reply { status, ..Reply::json(problem) }
    }

    /// The same with the time after which to ask again.
    pub fn later(self, retry_after: u32) -> Reply {
        Reply { retry_after: Some(retry_after), ..self }
    }
}

impl Fake {
    /// Answers each request, counted from 0, by its path with the query.
    pub fn new(mut answer: impl FnMut(usize, &str) -> Reply + Send + 'static) -> Fake {
        let mut nth = 0..;
        Fake::between(move |_, path, _| answer(nth.next().expect("a number"), path))
    }

    /// Answers each request by its method, path and body.
    pub fn between(mut answer: impl FnMut(&str, &str, &[u8]) -> Reply + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let (method, path, body) = request(&stream).expect("a request");
                // Whoever asked may be gone.
                let _ = stream.write_all(&answer(&method, &path, &body).bytes());
            }
        });
        Fake { url }
    }
}

impl Reply {
    fn bytes(&self) -> Vec<u8> {
        let Reply { status, retry_after, body } = self;
        let retry = retry_after.map(|s| format!("retry-after: {s}\r\n")).unwrap_or_default();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{retry}\r\n"
        );
        [head.as_bytes(), body].concat()
    }
}

/// Reads a whole request: method, path, body.
fn request(stream: &TcpStream) -> std::io::Result<(String, String, Vec<u8>)> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let word = |nth| first.split(' ').nth(nth).unwrap_or_default().to_owned();
    Ok((word(0), word(1), body))
}
