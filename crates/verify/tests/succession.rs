//! From one key to the next, by evidence of what the log states.

use serde_json::{Value, json};

use crate::support::*;
use verify::Policy;
use verify::succession::{NotStated, Successor, judge, vkey_digest};

const UNTIL: &str = "2026-02-02T03:04:05.000000000Z";

fn keys() -> [Key; 2] {
    [Key::vector(), Key::new(ORIGIN, 1, 77)]
}

/// The fields of a statement, in path order, with one of them changed.
fn statement(mut texts: Vec<(&'static str, String)>, change: Option<(usize, &str)>) -> Vec<Pair> {
    if let Some((at, text)) = change {
        texts[at].1 = text.to_owned();
    }
    texts.iter().map(|(path, text)| pair(path, &format!("\"{text}\""))).collect()
}

fn rotated(change: Option<(usize, &str)>) -> Vec<Pair> {
    let [old, new] = keys();
    let texts = vec![
        (r#"["action"]"#, "key.rotate".to_owned()),
        (r#"["attributes","old_vkey"]"#, vkey_digest(&old.vkey())),
        (r#"["attributes","together_until"]"#, UNTIL.to_owned()),
        (r#"["attributes","vkey"]"#, new.vkey()),
        (r#"["recorded","identity","kind"]"#, "local".to_owned()),
    ];
    statement(texts, change)
}

fn closed() -> Vec<Pair> {
    let texts = vec![
        (r#"["action"]"#, "log.close".to_owned()),
        (r#"["attributes","successor","origin"]"#, "h/tlog/acme-1".to_owned()),
        (r#"["attributes","successor","vkey"]"#, "sha256:00".to_owned()),
        (r#"["recorded","identity","kind"]"#, "local".to_owned()),
    ];
    statement(texts, None)
}

/// Evidence of an event between two others, under a checkpoint that these keys signed.
fn evidence(fields: &[Pair], signers: &[&Key]) -> Value {
    let mut leaves = vector_leaves(false);
    leaves[1] = leaf(TIME + 1, &vector_event(fields));
    let text = body(ORIGIN, 3, &root(&leaves));
    let lines: String = signers.iter().map(|key| key.line(&text)).collect();
    let proof = b64s(&run_proof(&leaves, 1, 2));
    json!({
        "format": "counterfoil.evidence/v1",
        "claim": {"kind": "events"},
        "logs": [{"origin": ORIGIN, "checkpoint": format!("{text}\n{lines}")}],
        "runs": [{
            "log": 0, "first": 1, "leaves": [b64(&leaves[1])], "proof": proof,
            "events": [{"fields": fields.iter().map(shown).collect::<Value>()}],
        }],
    })
}

#[track_caller]
fn check(evidence: &Value, trusted: &Key, wanted: &str) {
    let policy = Policy::of_key(&trusted.vkey()).unwrap();
    let got = match judge(evidence.to_string().as_bytes(), &policy).unwrap() {
        Ok(succession) => format!("entry {}: {:?}", succession.seq, succession.successor),
        Err(NotStated::Verdict(verdict)) => verdict.reason.word().to_owned(),
        Err(NotStated::Nothing(what)) => what.to_owned(),
    };
    assert_eq!(got, wanted);
}

#[test]
fn the_old_key_leads_to_the_new_one() {
    let [old, new] = keys();
    let successor = Successor::Key {
        vkey: new.vkey(),
        old_digest: vkey_digest(&old.vkey()),
        together_until: UNTIL.into(),
    };
    check(&evidence(&rotated(None), &[&old, &new]), &old, &format!("entry 1: {successor:?}"));
}

#[test]
fn a_closed_log_leads_to_the_next() {
    let [old, _] = keys();
    let (origin, vkey_digest) = ("h/tlog/acme-1".into(), "sha256:00".into());
    let successor = Successor::Log { origin, vkey_digest };
    check(&evidence(&closed(), &[&old]), &old, &format!("entry 1: {successor:?}"));
}

#[test]
fn nothing_else_leads_anywhere() {
    let [old, new] = keys();
    let whole = |fields: &[Pair]| evidence(fields, &[&old, &new]);
    let stranger = Key::new(ORIGIN, 1, 9);
    check(&whole(&rotated(None)), &stranger, "unknown-key");
    check(&evidence(&rotated(None), &[&old]), &old, "the key that it names has not signed");
    let own = "its event is no statement of the server's own";
    for (change, wanted) in [
        ((0, "key.retire"), own),
        ((3, "x+00000000+AA=="), "the key that it names is none of this log"),
        ((4, "token"), own),
    ] {
        check(&whole(&rotated(Some(change))), &old, wanted);
    }
    let mut withheld = whole(&rotated(None));
    withheld["runs"][0]["events"][0]["fields"][4] = hidden(&rotated(None)[4]);
    check(&withheld, &old, "withheld");
    let mut forged = whole(&rotated(None));
    forged["runs"][0]["events"][0]["fields"][4]["text"] = json!("\"token\"");
    check(&forged, &old, "digest");
    check(&json!({"format": "counterfoil.evidence/v1"}), &old, "malformed");
}
