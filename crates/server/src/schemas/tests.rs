//! What is registered, kept and refused.

use std::cell::RefCell;

use platform::sim::{SimClock, SimDisk};

use super::*;

fn open(disk: &Arc<dyn Disk>) -> Registry {
    Registry::open(disk.clone(), Arc::new(SimClock::new(7))).expect("opens")
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(SimDisk::new(1).folder("data"))
}

fn wish(schema: Option<&str>, enforcement: Option<Enforcement>) -> Wish {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
    Wish { schema: schema.map(raw), enforcement }
}

#[test]
fn versions_are_texts_and_survive_a_restart() {
    let disk = disk();
    let registry = open(&disk);
    let digests = RefCell::new(Vec::new());
    let put = |schema, enforcement| {
        let apply = |schemas: Arc<Schemas>| digests.borrow_mut().push(schemas.digest().to_owned());
        registry.put("acme", "invoice.delete", wish(schema, enforcement), "ops", apply)
    };
    let said = put(None, Some(Enforcement::Warn)).expect_err("no schema yet").to_string();
    assert!(said.starts_with("invoice.delete has no schema yet"), "{said}");
    let told = |put: (Shown, bool)| (put.0.version, put.0.enforcement, put.1);
    assert_eq!(told(put(Some("{}"), None).expect("put")), (1, Enforcement::Warn, true));
    assert_eq!(told(put(Some("{}"), None).expect("put")), (1, Enforcement::Warn, false));
    let refuse = Some(Enforcement::Refuse);
    assert_eq!(told(put(None, refuse).expect("put")), (1, Enforcement::Refuse, true));
    let second = r#"{"required":["kind"]}"#;
    assert_eq!(told(put(Some(second), None).expect("put")), (2, Enforcement::Refuse, true));
    let bad = put(Some(r#"{"type":7}"#), None).expect_err("no schema").to_string();
    assert!(bad.starts_with("schema invoice.delete: /type: "), "{bad}");
    let digests = digests.take();
    assert_eq!((digests.len(), digests[0] == digests[1]), (3, false));

    let again = open(&disk);
    assert_eq!(again.in_force("acme").digest(), digests[2]);
    let newest = again.get("acme", "invoice.delete", None).expect("there");
    assert_eq!((newest.version, newest.versions, newest.made_by), (2, vec![1, 2], "ops".into()));
    assert_eq!(newest.schema.expect("whole").get(), second);
    let first = again.get("acme", "invoice.delete", Some(1)).expect("there");
    assert_eq!((first.enforcement, first.schema.expect("whole").get()), (Enforcement::Off, "{}"));
    assert!(again.get("acme", "invoice.delete", Some(3)).is_none());
    assert!(again.list("other").is_empty() && again.get("other", "invoice.delete", None).is_none());
    assert_eq!(again.list("acme").len(), 1);
}

#[test]
fn what_is_kept_is_bounded() {
    let disk = disk();
    let registry = open(&disk);
    let put =
        |name: &str, schema: &str| registry.put("t", name, wish(Some(schema), None), "o", |_| {});
    for nth in 0..VERSIONS_MAX as u32 + 3 {
        put("a", &format!("{{\"minProperties\":{nth}}}")).expect("put");
    }
    let kept = registry.get("t", "a", None).expect("there");
    assert_eq!((kept.version, kept.versions.len(), kept.versions[0]), (23, VERSIONS_MAX, 4));
    let patterns: Vec<String> = (0..100).map(|n| format!("\"^a{n}$\":true")).collect();
    let patterns = format!("{{\"patternProperties\":{{{}}}}}", patterns.join(","));
    for nth in 0..5 {
        put(&format!("p{nth}"), &patterns).expect("put");
    }
    let said = put("p5", &patterns).expect_err("too many").to_string();
    assert!(said.contains("600 patterns") && registry.get("t", "p5", None).is_none(), "{said}");
    assert!(put("*", "{}").is_err() && put("a*", "{}").is_err());
}

#[test]
fn a_file_that_is_not_ours_keeps_the_server_from_starting() {
    for (text, want) in [
        ("{}", "missing field `format`"),
        (r#"{"format":"other/v1","tenants":{}}"#, "its format is not counterfoil.schemas/v1"),
        (
            r#"{"format":"counterfoil.schemas/v1","tenants":{"t":{"a":{"enforcement":"warn","versions":[{"version":1,"made_at":"","made_by":"","schema":{"$ref":"x"}}]}}}}"#,
            "schema a: $ref \"x\" leads outside the schema",
        ),
    ] {
        let disk = disk();
        disk.replace_small(file::NAME, text.as_bytes()).expect("room");
        let clock = Arc::new(SimClock::new(0));
        let said = Registry::open(disk, clock).err().expect("refused").to_string();
        assert!(said.contains(want), "{said}");
    }
}
