//! One test per row of the table, on files of evidence, receipts and tlog-proofs.

use crate::support::*;
use serde_json::{Value, json};
use verify::{Need, Path, Policy, Question, Verdict};

fn key_question() -> Question {
    Question { policy: Some(Policy::of_key(VKEY).unwrap()), ..Question::default() }
}

fn judge(file: &Value, question: &Question) -> Verdict {
    verify::judge(file.to_string().as_bytes(), question).unwrap()
}

#[track_caller]
fn check(file: &Value, question: &Question, class_reason: &str, seq: Option<u64>) -> Verdict {
    let verdict = judge(file, question);
    let json = serde_json::to_value(&verdict).unwrap();
    let got = format!("{} {}", json["class"].as_str().unwrap(), json["reason"].as_str().unwrap());
    assert_eq!((got.as_str(), verdict.seq), (class_reason, seq), "{verdict:#?}");
    verdict
}

/// Evidence with one thing changed.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut file = vector_evidence();
    change(&mut file);
    file
}

/// A tree in which the first leaf holds these fields, and evidence of it.
fn evidence_of(fields: &[Pair], show: impl Fn(&Pair) -> Value) -> Value {
    let mut leaves = vector_leaves(false);
    leaves[0] = leaf(TIME, &vector_event(fields));
    with(|file| {
        file["logs"][0]["checkpoint"] = checkpoint(&Key::vector(), 3, &root(&leaves)).into();
        file["runs"][0]["leaves"] = json!([b64(&leaves[0])]);
        file["runs"][0]["events"][0]["fields"] = fields.iter().map(show).collect();
    })
}

#[test]
fn row_1() {
    let q = key_question();
    let bad = |change: fn(&mut Value)| {
        check(&with(change), &q, "unverifiable malformed", None);
    };
    bad(|f| f["format"] = "counterfoil.evidence/v2".into());
    bad(|f| f["surplus"] = json!(1));
    bad(|f| f["remarks"] = json!("x"));
    bad(|f| f["claim"] = json!({"kind": "events", "first": 0}));
    bad(|f| f["claim"] = json!({"kind": "query"}));
    bad(|f| f["logs"][0]["origin"] = "other".into());
    bad(|f| f["logs"][0]["vkeys"] = Value::Null);
    bad(|f| f["runs"][0]["first"] = json!(0.0));
    bad(|f| f["runs"][0]["first"] = json!(-1));
    bad(|f| f["runs"][0]["first"] = json!(9_007_199_254_740_992u64));
    bad(|f| f["runs"][0]["first"] = json!(9_007_199_254_740_991u64 + 1));
    bad(|f| f["runs"][0]["leaves"] = json!([]));
    bad(|f| f["runs"][0]["log"] = json!(1));
    bad(|f| f["runs"][0]["proof"][0] = "AAAA".into());
    bad(|f| f["runs"][0]["events"] = json!([]));
    bad(|f| f["runs"][0]["events"][0] = json!({"gone": "lost"}));
    bad(|f| f["runs"][0]["events"][0]["fields"][0]["text"] = "invoice.delete".into());
    bad(|f| f["runs"][0]["events"][0]["fields"][0]["text"] = "\"\\u0041\"".into());
    bad(|f| f["runs"][0]["events"][0]["fields"][0]["salt"] = "AAAA".into());
    bad(|f| f["runs"][0]["events"][0]["fields"][0]["path"] = json!([null]));
    bad(|f| f["runs"][0]["events"][0]["fields"][0]["commitment"] = "AAAA".into());
    bad(|f| f["runs"][0]["events"][0]["fields"][0]["digest"] = "AAAA".into());
    bad(|f| {
        let log = f["logs"][0].clone();
        f["logs"].as_array_mut().unwrap().push(log);
    });
    bad(|f| {
        let run = f["runs"][0].clone();
        f["runs"].as_array_mut().unwrap().push(run);
    });
    for text in ["", "{}", "[]", "\u{feff}{}", "[\"counterfoil.evidence/v1\"]"] {
        assert_eq!(verify::judge(text.as_bytes(), &q).unwrap().exit_code(), 4);
    }
    let text = vector_evidence().to_string();
    let twice = text.replacen("\"claim\"", "\"remarks\":{\"a\":1,\"\\u0061\":2},\"claim\"", 1);
    assert_eq!(verify::judge(twice.as_bytes(), &q).unwrap().row, 1);
    let remarks = text.replacen("\"claim\"", "\"remarks\":{\"a\":1e3,\"b\":[-1]},\"claim\"", 1);
    assert!(verify::judge(remarks.as_bytes(), &q).unwrap().is_verified());
}

#[test]
fn row_2() {
    check(&vector_evidence(), &Question::default(), "unverifiable unknown-log", None);
    let other = Policy::of_key(&Key::new(ORIGIN, 1, 7).vkey()).unwrap();
    let q = Question { policy: Some(other), ..Question::default() };
    check(&vector_evidence(), &q, "unverifiable unknown-key", None);
    let stranger = Policy::of_key(&Key::new("else.where", 1, 0).vkey()).unwrap();
    let q = Question { policy: Some(stranger), ..Question::default() };
    check(&vector_evidence(), &q, "unverifiable unknown-log", None);
}

#[test]
fn row_3() {
    let forged = with(|f| {
        let note = f["logs"][0]["checkpoint"].as_str().unwrap().replacen("\n3\n", "\n8\n", 1);
        f["logs"][0]["checkpoint"] = note.into();
    });
    let verdict = check(&forged, &key_question(), "tampered bad-signature", None);
    assert_eq!(verdict.exit_code(), 1);
    assert!(verdict.findings.iter().any(|finding| finding.row == 5));
}

#[test]
fn row_4() {
    let witnesses: Vec<Key> =
        (1..4).map(|i| Key::new(&format!("w{i}.example"), 4, 50 * i)).collect();
    let mut policy = format!("log {VKEY}\n# witnesses\n");
    for (i, key) in witnesses.iter().enumerate() {
        policy += &format!("witness w{i}\t{} https://w{i}.example\n", key.vkey());
    }
    policy += "group two 2 w0 w1 w2\nquorum two\n";
    let q =
        Question { policy: Some(Policy::parse(policy.as_bytes()).unwrap()), ..Question::default() };
    let text = body(ORIGIN, 3, &root(&vector_leaves(false)));
    let note = |lines: &[String]| {
        let note = format!("{text}\n{}{}", Key::vector().line(&text), lines.concat());
        with(|f| f["logs"][0]["checkpoint"] = note.into())
    };
    let one = witnesses[0].cosign(&text, 1_700_000_000);
    let two = witnesses[2].cosign(&text, 1_700_000_060);
    check(&note(&[one.clone(), one.clone()]), &q, "incomplete quorum", None);
    let verdict = check(&note(&[one.clone(), two]), &q, "verified verified", None);
    assert_eq!(verdict.rests_on, "2 of 3 witnesses, newest 2023-11-14 22:14:20 UTC");
    let false_one = witnesses[2].cosign("another text\n", 1_700_000_060);
    check(&note(&[one, false_one]), &q, "tampered bad-signature", None);
}

#[test]
fn row_5() {
    let q = key_question();
    check(&with(|f| f["runs"][0]["proof"] = json!([])), &q, "tampered not-in-log", Some(0));
    check(&with(|f| f["runs"][0]["first"] = json!(7)), &q, "tampered not-in-log", Some(7));
    let long = with(|f| f["runs"][0]["proof"].as_array_mut().unwrap().push(b64(&[0; 32]).into()));
    check(&long, &q, "tampered not-in-log", Some(0));
}

#[test]
fn row_6() {
    let mut leaves = vector_leaves(false);
    leaves[2] = leaf(TIME + 1, &sha(&[b"c"]));
    let all = |leaves: &[Vec<u8>]| {
        let note = checkpoint(&Key::vector(), leaves.len() as u64, &root(leaves));
        let first = vector_evidence()["runs"][0]["events"][0].clone();
        with(|f| {
            f["logs"][0]["checkpoint"] = note.into();
            f["runs"][0]["leaves"] = leaves.iter().map(|leaf| b64(leaf)).collect();
            f["runs"][0]["proof"] = json!([]);
            f["runs"][0]["events"] = json!([first, {"gone": "expired"}, {"gone": "withheld"}]);
        })
    };
    check(&all(&leaves), &key_question(), "tampered time-order", Some(2));
    leaves[2] = vec![2; 41];
    leaves[1] = vec![1; 42];
    let q = Question { need: Need::Any, ..key_question() };
    check(&all(&leaves), &q, "unverifiable leaf-version", Some(1));
}

#[test]
fn row_7() {
    let q = key_question();
    let field = |f: &mut Value, i: usize, name: &str, value: &str| {
        f["runs"][0]["events"][0]["fields"][i][name] = value.into();
    };
    check(&with(|f| field(f, 0, "text", "\"invoice.create\"")), &q, "tampered digest", Some(0));
    check(&with(|f| field(f, 3, "salt", &b64(&[0; 16]))), &q, "tampered digest", Some(0));
    let without = with(|f| drop(f["runs"][0]["events"][0]["fields"].as_array_mut().unwrap().pop()));
    check(&without, &q, "tampered digest", Some(0));
    let reversed = with(|f| f["runs"][0]["events"][0]["fields"].as_array_mut().unwrap().reverse());
    check(&reversed, &q, "verified verified", None);
    let twice = with(|f| {
        let field = f["runs"][0]["events"][0]["fields"][0].clone();
        f["runs"][0]["events"][0]["fields"].as_array_mut().unwrap().push(field);
    });
    check(&twice, &q, "tampered digest", Some(0));
}

#[test]
fn row_8() {
    let q = key_question();
    let two = |a: &str, b: &str| [pair(a, "1"), pair(b, "2")];
    let openings = "tampered two-openings";
    check(&evidence_of(&two("[\"a\"]", "[\"a\"]"), shown), &q, openings, Some(0));
    check(&evidence_of(&two("[\"a\"]", "[\"a\",\"b\"]"), shown), &q, openings, Some(0));
    check(&evidence_of(&two("[\"a\",\"b\"]", "[\"a\",0]"), named), &q, openings, Some(0));
    check(&evidence_of(&two("[\"a\",0]", "[\"a\",2]"), shown), &q, openings, Some(0));
    let three = [pair("[\"a\",0]", "1"), pair("[\"a\",1]", "2"), pair("[\"a\",2]", "3")];
    let middle = |p: &Pair| if p.1 == "2" { hidden(p) } else { shown(p) };
    let any = Question { need: Need::Any, ..key_question() };
    check(&evidence_of(&three, middle), &any, "verified verified", None);
    check(&evidence_of(&three, middle), &q, "incomplete withheld", Some(0));
}

#[test]
fn row_9() {
    let fields = vector_fields();
    let name_id = |p: &Pair| if p.0 == "[\"actor\",\"id\"]" { named(p) } else { shown(p) };
    let hide_id = |p: &Pair| if p.0 == "[\"actor\",\"id\"]" { hidden(p) } else { shown(p) };
    let ask = |need, required: &[&str]| Question {
        need,
        required: required.iter().map(|p| Path::from_pointer(p).unwrap()).collect(),
        ..key_question()
    };
    let verdict =
        check(&evidence_of(&fields, name_id), &ask(Need::Named, &[]), "verified verified", None);
    assert_eq!(verdict.named, ["/actor/id"]);
    assert_eq!(verdict.rests_on, "log's key only; 1 value withheld");
    let withheld = "incomplete withheld";
    check(&evidence_of(&fields, name_id), &ask(Need::Full, &[]), withheld, Some(0));
    check(&evidence_of(&fields, name_id), &ask(Need::Any, &["/actor/id"]), withheld, Some(0));
    check(&evidence_of(&fields, hide_id), &ask(Need::Named, &[]), withheld, Some(0));
    check(&evidence_of(&fields, hide_id), &ask(Need::Any, &[]), "verified verified", None);
    check(
        &evidence_of(&fields, shown),
        &ask(Need::Full, &["/actor/id"]),
        "verified verified",
        None,
    );
    check(&evidence_of(&fields, shown), &ask(Need::Any, &["/actor/name"]), withheld, Some(0));
    let gone = with(|f| f["runs"][0]["events"][0] = json!({"gone": "expired"}));
    check(&gone, &ask(Need::Named, &[]), withheld, Some(0));
    check(&gone, &ask(Need::Any, &[]), "verified verified", None);
}

#[test]
fn row_10() {
    let claim = |origin: &str, first: u64, count: u64| {
        let claim = json!({"kind": "range", "origin": origin, "first": first, "count": count});
        with(|f| f["claim"] = claim)
    };
    let q = key_question();
    check(&claim(ORIGIN, 0, 1), &q, "verified verified", None);
    check(&claim(ORIGIN, 0, 2), &q, "incomplete missing", Some(1));
    check(&claim(ORIGIN, 1, 1), &q, "incomplete missing", Some(1));
    check(&claim("else.where", 5, 1), &q, "incomplete missing", Some(5));
}

#[test]
fn row_11() {
    let leaves = vector_leaves(true);
    let key = Key::vector();
    let save = |note: String| Question { saved: Some(note), ..key_question() };
    let small = save(checkpoint(&key, 2, &root(&leaves[..2])));
    let proof = |hashes: Value| {
        with(|f| f["logs"][0]["consistency"] = json!([{"old": 2, "proof": hashes}]))
    };
    let good = proof(b64s(&consistency(&leaves[..3], 2, true)));
    let verdict = check(&good, &small, "verified verified", None);
    assert_eq!(verdict.rests_on, "log's key only, saved checkpoint of size 2");
    check(&vector_evidence(), &small, "incomplete no-consistency", None);
    check(&proof(b64s(&[[0; 32]])), &small, "tampered fork", None);
    let same = save(checkpoint(&key, 3, &root(&leaves[..3])));
    check(&vector_evidence(), &same, "verified verified", None);
    check(&vector_evidence(), &save(checkpoint(&key, 3, &[9; 32])), "tampered fork", None);
    let larger = save(checkpoint(&key, 4, &root(&leaves)));
    check(&vector_evidence(), &larger, "incomplete no-consistency", None);
    let bytes = vector_evidence().to_string();
    let usage = |note: String| verify::judge(bytes.as_bytes(), &save(note)).is_err();
    assert!(usage("x".into()));
    assert!(usage(checkpoint(&Key::new(ORIGIN, 1, 9), 3, &root(&leaves[..3]))));
}

#[test]
fn saved_of_another_origin_is_a_usage_error() {
    let other = Key::new("else.where", 1, 9);
    let policy = format!("log {VKEY}\nlog {}\nquorum none\n", other.vkey());
    let q = Question {
        policy: Some(Policy::parse(policy.as_bytes()).unwrap()),
        saved: Some(checkpoint(&other, 0, &root(&[]))),
        ..Question::default()
    };
    assert!(verify::judge(vector_evidence().to_string().as_bytes(), &q).is_err());
}

#[test]
fn the_worst_class_wins_then_the_lowest_row() {
    let worst = with(|f| {
        f["runs"][0]["events"][0]["fields"][0]["text"] = "\"x\"".into();
        f["runs"][0]["proof"] = json!([]);
        f["claim"] = json!({"kind": "range", "origin": ORIGIN, "first": 0, "count": 9});
    });
    let verdict = check(&worst, &Question::default(), "tampered not-in-log", Some(0));
    let rows: Vec<u8> = verdict.findings.iter().map(|finding| finding.row).collect();
    assert_eq!(rows, [2, 5, 7, 10]);
}

fn receipt(events: &Value, runs: &Value) -> Value {
    let note = checkpoint(&Key::vector(), 3, &root(&vector_leaves(false)));
    json!({"format": "counterfoil.receipt/v1", "events": events,
        "logs": [{"origin": ORIGIN, "checkpoint": note, "runs": runs}]})
}

#[test]
fn receipts() {
    let leaves = vector_leaves(false);
    let q = key_question();
    let run = |a: usize, b: usize| {
        let data: Value = leaves[a..b].iter().map(|leaf| b64(leaf)).collect();
        json!([{"first": a, "leaves": data, "proof": b64s(&run_proof(&leaves, a, b))}])
    };
    let events = json!([{"log": 0, "seq": 2, "id": "x", "conflict": {"log": 0, "seq": 0}},
        {"refused": {"code": "c", "path": "", "reason": "r"}},
        {"log": 0, "seq": 1, "duplicate": true}]);
    check(&receipt(&events, &run(1, 3)), &q, "verified verified", None);
    // What stands behind a conflict is not one of the receipt's events.
    check(&receipt(&events, &run(0, 3)), &q, "unverifiable malformed", None);
    check(&receipt(&events, &run(1, 2)), &q, "unverifiable malformed", None);
    check(&receipt(&json!([{"log": 0, "seq": 1}]), &run(0, 2)), &q, "unverifiable malformed", None);
    check(
        &receipt(&json!([{"log": 0, "seq": 1, "x": 1}]), &run(1, 2)),
        &q,
        "unverifiable malformed",
        None,
    );
    let mut cut = run(1, 2);
    cut[0]["proof"] = json!([]);
    check(&receipt(&json!([{"log": 0, "seq": 1}]), &cut), &q, "tampered not-in-log", Some(1));
}

#[test]
fn tlog_proofs() {
    let leaves = vector_leaves(true);
    let q = key_question();
    let note = checkpoint(&Key::vector(), 4, &root(&leaves));
    let mut path = run_proof(&leaves, 2, 3);
    path.reverse();
    let text = |extra: &[u8], index: &str, path: &[Hash]| {
        let hashes: String = path.iter().map(|hash| b64(hash) + "\n").collect();
        format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {index}\n{hashes}\n{note}", b64(extra))
    };
    let judge = |text: &str| verify::judge(text.as_bytes(), &q).unwrap();
    assert!(judge(&text(&leaves[2], "2", &path)).is_verified());
    assert_eq!(judge(&text(&leaves[1], "2", &path)).row, 5);
    assert_eq!(judge(&text(&leaves[2], "3", &path)).row, 5);
    assert_eq!(judge(&text(&leaves[2], "2", &path[..1])).row, 5);
    assert_eq!(judge(&text(&leaves[2], "02", &path)).row, 1);
    assert_eq!(judge(&text(&leaves[2], "2", &path).replacen("extra", "extro", 1)).row, 1);
    let short = judge(&text(&leaves[2][..40], "2", &path));
    assert_eq!((short.row, short.findings.len()), (5, 2));
}

#[test]
fn no_byte_of_evidence_may_flip() {
    let text = vector_evidence().to_string().into_bytes();
    let q = Question { need: Need::Full, ..key_question() };
    for at in 0..text.len() {
        for mask in [0x01, 0x10, 0x80] {
            let mut bad = text.clone();
            bad[at] ^= mask;
            let verdict = verify::judge(&bad, &q).unwrap();
            assert!(!verdict.is_verified(), "byte {at} ^ {mask:#x}");
        }
        assert!(!verify::judge(&text[..at], &q).unwrap().is_verified());
    }
}
