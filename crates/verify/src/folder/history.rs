//! The keys that one log had, one after the other, as its folder claims them.
//!
//! ```text
//! logs/<log>/keys.json   {"format":"counterfoil.keys/v1","keys":[{"vkey":"…","from":"…Z"},
//!                         {"vkey":"…","from":"…Z","event":41,"together_until":"…Z",
//!                          "handover":"<checkpoint>"}]}\n
//! ```
//!
//! The file only claims. What a claim is worth is said in `keys.rs`.

use super::content::Kept;
use crate::checkpoint::Checkpoint;
use crate::docket::{Docket, LogRef};
use crate::error::{Malformed, malformed};
use crate::json::{self, Members};
use crate::statement::{Successor, successor, vkey_digest};
use crate::utc;
use crate::verdict::Reason;
use crate::vkey::{KeyKind, Vkey};

/// Keys that one log may have had.
const KEYS_MAX: usize = 100;

/// The claim of `keys.json`.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) place: String,
    /// The first without a handover, each other one with it.
    pub(super) terms: Vec<Term>,
}

#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) vkey: Vkey,
    /// The key as the file spells it.
    text: String,
    from: String,
    handover: Option<Handover>,
}

#[derive(Clone, Debug)]
pub(super) struct Handover {
    /// Seq of the statement.
    event: u64,
    until: String,
    note: String,
    pub(super) checkpoint: Checkpoint,
}

impl History {
    /// Reads a history and finds it to be the one spelling of its values.
    pub(super) fn parse(
        text: &str,
        origin: &str,
        opened_at: &str,
        place: &str,
    ) -> Result<History, Malformed> {
        let mut file = json::parse(text.as_bytes())?.object("it")?;
        file.need("format")?;
        let keys = file.need("keys")?.list("`keys`")?;
        file.end("it")?;
        if !(2..=KEYS_MAX).contains(&keys.len()) {
            return Err(malformed(format!("not a history of 2 to {KEYS_MAX} keys")));
        }
        let mut terms: Vec<Term> = Vec::with_capacity(keys.len());
        for (nth, key) in keys.into_iter().enumerate() {
            let term = Term::parse(key.object("a key")?, origin, terms.last());
            terms.push(term.map_err(|fault| fault.within(format_args!("key {}", nth + 1)))?);
        }
        let history = History { place: place.to_owned(), terms };
        match history.text() == text && history.terms[0].from == opened_at {
            true => Ok(history),
            false => Err(malformed("not the history of a log's keys, as its format spells it")),
        }
    }

    fn text(&self) -> String {
        let mut out = String::from("{\"format\":\"counterfoil.keys/v1\",\"keys\":[");
        for (nth, term) in self.terms.iter().enumerate() {
            out.push_str(if nth == 0 { "{\"vkey\":" } else { ",{\"vkey\":" });
            json::push_text(&mut out, &term.text);
            out.push_str(",\"from\":");
            json::push_text(&mut out, &term.from);
            if let Some(handover) = &term.handover {
                out.push_str(&format!(",\"event\":{},\"together_until\":", handover.event));
                json::push_text(&mut out, &handover.until);
                out.push_str(",\"handover\":");
                json::push_text(&mut out, &handover.note);
            }
            out.push('}');
        }
        out + "]}\n"
    }

    /// Each handover, with its number and the key before.
    pub(super) fn handovers(&self) -> impl Iterator<Item = (usize, &Term, &Term, &Handover)> {
        let pairs = self.terms.windows(2).enumerate();
        pairs.filter_map(|(nth, pair)| {
            Some((nth + 2, &pair[0], &pair[1], pair[1].handover.as_ref()?))
        })
    }

    /// The key that answers for a tree of this size.
    pub(super) fn in_force(&self, size: u64) -> &Vkey {
        let begun = |term: &&Term| term.handover.as_ref().is_none_or(|h| h.checkpoint.size <= size);
        &self.terms.iter().rev().find(begun).unwrap_or(&self.terms[0]).vkey
    }

    /// Whether an entry is said to hand a key over.
    pub(super) fn awaits(&self, seq: u64) -> bool {
        self.handovers().any(|(.., handover)| handover.event == seq)
    }

    /// What entry `seq`, recorded at `time`, must state; what is wrong if it does not.
    pub(super) fn judge_event(
        &self,
        seq: u64,
        time: i64,
        kept: &Kept,
        log: LogRef<'_>,
        docket: &mut Docket,
    ) {
        for (nth, before, term, handover) in self.handovers() {
            let is_it = || states(kept, before, term, handover) && term.from == utc::full(time);
            if handover.event == seq && !is_it() {
                let what =
                    format!("key {nth}: entry {seq} does not state that this key took over so");
                docket.add(Reason::Malformed, Some(log), Some(seq), self.place.clone(), what);
            }
        }
    }
}

/// Whether an event is the server's own statement of a handover.
fn states(kept: &Kept, before: &Term, term: &Term, handover: &Handover) -> bool {
    let wanted = Successor::Key {
        vkey: term.text.clone(),
        old_digest: vkey_digest(&before.text),
        together_until: handover.until.clone(),
    };
    successor(|path| kept.text(path)) == Some(wanted)
}

impl Term {
    fn parse(mut key: Members, origin: &str, before: Option<&Term>) -> Result<Term, Malformed> {
        let text = key.need("vkey")?.text("`vkey`")?;
        let vkey = Vkey::parse(&text)?;
        if vkey.name() != origin || vkey.kind() != KeyKind::Log {
            return Err(malformed("not a key that signs this log"));
        }
        let from = key.need("from")?.text("`from`")?;
        let handover =
            before.map(|before| Handover::parse(&mut key, origin, before)).transpose()?;
        key.end("it")?;
        Ok(Term { vkey, text, from, handover })
    }
}

impl Handover {
    fn parse(key: &mut Members, origin: &str, before: &Term) -> Result<Handover, Malformed> {
        let event = key.need("event")?.number("`event`")?;
        let until = key.need("together_until")?.text("`together_until`")?;
        let note = key.need("handover")?.text("`handover`")?;
        let checkpoint = Checkpoint::parse(&note)?;
        let earlier = before.handover.as_ref().map_or(0, |earlier| earlier.checkpoint.size);
        if checkpoint.origin != origin || !(earlier..checkpoint.size).contains(&event) {
            return Err(malformed("its handover does not cover its event"));
        }
        Ok(Handover { event, until, note, checkpoint })
    }
}
