//! `counterfoil status`: well, with remarks, and not well.

use serde_json::{Value, json};

use crate::support::Folder;
use crate::wire::{Wire, ask};

fn numbered(seq: u64) -> String {
    json!({
        "id": format!("e-{seq}"), "action": "a.b", "actor": {"type": "user", "id": "u"},
        "service": {"name": "billing"}, "occurred_at": "2026-01-02T03:04:05Z",
        "producer": {"id": "billing-1", "stream": "s", "seq": seq},
    })
    .to_string()
}

#[test]
fn a_status_says_what_is_not_well_and_where_to_look() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let well = folder.run(&["status"]).code(0);
    assert!(well.contains("WELL"), "{well}");
    assert!(well.contains("no gap, nobody silent"), "{well}");
    let verify = format!("counterfoil verify {} --remember FILE", server.url);
    assert!(well.contains(&verify), "{well}");
    assert!(well.contains("disk ") && well.contains(" free"), "{well}");

    let refused = ask(&server.url, &token, "POST", "/v1/events", r#"{"id":"x"}"#);
    assert_eq!(refused.status, 422);
    let remarked = folder.run(&["status"]).code(0);
    assert!(remarked.contains("1 record refused"), "{remarked}");
    assert!(remarked.contains("look further: counterfoil refusals"), "{remarked}");

    for seq in [0, 2] {
        assert_eq!(ask(&server.url, &token, "POST", "/v1/events", &numbered(seq)).status, 200);
    }
    let gapped = folder.run(&["status"]);
    assert_eq!(gapped.code, 1, "{gapped:?}");
    let gapped = folder.run(&["--json", "status"]).code(1);
    let status: Value = serde_json::from_str(&gapped).expect("JSON");
    assert_eq!(status["well"], false);
    let first = &status["findings"][0];
    assert_eq!((&first["level"], &first["area"]), (&json!("bad"), &json!("complete")), "{first}");
    assert!(first["what"].as_str().expect("words").contains("billing-1"), "{first}");

    assert_eq!(ask(&server.url, &token, "POST", "/v1/events", &numbered(1)).status, 200);
    folder.run(&["status"]).code(0);
    let role = Wire::open(&server.url).ask("GET", "/v1/status", &[], b"");
    assert_eq!(role.status, 401, "it is not open");
    server.stop();
}

#[test]
fn a_log_that_the_settings_misspell_is_told() {
    let folder = Folder::new();
    folder.serve().stop();
    folder.write("c.toml", "[[log]]\nname = \"default-o\"\ntenant = \"default\"\n");
    let err = folder.path("err");
    let args = ["serve", "--data", "data", "--config", "c.toml", "--listen", "127.0.0.1:0"];
    let mut command = folder.command(&args);
    command.stderr(std::fs::File::create(&err).expect("made"));
    let server = folder.serve_by(command);
    let told = std::fs::read_to_string(&err).expect("what it said");
    assert!(told.contains("no setting names") && told.contains("\"default-0\""), "{told}");
    let token = folder.first_token("default");
    let screen = folder.run(&["status", "--url", &server.url, "--token", &token]).code(0);
    let line = "2 logs open and named by no setting, so nothing goes there: default-0, \
                default-access-0; is a log.name misspelt?";
    assert!(screen.contains(line), "{screen}");
    server.stop();
    // By its name again, with the others left over.
    folder.write("c.toml", "[[log]]\nname = \"default-0\"\ntenant = \"default\"\n");
    let server = folder.serve_with(&["--config", "c.toml"]);
    folder
        .run(&[
            "log",
            "rotate",
            "default-0",
            "--why",
            "a test",
            "--url",
            &server.url,
            "--token",
            &token,
        ])
        .code(0);
    let logs = ask(&server.url, &token, "GET", "/v1/status", "").json()["logs"].take();
    let logs = logs.as_array().expect("a list").iter();
    let mut closed = logs.clone().filter(|log| log["name"] == "default-0");
    let closed = closed.next().expect("it is there");
    assert_eq!(closed.get("named"), None, "nothing is to go to it: {closed}");
    let unnamed = logs.filter(|log| log["named"] == false).map(|log| log["name"].clone());
    assert_eq!(Value::from_iter(unnamed), json!(["default-o", "default-o-access-0"]));
    server.stop();
}

/// A producer does not know of partitions: its numbers go on in the next one.
#[test]
fn a_rotation_in_the_middle_of_a_stream_is_no_loss() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let send = |url: &str, seqs: &[u64]| {
        for seq in seqs {
            assert_eq!(ask(url, &token, "POST", "/v1/events", &numbered(*seq)).status, 200);
        }
    };
    let gaps = |url: &str| {
        let found = ask(url, &token, "GET", "/v1/gaps", "").json();
        assert_eq!(found["more"], 0);
        let gaps = found["gaps"].as_array().expect("a list").iter();
        Vec::from_iter(gaps.map(|gap| json!([gap["log"], gap["first"], gap["count"]])))
    };
    send(&server.url, &[0, 1, 3]);
    let why = r#"{"why":"a new year"}"#;
    let rotated = ask(&server.url, &token, "POST", "/v1/logs/default-0/rotate", why);
    assert_eq!((rotated.status, &rotated.json()["open"]), (200, &json!("default-1")));
    let before = [json!(["default-0", 2, 1])];
    assert_eq!(gaps(&server.url), before);
    send(&server.url, &[4]);
    assert_eq!(gaps(&server.url), before, "what the closed log has is not missing");
    send(&server.url, &[7, 2]);
    let across = [json!(["default-1", 5, 2])];
    assert_eq!(gaps(&server.url), across);
    let listed = ask(&server.url, &token, "GET", "/v1/events?q=service:billing", "").json();
    assert_eq!((&listed["gaps"][0]["first"], &listed["gaps"][1]), (&json!(5), &Value::Null));
    // A service that goes on in the next log is one service, and the closed log has not the last
    // word on when it was heard.
    let services = ask(&server.url, &token, "GET", "/v1/status", "").json()["services"].take();
    let latest = services["latest"].as_array().expect("a list").iter();
    let billing = Vec::from_iter(latest.filter(|seen| seen["service"] == "billing"));
    let [billing] = billing[..] else { panic!("once: {services}") };
    assert_eq!((&billing["log"], &billing["events"]), (&json!("default-1"), &json!(6)));
    server.stop();
    let server = folder.serve();
    assert_eq!(gaps(&server.url), across, "after a restart");
    send(&server.url, &[5, 6]);
    assert_eq!(gaps(&server.url), Vec::<Value>::new());
    folder.run(&["status", "--url", &server.url, "--token", &token]).code(0);
    server.stop();
}

/// Every page of a list tells of gaps; a producer that lost a thousand must not weigh each down.
#[test]
fn a_page_has_the_first_gaps_and_counts_the_others() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let events = Vec::from_iter((0..=130).map(|nth| numbered(2 * nth)));
    let sent = ask(&server.url, &token, "POST", "/v1/events", &format!("[{}]", events.join(",")));
    assert_eq!(sent.status, 200);
    let page = ask(&server.url, &token, "GET", "/v1/events?limit=1", "").json();
    let gaps = page["gaps"].as_array().expect("a list");
    assert_eq!(
        (gaps.len(), &page["gaps_more"], &gaps[99]["first"]),
        (100, &json!(30), &json!(199))
    );
    let all = ask(&server.url, &token, "GET", "/v1/gaps", "").json();
    assert_eq!((all["gaps"].as_array().map(Vec::len), &all["more"]), (Some(130), &json!(0)));
    server.stop();
}
