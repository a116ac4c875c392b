//! What the access log has when callers hang up.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tokio::sync::oneshot;

use super::*;
use crate::config::{Config, Loaded};
use crate::{Running, outside, start};

/// A server of one's own, in a folder that is gone with the test.
struct House {
    folder: PathBuf,
    running: Option<Running>,
}

impl House {
    async fn new() -> House {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("counterfoil-stated-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let folder = std::env::temp_dir().join(name);
        let config = Config::parse("listen = \"127.0.0.1:0\"\norigin = \"log.example\"\n");
        let loaded = Loaded::from(config.expect("a configuration"));
        let (data, keys) = (folder.join("data"), folder.join("keys"));
        for path in [&data, &keys] {
            std::fs::create_dir_all(path).expect("a folder");
        }
        let running = start(&data, &keys, &loaded, &mut |_, _| {}).await.expect("starts");
        House { folder, running: Some(running) }
    }

    fn app(&self) -> Arc<App> {
        self.running.as_ref().expect("it runs").app.clone()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A folder that stays does no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn admin() -> Principal {
    let (name, token_id) = ("root".to_owned(), "00000000".to_owned());
    Principal { name, token_id, role: Role::Admin, tenant: "default".into(), services: vec![] }
}

/// Phase and result of every statement about an action, oldest first.
fn stated(app: &App, action: &str) -> Vec<(String, String)> {
    let log = app.open_log("default", Purpose::Access).expect("an access log");
    let read = |seq| log.read_checked(seq).expect("it is there").0.to_value().expect("an event");
    let events = (0..log.checkpoint().size).map(read);
    let about = events.filter(|event| event.str("action") == Some(action));
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    about
        .map(|event| {
            let result = event.object("outcome").and_then(|outcome| outcome.str("result"));
            (text(event.str("phase")), text(result))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_file_that_hangs() {
    let mut house = House::new().await;
    let app = house.app();
    let (enters, entered) = oneshot::channel();
    let (goes_on, go_on) = std::sync::mpsc::channel::<()>();
    let what = Statement::new("catalogue.reload", "config", "update").to("catalogue", "default");
    let hangs = |app: Arc<App>| async move {
        let hang = move || {
            enters.send(()).expect("somebody waits");
            go_on.recv()
        };
        outside::read(&app, hang).await.map(drop)
    };
    let reading = tokio::spawn({
        let app = app.clone();
        async move { change(&app.clone(), &admin(), Ok(()), what, move || hangs(app)).await }
    });
    entered.await.expect("it is read");
    house.running.take().expect("it runs").stop().await.expect("stops in order");
    let ended = reading.await.expect("no panic").expect_err("nothing was read");
    assert_eq!(ended.code(), "stopping");
    let pair = [("attempt", "-"), ("end", "failure")];
    let pair = pair.map(|(phase, result)| (phase.to_owned(), result.to_owned()));
    assert_eq!(stated(&app, "catalogue.reload"), pair);
    drop(goes_on);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_caller_hangs_up_comes_to_its_end() {
    let mut house = House::new().await;
    let app = house.app();
    let (enters, entered) = oneshot::channel();
    let (goes_on, go_on) = oneshot::channel::<()>();
    let slow = async move || {
        enters.send(()).expect("somebody waits");
        go_on.await.map_err(|error| Failure::internal(&error))
    };
    let what = Statement::new("token.create", "audit", "create").to("token", "late");
    let caller = admin();
    tokio::select! {
        _ = change(&app, &caller, Ok(()), what, slow) => panic!("it cannot end yet"),
        entered = entered => entered.expect("the attempt is stated"),
    }
    // The branch that lost was dropped, as a handler is when its connection is reset.
    let stopping = tokio::spawn(house.running.take().expect("it runs").stop());
    goes_on.send(()).expect("the change is still made");
    stopping.await.expect("no panic").expect("stops in order");
    let pair = [("attempt", "-"), ("end", "success")];
    let pair = pair.map(|(phase, result)| (phase.to_owned(), result.to_owned()));
    assert_eq!(stated(&app, "token.create")[1..], pair, "behind the first admin's");
}

#[test]
fn what_took_force_is_not_to_be_asked_for_again() {
    let full = || Failure::busy("disk", "no room");
    let refused = || Failure::not_found("no such token");
    let answer = |changed, stated| answered(changed, stated).map_err(|failure| failure.code());
    assert_eq!(answer(Ok(7), Ok(())), Ok(7));
    assert_eq!(answer(Ok(7), Err(full())), Err("unstated"));
    assert_eq!(answer(Err(refused()), Err(full())), Err("disk"), "nothing was done");
    assert_eq!(answer(Err(refused()), Ok(())), Err("not_found"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_owed_is_stated_once_and_in_turn() {
    let mut house = House::new().await;
    let app = house.app();
    let end = |result| {
        Statement::new("log.rotate", "audit", "update").with(&["phase"], "end").ended(result)
    };
    app.owed.add("default".into(), end("success"));
    // No log takes this one, so what is behind it waits.
    app.owed.add("nobody".into(), end("success"));
    app.owed.add("default".into(), end("failure"));
    let has = |app: &App| stated(app, "log.rotate");
    let pair = |result: &str| ("end".to_owned(), result.to_owned());
    let running = house.running.take().expect("it runs");
    while has(&app).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(has(&app), [pair("success")], "with a pulse");
    running.stop().await.expect("in order");
    assert_eq!(has(&app), [pair("success")]);
    assert!(app.owed.check().is_ok());
}

#[test]
fn a_long_question_counts_as_several() {
    let counts_as =
        |bytes| Access::new("evidence.export", "export").asking(&"x".repeat(bytes)).counts_as;
    assert_eq!([0, 4_095, 4_096, 9_000, 1 << 20].map(counts_as), [1, 1, 2, 3, 5]);
}
