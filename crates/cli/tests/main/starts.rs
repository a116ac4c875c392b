//! Starts that are refused or that find something missing: what they say, and what they leave.

use std::fs::{self, File};
use std::net::TcpListener;

use crate::life::EVENT;
use crate::support::Folder;

fn refused(folder: &Folder, args: &[&str]) -> String {
    let ran = folder.run(&[&["serve"], args].concat());
    assert!(ran.code != 0, "{ran:?}");
    ran.err
}

#[test]
fn a_start_without_its_tokens_says_that_they_are_lost() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("event.json", EVENT);
    folder.run(&["send", "event.json"]).code(0);
    server.stop();
    fs::remove_file(folder.path("data-keys/tokens.json")).expect("removed");
    let again = ["--data", "data", "--listen", "127.0.0.1:0"];
    let told = refused(&folder, &again);
    assert!(told.contains("first-token-default is there already"), "{told}");
    assert!(told.contains("data-keys/tokens.json has no admin in force"), "{told}");
    assert!(told.contains("put it back from a backup"), "{told}");
    fs::rename(folder.path("data-keys/first-token-default"), folder.path("old")).expect("moved");
    let mut command = folder.command(&[&["serve"], &again[..]].concat());
    command.stderr(File::create(folder.path("err")).expect("a file"));
    let server = folder.serve_by(command);
    let told = fs::read_to_string(folder.path("err")).expect("text");
    assert!(told.contains("tokens.json was lost, and with it every token"), "{told}");
    let search = ["--json", "search", "action:token.create", "--log", "default-access-0"];
    let stated = folder.run(&search).code(0);
    assert!(stated.contains("the tenant had logs and no token at all"), "{stated}");
    server.stop();

    folder.write("data-keys/tokens.json", "{");
    let told = refused(&folder, &again);
    assert!(told.contains("data-keys/tokens.json is no list of tokens: put it back"), "{told}");
}

#[test]
fn what_cannot_be_used_is_named_with_its_whole_path_and_who_looks_at_it() {
    let folder = Folder::new();
    folder.serve().stop();
    let again = ["--data", "data", "--listen", "127.0.0.1:0"];
    fs::rename(folder.path("data/journal"), folder.path("journal")).expect("moved");
    let told = refused(&folder, &again);
    assert!(told.contains("data/journal") && !told.contains("use journal"), "{told}");
    fs::rename(folder.path("journal"), folder.path("data/journal")).expect("moved");
    folder.write("afile", "");
    let told = refused(&folder, &["--data", "afile", "--listen", "127.0.0.1:0"]);
    assert!(told.contains("cannot use afile"), "{told}");
    assert!(told.contains("counterfoil doctor --data afile"), "{told}");
    fs::create_dir(folder.path("other")).expect("made");
    folder.write("other/notes.txt", "mine");
    let mut command = folder.command(&["serve", "--data", "other", "--listen", "127.0.0.1:0"]);
    command.stderr(File::create(folder.path("err")).expect("a file"));
    folder.serve_by(command).stop();
    let told = fs::read_to_string(folder.path("err")).expect("text");
    assert!(told.contains("other has files of somebody else's"), "{told}");
}

#[test]
fn an_address_that_cannot_be_had_is_explained_and_leaves_nothing() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|at| (at.to_string(), taken)).expect("an address");
    for (listen, wanted) in [
        (&*taken.0, "does another server run there?"),
        // Of the addresses that RFC 5737 keeps for documentation.
        ("192.0.2.1:8421", "this machine has no such address"),
        ("localhost:8421", "an IP address with port, such as 127.0.0.1:8420"),
        ("8421", "an IP address with port, such as 127.0.0.1:8420"),
    ] {
        let told = refused(&folder, &["--data", "new", "--listen", listen]);
        assert!(told.contains(wanted), "{listen}: {told}");
        assert_eq!(told.contains("does another"), listen == taken.0, "{told}");
    }
    assert!(!folder.path("new").exists() && !folder.path("new-keys").exists());
}

#[test]
fn keys_do_not_stand_in_the_data_folder() {
    let folder = Folder::new();
    for keys in ["data", "data/keys", "./data/../data/keys"] {
        let args = ["serve", "--data", "data", "--keys", keys, "--listen", "127.0.0.1:0"];
        let refused = folder.run(&args);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains("must not stand in the data folder"), "{}", refused.err);
    }
}

#[test]
fn a_first_start_that_is_refused_makes_nothing() {
    let folder = Folder::new();
    let taken = folder.path("data-keys/first-token-default");
    fs::create_dir_all(&taken).expect("a folder where the file is to be");
    let args = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];
    for _ in 0..2 {
        let refused = folder.run(&args);
        assert!(refused.code == 1 && refused.err.contains("is there already"), "{refused:?}");
        assert!(!folder.path("data").exists(), "{refused:?}");
        let keys = fs::read_dir(folder.path("data-keys")).expect("the keys");
        assert_eq!(keys.count(), 1, "what was there");
    }
    fs::remove_dir_all(folder.path("data-keys")).expect("removed");
    let server = folder.serve_as(&args);
    assert!(folder.first_token("default").starts_with("cf_"));
    server.stop();
}
