//! Mistakes of whoever types, and what is said of them.

use std::fs;
use std::os::unix::fs::symlink;

use crate::life::EVENT;
use crate::support::Folder;

/// What a command says that exits so.
#[track_caller]
fn said(folder: &Folder, code: i32, args: &[&str]) -> String {
    let ran = folder.run(args);
    assert_eq!(ran.code, code, "{ran:#?}");
    ran.out + &ran.err
}

#[test]
fn a_context_is_looked_at_when_it_is_saved_and_not_written_over() {
    let folder = Folder::new();
    let none = said(&folder, 2, &["status"]);
    assert!(none.contains("save one: counterfoil context add"), "{none}");
    said(&folder, 0, &["context", "add", "short", "--at", "127.0.0.1:8420"]);
    assert!(said(&folder, 0, &["context", "list"]).ends_with(" http://127.0.0.1:8420\n"));
    said(&folder, 0, &["context", "remove", "short"]);
    let wrong = said(&folder, 2, &["context", "add", "foo", "--at", "https://a.example"]);
    assert!(wrong.contains("only http:// addresses"), "{wrong}");
    let add = |at: &'static str, file: &'static str| {
        ["context", "add", "a", "--at", at, "--token-file", file]
    };
    folder.write("passwd", "root:x:0:0\ndaemon:x:1:1\n");
    let wrong = said(&folder, 2, &add("http://a.example", "passwd"));
    assert!(wrong.contains("passwd is no token"), "{wrong}");
    folder.write("token", "cf_1_2\n");
    folder.write("other", "cf_3_4\n");
    said(&folder, 0, &add("http://a.example", "token"));
    said(&folder, 0, &add("http://a.example", "token"));
    for (at, file) in [("http://a.example", "other"), ("http://b.example", "token")] {
        let kept = said(&folder, 2, &add(at, file));
        assert!(kept.contains("\"a\" is saved already, for http://a.example"), "{kept}");
        assert!(kept.contains("counterfoil context remove a"), "{kept}");
    }
    said(&folder, 0, &["context", "add", "b", "--at", "http://b.example"]);
    let removed = said(&folder, 0, &["context", "remove", "b"]);
    assert!(removed.contains("none is now") && removed.contains("(a)"), "{removed}");
    let which = said(&folder, 2, &["status"]);
    assert!(which.contains("counterfoil context use NAME; there are: a"), "{which}");
    for (token, wanted) in [("", "the token is empty"), ("a b", "is no token")] {
        let wrong = said(&folder, 2, &["status", "--context", "a", "--token", token]);
        assert!(wrong.contains(wanted), "{wrong}");
    }
}

#[test]
fn what_was_meant_is_said_beside_what_is_wrong() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("event.json", EVENT);
    said(&folder, 0, &["send", "event.json"]);
    let id = said(&folder, 1, &["token", "revoke", "admin"]);
    assert!(id.contains("by its ID, not its name: counterfoil token list (here "), "{id}");
    let unknown = said(&folder, 1, &["token", "revoke", "adm1n"]);
    assert!(unknown.contains("by its ID, not its name: counterfoil token list\n"), "{unknown}");
    said(&folder, 0, &["token", "create", "till", "--role", "auditor"]);
    let tokens = said(&folder, 0, &["token", "list"]);
    let till = tokens.lines().find(|line| line.contains(" till ")).expect(&tokens);
    let till = till.split_whitespace().next().expect("an id");
    let revoke = ["token", "revoke", till];
    assert_eq!(
        said(&folder, 0, &revoke),
        format!("token {till} (till, auditor) is out of force\n")
    );
    let again = said(&folder, 1, &revoke);
    assert!(again.contains("it was revoked already, or there never was one"), "{again}");
    let agreed = said(&folder, 0, &["key", "agree", "default-0"]);
    assert!(agreed.ends_with("\nsomebody other than you must order it\n"), "{agreed}");
    let alone = said(&folder, 1, &["key", "rotate", "default-0", "--why", "test"]);
    assert!(alone.contains("somebody else: counterfoil key agree default-0"), "{alone}");
    let short = said(&folder, 1, &["show", "0189"]);
    assert!(short.contains("a short one has 8 digits or more, from the last part"), "{short}");
    for args in [["trace", "4bf9"], ["session", "abc"]] {
        let short = said(&folder, 1, &args);
        assert!(short.contains("the beginning of an id has 8 characters or more"), "{short}");
    }
    let long = said(&folder, 1, &["trace", "4bf92f35"]);
    assert!(!long.contains("the beginning of an id"), "{long}");
    let open =
        said(&folder, 1, &["status", "--url", &server.url.replace("127.0.0.1", "localhost")]);
    assert!(open.contains("--token, COUNTERFOIL_TOKEN, or saved"), "{open}");
    let or = said(&folder, 1, &["search", "alice OR bob"]);
    assert!(or.contains("q: column 7: there is no OR"), "{or}");
    let option = said(&folder, 2, &["search", "--jsn"]);
    assert!(option.contains("no option --jsn"), "{option}");
    let exact = said(&folder, 0, &["search", "did:invoice"]);
    assert!(exact.contains("what begins so: did:invoice*"), "{exact}");
}

#[test]
fn what_is_not_sent_says_so_with_its_reason() {
    let folder = Folder::new();
    let _server = folder.serve();
    fs::create_dir(folder.path("empty")).expect("made");
    let none = said(&folder, 2, &["send", "empty"]);
    assert!(none.contains("nothing was sent"), "{none}");
    folder.write("bad.ndjson", &format!("{EVENT}\n{{\"a\":}}\n{{\"b\":}}\n"));
    let bad = said(&folder, 1, &["send", "bad.ndjson"]);
    let first = "       2  json\n          bad.ndjson:2:6: not valid JSON: expected a value\n";
    assert!(bad.contains(first), "{bad}");
    assert!(bad.ends_with("one by one: --refusals FILE\n"), "{bad}");
}

#[test]
fn who_verifies_the_wrong_thing_is_told_which() {
    let folder = Folder::new();
    let server = folder.serve();
    let key = folder.run(&["key", "export"]).code(0);
    folder.write("log.key", &key);
    for (file, wanted) in [
        ("log.key", "log.key is a key, by which one verifies"),
        ("data-keys/default-0.key", "data-keys/default-0.key is a secret key, which signs"),
    ] {
        let wrong = said(&folder, 2, &["verify", file]);
        assert!(wrong.contains(wanted), "{wrong}");
    }
    folder.write("nothing", "");
    let none = said(&folder, 4, &["verify", "nothing", "-k", "log.key"]);
    assert!(none.contains("of          nothing\n") && !none.contains("rests on"), "{none}");
    let secret = said(&folder, 2, &["verify", "nothing", "-k", "data-keys/default-0.key"]);
    assert!(secret.contains("data-keys/default-0.key is a secret key"), "{secret}");
    assert!(!secret.contains("PRIVATE"), "{secret}");
    let garbage = said(&folder, 2, &["verify", "log.key", "-k", "nothing.else"]);
    assert!(garbage.contains("nothing.else"), "{garbage}");

    let url = ["verify", &*server.url, "--log", "default-0", "--remember"];
    let nowhere = said(&folder, 2, &[&url[..], &["nodir/pin"]].concat());
    assert!(nowhere.contains("there is no folder nodir; nothing was looked at"), "{nowhere}");
    assert!(!nowhere.contains("VERIFIED"), "{nowhere}");
    folder.write("pin", "garbage");
    let garbage = said(&folder, 2, &[&url[..], &["pin"]].concat());
    assert!(garbage.contains("pin: the saved checkpoint"), "{garbage}");
    // A name that may be, and leaves no room for the one beside it.
    let long = "p".repeat(250);
    let lost = said(&folder, 2, &[&url[..], &[&*long]].concat());
    assert!(lost.contains("the checkpoint was NOT saved"), "{lost}");
    server.stop();

    // There, and not to be read by anybody at all: a mode would not keep root out.
    fs::create_dir(folder.path("closed")).expect("made");
    symlink("lock", folder.path("closed/lock")).expect("made");
    let closed = said(&folder, 2, &["verify", "closed"]);
    assert!(closed.contains("closed cannot be read") && closed.contains("user"), "{closed}");
    fs::create_dir(folder.path("not")).expect("made");
    assert!(said(&folder, 2, &["verify", "not"]).contains("it has no file \"lock\""));
}

#[test]
fn a_demo_goes_on_with_the_data_of_an_earlier_one() {
    let folder = Folder::new();
    let demo = ["demo", "--data", "kept", "--listen", "127.0.0.1:0", "--events", "3"];
    for _ in 0..2 {
        said(&folder, 0, &demo);
    }
}
