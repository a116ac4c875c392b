//! Connections that leave undone what they began, against a listener of their own.

use std::cell::RefCell;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::http::error::CODES;

/// Longer than anything here takes: a test that waits in vain must end.
const WAIT: Duration = Duration::from_secs(60);
const LARGE_BYTES: usize = 24 << 20;

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Nobody is ever waited for too long.
const PATIENT: Patience = Patience { head: WAIT, idle: WAIT, answers: WAIT };

/// A listener with a route that answers, one that answers when `gate` opens, and a large one.
struct House {
    address: SocketAddr,
    gate: Arc<Semaphore>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl House {
    async fn open(patience: Patience, connections_max: usize) -> House {
        House::with(patience, Connections::new(connections_max, connections_max)).await
    }

    async fn with(patience: Patience, connections: Arc<Connections>) -> House {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let gate = Arc::new(Semaphore::new(0));
        let waits = gate.clone();
        let slow = async move || waits.acquire().await.map_or("closed", |_| "slow");
        let router = Router::new()
            .route("/", get(async || "ok"))
            .route("/slow", get(slow))
            .route("/large", get(async || vec![b'x'; LARGE_BYTES]))
            .route("/body", post(async |body: Bytes| body.len().to_string()));
        let (stop, stopped) = watch::channel(false);
        let ids = RequestIds::new(&platform::SystemEntropy);
        let task = tokio::spawn(listen(listener, router, connections, patience, ids, stopped));
        House { address, gate, stop, task }
    }

    async fn connect(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(text.as_bytes()).await.expect("sent");
        stream
    }

    async fn stopped(self) {
        timeout(WAIT, self.task).await.expect("it stops").expect("in order");
    }
}

/// What comes until the connection is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = timeout(WAIT, stream.read_to_end(&mut bytes)).await.expect("it is closed");
    String::from_utf8(bytes).expect("text")
}

/// An answer that ends with `end`; the connection stays.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut piece = [0; 1024];
        let count = timeout(WAIT, stream.read(&mut piece)).await.expect("an answer").expect("read");
        assert!(count > 0, "closed behind {text:?}");
        text.push_str(std::str::from_utf8(&piece[..count]).expect("text"));
    }
    text
}

const WHOLE: &str = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";
const SLOW: &str = "GET /slow HTTP/1.1\r\nhost: h\r\n\r\n";
const HALF: &str = "GET / HTTP/1.1\r\nho";

#[tokio::test]
async fn what_never_comes_is_not_waited_for() {
    let patience = Patience { head: millis(150), idle: millis(150), answers: WAIT };
    let house = House::open(patience, 100).await;
    for begin in ["", HALF] {
        let mut silent = house.connect(begin).await;
        assert_eq!(rest(&mut silent).await, "", "{begin:?} is closed without a word");
    }
    let mut between = house.connect(&format!("{WHOLE}{HALF}")).await;
    assert!(rest(&mut between).await.ends_with("ok"));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a trickle without an end must end the test")]
async fn a_head_that_trickles_has_no_more_time_than_another() {
    let house = House::open(Patience { head: millis(150), ..PATIENT }, 100).await;
    let mut stream = house.connect("GET / HTTP/1.1\r\n").await;
    let began = Instant::now();
    while stream.write_all(b"a: b\r\n").await.is_ok() {
        assert!(began.elapsed() < WAIT, "it may trickle for ever");
        // What trickles is what is tested; without a pause it would be too large before it is late.
        sleep(millis(10)).await;
    }
}

#[tokio::test]
async fn work_is_no_idleness() {
    let patience = Patience { head: millis(50), idle: millis(50), answers: WAIT };
    let house = House::open(patience, 100).await;
    let mut stream = house.connect(SLOW).await;
    // One that came later has had its time.
    assert_eq!(rest(&mut house.connect("").await).await, "");
    house.gate.add_permits(1);
    assert!(rest(&mut stream).await.ends_with("slow"), "and is closed when idle behind it");
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_not_kept() {
    // A stop would wait for it longer than the test does.
    let patience = Patience { idle: millis(150), answers: WAIT * 2, ..PATIENT };
    let house = House::open(patience, 100).await;
    let mut stream = house.connect("GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.expect("an answer");
    assert_eq!(&begin, b"HTTP/1.1 200");
    house.stop.send(true).expect("somebody listens");
    house.stopped().await;
    assert!(rest(&mut stream).await.len() < LARGE_BYTES, "it was cut off");
}

#[tokio::test]
async fn at_the_bound_connections_hear_why() {
    let house = House::open(PATIENT, 2).await;
    let mut first = house.connect(WHOLE).await;
    let mut second = house.connect(WHOLE).await;
    until(&mut first, "ok").await;
    until(&mut second, "ok").await;
    let mut third = house.connect(WHOLE).await;
    let said = rest(&mut third).await;
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: 1\r\n"), "{said}");
    drop(first);
    let again = async {
        loop {
            let mut fourth = house.connect(WHOLE).await;
            let mut answer = [0; 12];
            fourth.read_exact(&mut answer).await.expect("an answer");
            if &answer == b"HTTP/1.1 200" {
                return;
            }
        }
    };
    timeout(WAIT, again).await.expect("there is room again");
}

#[tokio::test]
async fn one_peer_does_not_take_all_connections() {
    let connections = Connections::new(100, 2);
    let house = House::with(PATIENT, connections.clone()).await;
    let mut held = [house.connect(WHOLE).await, house.connect(WHOLE).await];
    for stream in &mut held {
        until(stream, "ok").await;
    }
    let mut third = house.connect(WHOLE).await;
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 503 "));
    // Another address of this machine is another peer.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.2:0".parse().expect("an address")).expect("bound");
    let mut other = socket.connect(house.address).await.expect("connected");
    other.write_all(WHOLE.as_bytes()).await.expect("sent");
    until(&mut other, "ok").await;
    // As a reload does; the next connection is judged by it.
    connections.per_peer_max.store(3, Relaxed);
    until(&mut house.connect(WHOLE).await, "ok").await;
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    let house = House::open(PATIENT, 300).await;
    let mut streams = Vec::new();
    for nth in 0..300 {
        streams.push(house.connect(if nth % 2 == 0 { SLOW } else { HALF }).await);
    }
    house.gate.add_permits(1);
    for stream in streams.iter_mut().step_by(2) {
        until(stream, "slow").await;
    }
    house.stop.send(true).expect("somebody listens");
    house.stopped().await;
}

#[tokio::test]
async fn a_stop_waits_for_answers_alone() {
    let house = House::open(PATIENT, 100).await;
    let mut silent = house.connect("").await;
    let mut half = house.connect(HALF).await;
    let mut idle = house.connect(WHOLE).await;
    until(&mut idle, "ok").await;
    let mut between = house.connect(WHOLE).await;
    until(&mut between, "ok").await;
    between.write_all(HALF.as_bytes()).await.expect("sent");
    let mut busy = house.connect(SLOW).await;
    // One more answer: by then the listener has seen all that was sent before.
    until(&mut house.connect(WHOLE).await, "ok").await;
    house.stop.send(true).expect("somebody listens");
    for stream in [&mut silent, &mut half, &mut idle, &mut between] {
        assert_eq!(rest(stream).await, "");
    }
    assert!(!house.task.is_finished(), "an answer is missing");
    house.gate.add_permits(1);
    let answer = rest(&mut busy).await;
    assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
    assert!(TcpStream::connect(house.address).await.is_err(), "nobody listens any more");
    house.stopped().await;
}

#[tokio::test]
async fn a_stop_does_not_cut_an_answer_that_is_taken_slowly() {
    let house = House::open(PATIENT, 100).await;
    let mut slow = house.connect("GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut idle = house.connect(WHOLE).await;
    until(&mut idle, "ok").await;
    house.stop.send(true).expect("somebody listens");
    assert_eq!(rest(&mut idle).await, "", "the stop is under way");
    let answer = rest(&mut slow).await;
    let body = answer.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
    assert_eq!(body, LARGE_BYTES);
    house.stopped().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let house = House::open(Patience { answers: millis(100), ..PATIENT }, 100).await;
    let mut busy = house.connect(SLOW).await;
    until(&mut house.connect(WHOLE).await, "ok").await;
    house.stop.send(true).expect("somebody listens");
    assert_eq!(rest(&mut busy).await, "");
    house.stopped().await;
}

#[tokio::test]
async fn what_is_no_request_is_answered_and_closed() {
    let house = House::open(PATIENT, 100).await;
    let mut noise = house.connect("\u{1}\u{2}\u{3}\r\n\r\n").await;
    assert!(rest(&mut noise).await.starts_with("HTTP/1.1 400 "));
    for bytes in [66_000, 300_000] {
        let large = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(bytes));
        let mut large = house.connect(&large).await;
        assert!(rest(&mut large).await.starts_with("HTTP/1.1 431 "), "{bytes}");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "that it pauses is what is tested")]
async fn errors_of_accept_end_nothing() {
    let script = RefCell::new(vec![
        Ok("a connection"),
        Err(io::Error::from_raw_os_error(24)),
        Err(io::ErrorKind::ConnectionAborted.into()),
    ]);
    let began = Instant::now();
    let accept = || std::future::ready(script.borrow_mut().pop().expect("more to come"));
    let accepted = next(accept).await;
    assert_eq!(accepted, "a connection");
    assert!(began.elapsed() >= ACCEPT_PAUSE, "it does not spin");
}

#[test]
fn the_answer_at_the_bound_is_a_problem() {
    let answer = full(RequestIds::new(&platform::SystemEntropy).make());
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
    let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&problem["status"], &problem["code"]), (&503.into(), &"connections".into()));
    let id = problem["request_id"].as_str().expect("an id");
    assert!(head.contains(&format!("\r\nx-request-id: {id}\r\n")), "{head}");
    assert_eq!(problem["type"], "/docs/errors/connections");
    assert!(CODES.iter().any(|(s, codes)| *s == 503 && codes.contains(&"connections")));
}
