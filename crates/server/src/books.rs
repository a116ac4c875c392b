//! The two logs of a tenant: one takes its events, the other what the server states about who used
//! them and who changed a setting.
//!
//! The access log is made beside the first and cannot be left out: no setting names it, and no role
//! may write to it or switch it off.

use std::collections::BTreeMap;

use commit::{LogSpec, Purpose};

/// The names of a tenant's open logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) events: String,
    pub(crate) access: String,
}

impl Books {
    /// The name of the one with a purpose.
    pub(crate) fn name(&self, purpose: Purpose) -> &str {
        match purpose {
            Purpose::Events => &self.events,
            Purpose::Access => &self.access,
        }
    }
}

/// The logs that are configured, each with its access log, and the open ones by tenant.
pub(crate) fn books(
    configured: Vec<LogSpec>,
) -> Result<(Vec<LogSpec>, BTreeMap<String, Books>), String> {
    // By name, whose it is: a log of the settings, or the access log of one.
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for log in &configured {
        taken.insert(log.name.clone(), format!("the log {}", log.name));
    }
    let mut all = Vec::with_capacity(2 * configured.len());
    let mut open = BTreeMap::new();
    for log in configured {
        let access = access_log(&log);
        access.check().map_err(|what| format!("the access log of {}: {what}", log.name))?;
        let whose = format!("the access log of {}", log.name);
        if let Some(other) = taken.insert(access.name.clone(), whose) {
            let (name, of) = (&access.name, &log.name);
            return Err(format!(
                "{name} would be the name of the access log of {of} and of {other}: names of logs \
                 must differ before their number"
            ));
        }
        let books = Books { events: log.name.clone(), access: access.name.clone() };
        open.insert(log.tenant.clone(), books);
        all.extend([log, access]);
    }
    Ok((all, open))
}

/// `acme-0` has `acme-access-0`.
fn access_log(log: &LogSpec) -> LogSpec {
    let is_number = |end: &str| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
    let base = match log.name.rsplit_once('-') {
        Some((base, end)) if is_number(end) => base,
        _ => &log.name,
    };
    LogSpec {
        name: format!("{base}-access-0"),
        tenant: log.tenant.clone(),
        public: false,
        purpose: Purpose::Access,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Result<Vec<String>, String> {
        let spec = |name: &&str| LogSpec {
            name: (*name).to_owned(),
            tenant: format!("of-{name}"),
            public: true,
            purpose: Purpose::Events,
        };
        let (all, open) = books(names.iter().map(spec).collect())?;
        assert!(all.iter().all(|log| log.public == (log.purpose == Purpose::Events)));
        assert_eq!(open.len(), names.len());
        Ok(all.into_iter().map(|log| log.name).collect())
    }

    #[test]
    fn every_log_has_its_access_log() {
        let all = named(&["acme-0", "open-data-12", "plain", "a-b"]).expect("named");
        let access: Vec<&str> = all.iter().skip(1).step_by(2).map(String::as_str).collect();
        assert_eq!(
            access,
            ["acme-access-0", "open-data-access-0", "plain-access-0", "a-b-access-0"]
        );
    }

    #[test]
    fn a_name_cannot_be_both() {
        let wrong = named(&["acme-0", "acme-access-0"]).expect_err("refused");
        let both = "acme-access-0 would be the name of the access log of acme-0 and of";
        let mend = "names of logs must differ before their number";
        assert_eq!(wrong, format!("{both} the log acme-access-0: {mend}"));
        let wrong = named(&["team-1", "team-2"]).expect_err("refused");
        let both = "team-access-0 would be the name of the access log of team-2 and of";
        assert_eq!(wrong, format!("{both} the access log of team-1: {mend}"));
        let long = named(&["a".repeat(60).as_str()]).expect_err("refused");
        assert!(long.contains("1 to 63"), "{long}");
    }
}
