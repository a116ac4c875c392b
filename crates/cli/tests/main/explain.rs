//! From an error to what to do about it.

use serde_json::Value;

use crate::support::Folder;

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
    assert_eq!(page, include_str!("../../../../docs/errors/busy.md"));
    let all = folder.run(&["explain"]).code(0);
    assert_eq!(all, include_str!("../../../../docs/errors/README.md"));
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
