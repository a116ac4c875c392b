//! What is read from which text, and what is refused with which words.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, and says where")]

use catalogue::{Catalogue, Change, Moved, SERVICES_MAX, Text};

fn text(name: &str, text: &str) -> Text {
    Text { name: name.into(), text: text.into() }
}

fn shown(texts: &[Text]) -> String {
    match Catalogue::read(texts) {
        Ok(read) => read
            .services()
            .map(|(name, service)| format!("{name} {}\n", serde_json::to_string(service).unwrap()))
            .collect(),
        Err(error) => format!("refused: {error}\n"),
    }
}

fn check(texts: &[(&str, &str)], expected: &str) {
    let texts: Vec<Text> = texts.iter().map(|(name, body)| text(name, body)).collect();
    assert_eq!(shown(&texts), expected);
    let backwards: Vec<Text> = texts.into_iter().rev().collect();
    assert_eq!(shown(&backwards), expected, "the order of files matters to nobody");
}

const OWNERS: &str = r#"
[team.team-payments]
contact = "payments@shop.example"

[service.payments]
team = "team-payments"
tier = "1"
actions = ["refund.*", "payment.capture", "refund.*"]

[service."pay-*"]
team = "team-payments"
contact = "night@shop.example"
"#;

#[test]
fn owners_toml_names_teams_and_services() {
    check(
        &[("owners.toml", OWNERS)],
        concat!(
            r#"pay-* {"team":"team-payments","contact":"night@shop.example"}"#,
            "\n",
            r#"payments {"team":"team-payments","contact":"payments@shop.example","tier":"1","actions":["payment.capture","refund.*"]}"#,
            "\n",
        ),
    );
}

#[test]
fn owners_toml_is_refused_with_its_line() {
    for (body, expected) in [
        (
            "[service.a]\nteam = \"t\"\ntaem = 1\n",
            "owners.toml:3: unknown field `taem`, expected one of `team`, `contact`, `tier`, \
             `lifecycle`, `actions`",
        ),
        ("[service.a]\ntier = \"1\"\n", "owners.toml:1: missing field `team`"),
        (
            "\n[service.a]\nteam = \"\"\n",
            "owners.toml:2: the service \"a\" needs a team that is not empty",
        ),
        (
            "[service.\"a b\"]\nteam = \"t\"\n",
            "owners.toml:1: the service \"a b\": a name has 1 to 256 bytes, no blanks",
        ),
        (
            "[service.\"a*b\"]\nteam = \"t\"\n",
            "owners.toml:1: the service \"a*b\": a name has 1 to 256 bytes, no blanks, one '*' at \
             its end",
        ),
        (
            "[service.a]\nteam = \"t\"\ncontact = \"a\\nb\"\n",
            "owners.toml:1: contact: allowed are 1 to 512 bytes without line ends",
        ),
        (
            "",
            "no service stands in it: a folder that is not mounted looks the same; to have no \
             catalogue, take its setting out",
        ),
    ] {
        check(&[("owners.toml", body)], &format!("refused: {expected}\n"));
    }
    let twice = "[service.a]\nteam = \"t\"\n[service.a]\nteam = \"u\"\n";
    let said = shown(&[text("owners.toml", twice)]);
    assert!(said.starts_with("refused: owners.toml:3: duplicate key"), "{said}");
    check(
        &[("owners.json", "{}")],
        "refused: owners.json: is neither TOML (owners.toml) nor YAML (catalog-info.yaml)\n",
    );
}

const BACKSTAGE: &str = r#"# the orders team
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: orders
  annotations:
    counterfoil/tier: "2"
    counterfoil/actions: order.place, order.read,stock.*
    backstage.io/techdocs-ref: dir:.
  links: [{url: "https://shop.example", title: Shop}]
spec: {type: service, lifecycle: production, owner: "group:default/Team-Orders"}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: stock
  namespace: warehouse
  annotations: {counterfoil/services: "inventory, inventory-*"}
spec: {type: service, lifecycle: production, system: default/shop}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop-sdk}
spec: {type: library, lifecycle: production, owner: team-orders}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: mail}
spec: {type: service, lifecycle: ~, owner: user:Carol}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders-api}
spec: {definition: {$text: ./api.yaml}}
"#;

const GROUPS: &str = r#"
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-orders}
spec: {type: team, profile: {displayName: Orders, email: orders@shop.example}, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: Shop}
spec: {owner: warehouse/movers}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: carol, annotations: {counterfoil/contact: "+44 1632 960000"}}
spec: {profile: {email: carol@shop.example}, memberOf: [team-orders]}
---
"#;

#[test]
fn backstage_entities_are_put_together_over_files() {
    check(
        &[("orders/catalog-info.yaml", BACKSTAGE), ("org/catalog-info.yml", GROUPS)],
        concat!(
            r#"inventory {"team":"warehouse/movers","lifecycle":"production"}"#,
            "\n",
            r#"inventory-* {"team":"warehouse/movers","lifecycle":"production"}"#,
            "\n",
            r#"mail {"team":"user:carol","contact":"+44 1632 960000"}"#,
            "\n",
            r#"orders {"team":"team-orders","contact":"orders@shop.example","tier":"2","lifecycle":"production","actions":["order.place","order.read","stock.*"]}"#,
            "\n",
        ),
    );
}

fn component(name: &str, rest: &str) -> String {
    format!("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n{rest}")
}

#[test]
fn backstage_is_refused_with_its_line() {
    for (body, expected) in [
        (
            "apiVersion: apps/v1\nkind: Deployment\n".to_owned(),
            "1: not a Backstage entity: apiVersion must begin with backstage.io/",
        ),
        (component("a", ""), "1: the service \"a\" has no owner, nor has its system"),
        (component("a", "  name: b\n"), "5: the key \"name\" stands twice in one map"),
        (component("a", "spec:\n  owner: [x]\n"), "6: owner must be a text"),
        (
            component("a", "spec: &s {owner: *s}\n"),
            "5: an alias (*name) stands here; write the value itself",
        ),
        (
            component("a", "spec: !secret {owner: t}\n"),
            "5: the tag \"!secret\" is not known; leave it out",
        ),
        (
            component("a", "  annotations:\n    counterfoil/team: t\n"),
            "6: no annotation \"counterfoil/team\"; allowed: counterfoil/services, \
             counterfoil/actions, counterfoil/tier, counterfoil/contact",
        ),
        (
            component("a", "spec: {owner: t}\n---\n") + &component("a", "spec: {owner: u}\n"),
            "7: the service \"a\" has an owner at a.yaml:1 too; allowed is one place",
        ),
    ] {
        check(&[("a.yaml", &body)], &format!("refused: a.yaml:{expected}\n"));
    }
    let deep = component("a", &format!("spec: {}{}\n", "[".repeat(80), "]".repeat(80)));
    let said = shown(&[text("a.yaml", &deep)]);
    assert_eq!(said, "refused: a.yaml:5: values stand within at most 64 others\n");
    let wide = component("a", &format!("spec: [{}]\n", "a,".repeat(100_001)));
    let said = shown(&[text("a.yaml", &wide)]);
    assert_eq!(said, "refused: a.yaml:5: a document has at most 100000 values\n");
    let said = shown(&[text("a.yaml", "a: [\n")]);
    assert!(said.starts_with("refused: a.yaml:"), "{said}");
}

#[test]
fn two_files_that_claim_one_service_are_refused_with_both_places() {
    let yaml = component("payments", "spec: {owner: t}\n");
    check(
        &[("b/catalog-info.yaml", &yaml), ("a/owners.toml", OWNERS)],
        "refused: b/catalog-info.yaml:1: the service \"payments\" has an owner at \
         a/owners.toml:5 too; allowed is one place\n",
    );
}

#[test]
fn a_catalogue_has_a_bound() {
    let service = |n: usize| format!("[service.s{n}]\nteam = \"t\"\n");
    let mut body: String = (0..SERVICES_MAX).map(service).collect();
    let full = Catalogue::read(&[text("owners.toml", &body)]).unwrap();
    assert_eq!(full.len(), SERVICES_MAX);
    body.push_str(&service(SERVICES_MAX));
    let said = shown(&[text("owners.toml", &body)]);
    assert!(said.contains("a catalogue has at most 100000 services"), "{said}");
}

#[test]
fn the_digest_is_of_what_is_said() {
    let read = |body: &str| Catalogue::read(&[text("owners.toml", body)]).unwrap();
    let one = read("[service.a]\nteam = \"t\"\nactions = [\"x\", \"y\"]\n");
    let same = read("# moved\n[service]\na = { actions = [\"y\", \"x\", \"y\"], team = \"t\" }\n");
    assert_eq!(one.digest(), same.digest());
    assert_eq!(
        one.digest(),
        "sha256:dd487959f755ca81d8c3ea57fad0fc960d5093fb5cb7c375001e60b9139257ff",
        "state files of servers have it"
    );
    assert_ne!(one.digest(), read("[service.a]\nteam = \"t\"\nactions = [\"x\"]\n").digest());
    let kept: Catalogue = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    assert_eq!(kept, one);
}

#[test]
fn a_service_has_its_own_entry_else_the_longest_pattern() {
    let read = Catalogue::read(&[text(
        "owners.toml",
        "[service]\npay = {team = \"a\"}\n\"pay*\" = {team = \"b\"}\n\"pay-eu*\" = {team = \"c\"}\n\
         \"zoë*\" = {team = \"d\"}\n",
    )])
    .unwrap();
    let team = |name: &str| read.of(name).map(|(_, service)| service.team.as_str());
    let found = ["pay", "pay-eu", "pay-eu-1", "pay-us", "payé", "zoë-1", "zo", "web", ""].map(team);
    let (a, b, c, d) = (Some("a"), Some("b"), Some("c"), Some("d"));
    assert_eq!(found, [a, c, c, b, b, d, None, None, None]);
}

#[test]
fn a_change_says_what_differs() {
    let read = |body: &str| Catalogue::read(&[text("owners.toml", body)]).unwrap();
    let before =
        read("[service]\na = {team=\"t\"}\nb = {team=\"t\"}\nc = {team=\"t\"}\nd = {team=\"t\"}");
    let after = read(
        "[service]\na = {team=\"t\"}\nb = {team=\"u\"}\nc = {team=\"t\",tier=\"1\"}\ne = {team=\"t\"}",
    );
    let moved = vec![Moved { service: "b".into(), from: "t".into(), to: "u".into() }];
    let (added, removed, declared) = (vec!["e".into()], vec!["d".into()], vec!["c".into()]);
    let expected = Change { added, removed, moved, declared };
    assert_eq!(Change::between(&before, &after), expected);
    assert!(Change::between(&after, &after).is_empty());
}
