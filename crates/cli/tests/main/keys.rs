//! Keys of logs, as an operator replaces them and an auditor takes them over.

use std::path::Path;

use crate::life::EVENT;
use crate::support::{Folder, Ran, Server};

/// A server, and a second person's token.
fn house() -> (Folder, Server, String) {
    let folder = Folder::new();
    let server = folder.serve();
    let token = folder.run(&["token", "create", "auditor", "--role", "auditor"]).code(0);
    (folder, server, token.trim().to_owned())
}

fn replace(folder: &Folder, auditor: &str, together: &str) -> Ran {
    folder.run(&["key", "agree", "default-0", "--token", auditor]).code(0);
    folder.run(&["key", "rotate", "default-0", "--why", "stolen", "--together", together])
}

#[test]
fn a_stolen_key_is_replaced_at_once() {
    let (folder, server, auditor) = house();
    let old = folder.run(&["key", "export"]).code(0);
    let alone = folder.run(&["key", "rotate", "default-0", "--why", "stolen"]);
    assert!(alone.code == 1 && alone.err.contains("second_person"), "{alone:?}");
    // The word of whoever orders is not a second one.
    folder.run(&["key", "agree", "default-0"]).code(0);
    let alone = folder.run(&["key", "rotate", "default-0", "--why", "stolen"]);
    assert!(alone.code == 1 && alone.err.contains("second_person"), "{alone:?}");
    let rotated = replace(&folder, &auditor, "0");
    assert!(rotated.err.contains("the one before signs nothing more"), "{rotated:?}");
    let secrets = std::fs::read_to_string(folder.path("data-keys/default-0.key")).expect("a key");
    assert_eq!(secrets.lines().count(), 1, "the old secret is gone");
    // The last checkpoint that the old key signed is the one over the end of its time.
    let at = format!("{}/tlog/default-0", server.url);
    folder.run(&["verify", &at]).code(0);
    folder.write("event.json", EVENT);
    folder.run(&["send", "event.json"]).code(0);
    let unknown = folder.run(&["verify", &at]).code(4);
    assert!(unknown.contains("counterfoil key accept"), "{unknown}");
    let accepted = folder.run(&["key", "accept"]).code(0);
    assert!(accepted.contains("which both signed: saved"), "{accepted}");
    folder.run(&["verify", &at]).code(0);
    let new = folder.run(&["key", "export"]).code(0);
    assert_ne!(old, new);
    let list = folder.run(&["key", "list", "--json"]).code(0);
    assert!(!list.contains("handover"), "{list}");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let signs = |at: usize| list["logs"][0]["keys"][at]["signs"] == true;
    assert!(!signs(0) && signs(1), "{list}");
    server.stop();
    // A folder at rest is verified with either, and the verdict says which led where.
    folder.write("old.key", &old);
    folder.write("new.key", &new);
    let by_old = folder.run(&["verify", "data", "-k", "old.key"]).code(0);
    assert!(by_old.contains("leads there"), "{by_old}");
    let by_new = folder.run(&["verify", "data", "-k", "new.key"]).code(0);
    assert!(by_new.contains("VERIFIED") && !by_new.contains("leads there"), "{by_new}");
    folder.serve().stop();
    folder.run(&["verify", "data", "-k", "new.key"]).code(0);
}

#[test]
fn a_server_that_lies_about_its_keys_is_not_accepted() {
    let (folder, server, auditor) = house();
    replace(&folder, &auditor, "1d").code(0);
    // As if another key had been saved: nothing that the server shows leads from it.
    let contexts = folder.path("contexts.toml");
    let saved = std::fs::read_to_string(&contexts).expect("contexts");
    let strangers = Folder::new();
    strangers.serve().stop();
    let strange = std::fs::read_to_string(strangers.path("contexts.toml")).expect("contexts");
    std::fs::write(&contexts, with_keys_of(&saved, &strange)).expect("written");
    let refused = folder.run(&["key", "accept"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.out.contains("is none of those that the server shows"), "{refused:?}");
    assert_eq!(keys_in(&contexts), 2, "nothing was saved");
    // Who has no key of a log is led to none.
    std::fs::write(&contexts, with_keys_of(&saved, "keys = []")).expect("written");
    let refused = folder.run(&["key", "accept"]);
    assert!(refused.code == 1 && refused.out.contains("no saved key vouches"), "{refused:?}");
    std::fs::write(&contexts, with_keys_of(&saved, &strange)).expect("written");
    let key = folder.run(&["key", "export"]).code(0);
    let key = key.lines().next().expect("a key").to_owned();
    folder.run(&["key", "save", &key]).code(0);
    assert_eq!(keys_in(&contexts), 3);
    let wrong = folder.run(&["key", "save", "no-such-file"]);
    assert!(wrong.code == 2 && wrong.err.contains("neither a key nor a file"), "{wrong:?}");
    server.stop();
}

/// A key that somebody took off the list may be the one that all the others came after.
#[test]
fn a_log_of_which_a_key_is_hidden_leads_to_no_other() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.run(&["log", "rotate", "default-0", "--why", "a new year"]).code(0);
    let contexts = folder.path("contexts.toml");
    let saved = std::fs::read_to_string(&contexts).expect("contexts");
    let strangers = Folder::new();
    strangers.serve().stop();
    let strange = std::fs::read_to_string(strangers.path("contexts.toml")).expect("contexts");
    let key = strange.split('"').find(|text| text.contains("/tlog/default-0+")).expect("a key");
    folder.run(&["key", "save", key]).code(0);
    let refused = folder.run(&["key", "accept"]);
    assert!(refused.code == 1 && !refused.out.contains("saved\n"), "{refused:?}");
    assert!(refused.out.contains("default-1  signed by"), "{refused:?}");
    // Without it, the same log is led to.
    std::fs::write(&contexts, saved).expect("written");
    let accepted = folder.run(&["key", "accept"]).code(0);
    assert!(accepted.contains("named by default-0, which it follows"), "{accepted}");
    server.stop();
}

/// The text of one file of contexts, with the keys of another.
fn with_keys_of(saved: &str, other: &str) -> String {
    let keys = |text: &str| {
        let from = text.find("keys = [").expect("keys");
        (from, from + text[from..].find(']').expect("an end") + 1)
    };
    let ((from, to), (first, last)) = (keys(saved), keys(other));
    format!("{}{}{}", &saved[..from], &other[first..last], &saved[to..])
}

fn keys_in(contexts: &Path) -> usize {
    std::fs::read_to_string(contexts).expect("contexts").matches("/tlog/").count()
}
