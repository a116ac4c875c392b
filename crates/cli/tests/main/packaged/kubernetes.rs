//! The manifest for Kubernetes: what must stand in it stands there, and its command, configuration
//! and probes are those of the program.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value, json};

use super::text;
use crate::support::Folder;
use crate::wire::Wire;

/// The documents of a YAML text without anchors and tags. Plain `true`, `false` and numbers are what
/// they look like, all else is text.
fn documents(text: &str) -> Vec<Value> {
    let mut open: Vec<(Option<String>, Value)> = Vec::new();
    let mut done = Vec::new();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, _) = next.expect("YAML");
        let closed = match event {
            Event::MappingStart(..) => {
                open.push((None, Value::Object(Map::new())));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push((None, json!([])));
                continue;
            }
            Event::Scalar(text, ..) => scalar(&text),
            Event::MappingEnd | Event::SequenceEnd => open.pop().expect("open").1,
            _ => continue,
        };
        match open.last_mut() {
            None => done.push(closed),
            Some((_, Value::Array(items))) => items.push(closed),
            Some((key @ None, _)) => *key = Some(closed.as_str().expect("a name").to_owned()),
            Some((key, map)) => {
                let key = key.take().expect("a key");
                let before = map.as_object_mut().expect("a map").insert(key.clone(), closed);
                assert_eq!(before, None, "{key} stands twice");
            }
        }
    }
    done
}

fn scalar(text: &str) -> Value {
    let plain = serde_json::from_str(text).ok();
    plain.filter(|it: &Value| it.is_boolean() || it.is_number()).unwrap_or_else(|| text.into())
}

fn of_kind(kind: &str) -> Value {
    let all = documents(&text("kubernetes/counterfoil.yaml"));
    let mut found = all.into_iter().filter(|it| it["kind"] == kind);
    let one = found.next().expect(kind);
    assert_eq!(found.next(), None, "{kind} stands once");
    one
}

#[test]
fn the_pod_is_shut_in() {
    let set = of_kind("StatefulSet");
    assert_eq!(set["spec"]["replicas"], 1, "one process has the folder");
    let pod = &set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    for (at, name, want) in [
        (pod, "/automountServiceAccountToken", json!(false)),
        (pod, "/enableServiceLinks", json!(false)),
        (pod, "/securityContext/runAsNonRoot", json!(true)),
        (pod, "/securityContext/runAsUser", json!(65532)),
        (pod, "/securityContext/fsGroup", json!(65532)),
        (pod, "/securityContext/fsGroupChangePolicy", json!("OnRootMismatch")),
        (pod, "/securityContext/seccompProfile/type", json!("RuntimeDefault")),
        (container, "/securityContext/allowPrivilegeEscalation", json!(false)),
        (container, "/securityContext/readOnlyRootFilesystem", json!(true)),
        (container, "/securityContext/capabilities", json!({ "drop": ["ALL"] })),
    ] {
        assert_eq!(at.pointer(name), Some(&want), "{name}");
    }
    let stop = pod["terminationGracePeriodSeconds"].as_u64().expect("a number");
    assert!(stop > 2 * super::STOP_SECONDS);
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&set["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&of_kind("Service")["spec"]["selector"], labels);
}

#[test]
fn what_the_pod_writes_to_is_mounted() {
    let set = of_kind("StatefulSet");
    let pod = &set["spec"]["template"]["spec"];
    let names = |list: &Value, at: &str| -> Vec<String> {
        let items = list.as_array().expect("a list").iter();
        items.map(|it| it.pointer(at).expect(at).as_str().expect("text").to_owned()).collect()
    };
    let claims = names(&set["spec"]["volumeClaimTemplates"], "/metadata/name");
    assert_eq!(claims, ["data", "keys"], "keys stand apart from data");
    let volumes = [claims, names(&pod["volumes"], "/name")].concat();
    let mounts = &pod["containers"][0]["volumeMounts"];
    assert!(names(mounts, "/name").iter().all(|name| volumes.contains(name)));
    let paths = names(mounts, "/mountPath");
    let arguments = names(&pod["containers"][0]["args"], "");
    for path in arguments.iter().filter(|word| word.starts_with('/')) {
        assert!(paths.iter().any(|mount| path.starts_with(&format!("{mount}/"))), "{path}");
    }
}

#[test]
fn the_command_of_the_pod_starts_a_server_that_answers_its_probes() {
    let folder = Folder::new();
    let config = of_kind("ConfigMap")["data"]["counterfoil.toml"].clone();
    let config = config.as_str().expect("text").replace("0.0.0.0:8420", "127.0.0.1:0");
    assert!(config.contains("127.0.0.1:0") && config.contains("origin"), "{config}");
    folder.write("counterfoil.toml", &config);
    let set = of_kind("StatefulSet");
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().expect("a list").iter();
    let moved = |word: &Value| match word.as_str().expect("text") {
        "/etc/counterfoil/counterfoil.toml" => "counterfoil.toml".to_owned(),
        word => word.trim_start_matches('/').replace('/', "-"),
    };
    let arguments: Vec<String> = arguments.map(moved).collect();
    let server = folder.serve_as(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let ask = &container[probe]["httpGet"];
        assert_eq!(ask["port"], container["ports"][0]["name"], "{probe}");
        let path = ask["path"].as_str().expect("a path");
        let answer = Wire::open(&server.url).ask("GET", path, &[], b"");
        assert_eq!(answer.status, 200, "{probe}: {}", answer.text());
    }
    server.stop();
    assert!(folder.path("data-log/folder.json").exists());
    assert!(folder.path("keys-log/first-token-default").exists());
}
