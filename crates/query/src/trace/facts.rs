//! What a trace needs to know of each event.

use event::Fields;

use crate::filter::occurred_at;
use crate::heard::StreamName;
use crate::search::Hit;

/// Links of one event that are looked at.
const LINKS_MAX: usize = 64;

#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) span: Option<String>,
    pub(crate) parent_span: Option<String>,
    /// Ids of events that caused it or that it is part of.
    pub(crate) links: Vec<String>,
    pub(crate) started_at: i64,
    pub(crate) duration_ns: Option<i64>,
    pub(crate) service: String,
    pub(crate) failed: bool,
    pub(crate) numbered: Option<(StreamName, u64)>,
}

impl Facts {
    pub(crate) fn of(hit: &Hit) -> Facts {
        let fields = &hit.fields;
        let string = |path| fields.string(path).unwrap_or_default();
        let service = string("[\"service\",\"name\"]");
        let denied = fields.text("[\"decision\",\"effect\"]") == Some("\"deny\"")
            && fields.text("[\"decision\",\"mode\"]") != Some("\"shadow\"");
        let duration_ns: Option<i64> =
            fields.text("[\"duration_ns\"]").and_then(|text| text.parse().ok());
        let occurred_at = occurred_at(fields).unwrap_or(hit.recorded_at);
        // What states the end of an act began that much earlier.
        let ends = fields.text("[\"phase\"]") == Some("\"end\"");
        let before = if ends { duration_ns.unwrap_or(0) } else { 0 };
        Facts {
            id: string("[\"id\"]"),
            span: fields.string("[\"correlation\",\"span_id\"]"),
            parent_span: fields.string("[\"correlation\",\"parent_span_id\"]"),
            links: links(fields),
            started_at: occurred_at.saturating_sub(before),
            duration_ns,
            failed: denied || fields.text("[\"outcome\",\"result\"]") == Some("\"failure\""),
            numbered: numbered(fields, &service),
            service,
        }
    }

    pub(crate) fn ended_at(&self) -> i64 {
        self.started_at.saturating_add(self.duration_ns.unwrap_or(0))
    }
}

fn links(fields: &Fields) -> Vec<String> {
    let mut found = Vec::new();
    for nth in 0..LINKS_MAX {
        let Some(rel) = fields.text(&format!("[\"links\",{nth},\"rel\"]")) else { break };
        if matches!(rel, "\"caused_by\"" | "\"part_of\"") {
            found.extend(fields.string(&format!("[\"links\",{nth},\"id\"]")));
        }
    }
    found
}

fn numbered(fields: &Fields, service: &str) -> Option<(StreamName, u64)> {
    let seq = fields.text("[\"producer\",\"seq\"]")?.parse().ok()?;
    let name = StreamName {
        principal: fields.string("[\"recorded\",\"identity\",\"id\"]").unwrap_or_default(),
        producer: fields.string("[\"producer\",\"id\"]").unwrap_or_else(|| service.to_owned()),
        stream: fields.string("[\"producer\",\"stream\"]").unwrap_or_default(),
    };
    Some((name, seq))
}
