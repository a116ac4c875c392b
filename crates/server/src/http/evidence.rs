//! `POST /v1/evidence`: files that prove events offline.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use commit::evidence::{Asked, Claim, Disclosure, EvidenceError, evidence as make_evidence};
use event::{PathText, format_time, pointer};
use query::{Hit, Scope};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::auth::Caller;
use super::error::Failure;
use super::extract::small_json;
use super::read::{failure_of, readable, reading};
use super::shown::answer;
use crate::access::stated::{self, Access, Answered};
use crate::app::App;

/// Events of one evidence file.
const EVIDENCE_EVENTS_MAX: usize = 10_000;
/// Ids that are looked up for one file.
const IDS_MAX: usize = 1_000;
/// Older sizes that one file proves.
const OLD_MAX: usize = 16;

/// What evidence is asked for.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceRequest {
    #[serde(default)]
    events: Vec<Place>,
    /// Ids of events, each of which names one.
    #[serde(default)]
    ids: Vec<String>,
    range: Option<Range>,
    /// A remark: how the events were found. Nothing is claimed about it.
    query: Option<String>,
    /// Sizes of checkpoints saved earlier, which the file is to be judged with.
    #[serde(default)]
    old: Vec<u64>,
    #[serde(default)]
    show: Vec<String>,
    #[serde(default)]
    name: Vec<String>,
    #[serde(default)]
    hide: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Place {
    log: String,
    seq: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Range {
    log: String,
    first: u64,
    count: u64,
}

pub(crate) async fn evidence(
    State(app): State<Arc<App>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Failure> {
    // The body of somebody who may not read is not read.
    stated::turn_away(&app, &caller, Access::new("evidence.export", "export")).await?;
    let request: EvidenceRequest = small_json(request).await?;
    let access = access(&request)?;
    let read = async |scope| {
        let mut request = request;
        if !request.ids.is_empty() {
            app.backlog.indexed().await?;
            let ids = std::mem::take(&mut request.ids);
            let found = app.turns.long(|| places(&app, &scope, &ids)).await?;
            request.events.extend(found);
        }
        app.turns.proof(|| prove(&app, &scope, &request)).await
    };
    stated::read(&app, &caller, access, read).await
}

/// What the access log says of it: the request itself.
fn access(request: &EvidenceRequest) -> Result<Access, Failure> {
    let text = serde_json::to_string(request).map_err(|error| Failure::internal(&error))?;
    let access = Access::new("evidence.export", "export").asking(&text);
    let range = request.range.as_ref().map(|range| &range.log);
    Ok(match range.or(request.events.first().map(|place| &place.log)) {
        Some(name) => access.of_log(name),
        None => access,
    })
}

/// Where the events with these ids stand.
fn places(app: &App, scope: &Scope, ids: &[String]) -> Result<Vec<Place>, Failure> {
    if ids.len() > IDS_MAX {
        return Err(Failure::bad_request("evidence", "at most 1000 ids; ask for several"));
    }
    // All have the time of one read; a lookup that reads little does not ask how late it is.
    reading(app, |source| {
        let mut places = Vec::with_capacity(ids.len());
        for id in ids {
            if (source.is_over)() {
                let what = "to find so many ids takes longer than a read may; ask for fewer";
                return Ok(Err(Failure::bad_request("evidence", what)));
            }
            match place(id, &query::by_id(source, scope, id)?.known()?) {
                Ok(found) => places.push(found),
                Err(failure) => return Ok(Err(failure)),
            }
        }
        Ok(Ok(places))
    })?
}

/// Where the one event with an id stands.
fn place(id: &str, hits: &[Hit]) -> Result<Place, Failure> {
    match hits {
        [] => Err(Failure::not_found(format!("no event has the id {id:?} that you may read"))),
        [hit] => Ok(Place { log: hit.log.meta.name().to_owned(), seq: hit.seq }),
        several => {
            let what = format!("the id {id:?} names {} events; name log and seq", several.len());
            Err(Failure::bad_request("evidence", what))
        }
    }
}

fn prove(app: &App, scope: &Scope, request: &EvidenceRequest) -> Result<Answered, Failure> {
    let wrong = |what: &str| Failure::bad_request("evidence", what);
    let (name, seqs) = match (&request.range, &request.events[..]) {
        (Some(range), []) => {
            let count = usize::try_from(range.count).unwrap_or(usize::MAX);
            if !(1..=EVIDENCE_EVENTS_MAX).contains(&count) {
                return Err(wrong("a range has 1 to 10000 entries; ask for several"));
            }
            let end = range.first.checked_add(range.count);
            let end = end.ok_or_else(|| wrong("a range ends below 2^64"))?;
            (&range.log, (range.first..end).collect::<Vec<u64>>())
        }
        (None, [first, ..]) => {
            if request.events.iter().any(|place| place.log != first.log) {
                return Err(wrong("all events must be of one log; ask once for each"));
            }
            let mut seqs: Vec<u64> = request.events.iter().map(|place| place.seq).collect();
            seqs.sort_unstable();
            seqs.dedup();
            (&first.log, seqs)
        }
        _ => return Err(wrong("name either events, as {\"log\",\"seq\"} or ids, or a range")),
    };
    if seqs.len() > EVIDENCE_EVENTS_MAX {
        return Err(wrong("at most 10000 events; ask for several"));
    }
    if request.old.len() > OLD_MAX {
        return Err(wrong("at most 16 older sizes"));
    }
    let log = readable(app, scope, name)?;
    let checkpoint = log.checkpoint();
    if seqs.last().is_some_and(|last| *last >= checkpoint.size) {
        return Err(Failure::not_found(format!("the log has {} entries", checkpoint.size)));
    }
    let claim = match &request.range {
        Some(range) => {
            Claim::Range { origin: log.meta.origin.clone(), first: range.first, count: range.count }
        }
        None => Claim::Events,
    };
    let remarks = json!({ "made_at": format_time(app.clock.now()), "query": request.query });
    let pointers = Pointers::new(request)?;
    let disclose = |path: &str| pointers.disclosure(path);
    let asked = Asked { seqs: &seqs, claim, old: &request.old, remarks };
    let made = make_evidence(&log, &checkpoint, asked, disclose);
    let made = made.map_err(|error| match error {
        EvidenceError::Read(error) => failure_of(app, &log, &error),
        EvidenceError::TooLarge => Failure::too_large(error.to_string()),
        EvidenceError::Old(..) => wrong(&error.to_string()),
        error => Failure::internal(&error),
    })?;
    pointers.all_met()?;
    Ok(Answered { response: answer(&made), events: seqs.len() as u64 })
}

/// What to show, name and hide, and which of it was met with.
struct Pointers<'r> {
    request: &'r EvidenceRequest,
    /// Those of `hide` and `name` that some field lay below.
    met: RefCell<BTreeSet<&'r str>>,
}

impl<'r> Pointers<'r> {
    /// A pointer that is none would hide nothing and say so to nobody.
    fn new(request: &'r EvidenceRequest) -> Result<Self, Failure> {
        let all = request.show.iter().chain(&request.name).chain(&request.hide);
        match all.into_iter().find(|p| !p.is_empty() && !p.starts_with('/')) {
            Some(wrong) => Err(Failure::bad_request(
                "evidence",
                format!("{wrong:?} is no JSON Pointer: it begins with '/', as in /actor/id"),
            )),
            None => Ok(Pointers { request, met: RefCell::default() }),
        }
    }

    /// Hiding wins over naming, naming over showing; what `show` does not list is then hidden.
    fn disclosure(&self, path: &str) -> Disclosure {
        let Some(steps) = PathText::parse(path) else { return Disclosure::Hide };
        let place = pointer(&steps);
        let below = |pointers: &'r [String]| {
            let mut found = false;
            for pointer in pointers {
                let rest = place.strip_prefix(pointer.as_str());
                if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                    self.met.borrow_mut().insert(pointer);
                    found = true;
                }
            }
            found
        };
        let (hide, name) = (below(&self.request.hide), below(&self.request.name));
        match (hide, name) {
            (true, _) => Disclosure::Hide,
            (false, true) => Disclosure::Name,
            _ if self.request.show.is_empty() || below(&self.request.show) => Disclosure::Show,
            _ => Disclosure::Hide,
        }
    }

    /// A pointer that met with nothing is a slip of the pen, and what it meant to hide is shown.
    fn all_met(&self) -> Result<(), Failure> {
        let met = self.met.borrow();
        let mut all = self.request.hide.iter().chain(&self.request.name);
        match all.find(|pointer| !met.contains(pointer.as_str())) {
            Some(pointer) => Err(Failure::bad_request(
                "evidence",
                format!("{pointer:?} names nothing in these events; nothing was made"),
            )),
            None => Ok(()),
        }
    }
}
