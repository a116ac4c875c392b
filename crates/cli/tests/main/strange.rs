//! Servers that are none of ours: whatever they answer is not taken for good news.

use serde_json::{Value, json};

use crate::fake::{Fake, Reply};
use crate::support::Folder;

#[test]
fn an_answer_without_what_every_server_says_is_an_error() {
    let folder = Folder::new();
    let place = json!({"log": "a/tlog/a-0", "seq": 3, "event": {"id": "x"}});
    for (answer, args) in [
        (json!({}), &["status"][..]),
        (json!({}), &["receipt", "x"]),
        (json!({}), &["show", "x"]),
        (json!({}), &["tail"]),
        (json!([]), &["status"]),
        // It says where, and its proof is none.
        (place, &["receipt", "x"]),
    ] {
        let server = Fake::new(move |_, _| Reply::json(&answer));
        for more in [&[][..], &["--json"]] {
            let ran = folder.run(&[args, &["--url", &server.url], more].concat());
            assert_eq!((ran.code, &*ran.out), (1, ""), "{ran:?}");
            assert!(
                ran.err.contains("no Counterfoil server, or one of another version"),
                "{ran:?}"
            );
            assert!(!ran.err.contains("nothing was lost"), "{ran:?}");
        }
    }
}

#[test]
fn who_judges_nothing_ends_with_two() {
    let folder = Folder::new();
    let none = folder.run(&["verify", "http://127.0.0.1:1", "--json"]);
    assert_eq!((none.code, &*none.out), (2, ""), "{none:?}");
    let error = serde_json::from_str::<Value>(&none.err).expect("JSON")["error"].take();
    assert_eq!((&error["kind"], &error["exit_code"]), (&json!("server"), &json!(2)), "{error}");
}
