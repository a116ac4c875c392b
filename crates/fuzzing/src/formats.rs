//! What senders send: bodies, and the records of every format up to admission.

use admit::{Identity, Peer, Policy, Speaks, admit};
use capture::{Body, Format};
use event::Step;
use event::json;

use crate::events::judged;

/// A body is read to its end, in at most as many parts as it has bytes.
///
/// The first byte says which wrapper is known and whether the sender says NDJSON.
pub fn body(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let wrapper = [None, Some("Records"), Some("items")][usize::from(how % 3)];
    let Ok(mut body) = Body::new(bytes, wrapper, how / 3 % 2 == 1) else { return };
    let mut parts = 0;
    while let Ok(Some(part)) = body.next_part() {
        parts += 1;
        assert!(parts <= bytes.len(), "every part has bytes of its own");
        if let Ok(value) = part.value {
            let again = json::read(part.text.as_bytes()).expect("a part's text is its value");
            assert_eq!(again, value);
        }
    }
    assert!(matches!(body.next_part(), Ok(None)), "the end stays the end");
}

/// One value, taken for each format in turn, is admitted in its one form or refused.
pub fn all(bytes: &[u8]) {
    for (_, format) in Format::ALL {
        let Ok(value) = json::read(bytes) else { return };
        if let Ok(record) = format.adapt(value) {
            none_within_another(&record.secrets);
            let admitted = admit(record, &peer(), &Policy::default(), || "given".to_owned());
            if let Ok(admitted) = admitted {
                judged(admitted.fields());
                admitted.fields().to_value().expect("an event");
            }
        }
    }
}

fn peer() -> Peer {
    let identity = Identity { kind: "token", id: "forwarder".into() };
    Peer { identity, tenant: "t".into(), speaks: Speaks::ForMany }
}

fn none_within_another(secrets: &[Vec<Step>]) {
    let mut sorted: Vec<_> = secrets.iter().collect();
    sorted.sort();
    assert!(sorted.windows(2).all(|pair| !pair[1].starts_with(pair[0])), "{sorted:?}");
}
