//! Owners, from the files to the stamp: what takes force and what does not, what the access log
//! has of it, and what a restart keeps.

use serde_json::{Value, json};

use crate::support::{Folder, Server};
use crate::wire::ask;

const OWNERS: &str = r#"
[team.team-a]
contact = "a@shop.example"

[service.shop]
team = "team-a"
tier = "1"
actions = ["order.*", "refund.create"]

[service."pay-*"]
team = "team-pay"
"#;

const CONFIG: &str = r#"
[[log]]
name = "default-0"
tenant = "default"
catalogue = "owners.toml"
"#;

/// A server whose owners stand in files beside it.
struct House {
    folder: Folder,
    token: String,
    server: Server,
}

impl House {
    fn open() -> House {
        let folder = Folder::new();
        folder.write("owners.toml", OWNERS);
        folder.write("counterfoil.toml", CONFIG);
        let server = folder.serve_with(&["--config", "counterfoil.toml"]);
        let token = folder.first_token("default");
        House { folder, token, server }
    }

    fn restart(self) -> House {
        let House { folder, token, server } = self;
        server.stop();
        let server = folder.serve_with(&["--config", "counterfoil.toml"]);
        House { folder, token, server }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        ask(&self.server.url, &self.token, method, path, body).json()
    }

    fn run(&self, args: &[&str]) -> crate::support::Ran {
        let with = ["--url", &self.server.url, "--token", &self.token];
        self.folder.run(&[args, &with].concat())
    }

    /// Sends an event and gives what the server stamped on it.
    fn stamp(&self, id: &str, service: &str) -> Value {
        let event = json!({"id": id, "action": "order.read", "service": {"name": service},
            "actor": {"type": "user", "id": "alice"}, "occurred_at": "2026-01-02T03:04:05Z"});
        let receipt = self.ask("POST", "/v1/events", &event.to_string());
        assert!(receipt["events"][0]["seq"].is_u64(), "{receipt}");
        self.owner(id)
    }

    fn owner(&self, id: &str) -> Value {
        let hit = self.ask("GET", &format!("/v1/events/{id}"), "");
        hit["event"]["recorded"]["owner"].clone()
    }

    /// The newest statement of an action in the access log.
    fn stated(&self, action: &str) -> Value {
        let path = format!("/v1/events?log=default-access-0&action={action}&limit=1");
        self.ask("GET", &path, "")["events"][0]["event"].clone()
    }
}

#[test]
fn owners_are_stamped_and_changes_are_stated() {
    let house = House::open();
    let first = house.stamp("one", "shop");
    assert_eq!(first["team"], "team-a");
    assert_eq!(house.stamp("two", "pay-eu")["team"], "team-pay");
    assert!(house.stamp("three", "stray").is_null());
    let change = house.stated("catalogue.change");
    assert_eq!(change["attributes"]["version"], 1);
    assert_eq!(change["attributes"]["as_of"], first["as_of"]);
    assert_eq!(change["attributes"]["added"], json!({"count": 2, "names": ["pay-*", "shop"]}));

    let changed = OWNERS.replace("\"team-pay\"", "\"team-a\"").replace("order.*", "order.read");
    house.folder.write("owners.toml", &changed);
    assert_eq!(house.stamp("four", "pay-eu")["team"], "team-pay", "not read until it is said");
    let checked = house.run(&["owners", "check", "owners.toml"]).code(0);
    assert!(checked.starts_with("SOUND  2 services of 1 team in 1 file"), "{checked}");
    assert!(checked.contains("moved       pay-*    team-pay → team-a"), "{checked}");
    let reloaded = house.run(&["owners", "reload"]).code(0);
    let told =
        "catalogue 2 is in force: 0 added, 0 removed, 1 of another team, 1 declared otherwise";
    assert_eq!(reloaded.trim_end(), told);
    let second = house.stamp("five", "pay-eu");
    assert_eq!(second["team"], "team-a");
    assert_eq!(house.owner("two")["team"], "team-pay", "what was stamped stays");
    let change = house.stated("catalogue.change");
    let moved = json!({"service": "pay-*", "from": "team-pay", "to": "team-a"});
    assert_eq!(change["attributes"]["moved"], json!({"count": 1, "names": [moved]}));
    assert_eq!(change["attributes"]["declared"], json!({"count": 1, "names": ["shop"]}));
    let reload = house.stated("catalogue.reload");
    assert_eq!((&reload["actor"]["id"], &reload["phase"]), (&json!("admin"), &json!("end")));
    let again = house.run(&["owners", "reload"]).code(0);
    assert_eq!(again.trim_end(), "nothing changed: catalogue 2 stays");

    // The same, said otherwise, keeps version and time over a restart.
    house.folder.write("owners.toml", &format!("# moved\n{changed}"));
    let house = house.restart();
    assert_eq!(house.stamp("six", "shop")["as_of"], second["as_of"]);
    assert_eq!(house.ask("GET", "/v1/catalogue", "")["version"], 2);
    house.server.stop();
}

#[test]
fn what_is_refused_changes_nothing() {
    let house = House::open();
    let first = house.stamp("one", "shop");
    house.folder.write("owners.toml", "[service.shop]\nteam = \"team-b\"\ntaem = \"x\"\n");
    let refused = house.run(&["owners", "check", "owners.toml"]);
    assert_eq!(refused.code, 2);
    let why = "owners.toml:3: unknown field `taem`, expected one of `team`";
    assert!(refused.err.contains(why), "{refused:?}");
    let refused = house.run(&["owners", "reload"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(why), "{refused:?}");
    assert_eq!(house.stamp("two", "shop"), first);
    let stated = house.stated("catalogue.refuse");
    assert_eq!(
        (&stated["outcome"]["result"], &stated["outcome"]["code"]),
        (&json!("failure"), &json!("catalogue"))
    );
    assert!(house.run(&["services"]).code(0).contains(why));

    // A start with it goes on with what was in force.
    let house = house.restart();
    assert_eq!(house.stamp("three", "shop"), first);
    let shown = house.ask("GET", "/v1/catalogue", "");
    assert!(shown["refused"].as_str().unwrap_or("").contains(why));
    assert!(shown["source"].as_str().unwrap_or("").ends_with("owners.toml"), "{shown}");
    // Who is no admin hears that it is so, and not where files stand on the server.
    let new = json!({"name": "eve", "role": "reader"}).to_string();
    let eve = house.ask("POST", "/v1/tokens", &new)["token"].as_str().expect("a token").to_owned();
    for path in ["/v1/catalogue", "/v1/services"] {
        let shown = ask(&house.server.url, &eve, "GET", path, "").text();
        assert!(shown.contains("an admin sees why") && !shown.contains(".toml"), "{shown}");
    }
    house.server.stop();
}

#[test]
fn services_are_told_beside_what_is_declared() {
    let house = House::open();
    for (id, service) in [("one", "shop"), ("two", "shop"), ("three", "stray")] {
        house.stamp(id, service);
    }
    let event = json!({"action": "page.read", "service": {"name": "shop"},
        "actor": {"type": "anonymous"}, "occurred_at": "2026-01-02T03:04:05Z"});
    house.ask("POST", "/v1/events", &event.to_string());
    let wrong = event.to_string().replace("2026-01-02T03:04:05Z", "yesterday");
    house.ask("POST", "/v1/events", &wrong);
    let table = house.run(&["services"]).code(0);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let row = |name: &str| {
        let line = table.lines().find(|line| words(line).first().is_some_and(|w| w == name));
        words(line.unwrap_or_else(|| panic!("{name} in\n{table}")))
    };
    let shop = row("shop");
    assert_eq!(shop[1..4], ["team-a", "a@shop.example", "1"]);
    assert_eq!(shop[6..9], ["3", "1", "0"], "events, refused, missing of {shop:?}");
    assert_eq!(row("stray")[1], "nobody");
    assert_eq!(row("counterfoil")[1..3], ["this", "server"]);
    for told in [
        "unowned     stray",
        "never seen  pay-*",
        "undeclared  shop page.read",
        "not done    shop refund.create",
    ] {
        assert!(table.contains(told), "{told} in\n{table}");
    }
    let names = |args: &[&str]| -> Vec<String> {
        let shown = house.run(&[args, &["--json"]].concat()).code(0);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        let rows = shown["services"].as_array().expect("rows").iter();
        rows.map(|row| row["service"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&["services", "--unowned"]), ["stray"]);
    assert_eq!(names(&["services", "--owner", "team-a"]), ["shop"]);
    assert_eq!(names(&["services", "--silent", "1h"]), ["pay-*"]);
    let one = house.run(&["services", "shop"]).code(0);
    assert!(one.contains("page.read") && one.contains("not declared"), "{one}");
    let wrong = house.run(&["services", "--silent", "long"]);
    assert!(wrong.err.contains("allowed is 30s, 15m, 24h, 7d or 2w"), "{wrong:?}");
    house.server.stop();
}
