//! A shop that runs by itself: six services, their people, one agent, and what befalls them.
//!
//! Promises: the same seed and the same times give the same events. Every event conforms to
//! `audit.event/1` but the one marked [`Sent::refused`]. Each service numbers its streams from 0
//! without holes; one event of mail's second stream is made and never sent, and one of payments
//! comes two scenes late.
//!
//! Never: a clock, a network, true randomness, a name outside `example`.
//!
//! ```text
//! Shop::scene ─ picks a scene ─▶ scenes/* play it on a Stage ─ Acts ─▶ numbered ─▶ Sent
//! ```

mod cast;
mod scenes;
mod stage;
#[cfg(test)]
mod tests;
mod world;

use serde_json::{Value, json};

use random::Random;
use scenes::Scene;
use stage::{Act, Stage};
use world::World;

/// The services' names.
pub const SERVICES: [&str; 6] = ["web", "orders", "payments", "inventory", "identity", "mail"];

/// An event on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Who sends it, one of [`SERVICES`].
    pub service: &'static str,
    /// How long after the scene's start it is sent. A service's events are sent in the order of
    /// their numbers when this is kept, also where scenes overlap.
    pub after_ms: u64,
    /// The event.
    pub event: Value,
    /// Made and numbered but never sent.
    pub lost: bool,
    /// Not well formed on purpose: admission will refuse it.
    pub refused: bool,
}

/// In this scene mail is started again.
const RESTART_AT: u64 = 14;
/// In this scene an old tool sends what admission refuses.
const UNREADABLE_AT: u64 = 21;
/// The first event of payments from this scene on comes late, by so many scenes.
const LATE_FROM: u64 = 27;
const LATE_BY: u64 = 2;
/// Which event of mail's second stream is lost.
const LOST_SEQ: u64 = 3;
/// A sender waits at most this long for its turn; more means that the clock was set back.
const QUEUE_NS_MAX: i64 = 10_000_000_000;
/// From the end of an act until its event is sent.
const SENDING_NS: i64 = 2_000_000;

/// The shop.
#[derive(Debug)]
pub struct Shop {
    random: Random,
    world: World,
    started_at_ns: i64,
    scenes: u64,
    streams: [Stream; 6],
    /// When each of the scenes by the clock is due.
    due_ns: [i64; scenes::BY_THE_CLOCK.len()],
    /// The scene in which the late event goes out, and that event.
    late: Option<(u64, Sent)>,
    was_late: bool,
}

/// One run of one producer.
#[derive(Clone, Copy, Debug)]
struct Stream {
    run: u32,
    next_seq: u64,
    /// When its last event was sent.
    last_ns: i64,
}

impl Shop {
    /// A shop that opened at this time. Another opening is another run of every service.
    pub fn new(seed: u64, started_at_ns: i64) -> Shop {
        let due_ns = scenes::BY_THE_CLOCK
            .map(|(_, every_s)| started_at_ns.saturating_add(every_s * 1_000_000_000));
        Shop {
            random: Random::new(seed ^ random::mix(started_at_ns as u64)),
            world: World::new(),
            started_at_ns,
            scenes: 0,
            streams: [Stream { run: 1, next_seq: 0, last_ns: i64::MIN }; 6],
            due_ns,
            late: None,
            was_late: false,
        }
    }

    /// The events of the next scene, which starts at `now_ns`, in the order in which they happen.
    pub fn scene(&mut self, now_ns: i64) -> Vec<Sent> {
        let play = self.choose(now_ns);
        let mut stage = Stage::new(&mut self.random, now_ns);
        play(&mut stage, &mut self.world);
        let acts = stage.into_acts();
        let mut sent = self.take_late();
        for act in acts {
            let event = self.send(act, now_ns);
            if self.is_to_be_late(&event) {
                self.late = Some((self.scenes + LATE_BY, event));
            } else {
                sent.push(event);
            }
        }
        self.scenes += 1;
        sent
    }

    fn choose(&mut self, now_ns: i64) -> Scene {
        match self.scenes {
            RESTART_AT => {
                self.stream_of(cast::MAIL).restart();
                return scenes::restart;
            }
            UNREADABLE_AT => return scenes::unreadable,
            _ => {}
        }
        if let Some(Some(scene)) = scenes::OPENING.get(self.scenes as usize) {
            return *scene;
        }
        if self.scenes.is_multiple_of(5) {
            return scenes::REGULAR;
        }
        for ((scene, every_s), due_ns) in scenes::BY_THE_CLOCK.iter().zip(&mut self.due_ns) {
            if now_ns >= *due_ns {
                *due_ns = now_ns.saturating_add(every_s * 1_000_000_000);
                return *scene;
            }
        }
        scenes::by_chance(&mut self.random)
    }

    /// Numbers an event and gives it its turn.
    fn send(&mut self, act: Act, now_ns: i64) -> Sent {
        let Act { service, end_ns, mut event, refused } = act;
        let opening = base36(self.started_at_ns / 1_000_000_000);
        let stream = self.stream_of(service);
        let run = stream.run;
        event["service"]["instance"] = format!("{}-{run}", service.name).into();
        let mut lost = false;
        if !refused {
            let seq = stream.number();
            lost = service.name == cast::MAIL.name && (run, seq) == (2, LOST_SEQ);
            let name = format!("{}-{run}@{opening}", service.name);
            event["producer"] = json!({"id": service.name, "stream": name, "seq": seq});
        }
        let ready_ns = now_ns.saturating_add_unsigned(end_ns).saturating_add(SENDING_NS);
        let after_ms = stream.turn(ready_ns).saturating_sub(now_ns).max(0) as u64 / 1_000_000;
        Sent { service: service.name, after_ms, event, lost, refused }
    }

    fn is_to_be_late(&mut self, sent: &Sent) -> bool {
        let now = !self.was_late && self.scenes >= LATE_FROM && sent.service == cast::PAYMENTS.name;
        self.was_late |= now;
        now
    }

    fn take_late(&mut self) -> Vec<Sent> {
        match self.late.take_if(|(at, _)| *at <= self.scenes) {
            Some((_, sent)) => vec![Sent { after_ms: 0, ..sent }],
            None => Vec::new(),
        }
    }

    fn stream_of(&mut self, service: &cast::Service) -> &mut Stream {
        &mut self.streams[service.index()]
    }
}

impl Stream {
    fn restart(&mut self) {
        self.run += 1;
        self.next_seq = 0;
    }

    fn number(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq - 1
    }

    /// When an event that is ready at `ready_ns` is sent: a millisecond after the one before it,
    /// or later.
    fn turn(&mut self, ready_ns: i64) -> i64 {
        let next_ns = self.last_ns.saturating_add(1_000_000);
        let waits = next_ns.saturating_sub(ready_ns) < QUEUE_NS_MAX;
        self.last_ns = if waits { ready_ns.max(next_ns) } else { ready_ns };
        self.last_ns
    }
}

/// A number in digits and small letters, short for names.
fn base36(n: i64) -> String {
    let mut left = n.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((left % 36) as u32, 36).unwrap_or('0'));
        left /= 36;
        if left == 0 {
            return digits.iter().rev().collect();
        }
    }
}
