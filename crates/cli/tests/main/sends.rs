//! What `send` says of what it sent: to its end, to a mistake, to Ctrl-C.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use crate::fake::{Fake, Reply};
use crate::life::EVENT;
use crate::support::{Folder, Ran};

/// So many records, one a line.
fn lines(count: usize) -> String {
    format!("{EVENT}\n").repeat(count)
}

/// What is answered to a whole batch.
fn receipt(count: u64) -> Reply {
    let events: Vec<Value> = (0..count).map(|seq| json!({"log": 0, "seq": seq})).collect();
    Reply::json(&json!({"events": events, "logs": []}))
}

#[test]
fn records_that_nobody_knows_again_are_counted() {
    let folder = Folder::new();
    let _server = folder.serve();
    let mut event: Value = serde_json::from_str(EVENT).expect("JSON");
    event.as_object_mut().expect("an object").remove("id");
    folder.write("none.ndjson", &format!("{event}\n{event}\n{EVENT}\n"));
    for known in [0, 1] {
        let sent = folder.run(&["send", "none.ndjson"]);
        let want = format!("3 records from 1 file: {} new, {known} known already", 3 - known);
        assert!(sent.out.starts_with(&want), "{sent:?}");
        let said = "2 records have no id: sending them again stores them again\n";
        assert_eq!(sent.err, said);
    }
    let sent = folder.run(&["send", "none.ndjson", "--json"]).code(0);
    assert_eq!(serde_json::from_str::<Value>(&sent).expect("JSON")["without_id"], 2);
}

#[test]
fn the_first_of_each_refusal_is_told_by_its_place_and_reason() {
    let folder = Folder::new();
    let _server = folder.serve();
    let wrong = EVENT.replace("\"actor\"", "\"akt\\u001b\\u202eor\"");
    folder.write("wrong.ndjson", &format!("{EVENT}\n\n  {wrong}\n{wrong}\n{{\"\u{e9}\":}}\n"));
    let sent = folder.run(&["send", "wrong.ndjson", "--refusals", "all"]);
    assert_eq!(sent.code, 1, "{sent:?}");
    assert!(sent.out.contains("\n       2  unknown_member /akt"), "{sent:?}");
    assert!(sent.out.contains("\n          wrong.ndjson:3:3: "), "{sent:?}");
    assert!(!sent.out.contains(['\u{1b}', '\u{202e}']), "{sent:?}");
    let json = "\n       1  json\n          wrong.ndjson:5:6: not valid JSON: expected a value\n";
    assert!(sent.out.contains(json), "{sent:?}");
    assert!(sent.err.contains("all that were refused, one by one: --refusals FILE"), "{sent:?}");
    let all = fs::read_to_string(folder.path("all")).expect("a file");
    let places = all.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        [&line["record"], &line["line"], &line["column"]].map(|n| n.as_u64().expect("a number"))
    });
    assert_eq!(places.collect::<Vec<_>>(), [[4, 5, 6], [2, 3, 3], [3, 4, 1]]);

    let sent = folder.run(&["send", "wrong.ndjson", "--json"]).code(1);
    let told: Value = serde_json::from_str(&sent).expect("JSON");
    assert_eq!(told["refusals"]["json"], 1, "{told}");
    let first = &told["first_refusals"]["json"];
    assert_eq!((&first["line"], &first["file"]), (&5.into(), &"wrong.ndjson".into()), "{told}");
    assert_eq!(first["refused"]["reason"], "not valid JSON: expected a value", "{told}");
}

#[test]
fn a_file_that_is_no_json_is_told_by_line_and_column() {
    let folder = Folder::new();
    let _server = folder.serve();
    folder.write("bad.json", &format!("[\n  {EVENT},\n  {{\"a\" 1}}\n]\n"));
    let sent = folder.run(&["send", "bad.json"]);
    assert!(sent.err.contains("counterfoil: bad.json:3:8: not valid JSON: expected"), "{sent:?}");
    assert!(!sent.err.contains("stopped"), "nothing was asked: {sent:?}");
}

#[test]
fn what_was_answered_is_told_where_a_sending_stops() {
    let folder = Folder::new();
    folder.write("many.ndjson", &lines(2_500));
    let wrong = json!({"status": 400, "code": "schema", "detail": "no"});
    let broken = json!({"status": 500, "code": "internal", "detail": "no"});
    for (reply, said) in [
        (Reply::failed(400, &wrong), "records 1 to 1,000 were answered; record 1,001 is next"),
        (
            Reply::failed(500, &broken),
            "records 1 to 1,000 were answered; to records 1,001 to 2,000 no answer came: they may \
             be stored",
        ),
    ] {
        let server = Fake::new(move |nth, _| if nth == 0 { receipt(1_000) } else { reply.clone() });
        let send = ["send", "many.ndjson", "--url", &server.url, "--token", "t"];
        let sent = folder.run(&send);
        assert_eq!(sent.code, 1, "{sent:?}");
        assert!(sent.out.starts_with("1,000 records from 1 file: 1,000 new"), "{sent:?}");
        assert!(sent.err.contains(&format!("stopped in many.ndjson: {said}\n")), "{sent:?}");
    }
}

#[test]
fn an_interrupt_tells_what_was_answered() {
    let folder = Folder::new();
    folder.write("many.ndjson", &lines(2_500));
    let (started, pid) = channel::<u32>();
    let server = Fake::new(move |nth, _| {
        if nth == 1 {
            let pid = pid.recv().expect("it runs").to_string();
            let asked = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
            assert!(asked.success());
            // No answer comes: whoever waits for one waits for this process.
            let (_kept, never) = channel::<()>();
            let _ = never.recv();
        }
        receipt(1_000)
    });
    let send = ["send", "many.ndjson", "--json", "--url", &server.url, "--token", "t"];
    let mut command = folder.command(&send);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    started.send(child.id()).expect("heard");
    let sent = Ran::from(child.wait_with_output().expect("ends")).code(130);
    let told: Value = serde_json::from_str(&sent).expect("JSON");
    let want = json!({"file": "many.ndjson", "known": 1_000, "asked": 2_000});
    assert_eq!((&told["new"], &told["stopped"]), (&1_000.into(), &want), "{told}");
}
