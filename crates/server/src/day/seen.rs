//! What was done and what the logs tell of it: the one is counted against the other.

use std::collections::BTreeMap;

use commit::Purpose;
use event::Fields;

use crate::app::App;

/// By tenant and kind: how often it was done for certain, and how often it may have been. A process
/// that dies answers nobody.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<(String, &'static str), [u64; 2]>);

impl Seen {
    pub(super) fn count(&mut self, tenant: &str, kind: &'static str, is_certain: bool) {
        let [certain, possible] = self.0.entry((tenant.to_owned(), kind)).or_default();
        *certain += u64::from(is_certain);
        *possible += 1;
    }

    /// How often something was done for certain, to whomever.
    pub(super) fn certain(&self, kind: &str) -> u64 {
        self.0.iter().filter(|((_, known), _)| *known == kind).map(|(_, counts)| counts[0]).sum()
    }

    /// Holds the logs to it.
    pub(super) fn judge(&self, app: &App, tenants: &[&str]) {
        let mut retired = 0;
        for tenant in tenants {
            let told = told(app, tenant);
            retired += told.get("key retired").copied().unwrap_or_default();
            let own = self.0.iter().filter(|((of, _), _)| of == tenant);
            for ((_, kind), [certain, possible]) in own {
                let told = told.get(kind).copied().unwrap_or_default();
                let what = format!("{tenant}: {told} {kind} told, {certain} to {possible} done");
                assert!((*certain..=*possible).contains(&told), "{what}");
            }
        }
        assert!(retired > 0, "an overlap ended");
    }
}

/// What a tenant's logs tell, by kind; each in the log where it belongs.
fn told(app: &App, tenant: &str) -> BTreeMap<&'static str, u64> {
    let (mut told, mut opens, mut logs) = (BTreeMap::new(), 0, 0);
    for log in app.store.logs().values().filter(|log| log.meta.tenant == tenant) {
        logs += 1;
        let keys = log.key_periods();
        let signing = keys.iter().filter(|key| key.signs).count();
        // What is closed or was set aside is signed by nobody.
        assert_eq!(
            signing,
            usize::from(log.may_grow()),
            "{}: every overlap is over",
            log.meta.name()
        );
        for seq in 0..log.checkpoint().size {
            let (fields, _) = log.read_checked(seq).expect("every entry can be read");
            let own = fields.string(r#"["service","name"]"#).as_deref() == Some("counterfoil");
            if !own {
                assert_eq!(log.meta.purpose, Purpose::Events, "no sender writes the access log");
                continue;
            }
            opens += u64::from(fields.string(r#"["action"]"#).as_deref() == Some("log.open"));
            if let Some(kind) = kind(log.meta.purpose, &fields) {
                *told.entry(kind).or_default() += weight(&fields);
            }
        }
    }
    assert_eq!(opens, logs, "{tenant}: every log states that it was opened");
    let closes = told.get("log.close").copied().unwrap_or_default();
    let parts = app.store.set_aside().len() as u64;
    let last = 2 * (parts + 1);
    assert_eq!(closes + last, logs, "{tenant}: each log but those that were last is closed");
    told
}

/// How many of its kind an event stands for.
fn weight(fields: &Fields) -> u64 {
    match fields.string(r#"["action"]"#).as_deref() {
        Some("quota.exceeded") => {
            let requests = fields.text(r#"["attributes","requests"]"#);
            requests.and_then(|text| text.parse().ok()).expect("a number")
        }
        _ => 1,
    }
}

/// What an event of the server's own counts as.
fn kind(purpose: Purpose, fields: &Fields) -> Option<&'static str> {
    let text = |path: &str| fields.string(path).unwrap_or_default();
    let ended = text(r#"["outcome","result"]"#);
    let is_end = text(r#"["phase"]"#) != "attempt";
    let action = text(r#"["action"]"#);
    match (purpose, action.as_str()) {
        (_, "log.close") => Some("log.close"),
        (_, "key.rotate") => Some("key changed"),
        (_, "key.retire") => Some("key retired"),
        (_, "log.open") => {
            let number = fields.text(r#"["attributes","damage","number"]"#);
            number.map(|_| "log that goes on for a damaged one")
        }
        (Purpose::Events, "quota.exceeded") => Some("turned away by a quota"),
        (Purpose::Events, "server.start") => {
            let closed = fields.text(r#"["attributes","closed_in_order"]"#) == Some("true");
            Some(if closed { "start after a stop" } else { "start after a death" })
        }
        (Purpose::Events, "server.stop") => Some("stop"),
        (Purpose::Events, "clock.jump") => Some("clock set"),
        (Purpose::Events, "disk.room") => Some("crossing of the disk's room"),
        (Purpose::Access, "config.load") => Some("configuration loaded"),
        (Purpose::Access, "config.reload") if is_end => {
            Some(if ended == "success" { "reload" } else { "reload that failed" })
        }
        (Purpose::Access, "log.rotate") if is_end && ended == "success" => Some("log closed"),
        (Purpose::Access, "token.create") if text(r#"["phase"]"#) == "end" => Some("token made"),
        (Purpose::Access, "token.revoke") if is_end => Some("token revoked"),
        (Purpose::Access, "event.read") => Some("read"),
        (Purpose::Access, "events.search") => Some("search"),
        (Purpose::Access, "events.tail") if text(r#"["phase"]"#) != "end" => Some("tail"),
        _ => None,
    }
}
