//! Tokens of several tenants: none takes another's room, and a second person's word ends with the
//! token that gave it.

use serde_json::{Value, json};

use crate::support::Folder;
use crate::wire::{Answer, ask};

const TWO: &str = "[[log]]\nname = \"acme-0\"\ntenant = \"acme\"\n[[log]]\nname = \"beta-0\"\n\
                   tenant = \"beta\"\n";

fn make(url: &str, admin: &str, name: &str, role: &str) -> Answer {
    let new = json!({"name": name, "role": role, "services": []});
    ask(url, admin, "POST", "/v1/tokens", &new.to_string())
}

fn id(token: &str) -> &str {
    token.split('_').nth(1).expect("its public part")
}

/// What an access log has of an action, newest first.
fn stated(url: &str, token: &str, log: &str, action: &str) -> Vec<Value> {
    let path = format!("/v1/events?log={log}&q=action:{action}");
    let page = ask(url, token, "GET", &path, "").json();
    let events = page["events"].as_array().unwrap_or_else(|| panic!("{page}"));
    events.iter().map(|found| found["event"].clone()).collect()
}

/// Fills a tenant's half of 10,000 tokens; the first two expired.
fn fill(folder: &Folder) {
    let path = folder.path("data-keys/tokens.json");
    let text = std::fs::read_to_string(&path).expect("the file");
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    let tokens = file["tokens"].as_array_mut().expect("a list");
    let token = |nth: usize| {
        let mut token = json!({
            "id": format!("{nth:08x}"), "name": format!("t{nth}"), "role": "reader",
            "tenant": "acme", "services": [], "created_at": "2026-01-01T00:00:00.000000000Z",
            "hash": "0".repeat(64),
        });
        if nth < 2 {
            token["expires_at"] = json!("2026-01-02T00:00:00.000000000Z");
        }
        token
    };
    tokens.extend((0..4_999).map(token));
    std::fs::write(path, file.to_string()).expect("written");
}

#[test]
fn a_tenant_takes_no_room_for_tokens_from_another() {
    let folder = Folder::new();
    folder.write("c.toml", TWO);
    folder.serve_with(&["--config", "c.toml"]).stop();
    fill(&folder);
    let server = folder.serve_with(&["--config", "c.toml"]);
    let [acme, beta] = ["acme", "beta"].map(|tenant| folder.first_token(tenant));
    for name in ["one", "two"] {
        let made = make(&server.url, &acme, name, "reader");
        assert_eq!(made.status, 201, "those that expired fall away: {}", made.text());
    }
    let forgotten = stated(&server.url, &acme, "acme-access-0", "token.forget");
    let ids: Vec<&Value> = forgotten[0]["resources"].as_array().expect("a list").iter().collect();
    assert_eq!(forgotten.len(), 1, "{forgotten:?}");
    assert_eq!((&ids[0]["id"], &ids[1]["id"]), (&json!("00000000"), &json!("00000001")));
    let full = make(&server.url, &acme, "three", "reader");
    assert_eq!((full.status, &full.json()["code"]), (409, &json!("token")), "{}", full.text());
    assert!(full.text().contains("at most 5000 tokens"), "{}", full.text());
    assert_eq!(make(&server.url, &beta, "need", "reader").status, 201, "another has its own");
    assert_eq!(ask(&server.url, &acme, "DELETE", "/v1/tokens/00000002", "").status, 204);
    assert_eq!(make(&server.url, &acme, "three", "reader").status, 201, "there is room again");
    server.stop();
}

#[test]
fn a_word_ends_with_its_token_and_the_act_names_who_gave_it() {
    let folder = Folder::new();
    let server = folder.serve();
    let admin = folder.first_token("default");
    let auditor = |name: &str| {
        let made = make(&server.url, &admin, name, "auditor").json();
        made["token"].as_str().expect("a token").to_owned()
    };
    let (gone, stays) = (auditor("gone"), auditor("stays"));
    let asked = |token: &str, method: &str, path: &str, body: &str| {
        ask(&server.url, token, method, path, body).status
    };
    let last = format!("/v1/tokens/{}", id(&admin));
    let agreement = format!("{last}/agreement");
    let (key, rotate) = ("/v1/logs/default-0/keys/agreement", "/v1/logs/default-0/keys/rotate");
    let why = r#"{"why":"a year is over"}"#;
    for path in [agreement.as_str(), key] {
        assert_eq!(asked(&gone, "POST", path, ""), 204);
    }
    assert_eq!(asked(&admin, "DELETE", &format!("/v1/tokens/{}", id(&gone)), ""), 204);
    assert_eq!(asked(&admin, "POST", rotate, why), 409, "the word of a token that was revoked");
    assert_eq!(asked(&admin, "DELETE", &last, ""), 409, "the same");
    for path in [agreement.as_str(), key] {
        assert_eq!(asked(&stays, "POST", path, ""), 204);
    }
    assert_eq!(asked(&admin, "POST", rotate, why), 200);
    assert_eq!(asked(&admin, "DELETE", &last, ""), 204);
    for action in ["token.revoke", "log.key.rotate"] {
        let found = stated(&server.url, &stays, "default-access-0", action);
        assert_eq!((&found[0]["phase"], &found[1]["phase"]), (&json!("end"), &json!("attempt")));
        for event in &found[..2] {
            let approvals = event["reason"]["approvals"].as_array().expect("who agreed");
            let [approval] = approvals.as_slice() else { panic!("{event}") };
            assert_eq!((&approval["by"], &approval["role"]), (&json!("stays"), &json!("auditor")));
            assert_eq!(approval["decision"], "approved");
            assert!(approval["at"].is_string(), "{event}");
            assert_eq!(event["attributes"]["agreed_by_token"], id(&stays), "{event}");
        }
        assert!(found[2]["reason"]["approvals"].is_null(), "nobody had: {}", found[2]);
    }
    server.stop();
}
