//! Ids: a retry is answered with the first seq, another event with the same id is stored and
//! linked.

use commit::{Earlier, Fate, Place};

use crate::world::{Outside, event, log_of, submit};

/// Sends batches, each `(id, text)…`, with a restart after every second one, and shows what
/// became of each event: `new`, `= seq` (duplicate) or `! seq` (conflict with).
fn check(batches: &[&[(&str, &str)]], expected: &[&str]) {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let mut shown = Vec::new();
    for (n, batch) in batches.iter().enumerate() {
        let sent =
            batch.iter().map(|(id, text)| event("acme", (!id.is_empty()).then_some(id), text));
        let waiting = submit(&mut stepped, "acme", sent.collect());
        stepped.drain().unwrap();
        outside.witness.hear(&waiting, &waiting.answer());
        let commit::Answer::Committed { first, .. } = waiting.answer() else { panic!() };
        let show = |fate: &Fate| {
            let standing = fate.standing(first);
            match standing.conflict {
                _ if standing.duplicate => format!("= {}", standing.place.seq),
                Some(earlier) => format!("{} ! {}", standing.place.seq, earlier.seq),
                None => standing.place.seq.to_string(),
            }
        };
        shown.push(waiting.fates.iter().map(show).collect::<Vec<_>>().join(", "));
        if n % 2 == 1 {
            stepped.close().unwrap();
            stepped = outside.open().unwrap();
        }
    }
    assert_eq!(shown, expected);
}

#[test]
fn a_retry_is_answered_with_the_first_seq() {
    check(
        &[
            &[("a", "1"), ("b", "1"), ("a", "1")],
            &[("b", "1"), ("c", "1")],
            &[("c", "1"), ("a", "1"), ("b", "1")],
        ],
        &["1, 2, = 1", "= 2, 3", "= 3, = 1, = 2"],
    );
}

#[test]
fn another_event_with_the_same_id_is_stored_and_linked() {
    // After each batch with a conflict stands an event of the log's own for each conflict.
    check(
        &[&[("a", "1")], &[("a", "2"), ("b", "1"), ("b", "2")], &[("b", "3"), ("c", "1")]],
        &["1", "2 ! 1, 3, 4 ! 3", "7 ! 3, 8"],
    );
}

#[test]
fn a_retry_of_a_conflicting_event_is_a_duplicate_too() {
    check(
        &[
            &[("a", "1"), ("a", "2"), ("a", "2")],
            &[("a", "2"), ("a", "1")],
            &[("a", "3"), ("a", "2"), ("a", "1"), ("a", "3")],
            &[("a", "3")],
        ],
        &["1, 2 ! 1, = 2", "= 2, = 1", "4 ! 1, = 2, = 1, = 4", "= 4"],
    );
}

#[test]
fn ids_that_the_server_gives_are_never_duplicates() {
    check(&[&[("", "1"), ("", "1")], &[("", "1")]], &["1, 2", "3"]);
}

#[test]
fn the_conflict_event_says_what_it_is_about() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    for text in ["1", "2"] {
        let sent = vec![event("acme", Some("a"), text)];
        outside.write(&mut stepped, "acme", sent).unwrap();
    }
    let log = log_of(&stepped, "acme");
    let (finding, _) = log.read_checked(3).unwrap();
    let text = |path: &str| finding.text(path).map(str::to_owned);
    assert_eq!(text(r#"["action"]"#).as_deref(), Some(r#""id.conflict""#));
    for (link, seq) in [(0, 1), (1, 2)] {
        let digest = commit::hex(&log.published().tree.entry(seq).unwrap().digest);
        let path = |key: &str| format!(r#"["links",{link},"{key}"]"#);
        assert_eq!(text(&path("id")).as_deref(), Some(r#""a""#));
        assert_eq!(text(&path("digest")), Some(format!(r#""sha256:{digest}""#)));
    }
}

#[test]
fn batches_with_one_id_in_one_frame_are_settled() {
    let mut outside = Outside::new(1, &["acme"]);
    let mut stepped = outside.open().unwrap();
    let sent = vec![event("acme", Some("a"), "1")];
    let [one, two] = [(); 2].map(|()| submit(&mut stepped, "acme", sent.clone()));
    stepped.frame().unwrap();
    assert!(matches!(one.answer(), commit::Answer::Committed { .. }));
    assert!(matches!(two.answer(), commit::Answer::Stale));
    let again = submit(&mut stepped, "acme", sent);
    assert_eq!(again.fates, [Fate::Duplicate(Earlier::Stored(Place { log: 0, seq: 1 }))]);
}
