//! Records of every kind and the events they become, as files: one record, its event in its one
//! form, and the places of its secrets. `UPDATE_GOLDEN=1 cargo test -p capture` writes them anew.

mod support;

use std::path::{Path, PathBuf};

use capture::Format;
use event::{Fields, PathText, Schema, Value, json};

fn golden() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of golden files")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

#[test]
fn records_become_the_events_on_file() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let files = golden();
    assert!(files.len() > 40, "golden files are missing");
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect(&name);
        let Ok(Value::Object(mut file)) = json::read(text.as_bytes()) else { panic!("{name}") };
        let format = Format::ALL.iter().find(|(word, _)| file.str("format") == Some(word));
        let (_, format) = format.expect(&name);
        let source = file.get("record").expect(&name).clone();
        let record = format.adapt(source.clone()).expect(&name);
        if *format != Format::CloudEvents {
            support::nothing_is_lost(&source, &record.event).expect(&name);
        }
        support::secrets_stand(&record).expect(&name);
        let mut event = record.event;
        Schema::event().conform(&mut event).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        Fields::flatten(&event).expect(&name);
        let secrets: Vec<Value<'_>> = record
            .secrets
            .iter()
            .map(|steps| Value::from(PathText::from_steps(steps).as_str().to_owned()))
            .collect();
        file.set("event", event);
        file.set("secrets", secrets);
        let mut want = String::new();
        support::pretty(&Value::from(file), 0, &mut want);
        want.push('\n');
        if update {
            std::fs::write(&path, want).expect(&name);
        } else {
            assert!(text == want, "{name} differs from what is made now:\n{want}");
        }
    }
}

#[test]
fn what_is_no_record_is_refused() {
    for (format, json, want) in [
        (Format::Native, "7", "the event: must be an object, not number"),
        (
            Format::CloudTrail,
            "{}",
            "the event: is no CloudTrail record: it has neither eventSource nor eventName",
        ),
        (
            Format::Kubernetes,
            "{\"kind\":0}",
            "the event: is no Kubernetes audit event: it has neither verb nor auditID",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"source\":\"s\",\"type\":\"t\"}",
            "/id: is required in a CloudEvent and must be a string that is not empty",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"0.3\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\"}",
            "/specversion: must be 1.0: no other version of CloudEvents is understood",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"datacontenttype\":\"text/xml\"}",
            "/datacontenttype: must be application/json or end in +json",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\"}",
            "/data: is required and must be an audit.event/1 object",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"data\":[]}",
            "/data: must be an audit.event/1 object, not array",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"data\":{},\"data_base64\":\"e30=\"}",
            "/data_base64: stands beside data; a CloudEvent has one of them",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"e30\"}",
            "/data_base64: no base64: Invalid padding",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"e3t9\"}",
            "/data_base64: not valid JSON at byte 1: expected a key in double quotes",
        ),
        (
            Format::CloudEvents,
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"data\":{\"attributes\":{\"cloudevents\":1}}}",
            "/data/attributes/cloudevents: is where this envelope goes; leave it out or send the event as it is",
        ),
    ] {
        let value = json::read(json.as_bytes()).expect(json);
        assert_eq!(format.adapt(value).expect_err(json).to_string(), want);
    }
}
