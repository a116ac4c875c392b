//! `counterfoil top`: what happens now, on one screen.
//!
//! Promises: numbers come from the server's status and metrics, rates from two looks at them; no
//! event is read but the newest failures and denials, which two tails bring. A server that stops
//! answering does not end it: the head says so. Whatever ends it, the terminal is as it was.

mod failures;
mod looks;
mod sample;
mod screen;

use std::time::Duration;

use super::prompt_client;
use crate::args::{self, Global};
use crate::client::Client;
use crate::error::CliError;
use crate::listen::{Heard, Listener};
use crate::out::{self, Key, Terminal};
use crate::view::list;
use failures::{Failures, QUERIES};
use looks::{EVERY, Eye};
use sample::History;
use screen::{Sort, View};

/// How often keys, the terminal's size and what came are looked at.
const TICK: Duration = Duration::from_millis(100);
/// As wide as a snapshot is that goes to no terminal.
const COLUMNS: usize = 100;

pub(crate) fn run(global: &Global, args: &args::Top) -> Result<(), CliError> {
    if global.json {
        return Err(CliError::usage("top has no JSON; counterfoil status --json has the numbers"));
    }
    match Terminal::is_there() && !args.once {
        true => Live::begin(global)?.run(),
        false => once(&prompt_client(global)?, &Eye::new(prompt_client(global)?), args.columns),
    }
}

/// One screen and no more.
fn once(client: &Client, eye: &Eye, columns: Option<u16>) -> Result<(), CliError> {
    let (mut history, mut failures) = (History::default(), Failures::default());
    history.add(eye.look()?);
    std::thread::sleep(EVERY);
    history.add(eye.look()?);
    for query in QUERIES {
        let found = client.get_json(&format!("/v1/events?limit=8&q={query}"))?;
        list(&found["events"]).iter().for_each(|hit| failures.add(hit.clone()));
    }
    let (url, failures) = (&*client.server().url, failures.newest());
    let (sort, trouble) = (Sort::Rate, None);
    let view = View { url, history: &history, failures, sort, keys: false, trouble };
    let terminal = out::columns(&std::io::stdout());
    let terminal = if terminal == usize::MAX { COLUMNS } else { terminal };
    let columns = columns.map_or(terminal, usize::from);
    screen::lines(&view, columns, usize::MAX).iter().for_each(|line| out::line(line));
    Ok(())
}

/// The screen while it lives.
struct Live {
    url: String,
    tails: Vec<Tail>,
    looks: std::sync::mpsc::Receiver<Result<sample::Sample, CliError>>,
    history: History,
    failures: Failures,
    sort: Sort,
    trouble: Option<String>,
}

/// A tail, and how long it still waits before it connects again.
struct Tail {
    listener: Listener,
    pause: Duration,
}

impl Live {
    /// Looks once before the screen is taken: what cannot work at all is an error as of any
    /// command.
    fn begin(global: &Global) -> Result<Live, CliError> {
        let eye = Eye::new(prompt_client(global)?);
        let mut history = History::default();
        history.add(eye.look()?);
        let tail = |query| {
            let path = format!("/v1/tail?last=8&q={query}");
            let listener = Listener::new(prompt_client(global)?.silent(), path)?;
            Ok::<_, CliError>(Tail { listener, pause: Duration::ZERO })
        };
        let tails = QUERIES.into_iter().map(tail).collect::<Result<_, _>>()?;
        let (url, looks) = (prompt_client(global)?.server().url.clone(), eye.watch());
        let (failures, sort, trouble) = (Failures::default(), Sort::Rate, None);
        Ok(Live { url, tails, looks, history, failures, sort, trouble })
    }

    fn run(mut self) -> Result<(), CliError> {
        let mut terminal = Terminal::enter()?;
        let mut drawn = None;
        loop {
            let mut is_new = self.take_looks();
            for tail in &mut self.tails {
                match tail.hear(TICK / 2, &mut self.failures)? {
                    Some(is_more) => is_new |= is_more,
                    None => return Ok(()),
                }
            }
            match terminal.key() {
                Some(Key::Quit) => return Ok(()),
                Some(Key::Sort) => (self.sort, is_new) = (self.sort.next(), true),
                None => {}
            }
            let size = terminal.size();
            if (is_new || drawn != Some(size)) && !terminal.draw(&self.lines(size)) {
                return Ok(());
            }
            drawn = Some(size);
        }
    }

    /// Takes what was seen; whether anything was.
    fn take_looks(&mut self) -> bool {
        let Ok(look) = self.looks.try_recv() else { return false };
        match look {
            Ok(sample) => {
                self.trouble = None;
                self.history.add(sample);
            }
            Err(error) => self.trouble = Some(error.to_string()),
        }
        true
    }

    fn lines(&self, (columns, rows): (usize, usize)) -> Vec<String> {
        let (history, failures) = (&self.history, self.failures.newest());
        let trouble = self.trouble.as_deref();
        let (sort, keys) = (self.sort, true);
        let view = View { url: &self.url, history, failures, sort, keys, trouble };
        screen::lines(&view, columns, rows)
    }
}

impl Tail {
    /// Listens for so long; whether a failure came, `None` if somebody asked for an end.
    fn hear(
        &mut self,
        patience: Duration,
        failures: &mut Failures,
    ) -> Result<Option<bool>, CliError> {
        if !self.pause.is_zero() {
            let step = self.pause.min(patience);
            self.pause -= step;
            return Ok(self.listener.wait(step).then_some(false));
        }
        match self.listener.next_within(patience)? {
            Some(Heard::Interrupted) => return Ok(None),
            Some(Heard::Broke(_, pause)) => self.pause = pause,
            Some(Heard::Said(name, hit)) if name.is_empty() => {
                failures.add(hit);
                return Ok(Some(true));
            }
            _ => {}
        }
        Ok(Some(false))
    }
}
