//! From a body to a receipt.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use admit::{Admitted, Peer, Policy, Refusal, judge};
use capture::{Body, Format, Part};
use commit::{Answer, Checkpoint, Fate, Log, ReadError};
use event::limits::EVENT_BYTES_MAX;

use crate::app::App;
use crate::config::Limits;
use crate::http::error::Failure;
use crate::left_out::Taken;
use crate::turns::Turn;

/// Bytes that the flattened events of one request may take: bounds what one request can make the
/// server hold, whatever its keys and nesting.
const FLATTENED_BYTES_MAX: usize = 40 << 20;
/// A body of more bytes is worked on away from the threads that serve connections.
pub(crate) const INLINE_BYTES_MAX: usize = 16 << 10;
/// The size of work that waits for the disk, however small it is.
pub(crate) const WITH_DISK: usize = usize::MAX;

/// What admission made of a body.
pub(crate) struct Admission {
    /// One for each event sent, in order.
    pub(crate) items: Vec<Item>,
    pub(crate) admitted: Vec<Admitted>,
    /// Whether the log has to have the counts of what was left out before the answer.
    pub(crate) state: bool,
}

/// What became of an event at admission.
#[derive(Debug)]
pub(crate) enum Item {
    /// Its place among those admitted.
    Admitted(usize),
    /// Why not.
    Refused(Refusal),
    /// A rule of the audit scope does not want it stored.
    LeftOut(Refusal),
}

/// What a body is taken for, and from whom.
pub(crate) struct Intake {
    pub(crate) format: Format,
    /// Whether the sender says it is NDJSON.
    pub(crate) lines: bool,
    pub(crate) peer: Peer,
    /// The bounds under which it came.
    pub(crate) limits: Limits,
    /// Its number, for the windows of the audit scope that it opens.
    pub(crate) request: u64,
}

/// A batch in the log.
pub(crate) struct Stored {
    pub(crate) fates: Vec<Fate>,
    /// The log it went to, and those closed before it that may have a duplicate.
    pub(crate) logs: Vec<Arc<Log>>,
    pub(crate) first: u64,
    pub(crate) checkpoint: Arc<Checkpoint>,
}

/// Runs work that takes long for its size where it does not keep connections waiting.
pub(crate) async fn work<T: Send + 'static>(
    bytes: usize,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    if bytes <= INLINE_BYTES_MAX {
        return Ok(job());
    }
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(job))
        .await
        .map_err(|error| Failure::internal(&error))
}

/// Refuses what no event may be, before anything is made of it.
fn weigh(part: &Part<'_>) -> Result<(), Refusal> {
    let reason = if part.text.len() > EVENT_BYTES_MAX {
        format!("an event has at most {EVENT_BYTES_MAX} bytes")
    } else if part.heavy {
        "these are more values than an event may have".into()
    } else {
        return Ok(());
    };
    Err(Refusal::new("too_large", reason))
}

/// Decodes and admits a body by one policy, whatever a reload changes meanwhile. Refusals are
/// counted here.
pub(crate) fn admit_body(
    app: &App,
    body: &[u8],
    intake: &Intake,
    policy: &Policy,
) -> Result<Admission, Failure> {
    let mut body = Body::new(body, intake.format.wrapper(), intake.lines)
        .map_err(|error| Failure::bad_request("json", error.to_string()))?;
    let mut admission = Admission { items: Vec::new(), admitted: Vec::new(), state: false };
    let mut flattened = 0;
    let peer = &intake.peer;
    let next = |body: &mut Body<'_>| -> Result<Option<Result<Judgement, Refusal>>, Failure> {
        let part =
            body.next_part().map_err(|error| Failure::bad_request("json", error.to_string()))?;
        Ok(part.map(|part| {
            weigh(&part)?;
            let value = part.value.map_err(|error| Refusal::new("json", error.to_string()))?;
            let record = intake.format.adapt(value)?;
            let judged = judge(record, peer, policy)?;
            if policy.scope.is_some() {
                let (event, decision) = (judged.event(), judged.decision(policy));
                let (now, bytes) = (app.clock.now(), part.text.len() as u64);
                let left_out = &app.left_out;
                let taken =
                    left_out.take(&peer.tenant, now, event, bytes, decision, intake.request);
                if let Taken::Out { answer, state } = taken {
                    return Ok(Judgement::Out { answer, state });
                }
            }
            let admitted = judged.admit(peer, policy, || app.store.world().new_id())?;
            Ok(Judgement::In(admitted))
        }))
    };
    while let Some(item) = next(&mut body)? {
        if admission.items.len() == intake.limits.request_events_max {
            let most = intake.limits.request_events_max;
            return Err(Failure::too_large(format!("a request has at most {most} events")));
        }
        match item {
            Ok(Judgement::In(admitted)) => {
                flattened += admitted.fields().memory();
                if flattened > FLATTENED_BYTES_MAX {
                    return Err(Failure::too_large(format!(
                        "the events of a request may take {FLATTENED_BYTES_MAX} bytes with the \
                         full path of every value; send fewer at once"
                    )));
                }
                admission.items.push(Item::Admitted(admission.admitted.len()));
                admission.admitted.push(admitted);
            }
            Ok(Judgement::Out { answer, state }) => {
                admission.state |= state;
                admission.items.push(Item::LeftOut(answer));
            }
            Err(refusal) => admission.items.push(Item::Refused(refusal)),
        }
    }
    for item in &mut admission.items {
        let Item::Refused(refusal) = item else { continue };
        if refusal.service.is_none() {
            refusal.service = peer.only_service().map(str::to_owned);
        }
        app.refusals.add(app.clock.now(), &peer.tenant, &peer.identity.id, refusal);
    }
    Ok(admission)
}

/// What admission says of one event.
enum Judgement {
    In(Admitted),
    Out { answer: Refusal, state: bool },
}

/// Commits admitted events and waits until they are durable, signed and findable. The turn that
/// they were admitted in ends when the lane has them.
pub(crate) async fn commit(
    app: &Arc<App>,
    log: &Arc<Log>,
    sent: Vec<Admitted>,
    mut turn: Option<Turn>,
) -> Result<Stored, Failure> {
    // Until all is indexed, an id that is known may cost unpacking a long list of events.
    let bytes = match app.backlog.is_open() {
        true => sent.iter().map(|event| event.fields().bytes()).sum(),
        false => WITH_DISK,
    };
    let sent = Arc::new(sent);
    let mut log = log.clone();
    loop {
        let (give, take) = tokio::sync::oneshot::channel();
        let began = app.clock.elapsed();
        let (app_, log_, sent_) = (app.clone(), log.clone(), sent.clone());
        let prepare = move || -> Result<(Vec<Fate>, Vec<Arc<Log>>), ReadError> {
            let prepared = app_.store.prepare(&log_, &sent_)?;
            let found = (prepared.fates().to_vec(), prepared.logs());
            let index = (app_.indexer)(&prepared, &sent_);
            // Who waits may be gone; the events stand all the same.
            let reply = Box::new(move |answer| drop(give.send(answer)));
            app_.store.submit(prepared, index, reply);
            Ok(found)
        };
        let (fates, logs) =
            work(bytes, prepare).await?.map_err(|error| Failure::internal(&error))?;
        drop(turn.take());
        let answer = take.await.unwrap_or(Answer::Unknown);
        let took = app.clock.elapsed().saturating_sub(began);
        app.metrics.commit_micros.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        match answer {
            Answer::Committed { first, checkpoint } => {
                app.tails.wake();
                return Ok(Stored { fates, logs, first, checkpoint });
            }
            // An id entered meanwhile, or the log was closed; each turn means that somebody else
            // made progress.
            Answer::Stale => log = app.store.newest(log.meta.name()).unwrap_or(log),
            Answer::NoRoom => {
                return Err(Failure::busy("disk", "no room on the disk or in the queue now"));
            }
            Answer::Unknown => return Err(Failure::internal(&"the journal failed")),
        }
    }
}

/// Counts what senders sent; what the server states itself is not among it.
pub(crate) fn count(app: &App, fates: &[Fate]) {
    let counters = &app.counters;
    for fate in fates {
        match fate {
            Fate::New(_) => &counters.events,
            Fate::Duplicate(_) => &counters.duplicates,
            Fate::Conflict(..) => &counters.conflicts,
        }
        .fetch_add(1, Relaxed);
    }
}
