//! Connections that never finish what they began: they take no room from others, and do not delay a
//! stop.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Folder;
use crate::wire::Wire;

/// Less than any of the times for which a running server waits for a peer.
const SOON: Duration = Duration::from_secs(8);

#[test]
#[allow(clippy::disallowed_methods, reason = "how long a stop takes is what is tested")]
fn connections_that_go_nowhere_do_not_delay_a_stop() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let mut held: Vec<Wire> = Vec::new();
    for begin in ["", "GET / HT", "GET /livez HTTP/1.1\r\nhost: h\r\n"] {
        let mut wire = Wire::open(&server.url);
        wire.send(begin.as_bytes()).expect("sent");
        held.push(wire);
    }
    let mut idle = Wire::open(&server.url);
    assert_eq!(idle.ask("GET", "/livez", &[], b"").status, 200);
    held.push(idle);
    let mut body = Wire::open(&server.url);
    body.head("POST", "/v1/events", &[&headers[..], &[("content-length", "1000")]].concat())
        .expect("sent");
    body.send(b"[{").expect("sent");
    held.push(body);
    let mut writing = Wire::open(&server.url);
    let event = r#"{"id":"last","action":"a.b","actor":{"type":"user","id":"u"},"service":{"name":"s"},"occurred_at":"2026-01-02T03:04:05Z"}"#;
    let answer = writing.ask("POST", "/v1/events", &headers, event.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());

    let began = Instant::now();
    server.stop();
    let took = began.elapsed();
    assert!(took < SOON, "{} connections held it up for {took:?}", held.len());
    println!("stopped in {took:?} with {} connections that went nowhere", held.len());

    let server = folder.serve();
    let found = Wire::open(&server.url).ask("GET", "/v1/events/last", &headers, b"").json();
    assert_eq!(found["event"]["id"], Value::from("last"), "{found}");
    server.stop();
}

/// More of them than there is room for, were it taken for what is announced.
const ANNOUNCED: usize = 20;

#[test]
fn a_body_that_never_comes_holds_nothing() {
    let folder = Folder::new();
    let server = folder.serve();
    let bearer = format!("Bearer {}", folder.first_token("default"));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let announces = [("expect", "100-continue"), ("content-length", "16000000")];
    let mut held = Vec::new();
    for _ in 0..ANNOUNCED {
        let mut wire = Wire::open(&server.url);
        wire.head("POST", "/v1/events", &[&headers[..], &announces].concat()).expect("sent");
        let go_on = wire.answer("POST").expect("the server waits for the body");
        assert_eq!(go_on.status, 100, "{}", go_on.text());
        held.push(wire);
    }
    let mut wire = Wire::open(&server.url);
    let status = wire.ask("GET", "/v1/status", &headers, b"").json();
    assert_eq!(status["in_flight_bytes"], 0, "{status}");
    let large = [&vec![b' '; 15_000_000][..], b"[]"].concat();
    let answer = wire.ask("POST", "/v1/events", &headers, &large);
    assert_eq!(answer.json()["code"], "empty", "there is room for it: {}", answer.text());
    println!("{} bodies announced, none of them in the way", held.len());
    server.stop();
}

#[test]
fn more_connections_than_files_do_not_end_the_server() {
    let folder = Folder::new();
    let server = folder.serve_with_files(64);
    let token = folder.first_token("default");
    let mut held: Vec<Wire> = Vec::new();
    for _ in 0..100 {
        held.push(Wire::open(&server.url));
    }
    let told = held.iter_mut().rev().filter_map(|wire| wire.answer("GET").ok());
    let answer = told.into_iter().next().expect("somebody is told");
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("connections")));
    drop(held);
    let event = r#"{"id":"after","action":"a.b","actor":{"type":"user","id":"u"},"service":{"name":"s"},"occurred_at":"2026-01-02T03:04:05Z"}"#;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    // The listener may not have heard yet that the others are gone.
    let answered = (0..10_000).find_map(|_| {
        let mut wire = Wire::try_open(&server.url).ok()?;
        let answer = wire.try_ask("POST", "/v1/events", &headers, event.as_bytes()).ok()?;
        (answer.status != 503).then_some(answer)
    });
    let answer = answered.expect("there is room again");
    assert_eq!(answer.status, 200, "{}", answer.text());
    server.stop();
}
