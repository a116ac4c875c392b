//! From an error to what to do about it.

use serde_json::{Value, json};

use crate::support::Folder;
use crate::terminal;

#[test]
fn an_error_names_its_page_and_its_request() {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.first_token("default");
    let url = server.url.clone();
    let ask = |token: &str, more: &[&str]| {
        let args = [&["--url", &url, "--token", token, "show", "nothing"][..], more].concat();
        folder.run(&args)
    };
    let failed = ask(&token, &[]);
    assert_eq!((failed.code, failed.out.as_str()), (1, ""));
    let lines: Vec<&str> = failed.err.lines().collect();
    assert!(lines[0].starts_with("counterfoil: the server said 404: no event has"), "{failed:?}");
    assert!(lines[1].starts_with("  what to do: counterfoil explain not_found    request "));
    let id = lines[1].rsplit(' ').next().expect("an id");
    assert_eq!(id.len(), 17, "{failed:?}");

    let failed = ask("cf_00000000_00", &["--json"]);
    assert_eq!((failed.code, failed.out.as_str()), (1, ""));
    let error = serde_json::from_str::<Value>(&failed.err).expect("JSON")["error"].take();
    assert_eq!(error["kind"], "refused");
    assert_eq!((&error["status"], &error["code"]), (&401.into(), &"token".into()), "{error}");
    assert!(error["detail"].as_str().is_some_and(|text| text.starts_with("this token is not")));
    assert_ne!(error["request_id"].as_str().expect("an id"), id);
    server.stop();

    let failed = ask(&token, &["--json"]);
    let error = serde_json::from_str::<Value>(&failed.err).expect("JSON")["error"].take();
    assert_eq!((&error["kind"], &error["exit_code"]), (&"server".into(), &1.into()), "{error}");
}

#[test]
fn explain_needs_no_server() {
    let folder = Folder::new();
    let page = folder.run(&["explain", "busy"]).code(0);
    assert!(page.starts_with("busy\n\nToo many bytes are in flight"), "{page}");
    let all = folder.run(&["explain"]).code(0);
    assert!(all.contains("\n  atomic           refused        Nothing is wrong with"), "{all}");
    assert!(all.ends_with("the search language: counterfoil explain search\n"), "{all}");
    let unknown = folder.run(&["explain", "bussy"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""));
    assert!(unknown.err.contains("did you mean busy?"), "{unknown:?}");
    let unknown = folder.run(&["explain", "unknown_membr"]).err;
    assert!(unknown.contains("did you mean unknown_member?"), "{unknown}");
    let unknown = folder.run(&["explain", "zzzzzzzzzzzz"]).err;
    assert!(unknown.contains("counterfoil explain lists them"), "{unknown}");
    let page = folder.run(&["explain", "busy", "--json"]).code(0);
    assert_eq!(serde_json::from_str::<Value>(&page).expect("JSON")["code"], "busy");
}

#[test]
fn a_page_fits_the_terminal_and_has_no_marks_of_its_source() {
    let folder = Folder::new();
    let codes = folder.run(&["explain", "--json"]).code(0);
    let mut pages: Vec<String> = serde_json::from_str(&codes).expect("a list");
    assert!(pages.len() > 40, "{pages:?}");
    pages.push("search".into());
    for page in pages {
        let text = folder.run(&["explain", &page]).code(0);
        // An example is shown as it would be sent.
        let text = text.lines().filter(|line| !line.starts_with("    \""));
        let text = text.map(|line| format!("{line}\n")).collect::<String>();
        for mark in ["`", "](", "| ---", "**"] {
            assert!(!text.contains(mark), "{page} has {mark}: {text}");
        }
    }
    for args in [&["explain"][..], &["explain", "search"], &["explain", "disk"]] {
        let seen = terminal::run(&folder, (80, 200), &json!([]), args);
        let widest = seen.text.lines().map(|line| line.trim_end().chars().count()).max();
        assert!(seen.code == 0 && widest.is_some_and(|widest| widest <= 80), "{seen:?}");
    }
}

#[test]
fn who_has_the_program_alone_can_learn_the_search_language() {
    let folder = Folder::new();
    let page = folder.run(&["explain", "search"]).code(0);
    assert!(page.starts_with("The search language\n") && page.contains("-name:value"), "{page}");
    let raw = folder.run(&["explain", "search", "--json"]).code(0);
    let raw: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(raw["page"], include_str!("../../../../docs/search.md"));
    for args in [&["explain", "query"][..], &["search", "--help"], &["tail", "--help"]] {
        let said = folder.run(args).code(0);
        assert!(said.contains("counterfoil explain search"), "{said}");
    }
}
