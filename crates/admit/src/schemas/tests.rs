//! What schemas may be, and what is said of an event that does not meet one.

use std::sync::Arc;

use event::{Value, json};

use super::*;

fn schema(action: &str, enforcement: Enforcement, text: &str) -> Arc<ActionSchema> {
    Arc::new(ActionSchema::new(action, 3, enforcement, text).expect("a schema"))
}

fn check(schemas: &Schemas, event: &str, redacted: &[&str]) -> Result<Vec<String>, Refusal> {
    let Ok(Value::Object(event)) = json::read(event.as_bytes()) else { panic!("{event}") };
    let redacted: Vec<String> = redacted.iter().map(|path| (*path).to_owned()).collect();
    schemas.check(&event, &redacted)
}

const MONEY: &str = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema",
    "required":["attributes"],
    "properties":{"attributes":{"required":["amount"],
        "properties":{"amount":{"$ref":"#/$defs/money"},"currency":{"enum":["EUR","CHF"]},
            "token":{"type":"integer"}}}},
    "$defs":{"money":{"type":"integer","minimum":1}}}"##;

#[test]
fn a_warning_names_place_and_schema_and_no_value() {
    let schemas = Schemas::new([schema("invoice.delete", Enforcement::Warn, MONEY)]);
    let event =
        r#"{"action":"invoice.delete","attributes":{"amount":"geheim","currency":"geheim"}}"#;
    let warnings = check(&schemas, event, &[]).expect("stored");
    assert_eq!(
        warnings,
        [
            "schema invoice.delete/3: /attributes/amount: the value is not of type \"integer\"",
            "schema invoice.delete/3: /attributes/currency: the value is not one of \"EUR\" or \
             \"CHF\"",
        ]
    );
    let sound = r#"{"action":"invoice.delete","attributes":{"amount":7}}"#;
    assert!(check(&schemas, sound, &[]).expect("stored").is_empty());
    let none = check(&schemas, r#"{"action":"invoice.delete"}"#, &[]).expect("stored");
    assert_eq!(none, ["schema invoice.delete/3: the event: \"attributes\" is a required property"]);
    assert_eq!(schemas.of("invoice.delete").expect("there").counts(), (3, 2));
    assert!(check(&schemas, r#"{"action":"invoice.read"}"#, &[]).expect("stored").is_empty());
}

#[test]
fn a_refusal_says_where_and_what_is_allowed() {
    let schemas = Schemas::new([schema("invoice.*", Enforcement::Refuse, MONEY)]);
    let event = r#"{"action":"invoice.delete","attributes":{"amount":0,"currency":"x"}}"#;
    let refusal = check(&schemas, event, &[]).expect_err("refused");
    assert_eq!((refusal.code, refusal.path.as_str()), ("schema_action", "/attributes/amount"));
    assert_eq!(
        refusal.reason,
        "schema invoice.*/3: the value is less than the minimum of 1 (and 1 more)"
    );
}

#[test]
fn what_the_server_redacted_is_not_the_senders_fault() {
    let schemas = Schemas::new([schema("a", Enforcement::Refuse, MONEY)]);
    let event = r#"{"action":"a","attributes":{"amount":1,"token":"[redacted]"}}"#;
    assert!(check(&schemas, event, &["/attributes/token"]).is_ok());
    assert!(check(&schemas, event, &["/attributes/other"]).is_err());
}

#[test]
fn the_longest_name_is_asked() {
    let of = |action| schema(action, Enforcement::Warn, "{}");
    let off = schema("invoice.pdf.render", Enforcement::Off, "{}");
    let all = [of("invoice.*"), of("invoice.pdf.*"), of("invoice.pdf"), off];
    let schemas = Schemas::new(all);
    let named = |action| schemas.of(action).map_or("none", |schema| schema.action.as_str());
    assert_eq!(named("invoice.delete"), "invoice.*");
    assert_eq!(named("invoice.pdf"), "invoice.pdf");
    assert_eq!(named("invoice.pdf.render"), "invoice.pdf.*");
    assert_eq!((named("invoices.x"), named("invoice"), named("")), ("none", "none", "none"));
    assert!(Schemas::new([schema("a", Enforcement::Off, "{}")]).is_empty());
}

#[test]
fn many_faults_are_bounded() {
    let text = r#"{"properties":{"attributes":{"additionalProperties":{"type":"null"}}}}"#;
    let schemas = Schemas::new([schema("a", Enforcement::Warn, text)]);
    let long = "k".repeat(1_000);
    let many: Vec<String> = (0..2_000).map(|n| format!("\"{long}{n}\":\"s3cret\"")).collect();
    let event = format!("{{\"action\":\"a\",\"attributes\":{{{}}}}}", many.join(","));
    let warnings = check(&schemas, &event, &[]).expect("stored");
    assert_eq!(warnings.len(), WARNINGS_MAX + 1);
    assert_eq!(warnings[WARNINGS_MAX], "schema a/3: 92 more");
    assert!(warnings.iter().all(|warning| warning.chars().count() < 600));
    assert!(!warnings.concat().contains("s3cret"));
}

#[test]
fn no_keyword_repeats_a_value() {
    for text in [
        r#"{"const":4}"#,
        r#"{"enum":[1]}"#,
        r#"{"maxLength":2}"#,
        r#"{"minLength":99}"#,
        r#"{"pattern":"^z$"}"#,
        r#"{"type":"integer"}"#,
        r#"{"type":["integer","null"]}"#,
        r#"{"not":{"type":"string"}}"#,
        r#"{"anyOf":[{"type":"null"},{"maxLength":1}]}"#,
        r#"{"oneOf":[{"type":"null"},{"maxLength":1}]}"#,
        r#"{"oneOf":[{"type":"string"},{"minLength":1}]}"#,
        r#"{"if":{"type":"string"},"then":false}"#,
        r#"{"format":"date"}"#,
        "false",
    ] {
        let whole = format!(r#"{{"properties":{{"attributes":{{"properties":{{"x":{text}}}}}}}}}"#);
        let schemas = Schemas::new([schema("a", Enforcement::Warn, &whole)]);
        let event = r#"{"action":"a","attributes":{"x":"geheim"}}"#;
        let warnings = check(&schemas, event, &[]).expect("stored");
        // `format` describes and does not decide.
        assert_eq!(warnings.is_empty(), text.contains("format"), "{text}");
        assert!(!warnings.concat().contains("geheim"), "{warnings:?}");
    }
    for text in [r#"{"uniqueItems":true}"#, r#"{"contains":{"const":1}}"#, r#"{"maxItems":1}"#] {
        let whole = format!(r#"{{"properties":{{"attributes":{{"properties":{{"x":{text}}}}}}}}}"#);
        let schemas = Schemas::new([schema("a", Enforcement::Warn, &whole)]);
        let event = r#"{"action":"a","attributes":{"x":["geheim","geheim"]}}"#;
        let warnings = check(&schemas, event, &[]).expect("stored");
        assert!(warnings.len() == 1 && !warnings.concat().contains("geheim"), "{warnings:?}");
    }
}

#[test]
fn what_a_schema_may_not_be_is_said() {
    let error = |text: &str| Compiled::new(text).expect_err(text).to_string();
    let parts: Vec<String> = (0..14)
        .map(|n| {
            let next = format!(r##"{{"$ref":"#/$defs/d{}"}}"##, n + 1);
            format!(r#""d{n}":{{"allOf":[{next},{next}]}}"#)
        })
        .collect();
    let bomb = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d14":{{}}}}}}"##, parts.join(","));
    let patterns: Vec<String> = (0..101).map(|n| format!(r#""^a{n}$":true"#)).collect();
    for (text, want) in [
        (r#"{"type":"strin"}"#.to_owned(), "/type: \"strin\" is not valid under any of the"),
        (r#"{"a":1,"a":2}"#.into(), "not valid JSON at byte 10: the key \"a\" stands twice"),
        ("7".into(), "7 is not of types \"boolean\", \"object\""),
        (r#"{"$ref":"http://127.0.0.1/x"}"#.into(), "$ref \"http://127.0.0.1/x\" leads outside"),
        (r#"{"items":{"$ref":"file:///etc/passwd"}}"#.into(), "/items: $ref \"file:///etc/pass"),
        (r##"{"$ref":"#"}"##.into(), "$ref \"#\" goes in a circle"),
        (
            r##"{"$defs":{"a":{"items":{"$ref":"#/$defs/a"}}}}"##.into(),
            "/$defs/a/items: $ref \"#/$defs/a\" goes in a circle",
        ),
        (r##"{"$ref":"#/$defs/none"}"##.into(), "$ref \"#/$defs/none\" leads nowhere"),
        (r##"{"$ref":"#%2f$defs"}"##.into(), "$ref \"#%2f$defs\" leads outside"),
        (r##"{"$ref":"#/%24defs"}"##.into(), "$ref \"#/%24defs\" has a %"),
        (r#"{"properties":{"$id":{"$id":"x"}}}"#.into(), "/properties/$id: $id is not allowed"),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#.into(),
            "$schema must be \"https://json-schema.org/draft/2020-12/schema\"",
        ),
        (bomb, "/$defs/d"),
        (format!("{{\"patternProperties\":{{{}}}}}", patterns.join(",")), "more than 100 patt"),
        (r#"{"pattern":"(?=x)"}"#.into(), "/pattern: "),
        (r#"{"pattern":"((a{900}){900}){900}"}"#.into(), "/pattern: "),
        (format!("{}{}", r#"{"not":"#.repeat(60), "{}") + &"}".repeat(60), "/not/not/"),
        (" ".repeat(SCHEMA_BYTES_MAX + 1), "a schema has at most 262144 bytes"),
    ] {
        let said = error(&text);
        assert!(said.starts_with(want), "{said}\n{want}");
    }
    assert!(check_action("invoice.*").is_ok() && check_action("a b").is_ok());
    for action in ["", "*", ".*", "a*", "a.*.b", "a\n", &"x".repeat(129)] {
        assert!(check_action(action).is_err(), "{action}");
    }
}

#[test]
fn the_digest_names_what_is_in_force() {
    let digest = |action: &str, enforcement, text: &str| {
        Schemas::new([schema(action, enforcement, text)]).digest().to_owned()
    };
    let one = digest("a", Enforcement::Warn, "{}");
    assert_eq!((one.len(), &one), (16, &digest("a", Enforcement::Warn, "{}")));
    assert_ne!(one, digest("a", Enforcement::Refuse, "{}"));
    assert_ne!(one, digest("b", Enforcement::Warn, "{}"));
    assert_ne!(one, digest("a", Enforcement::Warn, "true"));
}

#[test]
fn what_would_take_too_much_to_explain_is_one_fault() {
    let branches: Vec<String> = (0..400).map(|n| format!(r#"{{"const":"x{n}"}}"#)).collect();
    let items = format!(r#"{{"items":{{"anyOf":[{}]}}}}"#, branches.join(","));
    let list = format!(r#"{{"properties":{{"attributes":{{"properties":{{"l":{items}}}}}}}}}"#);
    let compiled = Compiled::new(&list).expect("sound");
    let event = |count: usize| {
        let strings = vec![r#""no""#; count].join(",");
        format!(r#"{{"action":"a","attributes":{{"l":[{strings}]}}}}"#)
    };
    let faults = |text: &str| {
        let Ok(event::Value::Object(event)) = event::json::read(text.as_bytes()) else { panic!() };
        compiled.faults(&event, &[])
    };
    let few = faults(&event(2));
    assert_eq!((few.len(), few[0].path.as_str()), (2, "/attributes/l/0"));
    let many = faults(&event(3_900));
    assert_eq!((many.len(), many[0].path.as_str()), (1, ""));
}
