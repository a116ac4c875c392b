//! The verifier: all that an auditor is handed by somebody else.

use verify::checkpoint::Checkpoint;
use verify::live::{LiveLog, NotStarted};
use verify::note::Note;
use verify::vkey::{KeyKind, Vkey};
use verify::{Need, Policy, Question, Verdict};

/// The key of docs/formats/vectors/v3.json.
const VKEY: &str =
    "audit.example.com/tlog/acme-0+fc0f7e8b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
/// The checkpoint of that tree.
const SAVED: &str = "audit.example.com/tlog/acme-0\n3\n\
     zA7Qvt82cEMXmE4wWTXKXVAlEg9EKHv5nsRQhFGphaw=\n\n\
     — audit.example.com/tlog/acme-0 \
     /A9+iz8tHpVWlz1l6la8vhENJEzXPOoVVP5Gny/os4JEqfTM/ilpMc1elH7B\
     /AxkqAqupKDnp9i+kZPtgM9NQJVHFwE=\n";

fn question(need: Need, saved: Option<&str>) -> Question {
    let policy = Some(Policy::of_key(VKEY).expect("a key"));
    Question { policy, need, required: Vec::new(), saved: saved.map(str::to_owned) }
}

/// Checks what holds of any verdict, and says whether it is a good one.
pub(crate) fn is_good(verdict: &Verdict) -> bool {
    assert_eq!(verdict.is_verified(), verdict.exit_code() == 0);
    assert!(matches!(verdict.exit_code(), 0 | 1 | 3 | 4));
    assert_eq!(verdict.is_verified(), verdict.findings.is_empty());
    verdict.is_verified()
}

/// Evidence, receipts and tlog-proofs: nothing is verified on nobody's word, and who asks for more
/// gets no better verdict.
pub fn files(bytes: &[u8]) {
    let asked = |question: &Question| {
        let judges = [verify::judge, verify::evidence::judge];
        let verdicts = judges.map(|judge| judge(bytes, question).is_ok_and(|it| is_good(&it)));
        assert!(verdicts[0] || !verdicts[1]);
        verdicts[0]
    };
    let nobody = Question { need: Need::Any, ..Question::default() };
    assert!(!asked(&nobody), "verified without a policy");
    let [any, named, full] = [Need::Any, Need::Named, Need::Full].map(|need| {
        asked(&question(need, Some(SAVED)));
        asked(&question(need, None))
    });
    assert!((any || !named) && (named || !full));
}

/// Signed notes, checkpoints and keys. The first line is a key, the rest a note.
pub fn note(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (key, note) = text.split_once('\n').unwrap_or((text, text));
    let key = Vkey::parse(key).ok();
    let Ok(parsed) = Note::parse(note) else { return };
    for (key, signature) in key.iter().flat_map(|k| parsed.signatures.iter().map(move |s| (k, s))) {
        let verified = key.verify(&parsed.text, signature).is_some();
        assert!(key.kind() != KeyKind::Other || !verified && !key.made(signature));
    }
    if let Ok(checkpoint) = Checkpoint::parse(note) {
        assert_eq!(checkpoint.text, parsed.text);
        assert!(parsed.text.starts_with(&format!("{}\n{}\n", checkpoint.origin, checkpoint.size)));
    }
}

/// Policies: more cosignatures never lose a quorum.
pub fn policy(bytes: &[u8]) {
    let Ok(policy) = Policy::parse(bytes) else { return };
    let count = policy.witnesses().len();
    let nobody = policy.reaches_quorum(&vec![false; count]);
    let everybody = policy.reaches_quorum(&vec![true; count]);
    assert!(everybody, "a policy that nobody can satisfy was accepted");
    assert_eq!(nobody, !policy.wants_witnesses());
    assert!(policy.logs().iter().all(|key| policy.knows(key.name())));
}

/// Paths and scalars.
pub fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for path in [verify::Path::from_json(text), verify::Path::from_pointer(text)] {
        let Ok(path) = path else { continue };
        let again = verify::Path::from_json(path.text()).expect("its own text");
        assert_eq!((again.text(), again.to_string()), (path.text(), path.to_string()));
    }
    // What our own reader takes for a scalar in its one form, the verifier must too.
    if let Ok(value) = event::json::read(bytes) {
        let scalar = !matches!(value, event::Value::Array(_) | event::Value::Object(_));
        let exact = !matches!(value, event::Value::Oversize(_));
        let canonical = verify::scalar::is_canonical(value.to_json().as_bytes());
        assert!(canonical || !scalar || !exact, "{text}");
    } else {
        assert!(!verify::scalar::is_canonical(bytes), "{text}");
    }
}

/// A live log: `u16` length of the checkpoint, the checkpoint, then bundles one behind the other.
pub fn live(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return };
    let Some((note, bundles)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
    else {
        return;
    };
    let Ok(note) = std::str::from_utf8(note) else { return };
    let nobody = Question { need: Need::Any, ..Question::default() };
    assert!(!watched(&nobody, note, bundles), "verified without a policy");
    watched(&question(Need::Any, None), note, bundles);
    watched(&question(Need::Any, Some(SAVED)), note, bundles);
}

fn watched(question: &Question, note: &str, bundles: &[u8]) -> bool {
    let mut live = match LiveLog::new(question, note) {
        Ok(live) => live,
        Err(NotStarted::Usage(_)) => return false,
        Err(NotStarted::Verdict(verdict)) => return is_good(&verdict),
    };
    // 256 entries of 43 bytes, so that a whole tree fits in one.
    bundles.chunks(256 * 43).for_each(|bundle| live.push_bundle(bundle));
    let read = live.entries();
    assert!(read <= live.expect_entries());
    let ended = live.finish();
    assert_eq!(ended.remember.is_some(), ended.verdict.is_verified());
    is_good(&ended.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the questions above would ask nothing.
    #[test]
    fn a_whole_file_is_verified() {
        let bytes = include_bytes!("../../../fuzz/corpus/verify_judge/evidence_full.json");
        for saved in [None, Some(SAVED)] {
            let verdict = verify::judge(bytes, &question(Need::Full, saved)).expect("a question");
            assert!(is_good(&verdict), "{verdict:#?}");
        }
    }
}
