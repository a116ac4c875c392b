//! `counterfoil tail`.

use serde_json::Value;

use super::client;
use super::search::{heads, row};
use crate::args::{self, Global};
use crate::client::escape;
use crate::error::CliError;
use crate::listen::{Heard, Listener};
use crate::out::{self, Cut, Flow, Head, Ink, ink};
use crate::view;

/// Terminals with fewer columns show no milliseconds.
const NARROW: usize = 100;

/// What a tail shows, and what it has shown.
struct Show {
    json: bool,
    rows: Flow<7>,
    /// The day of the row before.
    day: String,
    events: u64,
    breaks: u64,
}

pub(crate) fn run(global: &Global, args: &args::Tail) -> Result<(), CliError> {
    let mut path = format!("/v1/tail?last={}", args.last);
    if !args.query.is_empty() {
        path.push_str(&format!("&q={}", escape(&args.query)));
    }
    if let Some(cursor) = &args.cursor {
        path.push_str(&format!("&cursor={}", escape(cursor)));
    }
    let mut listener = Listener::new(client(global)?, path)?;
    let mut show = Show::new(global.json);
    while !out::is_closed() {
        match listener.next()? {
            Heard::Open(0) => {}
            Heard::Open(_) => out::note("connected again; nothing was lost"),
            Heard::Said(name, data) => show.said(&name, &data),
            Heard::Broke(why, pause) => {
                show.breaks += 1;
                out::note(&format!(
                    "the connection broke ({why}); connecting again in {} s",
                    pause.as_secs()
                ));
                if !listener.wait(pause) {
                    break;
                }
            }
            Heard::Interrupted => break,
        }
    }
    out::note_parts(&show.summary());
    Ok(())
}

impl Show {
    fn new(json: bool) -> Show {
        let heads = heads(Head::new("TIME (UTC)", 12, Cut::Never).usual(8));
        Show { json, rows: Flow::new(heads), day: String::new(), events: 0, breaks: 0 }
    }

    fn said(&mut self, name: &str, data: &Value) {
        match name {
            "" if self.json => out::json_text(&data.to_string()),
            "" => self.event(data),
            "lag" => {
                let entries = data["entries"].as_u64().unwrap_or_default();
                out::note(&format!("{} behind", out::count(entries, "entry")));
            }
            "unreadable" => {
                let (place, why) = (view::place(data), view::text(&data["reason"]));
                out::note(&format!("{place} cannot be read: {why}"));
            }
            "end" => out::note(&format!("the server ended it: {}", view::text(&data["detail"]))),
            // A word of a later version.
            _ => return,
        }
        self.events += u64::from(name.is_empty());
    }

    fn event(&mut self, hit: &Value) {
        let happened = view::happened(&hit["event"]);
        let day = happened.get(..10).unwrap_or_default();
        if day != self.day {
            day.clone_into(&mut self.day);
            out::line(&ink(Ink::Dim, &format!("  {day}")));
        }
        let clock = view::clock(happened);
        let narrow = out::columns(&std::io::stdout()) < NARROW;
        let time = if narrow { clock.get(..8).unwrap_or(clock) } else { clock };
        self.rows.row(&row(hit, time.to_owned()));
    }

    fn summary(&self) -> Vec<String> {
        let mut parts = vec![out::count(self.events, "event")];
        if self.breaks > 0 {
            parts.push(out::count(self.breaks, "break"));
        }
        parts
    }
}
