//! A reload whose end cannot be stated, and one that comes while another is under way.

use axum::response::IntoResponse;
use commit::{World, id_key};
use platform::sim::{Fault, SimClock, SimDisk, SimEntropy};

use super::*;
use crate::access::Role;
use crate::compose::Composed;
use crate::config::{Config, Place, Value};
use crate::http::settings;

fn loaded(more: &str) -> Loaded {
    let config = Config::parse(&format!("origin = \"log.example\"\n{more}"));
    Loaded::from(config.expect("a configuration"))
}

async fn compose(disk: &SimDisk) -> Composed {
    let entropy = SimEntropy::new(1);
    let (data, keys) = (disk.folder("data"), disk.folder("keys"));
    let id_key = id_key(&data, &keys, &entropy).expect("a key");
    let world = World {
        disk: Arc::new(data),
        keys: Arc::new(keys),
        clock: Arc::new(SimClock::new(1_800_000_000_000_000_000)),
        entropy: Arc::new(entropy),
        id_key,
    };
    Composed::start(world, &loaded(""), &mut |_, _| {}).await.expect("it starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_a_file_hangs_comes_again() {
    let composed = compose(&SimDisk::new(1)).await;
    let app = composed.app.clone();
    let admin = Asker::Principal(Principal {
        name: "admin".into(),
        token_id: "0000000a".into(),
        role: Role::Admin,
        tenant: "default".into(),
        services: Vec::new(),
    });
    let hangs = app.setup.turn.clone().lock_owned().await;
    for _ in 0..100 {
        let error = reload(&app, &admin).await.expect_err("one is under way");
        assert_eq!((error.code(), settings::failure(&app, error).code()), ("busy", "busy"));
    }
    drop(hangs);
    let error = reload(&app, &admin).await.expect_err("there is nothing to read");
    assert_eq!(error.code(), "config");
    composed.begin_stop();
    composed.close().await.expect("closes in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asked_hears_that_the_settings_are_in_force_though_it_is_not_stated() {
    let disk = SimDisk::new(1);
    let composed = compose(&disk).await;
    let app = composed.app.clone();
    let change = Change {
        name: "limits.reads_s_max".into(),
        old: Value::Count(100),
        new: Value::Count(7),
        place: Place::Default,
        live: true,
        tenant: None,
    };
    // The attempt stands; then the disk fails.
    let fails = move |_: &App| disk.plan("sync data/journal/", 0, Fault::Error);
    let candidate = Candidate { changes: Vec::new(), take: Box::new(fails) };
    let plan = Plan {
        next: loaded("[limits]\nreads_s_max = 7\n"),
        changes: vec![change],
        candidates: vec![candidate],
    };
    let error = enforce(&app, &Asker::Signal, plan).await.expect_err("its end is not stated");
    assert_eq!(
        error.to_string(),
        "the settings are in force, but the access log could not be written: it has the attempt, \
         and not its end"
    );
    assert_eq!(app.limits().reads_s_max, 7, "and so they are");
    let told = settings::failure(&app, error);
    assert!(told.detail().starts_with("the settings are in force, but"), "{}", told.detail());
    assert_eq!((told.code(), told.into_response().status().as_u16()), ("internal", 500));
    composed.begin_stop();
    composed.close().await.expect_err("the journal failed");
}
