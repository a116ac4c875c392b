//! What rules decide, and what is said of a file that cannot be used.

use event::{Schema, Value, json};

use super::*;

fn rules(text: &str) -> Rules {
    Rules::parse(text).expect("sound")
}

fn decide<'r>(rules: &'r Rules, more: &str) -> Decision<'r> {
    let text = format!(
        r#"{{"action":"http.get","service":{{"name":"web-1"}},"request":{{"path":"/healthz"}}{more}}}"#
    );
    let Ok(Value::Object(event)) = json::read(text.as_bytes()) else { panic!("{text}") };
    rules.decide(&event)
}

const HEALTH: &str = r#"
# Probes.
[[rule]]
name = "probes"
service = ["api", "web-*"]
action = "http.*"
path = "/health*"
then = "drop"
reason = "a probe every second"
"#;

#[test]
fn the_first_rule_that_fits_decides() {
    let keep =
        "[[rule]]\nname = \"own\"\nservice = \"web-1\"\nverb = \"delete\"\nthen = \"keep\"\n";
    let rules = rules(&format!("{keep}{HEALTH}"));
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["own", "probes"]);
    let named = |decision| match decision {
        Decision::Default => "default".into(),
        Decision::Keep(rule) => format!("keep {}", rule.name),
        Decision::Spared(rule) => format!("spared {}", rule.name),
        Decision::Drop(rule) => format!("drop {}", rule.name),
        Decision::Aggregate(rule) => format!("aggregate {}", rule.name),
    };
    assert_eq!(named(decide(&rules, "")), "drop probes");
    assert_eq!(named(decide(&rules, r#","verb":"delete""#)), "keep own");
    assert_eq!(named(decide(&rules, r#","verb":"read""#)), "drop probes");
    let Ok(Value::Object(other)) = json::read(br#"{"action":"http.get"}"#) else { panic!() };
    assert_eq!(named(rules.decide(&other)), "default", "what an event lacks fits no condition");
    assert_eq!(named(Rules::default().decide(&other)), "default");
}

#[test]
fn what_an_auditor_would_miss_is_spared() {
    let allowed = HEALTH.replace("reason", "allow_sensitive = true\nreason");
    let (careful, bold) = (rules(HEALTH), rules(&allowed));
    for more in [
        r#","kind":"authentication""#,
        r#","kind":"data_read","facets":["privacy"]"#,
        r#","verb":"grant""#,
        r#","kind":"authorization","decision":{"effect":"deny"}"#,
        r#","outcome":{"result":"failure"}"#,
        r#","disclosure":{"recipient":"x"}"#,
        r#","reason":{"break_glass":true}"#,
    ] {
        assert!(matches!(decide(&careful, more), Decision::Spared(_)), "{more}");
        assert!(matches!(decide(&bold, more), Decision::Drop(_)), "{more}");
    }
    for more in [
        r#","kind":"authorization","decision":{"effect":"allow"}"#,
        r#","outcome":{"result":"success"}"#,
        r#","reason":{"break_glass":false}"#,
    ] {
        assert!(matches!(decide(&careful, more), Decision::Drop(_)), "{more}");
    }
}

#[test]
fn what_is_spared_are_words_of_an_event() {
    let words = |member: &str| Schema::event().words(&[member]).expect("a closed list").to_vec();
    assert!(sensitive::KINDS.iter().all(|kind| words("kind").contains(&(*kind).to_owned())));
    assert!(sensitive::VERBS.iter().all(|verb| words("verb").contains(&(*verb).to_owned())));
}

#[test]
fn errors_say_where_what_and_what_is_allowed() {
    let error = |text: &str| Rules::parse(text).expect_err(text).to_string();
    let rule = |more: &str| format!("\n[[rule]]\nname = \"r\"\n{more}\n");
    for (text, want) in [
        (rule("then = \"drop\"\nreason = \"x\""), "line 2: rule \"r\": fits every event; say"),
        (rule("then = \"drop\"\nservice = \"a\""), "line 2: rule \"r\": needs reason"),
        (rule("then = \"lose\"\nservice = \"a\""), "line 4: unknown variant `lose`, expected one"),
        (rule("services = \"a\""), "line 4: unknown field `services`, expected one of `name`"),
        (rule("service = 7\nthen = \"keep\""), "line 4: must be a text, or a list of texts"),
        (rule("service = \"a*b\"\nthen = \"keep\""), "line 2: rule \"r\": service: \"a*b\": * st"),
        (rule("service = []\nthen = \"keep\""), "line 2: rule \"r\": service: 1 to 64 texts"),
        (
            rule("verb = \"raed\"\nthen = \"keep\""),
            "line 2: rule \"r\": verb: \"raed\" is no verb; did you mean \"read\"? Allowed: create",
        ),
        (
            rule("service = \"a\"\nthen = \"drop\"\nreason = \"x\"\nwindow_s = 5"),
            "line 2: rule \"r\": window_s and by_path belong to",
        ),
        (
            rule("service = \"a\"\nthen = \"aggregate\"\nreason = \"x\"\nwindow_s = 0"),
            "line 2: rule \"r\": window_s must be 1 to 3600",
        ),
        (
            rule(
                "service = \"a\"\nthen = \"keep\"\n[[rule]]\nname = \"r\"\nservice = \"b\"\nthen = \"keep\"",
            ),
            "line 6: rule \"r\" stands twice",
        ),
        ("x".repeat(FILE_BYTES_MAX + 1), "a rules file has at most 262144 bytes"),
    ] {
        let said = error(&text);
        assert!(said.starts_with(want), "{said}\n{want}");
    }
    let many: String = (0..=RULES_MAX)
        .map(|n| format!("[[rule]]\nname = \"r{n}\"\nservice = \"a\"\nthen = \"keep\"\n"))
        .collect();
    assert_eq!(error(&many), "there are 201 rules, 200 are allowed");
}

#[test]
fn a_digest_is_of_what_is_said() {
    let plain = HEALTH.replace("# Probes.", "").replace("\naction", "\n\n\naction");
    let (one, same) = (rules(HEALTH), rules(&plain));
    assert_eq!((one.digest(), one.digest().len()), (same.digest(), 16));
    let other = rules(&HEALTH.replace("/health*", "/health"));
    assert_ne!(one.digest(), other.digest());
    assert_ne!(one.rules[0].digest, other.rules[0].digest);
}

#[test]
fn mistakes_are_pointed_out() {
    let shadowed = "[[rule]]\nname = \"late\"\nservice = \"web-1\"\naction = \"http.get\"\n\
                    path = \"/healthz\"\nkind = \"mesh\"\nthen = \"keep\"\n";
    let wide = "[[rule]]\nname = \"wide\"\nverb = \"read\"\nthen = \"drop\"\nreason = \"x\"\n\
                allow_sensitive = true\n";
    let rules = rules(&format!("{HEALTH}{shadowed}{wide}"));
    assert_eq!(
        rules.warnings(),
        [
            "line 10: rule \"late\" never decides: \"probes\" (line 3) comes first",
            "line 17: rule \"wide\" may leave out logins, grants, denials and failures: \
             allow_sensitive is set",
            "line 17: rule \"wide\" leaves out events of every service",
        ]
    );
}
