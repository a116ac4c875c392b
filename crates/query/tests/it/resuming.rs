//! Rows that are added before the earlier ones were replayed: whatever comes when, the index is in
//! the end the one that is built in order, and until then nothing wrong is seen.

use std::sync::Arc;

use commit::journal::event_list::StoredEvent;
use event::Leaf;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use query::{Activities, Gaps, Hot, Rows, Scope, Settings, StreamState};
use query::{activities, gaps, streams};

use crate::house::{House, LOGS, TENANTS, event};
use crate::same_as_naive::{batches, check, filter_text};

/// Consecutive entries of one log.
struct Entries {
    log: &'static str,
    first: u64,
    leaves: Vec<Leaf>,
    events: Vec<StoredEvent>,
}

/// Cuts what a log has from `low` to `high` into batches of at most `rows`.
fn entries(house: &House, log: &'static str, low: u64, high: u64, rows: u64) -> Vec<Entries> {
    let shared = house.log(log);
    let batch = |first: u64| {
        let seqs = first..high.min(first + rows);
        let leaf = |seq| shared.published().tree.entry(seq).expect("an entry");
        let events = seqs.clone().map(|seq| shared.read(seq).expect("readable")).collect();
        Entries { log, first, leaves: seqs.map(leaf).collect(), events }
    };
    (low..high).step_by(rows as usize).map(batch).collect()
}

fn replay(house: &House, hot: &Hot, batch: &Entries) {
    hot.replay(&house.log(batch.log).meta, batch.first, &batch.leaves, &batch.events);
}

fn add(hot: &Hot, batch: &Entries) {
    let rows = Rows::build(batch.events.iter().map(|event| &event.fields));
    hot.add(batch.log, batch.first, &batch.leaves, rows);
}

/// An event of a stream, as rarely in order as the numbers are.
fn numbered() -> impl Strategy<Value = String> {
    (select(&["mail", "web"][..]), select(&["1", "2"][..]), 0_u64..12, 0_u64..3).prop_map(
        |(service, stream, seq, dropped)| {
            let producer = format!(
                r#""producer":{{"stream":"{stream}","seq":{seq},"dropped_before":{dropped}}}"#
            );
            event(service, "a.b", &producer)
        },
    )
}

type Completeness = (Gaps, Vec<StreamState>, Activities);

fn completeness(house: &House) -> [Completeness; 2] {
    TENANTS.map(|tenant| {
        let (source, scope) = (house.source(), Scope::of_tenant(tenant));
        (gaps(&source, &scope), streams(&source, &scope), activities(&source, &scope))
    })
}

/// How a log's rows reach the index.
#[derive(Clone, Debug)]
struct Way {
    /// Where the present begins, of the entries there are.
    split: Index,
    past_rows: u64,
    present_rows: u64,
    /// A replayed batch that does not come.
    lost: Option<Index>,
}

fn way() -> impl Strategy<Value = Way> {
    let rows = select(&[1_u64, 2, 5, 64][..]);
    let lost = prop::option::weighted(0.2, any::<Index>());
    (any::<Index>(), rows.clone(), rows, lost).prop_map(|(split, past_rows, present_rows, lost)| {
        Way { split, past_rows, present_rows, lost }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_order_in_which_rows_come_changes_nothing(
        batches in batches(),
        streams in prop::collection::vec((0..LOGS.len(), numbered()), 0..40),
        ways in prop::collection::vec(way(), LOGS.len()),
        turns in prop::collection::vec(any::<(Index, bool)>(), 1..60),
        filters in prop::collection::vec(filter_text(), 3),
        block_rows in select(&[1_usize, 3, 7, 64, 4096][..]),
        rows_max in select(&[4_u64, 1 << 24][..]),
    ) {
        let mut house = House::new(block_rows);
        for (log, events) in &batches {
            house.write(LOGS[*log].0, events);
        }
        for (log, event) in &streams {
            house.write(LOGS[*log].0, std::slice::from_ref(event));
        }
        let settings = Settings { block_rows, rows_max };
        let (in_order, hot) = (Hot::with(settings), Arc::new(Hot::resuming(settings)));
        let (mut pasts, mut presents) = (Vec::new(), Vec::new());
        for ((log, _), way) in LOGS.iter().zip(&ways) {
            let size = house.log(log).checkpoint().size;
            entries(&house, log, 0, size, 3).iter().for_each(|batch| add(&in_order, batch));
            let split = way.split.index(size as usize + 1) as u64;
            let mut past = entries(&house, log, 0, split, way.past_rows);
            if let Some(lost) = &way.lost && !past.is_empty() {
                past.remove(lost.index(past.len()));
            }
            pasts.push(past.into_iter());
            presents.push(entries(&house, log, split, size, way.present_rows).into_iter());
        }
        house.hot = hot.clone();
        for (log, is_past) in &turns {
            let log = log.index(LOGS.len());
            if *is_past {
                pasts[log].next().iter().for_each(|batch| replay(&house, &hot, batch));
            } else {
                presents[log].next().iter().for_each(|batch| add(&hot, batch));
            }
        }
        check(&house, &filters[..1], 5, 1_000);
        pasts.into_iter().flatten().for_each(|batch| replay(&house, &hot, &batch));
        hot.resumed();
        check(&house, &filters[1..2], 5, 1_000);
        presents.into_iter().flatten().for_each(|batch| add(&hot, &batch));
        check(&house, &filters[2..], 5, 1_000);
        if ways.iter().all(|way| way.lost.is_none()) {
            let found = completeness(&house);
            house.hot = Arc::new(in_order);
            prop_assert_eq!(found, completeness(&house));
        }
        house.store.close().expect("closes");
    }
}

/// Reads nothing but what the index says may match.
#[test]
fn what_was_joined_is_indexed() {
    let mut house = House::new(4);
    for n in 0..10 {
        let events: Vec<String> =
            (0..3).map(|m| event("shop", &format!("a.{n}.{m}"), "")).collect();
        house.write("acme-0", &events);
    }
    let hot = Arc::new(Hot::resuming(Settings { block_rows: 4, ..Settings::default() }));
    house.hot = hot.clone();
    entries(&house, "acme-0", 18, 31, 3).iter().for_each(|batch| add(&hot, batch));
    let scanned = |house: &House, action: &str| {
        let filter = query::Filter::parse(&format!("action:{action}"), crate::house::NOW);
        let (source, scope) = (house.source(), Scope::of_tenant("acme"));
        let page = query::search(&source, &scope, &filter.expect("ok"), &query::Ask::default());
        let page = page.expect("a page");
        assert_eq!(page.hits.len(), 1, "{action}");
        page.scanned
    };
    assert!(scanned(&house, "a.1.1") > 10, "the past is read");
    entries(&house, "acme-0", 0, 18, 7).iter().for_each(|batch| replay(&house, &hot, batch));
    for other in ["acme-1", "other-0"] {
        entries(&house, other, 0, 1, 1).iter().for_each(|batch| replay(&house, &hot, batch));
    }
    hot.resumed();
    for action in ["a.0.0", "a.1.1", "a.5.1", "a.5.2", "a.6.0", "a.9.2"] {
        assert_eq!(scanned(&house, action), 1, "{action}");
    }
}
