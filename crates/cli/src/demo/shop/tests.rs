//! What the shop promises.

use std::collections::{BTreeMap, BTreeSet};

use event::{Fields, Schema, Value as EventValue, parse_time};
use serde_json::{Value, json};

use super::*;

const START_NS: i64 = 1_795_356_000_000_000_000;
const STEP_NS: i64 = 125_000_000;

fn play(seed: u64, scenes: i64) -> Vec<Vec<Sent>> {
    let mut shop = Shop::new(seed, START_NS);
    (0..scenes).map(|i| shop.scene(START_NS + i * STEP_NS)).collect()
}

/// The number of fields, or why the event is refused.
fn conform(text: &str) -> Result<usize, String> {
    let value = event::json::read(text.as_bytes()).map_err(|e| e.to_string())?;
    let EventValue::Object(mut object) = value else { return Err("no object".into()) };
    Schema::event().conform(&mut object).map_err(|e| e.to_string())?;
    Ok(Fields::flatten(&object).map_err(|e| e.0)?.len())
}

fn trace(event: &Value) -> &str {
    event["correlation"]["trace_id"].as_str().unwrap()
}

#[test]
fn every_event_conforms_but_the_one_that_shall_not() {
    let (mut bytes, mut fields, mut count, mut refused) = (0, 0, 0, 0);
    let mut ids = BTreeSet::new();
    for sent in play(1, 2_000).iter().flatten() {
        let text = sent.event.to_string();
        assert!(ids.insert(sent.event["id"].to_string()), "{text}");
        assert!(SERVICES.contains(&sent.service) && sent.event["service"]["name"] == sent.service);
        match conform(&text) {
            Ok(n) => {
                assert!(!sent.refused && text.len() < 1_500, "{text}");
                (bytes, fields, count) = (bytes + text.len(), fields + n, count + 1);
            }
            Err(e) => {
                assert!(sent.refused && e.contains("did you mean \"resources\""), "{e}: {text}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 1);
    assert!((700..=900).contains(&(bytes / count)), "{} bytes", bytes / count);
    assert!((24..=34).contains(&(fields / count)), "{} fields", fields / count);
}

#[test]
fn the_same_seed_and_times_give_the_same_events() {
    assert_eq!(play(7, 300), play(7, 300));
    assert_ne!(play(7, 30), play(8, 30));
    let mut later = Shop::new(7, START_NS + 1_000_000_000);
    let stream = |sent: &[Sent]| sent[0].event["producer"]["stream"].clone();
    assert_ne!(stream(&later.scene(START_NS)), stream(&play(7, 1)[0]));
}

#[test]
fn streams_count_without_holes_but_for_the_lost_one() {
    let mut streams: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut lost = Vec::new();
    for sent in play(1, 2_000).iter().flatten().filter(|sent| !sent.refused) {
        let producer = &sent.event["producer"];
        let (stream, seq) =
            (producer["stream"].as_str().unwrap(), producer["seq"].as_u64().unwrap());
        assert_eq!(producer["id"], sent.service);
        streams.entry(stream.into()).or_default().push(seq);
        if sent.lost {
            lost.push((stream.split('@').next().unwrap().to_owned(), seq));
        }
    }
    assert_eq!(lost, [("mail-2".to_owned(), LOST_SEQ)]);
    assert_eq!(streams.len(), 7);
    for (stream, mut seqs) in streams {
        let late = seqs.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert_eq!(late, usize::from(stream.starts_with("payments")), "{stream}");
        seqs.sort_unstable();
        assert!(seqs.iter().copied().eq(0..seqs.len() as u64), "{stream}");
    }
}

#[test]
fn a_service_sends_in_the_order_of_its_numbers() {
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for (i, scene) in play(3, 2_000).iter().enumerate() {
        assert!((1..=8).contains(&scene.len()), "scene {i} has {} events", scene.len());
        for sent in scene.iter().filter(|sent| sent.after_ms > 0) {
            let at_ms = (i as i64 * STEP_NS / 1_000_000) + sent.after_ms as i64;
            assert!(sent.after_ms < 1_000, "{sent:?}");
            let before = last.insert(sent.service, at_ms);
            assert!(before.is_none_or(|before| before < at_ms), "scene {i}: {sent:?}");
        }
    }
}

#[test]
fn the_refund_of_the_tour() {
    let scenes = play(42, 8);
    let refund: Vec<&Value> = scenes
        .iter()
        .flatten()
        .map(|s| &s.event)
        .filter(|e| trace(e) == scenes::TOUR_TRACE)
        .collect();
    let told: Vec<String> = refund
        .iter()
        .map(|e| {
            let ms = e["duration_ns"].as_u64().unwrap() / 1_000_000;
            let team = e["attributes"]["team"].as_str().unwrap();
            format!("{} {} {ms} ms {team}", e["service"]["name"], e["action"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        told,
        [
            "identity token.exchange 21 ms team-identity",
            "orders order.read 44 ms team-orders",
            "payments limit.check 17 ms team-payments",
            "mail notify.owner 38 ms team-mail",
            "payments refund.create 198 ms team-payments",
            "web http.request 339 ms team-storefront",
        ]
    );
    let (denied, web) = (refund[4], refund[5]);
    assert!(denied["id"].as_str().unwrap().ends_with("-9d1e-40c2a8b3f6d7"));
    assert_eq!(denied["resources"][0]["id"], "pay/7f31");
    assert_eq!(denied["reason"], json!({"text": "parcel lost", "ticket": "SUP-4812"}));
    assert_eq!(denied["attributes"]["amount"], "812.00");
    assert_eq!(denied["outcome"]["message"], "over 500 EUR needs a second person");
    assert_eq!(denied["actor"]["on_behalf_of"][0]["id"], "alice@shop.example");
    assert_eq!(denied["decision"]["effect"], "deny");
    assert_eq!(web["response"]["status"], "403");
    assert_eq!(web.get("outcome"), None);
    let span = |e: &Value| e["correlation"]["span_id"].clone();
    let parent = |e: &Value| e["correlation"]["parent_span_id"].clone();
    assert_eq!([parent(refund[0]), parent(refund[1]), parent(denied)], [(); 3].map(|()| span(web)));
    assert_eq!([parent(refund[2]), parent(refund[3])], [(); 2].map(|()| span(denied)));
    assert_eq!(parent(web), Value::Null);
}

#[test]
fn a_span_lies_within_the_one_that_called_it() {
    let scenes = play(5, 1_000);
    let events = || scenes.iter().flatten().map(|sent| &sent.event);
    let spans: BTreeMap<String, (i64, i64)> = events().map(extent).collect();
    for event in events().filter(|e| e["action"] != "job.run") {
        let Some(parent) = event["correlation"]["parent_span_id"].as_str() else { continue };
        let (outer, (begin, end)) = (spans[parent], extent(event).1);
        assert!(outer.0 <= begin && end <= outer.1, "{event}");
    }
}

/// The span id of an event, its beginning and end with the clock's error taken out.
fn extent(event: &Value) -> (String, (i64, i64)) {
    let service = cast::CAST.iter().find(|s| event["service"]["name"] == s.name).unwrap();
    let end = parse_time(event["occurred_at"].as_str().unwrap()).unwrap() - service.clock_ns;
    let begin = end - event["duration_ns"].as_i64().unwrap_or(0);
    (event["correlation"]["span_id"].as_str().unwrap().to_owned(), (begin, end))
}

#[test]
fn ten_scenes_have_two_traces_through_three_services() {
    let scenes = play(9, 2_000);
    for ten in scenes.windows(10) {
        let mut services: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for sent in ten.iter().flatten() {
            services.entry(trace(&sent.event)).or_default().insert(sent.service);
        }
        assert!(services.values().filter(|names| names.len() >= 3).count() >= 2);
    }
}

#[test]
fn what_goes_wrong_is_a_short_list() {
    let minutes = 5;
    let scenes = play(11, minutes * 60 * 8);
    let mut failures: BTreeMap<String, usize> = BTreeMap::new();
    for sent in scenes.iter().flatten().filter(|s| s.event["outcome"]["result"] == "failure") {
        *failures.entry(sent.event["action"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let total: usize = failures.values().sum();
    assert!(failures["refund.create"] >= 2 && total <= 15, "{failures:?}");
    let rate = scenes.iter().flatten().count() as i64 / (minutes * 60);
    assert!((25..=50).contains(&rate), "{rate} events a second");
}
