//! What is counted, what is stored, what is due.

use admit::scope::Rules;
use event::{Value, json};

use super::*;

const SECOND: i64 = 1_000_000_000;
const RULES: &str = r#"
[[rule]]
name = "probes"
path = "/healthz"
then = "drop"
reason = "a probe every second"

[[rule]]
name = "reads"
verb = "read"
then = "aggregate"
window_s = 10
by_path = true
reason = "one line for each page"
"#;

struct Bench {
    rules: Rules,
    left_out: LeftOut,
}

impl Bench {
    fn new() -> Bench {
        Bench { rules: Rules::parse(RULES).expect("sound"), left_out: LeftOut::default() }
    }

    fn take(&self, at_s: i64, service: &str, more: &str) -> Taken {
        let text = format!(r#"{{"action":"http.get","service":{{"name":"{service}"}}{more}}}"#);
        let Ok(Value::Object(event)) = json::read(text.as_bytes()) else { panic!("{text}") };
        let decision = self.rules.decide(&event);
        let request = self.left_out.request();
        let taken = self.left_out.take("t", at_s * SECOND, &event, 100, decision, request);
        self.left_out.committed("t", request);
        taken
    }

    /// Takes what is due into the log: each statement's action, its service and its count.
    fn state(&self, at_s: i64, all: bool) -> Vec<String> {
        let due = self.left_out.due("t", at_s * SECOND, all);
        self.left_out.settle("t", at_s * SECOND, &due);
        let told = due.iter().map(|due| {
            let admitted = due.statement().admit(at_s, "t", || "id".into()).expect("conforms");
            let fields = admitted.fields();
            let events = fields.text("[\"attributes\",\"events\"]").expect("a count").to_owned();
            let action = fields.string("[\"action\"]").expect("an action");
            let service = fields.string("[\"resources\",0,\"id\"]").expect("a service");
            format!("{action} {service} {events}")
        });
        told.collect()
    }
}

const PROBE: &str = r#","request":{"path":"/healthz"}"#;

fn read(path: &str, result: &str) -> String {
    format!(r#","verb":"read","request":{{"path":"{path}"}},"outcome":{{"result":"{result}"}}"#)
}

fn is_out(taken: &Taken) -> Option<bool> {
    match taken {
        Taken::Store => None,
        Taken::Out { state, .. } => Some(*state),
    }
}

#[test]
fn what_is_left_out_is_stated_at_once_and_then_every_minute() {
    let bench = Bench::new();
    let first = bench.take(0, "web", PROBE);
    let Taken::Out { answer, state: true } = &first else { panic!("{first:?}") };
    assert_eq!(answer.code, "left_out");
    assert!(answer.reason.starts_with("rule \"probes\" ("), "{}", answer.reason);
    assert!(answer.reason.ends_with("leaves it out: a probe every second"), "{}", answer.reason);
    assert_eq!(bench.state(0, false), ["scope.dropped web 1"]);
    for second in 1..60 {
        assert_eq!(is_out(&bench.take(second, "web", PROBE)), Some(false));
        assert!(bench.state(second, false).is_empty(), "{second}");
    }
    assert_eq!(is_out(&bench.take(59, "api", PROBE)), Some(true), "another service");
    assert_eq!(bench.state(60, false), ["scope.dropped api 1", "scope.dropped web 59"]);
    assert!(bench.state(119, false).is_empty(), "what is stated is not stated again");
    assert!(bench.state(121, false).is_empty());
    assert_eq!(is_out(&bench.take(122, "web", PROBE)), Some(true), "after a quiet minute");
    assert_eq!(bench.state(122, true), ["scope.dropped web 1"]);
    let (shown, no_room) = bench.left_out.of_tenant("t");
    let web = shown.iter().find(|shown| shown.service == "web").expect("counted");
    let Saved { left_out, counted, bytes_saved, .. } = web.saved;
    assert_eq!((left_out, bytes_saved, counted, no_room), (61, 6_100, 0, 0));
    assert!(bench.left_out.of_tenant("other").0.is_empty());
}

#[test]
fn what_is_not_in_the_log_yet_stays_due() {
    let bench = Bench::new();
    bench.take(0, "web", PROBE);
    assert_eq!(bench.left_out.due("t", 0, false).len(), 1);
    let due = bench.left_out.due("t", 0, false);
    bench.take(0, "web", PROBE);
    bench.left_out.settle("t", 0, &due);
    assert_eq!(bench.state(1, true), ["scope.dropped web 1"], "what came meanwhile");
    assert!(bench.state(1, true).is_empty());
}

#[test]
fn the_first_of_a_kind_is_stored_and_the_others_are_counted() {
    let bench = Bench::new();
    let (a, b) = (read("/a", "success"), read("/b", "unknown"));
    assert_eq!(bench.take(0, "web", &a), Taken::Store);
    assert_eq!(bench.take(1, "web", &b), Taken::Store);
    for second in 2..9 {
        assert_eq!(is_out(&bench.take(second, "web", &a)), Some(false));
    }
    assert_eq!(bench.take(9, "web", &read("/a", "failure")), Taken::Store, "spared");
    assert!(bench.state(9, false).is_empty());
    assert_eq!(bench.take(10, "web", &a), Taken::Store, "the first of the next window");
    assert_eq!(bench.state(10, false), ["scope.aggregated web 7"]);
    assert_eq!(is_out(&bench.take(11, "web", &a)), Some(false));
    assert_eq!(bench.state(12, true), ["scope.aggregated web 1"], "a stop waits for no window");
    let (shown, _) = bench.left_out.of_tenant("t");
    let Saved { left_out, counted, spared, .. } = shown[0].saved;
    assert_eq!((counted, spared, left_out), (8, 1, 0));
}

#[test]
fn an_aggregate_says_how_many_succeeded() {
    let bench = Bench::new();
    for result in ["success", "success", "unknown", "success"] {
        bench.take(0, "web", &read("/a", result));
    }
    let due = bench.left_out.due("t", 10 * SECOND, false);
    let admitted = due[0].statement().admit(0, "t", || "id".into()).expect("conforms");
    let count = |name: &str| {
        let path = format!("[\"outcome\",\"counts\",\"{name}\"]");
        admitted.fields().text(&path).expect("a count").to_owned()
    };
    assert_eq!(
        (count("attempted"), count("succeeded"), count("failed")),
        ("3".into(), "2".into(), "0".into())
    );
    let path = admitted.fields().string("[\"attributes\",\"path\"]");
    assert_eq!(path.as_deref(), Some("/a"));
}

#[test]
fn without_room_to_count_events_are_stored() {
    let bench = Bench::new();
    for nth in 0..KEYS_MAX {
        assert!(is_out(&bench.take(0, &format!("s{nth}"), PROBE)).is_some());
    }
    assert_eq!(bench.take(0, "one-more", PROBE), Taken::Store);
    assert!(is_out(&bench.take(0, "s0", PROBE)).is_some());
    assert_eq!(bench.left_out.of_tenant("t").1, 1);
    let other = Bench::new();
    for nth in 0..=WINDOWS_MAX {
        assert_eq!(other.take(0, "web", &read(&format!("/{nth}"), "success")), Taken::Store);
    }
    let last = read(&format!("/{WINDOWS_MAX}"), "success");
    assert_eq!(other.take(1, "web", &last), Taken::Store, "there was no room for its window");
    assert_eq!(is_out(&other.take(1, "web", &read("/0", "success"))), Some(false));
}

#[test]
fn pairs_that_were_quiet_make_room_and_their_services_keep_the_counts() {
    let bench = Bench::new();
    for nth in 0..KEYS_MAX {
        bench.take(0, &format!("s{nth}"), PROBE);
    }
    bench.take(30, "s0", PROBE);
    assert_eq!(bench.state(30, false).len(), KEYS_MAX);
    assert_eq!(bench.take(60, "late", PROBE), Taken::Store, "a minute is not over");
    assert!(bench.state(91, false).is_empty(), "all is stated; a minute was quiet");
    bench.take(91, "s1", PROBE);
    assert!(is_out(&bench.take(92, "late", PROBE)).is_some(), "there is room");
    let services = bench.left_out.by_service("t");
    let count = |name: &str| services[name].left_out;
    assert_eq!((services.len(), count("s0"), count("s1"), count("late")), (KEYS_MAX + 1, 2, 2, 1));
    let (shown, no_room) = bench.left_out.of_tenant("t");
    let earlier = shown.iter().filter(|shown| shown.rule == "(earlier)").count();
    assert_eq!((earlier, no_room), (KEYS_MAX - 1, 1));
    assert_eq!(bench.state(93, false).len(), 2, "what is not in the log went nowhere");
}

#[test]
fn nobody_is_counted_on_the_word_of_what_is_not_committed() {
    let bench = Bench::new();
    let text =
        format!(r#"{{"action":"http.get","service":{{"name":"web"}}{}}}"#, read("/a", "success"));
    let Ok(Value::Object(event)) = json::read(text.as_bytes()) else { panic!("{text}") };
    let take = |request| {
        let decision = bench.rules.decide(&event);
        bench.left_out.take("t", SECOND, &event, 100, decision, request)
    };
    assert_eq!(take(1), Taken::Store, "it opens a window");
    assert!(is_out(&take(1)).is_some(), "the same request's are counted on it");
    assert_eq!(take(2), Taken::Store, "another's are not, yet");
    bench.left_out.undone("t", 1);
    assert_eq!(take(3), Taken::Store, "nothing stands for it");
    bench.left_out.committed("t", 3);
    assert!(is_out(&take(4)).is_some());
    assert_eq!(bench.state(2, true), ["scope.aggregated web 1"]);
}

#[test]
fn a_service_is_told_once_whatever_its_rules_and_all_of_them_together() {
    let bench = Bench::new();
    for second in 0..3 {
        bench.take(second, "web", PROBE);
        bench.take(second, "web", &read("/a", "success"));
    }
    bench.take(9, "web", &read("/a", "failure"));
    bench.take(7, "api", PROBE);
    let saved = |left_out, counted, spared, last| {
        let bytes_saved = 100 * (left_out + counted);
        Saved { left_out, counted, spared, bytes_saved, last: last * SECOND }
    };
    let (api, web) = (saved(1, 0, 0, 7), saved(3, 2, 1, 9));
    let services = bench.left_out.by_service("t");
    assert_eq!(services, [("api".into(), api), ("web".into(), web)].into());
    assert_eq!(bench.left_out.sums(), Sums { saved: saved(4, 2, 1, 9), no_room: 0 });
    assert!(bench.left_out.by_service("other").is_empty());
}
