//! `counterfoil search`: what is said of a list that is not the whole answer.

use serde_json::{Value, json};

use crate::fake::{Fake, Reply};
use crate::support::{Folder, Ran};
use crate::terminal::{self, Seen};

/// A page of no events, with these members in the place of others.
fn page(more: &Value) -> Value {
    let mut page = json!({
        "events": [], "next": null, "partial": false, "scanned": 0, "unreadable": [],
        "count": null, "gaps": [], "gaps_more": 0, "took_ms": 10_012.0,
    });
    let members = page.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    page
}

fn search(more: &Value, args: &[&str]) -> (Ran, String) {
    let (folder, page) = (Folder::new(), page(more));
    let server = Fake::new(move |_, _| Reply::json(&page));
    let args = [&["search", "who:\"a b\"", "--url", &server.url][..], args].concat();
    (folder.run(&args), server.url)
}

#[test]
fn a_search_that_was_given_up_says_so_first_and_how_to_go_on() {
    let given_up = json!({"partial": true, "scanned": 1_234, "next": "118e"});
    let (ran, url) = search(&given_up, &["-n", "50", "--oldest"]);
    let go_on = format!(
        "  go on: counterfoil search 'who:\"a b\"' -n 50 --oldest --url {url} --cursor 118e"
    );
    let lines: Vec<&str> = ran.out.lines().collect();
    let first = "NOT FINISHED: given up after 10.0 s, 1,234 events looked at; none found so far";
    assert_eq!((ran.code, lines[0], lines[1]), (3, first, &*go_on), "{ran:?}");
    assert!(ran.err.is_empty(), "what may have been meant is not known yet: {ran:?}");
    let (ran, _) = search(&given_up, &["--json"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.code(3)).expect("JSON")["partial"], true);

    let (ran, _) = search(&json!({"partial": true}), &[]);
    assert!(ran.code(3).contains("\n  ask for less, such as a shorter time"));
    let count = json!({"count": {"count": 7, "partial": true}});
    let counted = search(&count, &["--count"]).0.code(3);
    assert!(counted.contains("not all that match are counted"), "{counted}");
    assert!(counted.contains("0 of at least 7 events"), "{counted}");
    let whole = search(&json!({"next": "118e"}), &[]).0.code(0);
    assert!(!whole.contains("NOT FINISHED") && whole.contains("  more: counterfoil search"));
}

#[test]
fn what_is_not_finished_is_in_the_colour_of_a_warning() {
    let (folder, page) = (Folder::new(), page(&json!({"partial": true})));
    let server = Fake::new(move |_, _| Reply::json(&page));
    let args = ["search", "--url", &server.url];
    let mut command = terminal::command(&folder, (100, 20), &json!([]), &args);
    let seen = Seen::from(&*command.env("NO_COLOR", "").output().expect("it runs").stdout);
    assert!(seen.code == 3 && seen.text.contains("\x1b[33mNOT FINISHED: "), "{seen:?}");
}

#[test]
fn two_days_leave_room_for_who_and_what_was_done() {
    let hit = |time: &str| {
        let event = json!({
            "id": "01a20390-809a-7e40-9d1e-40c2a8b3f6d7", "occurred_at": time,
            "action": "refund.create", "service": {"name": "payments"},
            "actor": {"type": "agent", "id": "refund-bot", "on_behalf_of": [
                {"type": "user", "id": "alice@shop.example"}]},
            "resources": [{"role": "target", "type": "payment", "id": "pay/7f31"}],
        });
        json!({"log": "a/tlog/a-0", "seq": 1, "event": event})
    };
    let list = |columns: usize, times: [&str; 2]| {
        let page = page(&json!({"events": times.map(hit)}));
        let (folder, server) = (Folder::new(), Fake::new(move |_, _| Reply::json(&page)));
        let seen =
            terminal::run(&folder, (columns, 20), &json!([]), &["search", "--url", &server.url]);
        assert_eq!(seen.code, 0, "{seen:?}");
        let is_wide = |line: &str| line.trim_end().chars().count() > columns;
        assert!(!seen.text.lines().any(is_wide), "{}", seen.text);
        seen.text
    };
    let times = ["2026-01-02T03:04:05.678Z", "2026-01-01T03:04:05.678Z"];
    let narrow = list(80, times);
    for part in
        ["  01-02 03:04:05  ", "  01-01 03:04:05  ", "  refund.create  ", "2 events of 2026"]
    {
        assert!(narrow.contains(part), "{part}: {narrow}");
    }
    assert!(narrow.contains("  refund-bot …  "), "{narrow}");
    let years = list(80, [times[0], "2025-01-01T03:04:05.678Z"]);
    assert!(years.contains("  2025-01-01 03:04:05  "), "{years}");
    assert!(list(120, times).contains("  2026-01-01 03:04:05.678  "));
}
