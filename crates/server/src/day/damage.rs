//! An event that is not what was signed, found while the server runs, by its check or by who reads:
//! the process ends by itself, the next start refuses before it takes anything, and one that is
//! told to goes on past it.

use commit::journal::file::BLOCK;
use commit::journal::frame::{Frame, HEADER_BYTES};
use commit::journal::section::sections;
use commit::{OpenError, read_frame_key};
use platform::Disk;
use platform::sim::Crash;

use super::house::House;
use crate::compose::Composed;
use crate::readiness::Readiness;
use crate::start_error::StartError;

fn configure(house: &House, on_damage: &str) {
    let log = "[[log]]\nname = \"north-0\"\ntenant = \"north\"\n";
    house.configure(&format!("origin = \"log.example\"\non_damage = \"{on_damage}\"\n{log}"));
}

/// Breaks the event list of the newest frame; every checksum is as it should be, and its mark, as
/// only who has the key of frames can make it. Answers of which log, from which entry on, and how
/// many they are.
fn break_newest(house: &House) -> (String, u64, u64) {
    let data = house.disk.folder("data");
    let data: &dyn Disk = &data;
    let mut names = data.list("journal").expect("a journal");
    names.sort();
    let read = |name: &String| data.read_small(&format!("journal/{name}"), 1 << 30).expect("read");
    let has_frames = |name: &&String| Frame::decode(&read(name)[BLOCK..]).is_some();
    let name = names.iter().rev().find(has_frames).expect("a file with frames");
    let (bytes, mut at) = (read(name), BLOCK);
    let mut newest = None;
    while let Some(frame) = Frame::decode(&bytes[at..]) {
        let room = frame.room() as usize;
        newest = Some((at, frame));
        at += room;
    }
    let (at, frame) = newest.expect("a frame");
    let mut changed = [&[0; HEADER_BYTES], frame.sections].concat();
    let section = sections(frame.sections, frame.header.sections).expect("whole").pop();
    let section = section.expect("a section");
    changed[HEADER_BYTES + section.event_list_at] ^= 1;
    let keys: &dyn Disk = &house.disk.folder("keys");
    let key = keys.read_small("frame.key", 999).ok().and_then(|bytes| read_frame_key(&bytes));
    key.expect("the key of frames").1.finish(&mut changed, frame.header);
    let file = data.open(&format!("journal/{name}")).expect("opened");
    file.write_at(at as u64, &changed).and_then(|()| file.sync()).expect("written");
    let name = section.origin.rsplit('/').next().expect("a name").to_owned();
    (name, section.first, section.leaves.len() as u64)
}

/// What does not hold.
fn broken(readiness: &Readiness) -> Vec<&'static str> {
    let broken = readiness.conditions.iter().filter(|condition| !condition.holds);
    broken.map(|condition| condition.name).collect()
}

/// Waits until all that the start found is compared with its entries.
fn compared(living: &Composed) {
    let is_done = || {
        let [_, checked, found] = living.app.backlog.progress();
        living.app.backlog.is_open() && checked == found
    };
    while !is_done() {
        std::thread::yield_now();
    }
}

/// What the living process says of its end, and that the next two starts refuse.
fn ends_and_refuses(house: &mut House, living: Composed) -> String {
    let mut stopped = living.stop.subscribe();
    house.wait(async { stopped.wait_for(|stop| *stop).await.map(|_| ()) }).expect("it ends");
    let readiness = living.app.readiness();
    assert!(!readiness.is_ready());
    assert_eq!(broken(&readiness).iter().filter(|name| **name == "damage").count(), 1);
    let ended = house.wait(living.close()).expect_err("it says why");
    assert!(ended.ends_with("docs/operations/damage.md"), "{ended}");
    house.crash(Crash::PowerLoss);
    for _ in 0..2 {
        let refused = house.start().err().expect("the first start after it refuses");
        let told = refused.to_string();
        assert!(told.contains("on_damage = \"new-partition\""), "{told}");
        let StartError::Damaged(OpenError::Damaged(damage)) = refused else { panic!("{told}") };
        assert!(damage.file.starts_with("journal/"), "{damage}");
        house.crash(Crash::Killed);
    }
    ended
}

/// The check has been there before: what is changed behind it is found by who reads.
#[test]
fn what_a_read_finds_ends_one_process_and_no_more() {
    let event = r#"{"action":"a.b","actor":{"type":"user","id":"u"},"service":{"name":"billing"},
        "occurred_at":"2026-01-02T03:04:05Z","id":"pay-7","correlation":{"correlation_id":"c-7"}}"#;
    let asked = ["logs/LOG/events/SEQ", "events?q=who:u", "events/pay-7", "traces/c-7"];
    for (nth, how) in asked.iter().enumerate() {
        let mut house = House::new(5, 2_000 + nth as u64);
        configure(&house, "refuse");
        let living = house.start().expect("a new folder");
        let admin = living.first_tokens[0].1.clone();
        compared(&living);
        let ask = |how: &str, token: &str, body: &str| {
            house.ask(&living.app, how, token, body.to_owned())
        };
        let sender = r#"{"name":"s","role":"producer","services":["billing"]}"#;
        let sender = ask("POST /v1/tokens", &admin, sender).json();
        let sender = sender["token"].as_str().expect("a token");
        assert_eq!(ask("POST /v1/events", sender, event).status, 200);
        let (log, seq, entries) = break_newest(&house);
        assert!(broken(&living.app.readiness()).is_empty(), "nobody knows of it yet");
        let how = format!("GET /v1/{how}").replace("LOG", &log).replace("SEQ", &seq.to_string());
        let answer = ask(&how, &admin, "");
        let json = answer.json();
        if answer.status == 200 {
            let unreadable = json["unreadable"].as_array().expect("a list");
            assert_eq!(unreadable.len() as u64, entries, "{json}");
            assert!(unreadable.iter().any(|it| it["seq"] == seq && it["log"] == log[..]), "{json}");
        } else {
            assert_eq!((answer.status, answer.code()), (500, "damaged".to_owned()), "{json}");
            let detail = json["detail"].as_str().expect("a text");
            assert!(detail.contains(&format!("entry {seq} of the log {log}")), "{detail}");
            assert!(!detail.contains("retry"), "a read is not told to send its ids: {detail}");
        }
        let ended = ends_and_refuses(&mut house, living);
        assert!(ended.contains(&format!("log {log}, entries from {seq}")), "{ended}");
    }
}

#[test]
fn what_the_check_finds_ends_one_process_and_no_more() {
    let mut house = House::new(3, 1_000);
    configure(&house, "refuse");
    let living = house.start().expect("a new folder");
    let admin = living.first_tokens[0].1.clone();
    house.wait(living.close()).expect("it stops");
    house.crash(Crash::Killed);
    let (log, seq, entries) = break_newest(&house);

    let living = house.start().expect("no checksum shows it");
    let ended = ends_and_refuses(&mut house, living);
    assert!(ended.contains(&format!("log {log}, entries from {seq}: ")), "{ended}");

    configure(&house, "new-partition");
    for _ in 0..2 {
        let living = house.start().expect("it goes on");
        let app = living.app.clone();
        let size = app.store.logs()[&log].checkpoint().size;
        assert!((1..=entries).contains(&app.lost()), "{} of {entries}", app.lost());
        compared(&living);
        assert_eq!(app.lost(), entries, "all that stand in the broken list");
        assert_eq!(broken(&app.readiness()), ["aside", "damage"]);
        let ask = |how: &str| house.ask(&app, how, &admin, String::new());
        let lost = ask(&format!("GET /v1/logs/{log}/events/{seq}"));
        assert_eq!((lost.status, lost.code()), (404, "not_found".to_owned()), "{}", lost.body);
        let whole = ask(&format!("GET /v1/logs/{log}/events/{}", seq - 1));
        assert_eq!(whole.status, 200, "{}", whole.body);
        let logs = ask("GET /v1/logs").json();
        let old = logs["logs"].as_array().expect("a list").iter().find(|it| it["name"] == log[..]);
        assert_eq!(old.expect("it is listed")["damaged"]["unreadable"], entries);
        let text = format!("GET /v1/events?log={log}&limit=1000");
        let listed = ask(&text).json();
        let unreadable = listed["unreadable"].as_array().map_or(0, Vec::len) as u64;
        let shown = listed["events"].as_array().expect("a list").len() as u64;
        assert_eq!((shown, unreadable), (size - entries, entries), "{listed}");
        drop(app);
        house.wait(living.close()).expect("it stops in order");
        house.crash(Crash::Killed);
    }
}
