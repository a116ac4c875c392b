//! What stands in packaging/: the service unit says what it must, and its command starts a server.

mod kubernetes;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::support::Folder;

/// Settings by section and name, in order: systemd adds up the values of some.
type Unit = BTreeMap<(String, String), Vec<String>>;

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name);
    fs::read_to_string(path).expect(name)
}

/// Reads a unit as systemd.syntax(7) has it, but for continued lines, of which ours has none.
fn unit(text: &str) -> Unit {
    let mut unit = Unit::new();
    let mut section = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = Some(name.to_owned());
            continue;
        }
        assert!(!line.ends_with('\\'), "continued: {line}");
        let (name, value) = line.split_once('=').expect("NAME=VALUE");
        let section = section.clone().expect("a section comes first");
        unit.entry((section, name.to_owned())).or_default().push(value.to_owned());
    }
    unit
}

fn value<'a>(unit: &'a Unit, section: &str, name: &str) -> &'a str {
    let values = &unit[&(section.to_owned(), name.to_owned())];
    assert_eq!(values.len(), 1, "{name} stands once");
    &values[0]
}

/// What a service that holds an audit log does not go without.
const MUST: [(&str, &str); 32] = [
    ("Type", "notify"),
    ("NotifyAccess", "main"),
    ("User", "counterfoil"),
    ("StateDirectoryMode", "0700"),
    ("UMask", "0077"),
    ("Restart", "on-failure"),
    ("RestartPreventExitStatus", "2"),
    ("KillMode", "mixed"),
    ("LimitCORE", "0"),
    ("NoNewPrivileges", "yes"),
    ("CapabilityBoundingSet", ""),
    ("AmbientCapabilities", ""),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateMounts", "yes"),
    ("PrivateDevices", "yes"),
    ("PrivateUsers", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectProc", "invisible"),
    ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ("RestrictNamespaces", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("KeyringMode", "private"),
    ("SystemCallArchitectures", "native"),
];

/// Seconds that a stop takes at most, docs/configuration.md.
const STOP_SECONDS: u64 = 12;

#[test]
fn the_service_is_shut_in() {
    let unit = unit(&text("systemd/counterfoil.service"));
    let service = |name| value(&unit, "Service", name);
    for (name, want) in MUST {
        assert_eq!(service(name), want, "{name}");
    }
    let filter = &unit[&("Service".to_owned(), "SystemCallFilter".to_owned())];
    assert_eq!(filter, &["@system-service", "~@privileged @resources"]);
    let seconds = |name| service(name).parse::<u64>().expect(name);
    assert!(seconds("TimeoutStopSec") > 2 * STOP_SECONDS);
    assert!(seconds("TimeoutStartSec") >= 60 && seconds("WatchdogSec") >= 60);
    assert!(seconds("LimitNOFILE") > 65_536 / 2);
    assert_eq!(service("StateDirectory"), "counterfoil counterfoil-keys");
    let starts = |name| value(&unit, "Unit", name).parse::<u64>().expect(name);
    let (interval, burst) = (starts("StartLimitIntervalSec"), starts("StartLimitBurst"));
    assert!(interval > burst * seconds("RestartSec"), "the limit is never reached");
    assert_eq!(value(&unit, "Install", "WantedBy"), "multi-user.target");
}

#[test]
fn data_and_keys_of_the_service_are_in_its_own_folders_and_apart() {
    let unit = unit(&text("systemd/counterfoil.service"));
    let words: Vec<&str> = value(&unit, "Service", "ExecStart").split(' ').collect();
    let after = |name: &str| words[words.iter().position(|word| *word == name).expect(name) + 1];
    let states = value(&unit, "Service", "StateDirectory").split(' ');
    let states: Vec<String> = states.map(|name| format!("/var/lib/{name}")).collect();
    assert_eq!([after("--data"), after("--keys")].as_slice(), states.as_slice());
    let contexts = value(&unit, "Service", "Environment");
    let keys = format!("COUNTERFOIL_CONTEXTS={}/", after("--keys"));
    assert!(contexts.starts_with(&keys), "tokens are kept with the keys: {contexts}");
    let user = value(&unit, "Service", "User");
    assert!(text("systemd/counterfoil.sysusers").contains(&format!("\nu {user} ")));
}

#[test]
fn the_command_of_the_service_starts_a_server() {
    let folder = Folder::new();
    folder.write("counterfoil.toml", "listen = \"127.0.0.1:0\"\norigin = \"log.example\"\n");
    let unit = unit(&text("systemd/counterfoil.service"));
    let command = value(&unit, "Service", "ExecStart");
    let command = command.strip_prefix("/usr/bin/counterfoil ").expect("the program");
    let moved = |word: &str| match word.rsplit_once('/') {
        Some((_, name)) => folder.path(name).to_str().expect("text").to_owned(),
        None => word.to_owned(),
    };
    let words: Vec<String> = command.split(' ').map(moved).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    folder.serve_as(&words).stop();
    assert!(folder.path("counterfoil/folder.json").exists());
    assert!(folder.path("counterfoil-keys/first-token-default").exists());
}
