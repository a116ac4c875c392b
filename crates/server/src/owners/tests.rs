//! A start on a disk that has no room for what the files say.

use std::time::Duration;

use commit::{World, id_key};
use platform::Clock;
use platform::sim::{Fault, SimClock, SimDisk, SimEntropy};
use tokio::runtime::Handle;

use super::*;
use crate::compose::Composed;
use crate::config::{Config, Loaded};
use crate::pulse;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_goes_on_without_the_new_owners_and_takes_them_later() {
    let folder = std::env::temp_dir().join(format!("counterfoil-owners-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("owners.toml");
    std::fs::write(&file, "[service.web]\nteam = \"front\"\n").expect("written");
    let text = format!(
        "origin = \"log.example\"\n[[log]]\nname = \"acme-0\"\ntenant = \"acme\"\ncatalogue = {:?}\n",
        file.display().to_string()
    );
    let loaded = Loaded::from(Config::parse(&text).expect("a configuration"));
    let (disk, clock) = (SimDisk::new(1), Arc::new(SimClock::new(1_800_000_000_000_000_000)));
    let (data, keys) = (disk.folder("data"), disk.folder("keys"));
    let entropy = SimEntropy::new(1);
    let id_key = id_key(&data, &keys, &entropy).expect("a key");
    let world = World {
        disk: Arc::new(data),
        keys: Arc::new(keys),
        clock: clock.clone(),
        entropy: Arc::new(entropy),
        id_key,
    };
    disk.plan("create data/catalogue-acme.json", 0, Fault::Error);
    let composed = Composed::start(world, &loaded, &mut |_, _| {}).await.expect("it starts");
    let app = composed.app.clone();
    let version = || app.catalogues.of("acme").in_force.as_ref().map(|now| now.version);
    assert_eq!(version(), None, "what is not kept is not in force");
    let beat = || {
        let app = app.clone();
        tokio::task::spawn_blocking(move || pulse::beat(&app, &Handle::current()))
    };
    beat().await.expect("no panic");
    assert_eq!(version(), None, "it is not tried with every beat");
    clock.pass(Duration::from_secs(AGAIN_AFTER_S));
    beat().await.expect("no panic");
    assert_eq!(version(), Some(1));
    let changing = app.catalogues.changing.lock().await;
    let busy = try_take(&app, "acme").await.err().map(|failure| failure.code());
    assert_eq!(busy, Some("busy"), "nobody waits behind a file that hangs");
    drop(changing);
    assert!(try_take(&app, "acme").await.is_ok_and(|taken| taken.is_ok()));
    assert!(clock.elapsed() > Duration::ZERO);
    composed.begin_stop();
    composed.close().await.expect("closes in order");
    // A folder that stays does no harm.
    let _ = std::fs::remove_dir_all(&folder);
}
