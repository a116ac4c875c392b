//! Real events of real sources. The folder is named by `COUNTERFOIL_SHARED`; without it there is
//! nothing to read and the test says so.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use capture::{Body, Format};
use event::limits::{EVENT_BYTES_MAX, FIELDS_SENT_MAX};
use event::{Fields, Schema, Value};

#[derive(Default)]
struct Counts {
    files: usize,
    records: usize,
    fields: usize,
    secrets: usize,
    stringified: usize,
    /// Reasons of refusals, and where.
    refused: Vec<String>,
    /// How often each member of an event was set.
    members: BTreeMap<String, usize>,
}

#[test]
fn real_events_are_adapted() {
    let Some(shared) = std::env::var_os("COUNTERFOIL_SHARED") else {
        println!("COUNTERFOIL_SHARED is not set: no corpus was read");
        return;
    };
    for (folder, format, refusals) in [
        ("invictus-aws", Format::CloudTrail, 0),
        ("stratus-red-team", Format::CloudTrail, 0),
        // One file of this corpus is `{"kind": 0}`, on purpose.
        ("falco-k8s-audit", Format::Kubernetes, 1),
    ] {
        let counts = read_folder(&Path::new(&shared).join("corpora").join(folder), format);
        println!(
            "{folder}: {} files, {} records, {} fields, {} secrets named, {} stringified, {} refused",
            counts.files,
            counts.records,
            counts.fields,
            counts.secrets,
            counts.stringified,
            counts.refused.len()
        );
        println!("  {:?}", counts.members);
        println!("  refused: {:?}", counts.refused);
        assert!(counts.records > 40, "{folder} is not all there");
        assert_eq!(counts.refused.len(), refusals, "{folder}");
    }
}

fn read_folder(folder: &Path, format: Format) -> Counts {
    let mut counts = Counts::default();
    for entry in std::fs::read_dir(folder).expect("a corpus") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        let name = path.display().to_string();
        counts.files += 1;
        let mut body = Body::new(&bytes, format.wrapper(), false).expect(&name);
        while let Some(part) = body.next_part().expect(&name) {
            counts.records += 1;
            assert!(part.text.len() <= EVENT_BYTES_MAX);
            let value = part.value.expect(&name);
            if let Err(reason) = read_record(format, &value, &mut counts) {
                counts.refused.push(format!("{name}: {reason}"));
            }
        }
    }
    counts
}

fn read_record(format: Format, source: &Value<'_>, counts: &mut Counts) -> Result<(), String> {
    let record = format.adapt(source.clone()).map_err(|problem| problem.to_string())?;
    support::nothing_is_lost(source, &record.event)?;
    support::secrets_stand(&record)?;
    let mut event = record.event;
    Schema::event().conform(&mut event).map_err(|problem| problem.to_string())?;
    let fields = Fields::flatten(&event).map_err(|error| error.to_string())?;
    if fields.len() > FIELDS_SENT_MAX {
        return Err(format!("{} fields", fields.len()));
    }
    counts.fields += fields.len();
    counts.secrets += record.secrets.len();
    for (key, value) in &event.0 {
        *counts.members.entry(key.to_string()).or_default() += 1;
        let words = matches!(key.as_ref(), "verb" | "kind" | "phase");
        for (inner, value) in value.as_object().into_iter().flat_map(|object| &object.0) {
            if key == "actor" && inner == "type" || key == "outcome" && inner == "result" {
                let word = value.as_str().unwrap_or_default();
                *counts.members.entry(format!("{key}.{inner}={word}")).or_default() += 1;
            }
        }
        if words {
            let word = value.as_str().unwrap_or_default();
            *counts.members.entry(format!("{key}={word}")).or_default() += 1;
        }
    }
    let stringified = event.object("origin").and_then(|origin| origin.get("stringified"));
    counts.stringified += stringified.and_then(Value::as_array).map_or(0, <[_]>::len);
    Ok(())
}
