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
