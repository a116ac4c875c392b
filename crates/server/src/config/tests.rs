//! Texts and variables with what is said of them, and the pages against the table.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::load::Draft;
use super::*;

fn error(text: &str) -> String {
    Config::parse(text).expect_err("refused").to_string()
}

#[test]
fn every_fault_is_told_with_its_place_and_what_is_allowed() {
    for (text, said) in [
        (
            "listen = \"127.0.0.1:1\"\n[limits]\nbody_byte_max = 1\n",
            "line 3: unknown setting `limits.body_byte_max`; did you mean `limits.body_bytes_max`?",
        ),
        (
            "body_bytes_max = 1\n",
            "line 1: unknown setting `body_bytes_max`; did you mean `limits.body_bytes_max`?",
        ),
        ("nobody_has_this = { a = 1 }\n", "line 1: unknown setting `nobody_has_this`"),
        (
            "\"limits.body_bytes_max\" = 1\n",
            "line 1: unknown setting `limits.body_bytes_max`; did you mean \
             `limits.body_bytes_max`?",
        ),
        (
            "listen = 8420\n\n[limits]\nconnections_max = \"many\"\nrequest_events_max = 20001",
            "line 1: `listen` must be an IP address with port, such as \"127.0.0.1:8420\"; line 4: \
             `limits.connections_max` must be a whole number of connections, 1 to 65536; line 5: \
             `limits.request_events_max` must be a whole number of events, 1 to 20000",
        ),
        (
            "limits.connections_max = -1",
            "line 1: `limits.connections_max` must be a whole number of connections, 1 to 65536",
        ),
        ("limits = 3", "line 1: `limits` must be a table: [limits]"),
        ("log = 3", "line 1: `log` must be a list of tables: [[log]]"),
        ("log = [3]", "line 1: `log` must be a list of tables: [[log]]"),
        (
            "[[log]]\nname = \"a-1\"\ntenant = \"a\"\n[[log]]\nname = \"a-2\"\ntenant = \"b\"\n",
            "line 1: a-access-0 would be the name of the access log of a-2 and of the access log \
             of a-1: names of logs must differ before their number",
        ),
        ("log = []", "line 1: 1 to 500 logs are allowed, not 0"),
        (
            "[[log]]\nname = \"A\"\npublic = 1\n",
            "line 1: `log.tenant` must stand and does not; line 2: `log.name` the log name \"A\" \
             must be 1 to 63 of a-z, 0-9 and '-'; line 3: `log.public` must be true or false",
        ),
        (
            "[[log]]\nname = \"a\"\ntenant = \"a\"\n[[log]]\nname = \"a\"\ntenant = \"a\"\n",
            "line 5: log.name \"a\" stands twice; each log has its own; line 6: log.tenant \"a\" \
             stands twice; each log has its own",
        ),
        (
            "[[log]]\nname = \"a\"\ntenant = \"a\"\nsecret = 1\n",
            "line 4: unknown setting `log.secret`",
        ),
        (
            "[limits]\nbody_bytes_max = 33554432\nin_flight_bytes_max = 134217727\n",
            "line 3: limits.in_flight_bytes_max (134217727) must be at least 134217728, 4 times \
             limits.body_bytes_max (33554432): one tenant gets at most half of what is free",
        ),
        (
            "origin = \"https://a\"",
            "line 1: `origin` must be a lower-case host name or address with optional port, such \
             as audit.example.com, without scheme or path",
        ),
        ("listen = \nlog = 1", "line 1: string values must be quoted, expected literal string"),
    ] {
        assert_eq!(error(text), said, "{text}");
    }
}

#[test]
fn faults_are_bounded() {
    let text: String = (0..1_000).map(|n| format!("nobody_{n} = 1\n")).collect();
    assert_eq!(Config::parse(&text).expect_err("refused").faults.len(), 100);
}

/// Variables as the process would have them.
fn from(variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let mut draft = Draft::default();
    file::take(&mut draft, "[limits]\nconnections_max = 7\nrequest_events_max = 9\n", None);
    let owned = variables.iter().map(|(name, value)| (format!("COUNTERFOIL_{name}"), *value));
    let owned: Vec<_> = owned.map(|(name, value)| (name, Some(value.to_owned()))).collect();
    environment::take(&mut draft, &owned);
    draft.done()
}

#[test]
fn the_environment_wins_over_the_file_and_is_as_strict() {
    let loaded = from(&[
        ("LIMITS__CONNECTIONS_MAX", "8"),
        ("LISTEN", "[::1]:80"),
        ("ORIGIN", ""),
        ("URL", "http://127.0.0.1"),
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT_HTTP", "80"),
        ("PORT", "tcp://10.0.0.1:80"),
        ("WEB_PORT_80_TCP_ADDR", "10.0.0.1"),
    ]);
    let loaded = loaded.expect("sound");
    assert_eq!(loaded.config.limits.connections_max, 8);
    assert_eq!(loaded.config.limits.request_events_max, 9);
    assert_eq!(loaded.config.origin, None, "an empty variable is as good as none");
    let places: BTreeMap<String, String> =
        loaded.shown().into_iter().map(|shown| (shown.name, shown.place.to_string())).collect();
    for (name, place) in [
        ("listen", "environment COUNTERFOIL_LISTEN"),
        ("origin", "default"),
        ("limits.connections_max", "environment COUNTERFOIL_LIMITS__CONNECTIONS_MAX"),
        ("limits.request_events_max", "line 3"),
        ("log[0].name", "default"),
    ] {
        assert_eq!(places[name], place, "{name}");
    }
    for (name, value, said) in [
        (
            "LIMITS_BODY_BYTES_MAX",
            "secret",
            "no setting has this variable; did you mean COUNTERFOIL_LIMITS__BODY_BYTES_MAX?",
        ),
        ("LISTENS", "secret", "no setting has this variable; did you mean COUNTERFOIL_LISTEN?"),
        ("NOBODY_HAS_THIS", "secret", "no setting has this variable"),
        ("PORT_X_TCP", "secret", "no setting has this variable"),
        ("LOG__NAME", "secret", "`log` is a list, which the file alone can set"),
        (
            "LISTEN",
            "secret",
            "`listen` must be an IP address with port, such as \"127.0.0.1:8420\"",
        ),
        (
            "LIMITS__CONNECTIONS_MAX",
            "secret",
            "`limits.connections_max` must be a whole number of connections, 1 to 65536",
        ),
        (
            "ORIGIN",
            "se/cret",
            "`origin` must be a lower-case host name or address with optional port, such as \
             audit.example.com, without scheme or path",
        ),
    ] {
        let told = from(&[(name, value)]).expect_err("refused").to_string();
        assert_eq!(told, format!("environment COUNTERFOIL_{name}: {said}"));
    }
}

/// A setting of every type there is; no server needs all of them.
#[derive(Default)]
struct Odd {
    word: &'static str,
    path: Option<PathBuf>,
}

#[test]
fn words_and_files_are_judged() {
    let word = Field::<Odd>::Word(|odd| &mut odd.word, &["stop", "new-partition"]);
    let there = |path: &Path| match path.ends_with("etc/owners.toml") {
        true => Ok(()),
        false => Err("is not there".to_owned()),
    };
    let file = Field::<Odd>::File(|odd| &mut odd.path, there);
    let mut odd = Odd::default();
    let base = Path::new("etc");
    let text = |text: &str| Value::Text(text.into());
    word.put(&mut odd, text("new-partition"), base).expect("allowed");
    let said = word.put(&mut odd, text("go-on"), base).expect_err("not allowed");
    assert_eq!(said, "must be one of: \"stop\", \"new-partition\"");
    file.put(&mut odd, text("owners.toml"), base).expect("beside the configuration");
    assert_eq!(file.put(&mut odd, text("o"), base).expect_err("judged"), "is not there");
    assert_eq!(word.get(&mut odd), text("new-partition"));
    assert_eq!(file.get(&mut odd), text("etc/owners.toml"));
    assert_eq!(word.allowed(), "`\"stop\"`, `\"new-partition\"`");
}

/// The names of the table are what the places of their fields are called.
#[test]
fn a_row_reaches_the_setting_that_it_names() {
    let mut names: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
    names.extend(LOG.iter().map(|s| s.name));
    names.extend(QUOTA.iter().map(|s| s.name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
    for setting in SETTINGS {
        let value = match setting.field {
            Field::Count { min, .. } => min.to_string(),
            Field::Address(_) => "\"10.0.0.1:1\"".into(),
            Field::Flag(_) => {
                (setting.field.get(&mut Config::default()) == Value::Flag(false)).to_string()
            }
            Field::Word(_, words) => format!("{:?}", words.last().expect("a word")),
            // What is judged by a function of its own is tested where that is.
            Field::Text(..) | Field::MaybeText(..) | Field::File(..) => continue,
        };
        let mut draft = Draft::default();
        file::take(&mut draft, &format!("{} = {value}", setting.name), None);
        // The path of the field in the structure, as its author sees it.
        let (before, after) = (format!("{:?}", Config::default()), format!("{:?}", draft.config));
        assert_ne!(before, after, "{} = {value} changes nothing", setting.name);
        let last = setting.name.rsplit('.').next().expect("a name");
        let value = match setting.field {
            Field::Word(..) => &value,
            _ => value.trim_matches('"'),
        };
        let shown = format!("{last}: {value}");
        assert!(after.contains(&shown), "{shown} is not in {after}");
    }
}

/// The folder of the documentation.
fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Compares a file with what it must be, or writes it.
fn holds(name: &str, must: &str) {
    let path = docs(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, must).expect("written");
    }
    let has = fs::read_to_string(&path).unwrap_or_default();
    let how = "UPDATE_GOLDEN=1 cargo test -p server config";
    assert!(has == must, "docs/{name} is not what the table of settings says; {how} writes it");
}

#[test]
fn the_annotated_file_is_what_the_table_says() {
    let text = annotated();
    holds("counterfoil.toml", &text);
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    assert_eq!(Config::parse(&text).expect("sound"), Config::default());
    // Every comment that sets something is sound where its mark is taken away.
    let set = |line: &str| {
        let (name, value) = line.strip_prefix('#')?.split_once(" =")?;
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        (plain && !value.is_empty()).then_some(())
    };
    let is_list = |line: &str| ["#[[log]]", "#[[quota]]"].contains(&line);
    let bare = text.lines().map(|line| match set(line).is_some() || is_list(line) {
        true => &line[1..],
        false => line,
    });
    let bare = bare.collect::<Vec<_>>().join("\n");
    let config = Config::parse(&bare).expect("sound");
    assert_eq!(config.limits, Limits::default());
    assert_eq!((&*config.log[0].name, &*config.quota[0].principal), ("acme-0", "billing"));
}

#[test]
fn the_page_has_the_table_and_its_example_is_sound() {
    let page = fs::read_to_string(docs("configuration.md")).expect("the page");
    let (begin, end) = ("<!-- settings -->\n", "<!-- end of settings -->\n");
    let (before, rest) = page.split_once(begin).expect("the table begins");
    let (_, after) = rest.split_once(end).expect("the table ends");
    holds("configuration.md", &format!("{before}{begin}{}{end}{after}", table_rows()));
    let example = page.split("```toml").nth(1).expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let config = Config::parse(example).expect("sound");
    assert_eq!((config.log.len(), config.limits.connections_max), (2, 4096));
}
