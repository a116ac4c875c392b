//! docs/openapi.json says what the router does: every route, who may, and codes that exist.
//! The table of docs/api.md names every route as well.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::access::listed;
use crate::support::Folder;
use crate::wire::ask;

const OPENAPI: &str = include_str!("../../../../docs/openapi.json");
const SCHEMA: &str = include_str!("../../../../docs/formats/event.schema.json");
const API: &str = include_str!("../../../../docs/api.md");
/// Routes that the document does not describe, each with its reason.
const UNDESCRIBED: &str = include_str!("undescribed.txt");

type Routes = BTreeMap<(String, String), Option<BTreeSet<String>>>;

/// Every operation of the document, with the roles that it serves.
fn described() -> Routes {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    let mut routes = Routes::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let roles = operation["x-roles"].as_array();
            let name = |role: &Value| role.as_str().expect("a role").to_owned();
            let roles = roles.map(|roles| roles.iter().map(name).collect());
            let open = operation["x-open"].as_str().is_some_and(|reason| !reason.is_empty());
            assert_ne!(open, roles.is_some(), "{method} {path}: open with a reason, or roles");
            assert_eq!(open, operation["security"] == serde_json::json!([]), "{method} {path}");
            // A wildcard has no other name in OpenAPI than a parameter's.
            let path = path.replace("{rest}", "{*rest}");
            routes.insert((method.to_uppercase(), path), roles);
        }
    }
    routes
}

#[test]
fn the_document_has_every_route_with_its_roles() {
    let lines = UNDESCRIBED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let undescribed: BTreeSet<(String, String)> = lines
        .map(|line| {
            let (route, reason) = line.split_once(": ").expect("METHOD PATH: REASON");
            assert!(!reason.is_empty(), "{line}: a reason");
            let (method, path) = route.split_once(' ').expect("METHOD PATH");
            (method.to_owned(), path.trim().to_owned())
        })
        .collect();
    let described = described();
    let twice = undescribed.iter().find(|route| described.contains_key(*route));
    assert_eq!(twice, None, "described, and in undescribed.txt as well");
    // `access.rs` holds this list against the router.
    let routes = listed().into_iter().map(|route| {
        let roles = route.roles.map(|roles| roles.into_iter().collect());
        ((route.method, route.path), roles)
    });
    let routes: Routes = routes.filter(|(route, _)| !undescribed.contains(route)).collect();
    assert_eq!(described, routes, "docs/openapi.json against unauthorized.txt");
}

/// Routes as the first column of docs/api.md has them: a method stands for every path behind it in
/// its row, and several before one path all belong to it.
fn tabled() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for row in API.lines().filter(|line| line.starts_with("| `")) {
        let column = row.split(" | ").next().unwrap_or_default();
        let mut methods: Vec<&str> = Vec::new();
        let mut had_path = false;
        for word in column.split('`').skip(1).step_by(2).flat_map(str::split_whitespace) {
            if !word.starts_with('/') {
                methods.truncate(if had_path { 0 } else { methods.len() });
                methods.push(word);
            }
            had_path = word.starts_with('/');
            if had_path {
                let path = if word.starts_with("/tlog/") { "/tlog/{log}/{*rest}" } else { word };
                found.extend(methods.iter().map(|method| (method.to_string(), path.to_owned())));
            }
        }
    }
    found
}

#[test]
fn the_page_names_every_route() {
    let routes: BTreeSet<_> = listed().into_iter().map(|r| (r.method, r.path)).collect();
    assert_eq!(tabled(), routes, "the table of docs/api.md against unauthorized.txt");
}

#[test]
fn its_codes_have_pages_and_its_names_are_unique() {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    let mut names = BTreeSet::new();
    for methods in document["paths"].as_object().expect("paths").values() {
        for operation in methods.as_object().expect("methods").values() {
            let name = operation["operationId"].as_str().expect("an operationId");
            assert!(names.insert(name), "{name} stands twice");
        }
    }
    let folder = Folder::new();
    for (status, answer) in document["components"]["responses"].as_object().expect("answers") {
        let codes = answer
            .pointer("/content/application~1problem+json/schema/allOf/1/properties/code/enum")
            .and_then(Value::as_array)
            .expect("codes");
        for code in codes {
            let code = code.as_str().expect("a code");
            let page = folder.run(&["explain", code, "--json"]).code(0);
            let page: Value = serde_json::from_str(&page).expect("JSON");
            let page = page["page"].as_str().expect("a page");
            assert!(page.contains(&format!("\n| {status} | ")), "{code} is answered as {status}");
        }
    }
}

#[test]
fn the_server_gives_out_both_files_as_they_are() {
    let folder = Folder::new();
    let server = folder.serve();
    let openapi = ask(&server.url, "", "GET", "/openapi.json", "");
    assert_eq!(openapi.header("content-type"), "application/json");
    assert_eq!(openapi.text(), OPENAPI);
    let schema = ask(&server.url, "", "GET", "/v1/schema/event", "");
    assert_eq!(schema.header("content-type"), "application/schema+json");
    assert_eq!(schema.text(), SCHEMA);
    server.stop();
}
