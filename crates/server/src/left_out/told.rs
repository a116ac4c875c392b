//! What is told of the counts: by rule and service, by service, and of all together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::LeftOut;

/// In place of a rule, where pairs made room for others.
const EARLIER: &str = "(earlier)";

/// What rules made of events since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Saved {
    /// Events that are not in the log.
    pub(crate) left_out: u64,
    /// Events that are in the log as a number alone.
    pub(crate) counted: u64,
    /// Events that a rule fits and that were stored, because an auditor would miss them.
    pub(crate) spared: u64,
    /// Bytes of those that are not in the log, as they were sent.
    pub(crate) bytes_saved: u64,
    /// When the last of all these came.
    #[serde(skip)]
    pub(crate) last: i64,
}

/// One rule and service, as `GET /v1/scope` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) rule: String,
    pub(crate) digest: String,
    pub(crate) service: String,
    #[serde(flatten)]
    pub(crate) saved: Saved,
}

/// Of all tenants together, for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) saved: Saved,
    /// Events that were stored because there was no room to count them.
    pub(crate) no_room: u64,
}

impl Saved {
    pub(super) fn leave_out(&mut self, bytes: u64) {
        self.left_out += 1;
        self.bytes_saved += bytes;
    }

    pub(super) fn count(&mut self, bytes: u64) {
        self.counted += 1;
        self.bytes_saved += bytes;
    }

    pub(crate) fn join(&mut self, other: &Saved) {
        self.left_out += other.left_out;
        self.counted += other.counted;
        self.spared += other.spared;
        self.bytes_saved += other.bytes_saved;
        self.last = self.last.max(other.last);
    }
}

impl LeftOut {
    /// What was left out of a tenant's events since the start, and how many were stored because
    /// there was no room to count them.
    pub(crate) fn of_tenant(&self, tenant: &str) -> (Vec<Shown>, u64) {
        let all = self.lock();
        let Some(book) = all.get(tenant) else { return (Vec::new(), 0) };
        let earlier = book.earlier.iter().map(|(service, saved)| Shown {
            rule: EARLIER.to_owned(),
            digest: String::new(),
            service: service.clone(),
            saved: *saved,
        });
        let shown = book.entries.iter().map(|((rule, service), entry)| Shown {
            rule: rule.name.clone(),
            digest: rule.digest.clone(),
            service: service.clone(),
            saved: entry.saved,
        });
        (shown.chain(earlier).collect(), book.no_room)
    }

    /// The same by service, whatever the rule. There are at most twice as many as pairs of both.
    pub(crate) fn by_service(&self, tenant: &str) -> BTreeMap<String, Saved> {
        let mut services: BTreeMap<String, Saved> = BTreeMap::new();
        let all = self.lock();
        let Some(book) = all.get(tenant) else { return services };
        let now = book.entries.iter().map(|((_, service), entry)| (service, &entry.saved));
        for (service, saved) in now.chain(&book.earlier) {
            services.entry(service.clone()).or_default().join(saved);
        }
        services
    }

    /// Of all tenants.
    pub(crate) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for book in self.lock().values() {
            sums.saved.join(&book.saved);
            sums.no_room += book.no_room;
        }
        sums
    }
}
