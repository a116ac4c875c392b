//! The server under pressure: bad bodies, searches right behind writes, and kill -9.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use serde_json::{Value, json};

use crate::http::gzip;
use crate::support::Folder;
use crate::wire::{Answer, Wire};

/// What one request's body may have, decompressed.
const BODY_BYTES_MAX: usize = 16 << 20;
/// What a server may take for one bad body on top of what it takes when idle.
const PEAK_BYTES_MAX: u64 = 4 * BODY_BYTES_MAX as u64;
/// The same for a good body: its events stay, with digests and in the index.
const GOOD_PEAK_BYTES_MAX: u64 = 6 * BODY_BYTES_MAX as u64;
/// A bomb becomes so many bytes, so often: 1 GiB.
const BOMB_BYTES: u64 = 64 << 20;
const BOMB_MEMBERS: usize = 16;
/// Every acknowledged event is read, as fast as that goes.
const READS: [(&str, &str); 1] = [("COUNTERFOIL_LIMITS__READS_S_MAX", "1000000")];
/// Connections that send batches in the background.
const SENDERS: usize = 4;
const BATCH_EVENTS: usize = 50;

/// A number that acceptance sets higher than everyday tests.
fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().expect("a number"))
}

fn event(id: &str) -> Value {
    json!({
        "id": id, "action": "stock.reserve", "actor": {"type": "service", "id": "orders"},
        "service": {"name": "inventory"}, "occurred_at": "2026-01-02T03:04:05.678Z",
        "resources": [{"role": "target", "type": "item", "id": "7"}],
        "outcome": {"result": "success"},
    })
}

fn post(wire: &mut Wire, token: &str, encoding: &str, body: &[u8]) -> std::io::Result<Answer> {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("content-encoding", encoding),
    ];
    wire.try_ask("POST", "/v1/events", &headers, body)
}

fn get(wire: &mut Wire, token: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    wire.ask("GET", path, &[("authorization", bearer.as_str())], b"")
}

/// Fills a body of the largest size with a piece repeated.
fn filled(start: &str, piece: &str, end: &str) -> Vec<u8> {
    let room = BODY_BYTES_MAX - start.len() - end.len();
    [start, &piece.repeat(room / piece.len()), end].concat().into_bytes()
}

/// Keys that differ, as many as go into a body.
fn numbered(start: &str, end: &str, pair: impl Fn(usize) -> String) -> Vec<u8> {
    let mut body = start.to_owned();
    for nth in 0.. {
        let pair = pair(nth);
        if body.len() + pair.len() + end.len() >= BODY_BYTES_MAX {
            break;
        }
        body.push_str(if nth == 0 { "" } else { "," });
        body.push_str(&pair);
    }
    (body + end).into_bytes()
}

/// A bad body: its name, its encoding, its bytes, and the statuses that are right for it.
type Bad = (&'static str, &'static str, Vec<u8>, &'static [u16]);

fn bomb(byte: u8) -> impl Read {
    io::repeat(byte).take(BOMB_BYTES)
}

fn bad_bodies() -> Vec<Bad> {
    let zstd = |plain| zstd::encode_all(plain, 3).expect("compressed").repeat(BOMB_MEMBERS);
    let gzip = |plain| gzip(plain).repeat(BOMB_MEMBERS);
    let tiny = |nth: usize| {
        let mut event = event(&nth.to_string());
        event.as_object_mut().expect("an object").retain(|key, _| key != "resources");
        event.to_string()
    };
    let mut twenty_thousand: Vec<String> = (0..20_000).map(tiny).collect();
    let nested = format!("{}1{},", "[".repeat(90), "]".repeat(90));
    let deep = filled("[", &nested, "1]");
    let mut bodies: Vec<Bad> = vec![
        ("gzip bomb of zeros", "gzip", gzip(bomb(0)), &[413]),
        ("gzip bomb of [", "gzip", gzip(bomb(b'[')), &[413]),
        ("zstd bomb of zeros", "zstd", zstd(bomb(0)), &[413]),
        ("zstd bomb of [", "zstd", zstd(bomb(b'[')), &[413]),
        ("nothing but [", "identity", filled("", "[", ""), &[400]),
        ("deep nesting, again and again", "identity", deep, &[413, 422]),
        ("one huge string", "identity", filled("{\"a\":\"", "x", "\"}"), &[422]),
        ("a huge string of escapes", "identity", filled("{\"a\":\"", "\\n", "\"}"), &[422]),
        ("one long list of numbers", "identity", filled("{\"a\":[", "0,", "0]}"), &[422]),
        ("one long list of objects", "identity", filled("{\"a\":[", "{\"\":0},", "0]}"), &[422]),
        ("many lists", "identity", filled("[", "[],", "0]"), &[413]),
        ("many numbers", "identity", filled("", "0\n", ""), &[400, 413]),
    ];
    let wide = numbered("{", "}", |nth| format!("\"{nth}\":0"));
    bodies.push(("a wide object", "identity", wide, &[422]));
    let long = numbered("{", "}", |nth| format!("\"{nth:0>2000}\":0"));
    bodies.push(("long keys", "identity", long, &[422]));
    let zeros = "0,".repeat(600);
    let path = format!("\"attributes\":{{\"{}\":[{zeros}0]}}", "k".repeat(250));
    let amplified = numbered("[", "]", |nth| {
        let event = event(&nth.to_string()).to_string();
        format!("{},{path}}}", &event[..event.len() - 1])
    });
    bodies.push(("long paths to many values", "identity", amplified, &[413]));
    let members = |nth: usize| format!("{{\"id\":\"{nth}\",\"{}\":0}}", "k".repeat(280));
    let unknown = filled("[", &format!("{},", members(0)), "{}]");
    bodies.push(("unknown members in every event", "identity", unknown, &[413, 422]));
    twenty_thousand.truncate(BODY_BYTES_MAX / (twenty_thousand[19_999].len() + 1));
    let tiny = format!("[{}]", twenty_thousand.join(",")).into_bytes();
    bodies.push(("20,000 tiny events", "identity", tiny.clone(), &[200, 413]));
    let broken = [&tiny[..tiny.len() - 1], b",!]"].concat();
    bodies.push(("20,000 tiny events and a mistake", "identity", broken, &[400, 413]));
    let empty = format!("[{}]", vec!["{}"; 20_000].join(",")).into_bytes();
    bodies.push(("20,000 empty objects", "identity", empty, &[422]));
    bodies
}

/// A value of /proc/PID/status, in bytes.
fn memory(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find(|line| line.starts_with(name)).expect("a value");
    let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    kib << 10
}

/// Peak memory (VmHWM) of a fresh server over what it takes when idle (VmRSS), body by body. The
/// same at the intakes that look for wrapped records.
#[test]
fn bad_bodies_cost_at_most_four_times_the_limit() {
    let mut over = Vec::new();
    let mut highest = 0;
    let bodies = bad_bodies();
    for path in ["/v1/events", "/v1/intake/cloudtrail"] {
        for (name, encoding, body, statuses) in &bodies {
            if path != "/v1/events" && *encoding != "identity" {
                continue;
            }
            let (status, peak) = peak(path, encoding, body);
            println!("{:>6.1} MiB  {status}  {name}, {path}", peak as f64 / f64::from(1 << 20));
            let most = if status == 200 { GOOD_PEAK_BYTES_MAX } else { PEAK_BYTES_MAX };
            highest = highest.max(if status == 200 { 0 } else { peak });
            let known = path == "/v1/events" && statuses.contains(&status)
                || path != "/v1/events" && [400, 413, 422].contains(&status);
            if peak > most || !known {
                over.push(format!("{name}, {path}: {status}, {peak} bytes"));
            }
        }
    }
    println!("highest of a bad body: {highest} of {PEAK_BYTES_MAX} bytes over idle");
    assert!(over.is_empty(), "{over:#?}");
}

fn peak(path: &str, encoding: &str, body: &[u8]) -> (u16, u64) {
    let folder = Folder::new();
    let server = folder.serve();
    let bearer = format!("Bearer {}", folder.first_token("default"));
    let mut wire = Wire::open(&server.url);
    // What the first request of all takes is no matter of the bad one.
    let warm = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    wire.ask("POST", "/v1/events", &warm, event("warm").to_string().as_bytes());
    fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").expect("the peak is reset");
    let idle = memory(server.pid(), "VmRSS:");
    let headers = [warm[0], warm[1], ("content-encoding", encoding)];
    let answer = wire.ask("POST", path, &headers, body);
    let peak = memory(server.pid(), "VmHWM:").saturating_sub(idle);
    let after = Wire::open(&server.url).ask("GET", "/readyz", &[], b"");
    assert_eq!(after.status, 200, "it is well afterwards");
    server.kill();
    (answer.status, peak)
}

/// What senders in the background share.
struct Load<'a> {
    url: &'a str,
    token: &'a str,
    /// Makes ids unique over restarts.
    round: u64,
    stop: AtomicBool,
    batches: AtomicU64,
    /// What was acknowledged: id by seq.
    known: Mutex<BTreeMap<u64, String>>,
}

impl<'a> Load<'a> {
    fn new(url: &'a str, token: &'a str, round: u64) -> Load<'a> {
        let (stop, batches) = (AtomicBool::new(false), AtomicU64::new(0));
        Load { url, token, round, stop, batches, known: Mutex::default() }
    }

    /// Sends batches until told to stop or until nobody answers any more.
    fn send(&self, sender: usize) {
        let Ok(mut wire) = Wire::try_open(self.url) else { return };
        for batch in 0.. {
            if self.stop.load(Relaxed) {
                return;
            }
            let id = |nth| format!("load-{}-{sender}-{batch}-{nth}", self.round);
            let ids: Vec<String> = (0..BATCH_EVENTS).map(id).collect();
            let body = Value::from_iter(ids.iter().map(|id| event(id))).to_string();
            // A server that is killed answers nobody; what it did not answer is not counted.
            let Ok(answer) = post(&mut wire, self.token, "identity", body.as_bytes()) else {
                return;
            };
            if answer.status != 200 {
                assert_eq!(answer.status, 503, "{}", answer.text());
                continue;
            }
            self.batches.fetch_add(1, Relaxed);
            let receipt = answer.json();
            let seq = |event: &Value| event["seq"].as_u64().expect("a seq");
            let stored = receipt["events"].as_array().expect("a list").iter().map(seq);
            self.known.lock().expect("not poisoned").extend(stored.zip(ids));
        }
    }
}

#[test]
fn what_was_acknowledged_is_found_at_once() {
    let tries = number("COUNTERFOIL_TRIES", 300);
    let folder = Folder::new();
    let server = folder.serve_told(&READS);
    let token = folder.first_token("default");
    let load = Load::new(&server.url, &token, 0);
    let missed = thread::scope(|scope| {
        for sender in 0..SENDERS {
            let load = &load;
            scope.spawn(move || load.send(sender));
        }
        let mut wire = Wire::open(&server.url);
        let missed = (0..tries).filter(|nth| !found_at_once(&mut wire, &token, *nth)).count();
        load.stop.store(true, Relaxed);
        missed
    });
    let batches = load.batches.into_inner();
    println!("{tries} tries, {missed} missed, while {batches} batches of {BATCH_EVENTS} were sent");
    assert_eq!(missed, 0);
    assert!(batches > 0, "there was a load");
    server.stop();
}

fn found_at_once(wire: &mut Wire, token: &str, nth: u64) -> bool {
    let id = format!("try-{nth}");
    let body = event(&id).to_string();
    let sent = post(wire, token, "identity", body.as_bytes()).expect("an answer");
    assert_eq!(sent.status, 200, "{}", sent.text());
    let seq = sent.json()["events"][0]["seq"].clone();
    // A list, and by turns one of the two other ways to it.
    let list = get(wire, token, &format!("/v1/events?q=id:{id}")).json();
    let hits = list["events"].as_array().map_or(0, Vec::len);
    let other = match nth % 3 {
        0 => get(wire, token, &format!("/v1/events/{id}")).json(),
        1 => get(wire, token, &format!("/v1/logs/default-0/events/{seq}")).json(),
        _ => list["events"][0].clone(),
    };
    hits == 1 && list["events"][0]["seq"] == seq && other["event"]["id"] == *id
}

#[test]
fn what_was_acknowledged_stands_after_kill_9() {
    let kills = number("COUNTERFOIL_KILLS", 3);
    let folder = Folder::new();
    let mut known: BTreeMap<u64, String> = BTreeMap::new();
    let mut server = folder.serve_told(&READS);
    let token = folder.first_token("default");
    folder.write("log.key", &folder.run(&["key", "export"]).code(0));
    let verify = |url: &str| {
        let server = ["--url", url, "--token", &token];
        let args = ["verify", url, "-k", "log.key", "--log", "default-0", "--remember", "pin"];
        folder.run(&[&args[..], &server].concat()).code(0)
    };
    for round in 0..kills {
        verify(&server.url);
        let url = server.url.clone();
        let load = Load::new(&url, &token, round);
        thread::scope(|scope| {
            let load = &load;
            for sender in 0..SENDERS {
                scope.spawn(move || load.send(sender));
            }
            // In the midst of it, each time a little later.
            while load.batches.load(Relaxed) < 20 * (round + 1) {
                thread::yield_now();
            }
            server.kill();
        });
        for (seq, id) in load.known.into_inner().expect("not poisoned") {
            let before = known.insert(seq, id);
            assert_eq!(before, None, "seq {seq} was given twice");
        }
        server = folder.serve_told(&READS);
        verify(&server.url);
        all_stand(&server.url, &token, &known);
    }
    let said = verify(&server.url);
    assert!(said.contains("extends"), "{said}");
    server.stop();
    let verdict = folder.run(&["verify", "data", "-k", "log.key", "--saved", "pin"]).code(0);
    assert!(verdict.contains("VERIFIED"), "{verdict}");
    println!("{} acknowledged events stand after {kills} kills", known.len());
}

/// Every acknowledged event stands where its receipt says.
fn all_stand(url: &str, token: &str, known: &BTreeMap<u64, String>) {
    let mut wire = Wire::open(url);
    for (seq, id) in known {
        let answer = get(&mut wire, token, &format!("/v1/logs/default-0/events/{seq}"));
        assert_eq!(answer.json()["event"]["id"], **id, "seq {seq}: {}", answer.text());
    }
    let last = known.values().next_back().expect("something was acknowledged");
    let found = get(&mut wire, token, &format!("/v1/events/{last}"));
    assert_eq!(found.status, 200, "found by its id as well");
}
