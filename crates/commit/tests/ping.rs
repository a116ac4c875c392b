//! A lane that hangs in its turn is not heard.

use std::sync::Arc;
use std::sync::mpsc::{TryRecvError, channel};

use commit::{Index, Indexer, Store};

use crate::world::{Outside, events};

#[test]
fn a_lane_that_hangs_does_not_answer() {
    let outside = Outside::new(1, &["acme"]);
    let indexer: Arc<Indexer> = Arc::new(|_: &_, _: &_| -> Index { Box::new(|_| {}) });
    let world = outside.world().expect("a world");
    let store = Store::open(world, &outside.settings, &mut |_, _| {}, &indexer, |_| {});
    let store = store.expect("opens");
    let (began, begins) = channel();
    let (go_on, goes_on) = channel::<()>();
    let hang: Index = Box::new(move |_| {
        began.send(()).expect("heard");
        goes_on.recv().expect("let go");
    });
    let log = store.logs()["acme-0"].clone();
    let prepared = store.prepare(&log, &events("acme", "a", 1)).expect("prepared");
    store.submit(prepared, hang, Box::new(|_| {}));
    begins.recv().expect("the lane is at it");

    let (told, heard) = channel();
    assert!(store.ping(move || told.send(()).expect("heard")), "there is room to ask");
    assert_eq!(heard.try_recv(), Err(TryRecvError::Empty));
    go_on.send(()).expect("it waits");
    heard.recv().expect("it answers once it goes on");

    store.close().expect("closed");
    assert!(!store.ping(|| panic!("nobody is there")), "a lane that has ended cannot be asked");
}
