//! By whose key a file is judged, where none was given or the wrong one.

use crate::life::EVENT;
use crate::support::Folder;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn a_key_that_is_saved_is_named_and_not_used() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("event.json", EVENT);
    folder.run(&["send", "event.json"]).code(0);
    let evidence = folder.run(&["evidence", ID]).code(0);
    folder.write("it's.json", &evidence);
    let keys = folder.run(&["key", "export"]).code(0);
    let of = |log: &str| keys.lines().find(|key| key.contains(log)).expect("a key").to_owned();
    let (key, other) = (of("/default-0+"), of("/default-access-0+"));
    let unknown = folder.run(&["verify", "it's.json", "--need", "full"]).code(4);
    assert!(unknown.contains("context \"local\" has the log's key; if you trust it:"), "{unknown}");
    let command = format!(r"counterfoil verify 'it'\''s.json' -k {key} --need full");
    assert!(unknown.contains(&command), "{command} in {unknown}");
    folder.run(&["verify", "it's.json", "-k", &key, "--need", "full"]).code(0);
    folder.write("other.key", &other);
    let wrong = folder.run(&["verify", "it's.json", "-k", "other.key"]).code(4);
    let what = "UNVERIFIABLE  the keys that were given are of log.example/tlog/default-access-0, and \
                none is of log.example/tlog/default-0\n";
    assert!(wrong.starts_with(what), "{wrong}");
    let command = format!("counterfoil verify 'it'\\''s.json' -k other.key -k {key}");
    assert!(wrong.contains(&command), "{command} in {wrong}");
    // Whoever has no such context is told where keys come from.
    server.stop();
    std::fs::remove_file(folder.path("contexts.toml")).expect("removed");
    let unknown = folder.run(&["verify", "it's.json"]).code(4);
    assert!(unknown.contains("counterfoil key export"), "{unknown}");
}
