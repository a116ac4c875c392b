//! Every setting. To add one: a field in [`Config`] with its default, and a row here.
//!
//! `UPDATE_GOLDEN=1 cargo test -p server config` then writes `docs/counterfoil.toml` and the table
//! in `docs/configuration.md`; without it the same test fails until they are written.

use commit::LogSpec;

use super::rules::{check_host, check_tenant};
use super::{Config, Field, LogConfig, ON_DAMAGE, QuotaConfig, Reload, Setting};
use crate::scope_file;
use crate::tokens::check_name;

/// Each may come with an event of our own, and all must fit into one event list of 64 MiB.
pub(super) const REQUEST_EVENTS_MAX: usize = 20_000;
/// Each takes an open file, and up to 64 KiB of what is read ahead.
const CONNECTIONS_MAX: usize = 65_536;
/// A body's events must fit into one journal file.
const BODY_BYTES_MAX: usize = 32 << 20;
/// More than any machine has to spare for bodies.
const IN_FLIGHT_BYTES_MAX: usize = 1 << 40;
/// More than any principal sends in a second.
pub(crate) const RATE_MAX: usize = 1 << 40;
/// More than any disk has.
const FREE_BYTES_MAX: usize = 1 << 60;

/// More than a tree in memory can hold.
pub(super) const PARTITION_ENTRIES_MAX: usize = 1 << 40;
/// A hundred years.
pub(super) const PARTITION_DAYS_MAX: usize = 36_500;

/// The settings of the server, in the order in which they are shown. Those of one table of the file
/// stand together, those of none first.
pub const SETTINGS: &[Setting<Config>] = &[
    Setting {
        name: "listen",
        field: Field::Address(|config| &mut config.listen),
        allowed: "an IP address with port; port 0 takes a free one",
        reload: Reload::Restart,
        what: "where to listen, plain HTTP",
    },
    Setting {
        name: "origin",
        field: Field::MaybeText(|config| &mut config.origin, check_host),
        allowed: "1 to 180 of `a-z 0-9 - . : [ ]`: a host name or address, perhaps with port, \
                  without scheme",
        reload: Reload::Restart,
        what: "host part of the origins of logs; left out, the machine's name. It is fixed when \
               the first log is made; a start with another one is refused",
    },
    Setting {
        name: "on_damage",
        field: Field::Word(|config| &mut config.on_damage, ON_DAMAGE),
        allowed: "",
        reload: Reload::Restart,
        what: "what a start does that finds the journal or the head damaged: refuse, and say \
               where; or set the whole folder aside below `damaged/`, where it is read as far as \
               it can be proved, and go on in new logs that state the finding",
    },
    Setting {
        name: "limits.body_bytes_max",
        field: Field::Count {
            of: |config| &mut config.limits.body_bytes_max,
            unit: "bytes",
            min: 1,
            max: BODY_BYTES_MAX,
        },
        allowed: "",
        reload: Reload::Live,
        what: "one request's body, as it is sent and decompressed",
    },
    Setting {
        name: "limits.in_flight_bytes_max",
        field: Field::Count {
            of: |config| &mut config.limits.in_flight_bytes_max,
            unit: "bytes",
            min: 4,
            max: IN_FLIGHT_BYTES_MAX,
        },
        allowed: "at least 4 times `limits.body_bytes_max`",
        reload: Reload::Live,
        what: "all bodies that wait for their answers; one tenant gets at most half of what \
               others leave",
    },
    Setting {
        name: "limits.request_events_max",
        field: Field::Count {
            of: |config| &mut config.limits.request_events_max,
            unit: "events",
            min: 1,
            max: REQUEST_EVENTS_MAX,
        },
        allowed: "",
        reload: Reload::Live,
        what: "events of one request",
    },
    Setting {
        name: "limits.connections_max",
        field: Field::Count {
            of: |config| &mut config.limits.connections_max,
            unit: "connections",
            min: 1,
            max: CONNECTIONS_MAX,
        },
        allowed: "",
        reload: Reload::Live,
        what: "connections open at once; further ones are answered 503 and closed. Fewer, with a \
               trace that says so, where the system lets the process open fewer than 320 files \
               more than that",
    },
    Setting {
        name: "limits.connections_per_peer_max",
        field: Field::Count {
            of: |config| &mut config.limits.connections_per_peer_max,
            unit: "connections",
            min: 1,
            max: CONNECTIONS_MAX,
        },
        allowed: "",
        reload: Reload::Live,
        what: "connections open at once from one IPv4 address, or one /64 of IPv6, so that idle \
               ones of one peer do not keep all others out. Behind a proxy everybody is the \
               proxy: give it nearly all of `limits.connections_max`",
    },
    Setting {
        name: "limits.producer_events_s_max",
        field: Field::Count {
            of: |config| &mut config.limits.producer_events_s_max,
            unit: "events/s",
            min: 1,
            max: RATE_MAX,
        },
        allowed: "",
        reload: Reload::Live,
        what: "events that one principal may send in a second, ten seconds' worth at once; more \
               is answered 429 `quota`; the default is no bound",
    },
    Setting {
        name: "limits.producer_bytes_s_max",
        field: Field::Count {
            of: |config| &mut config.limits.producer_bytes_s_max,
            unit: "bytes/s",
            min: 1,
            max: RATE_MAX,
        },
        allowed: "",
        reload: Reload::Live,
        what: "the same for bytes of bodies, decompressed",
    },
    Setting {
        name: "limits.reads_s_max",
        field: Field::Count {
            of: |config| &mut config.limits.reads_s_max,
            unit: "reads/s",
            min: 1,
            max: RATE_MAX,
        },
        allowed: "",
        reload: Reload::Live,
        what: "reads that one principal may make in a second, a change counting as two, ten \
               seconds' worth at once; more is answered 429 `read_quota`. Each is stated in the \
               access log and takes at least 4 KiB of the disk: 100 a second without end are 34 \
               GB a day",
    },
    Setting {
        name: "disk.free_warn_bytes",
        field: Field::Count {
            of: |config| &mut config.disk.free_warn_bytes,
            unit: "bytes",
            min: 0,
            max: FREE_BYTES_MAX,
        },
        allowed: "",
        reload: Reload::Restart,
        what: "free bytes of the data folder's file system below which `/readyz` warns and the \
               log states it; 0 for never",
    },
    Setting {
        name: "disk.free_min_bytes",
        field: Field::Count {
            of: |config| &mut config.disk.free_min_bytes,
            unit: "bytes",
            min: 0,
            max: FREE_BYTES_MAX,
        },
        allowed: "",
        reload: Reload::Restart,
        what: "free bytes below which no body is taken in: 503 `disk`. What is left is kept for \
               the log's own statements, for a stop and for the next start, which wants 192 MiB; \
               below that, reads are answered 503 `disk` too. 0 for never",
    },
    Setting {
        name: "partition.entries_max",
        field: Field::Count {
            of: |config| &mut config.partition.entries_max,
            unit: "entries",
            min: 100,
            max: PARTITION_ENTRIES_MAX,
        },
        allowed: "",
        reload: Reload::Restart,
        what: "a log of so many entries is closed and its tenant's next one opened",
    },
    Setting {
        name: "partition.days_max",
        field: Field::Count {
            of: |config| &mut config.partition.days_max,
            unit: "days",
            min: 1,
            max: PARTITION_DAYS_MAX,
        },
        allowed: "",
        reload: Reload::Restart,
        what: "a log whose first entry is so old is closed and its tenant's next one opened",
    },
];

/// What `log` itself is, for the page.
pub(super) const LOG_WHAT: &str = "the logs that take events, one for each tenant; left out, one: \
     `default-0` of tenant `default`. One that is not there is made; one that is left out takes no \
     more events and is read on";

/// The settings of one log: a `[[log]]` of the file.
pub const LOG: &[Setting<LogConfig>] = &[
    Setting {
        name: "log.name",
        field: Field::Text(|log| &mut log.name, check_log),
        allowed: "it must stand; 1 to 63 of `a-z 0-9 -`; not twice",
        reload: Reload::Restart,
        what: "short name, last part of the origin",
    },
    Setting {
        name: "log.tenant",
        field: Field::Text(|log| &mut log.tenant, check_tenant),
        allowed: "it must stand; 1 to 63 letters, digits, `-`, `_`, `.`, not beginning with `.`; \
                  not twice",
        reload: Reload::Restart,
        what: "whose events it takes. Fixed when the log is made",
    },
    Setting {
        name: "log.public",
        field: Field::Flag(|log| &mut log.public),
        allowed: "",
        reload: Reload::Restart,
        what: "whether anybody may read its tiles; its checkpoint is open in any case. Fixed when \
               the log is made",
    },
    Setting {
        name: "log.catalogue",
        field: Field::File(|log| &mut log.catalogue, |_| Ok(())),
        allowed: "`owners.toml`, `catalog-info.yaml`, or a folder of both (docs/owners.md)",
        reload: Reload::Restart,
        what: "which team owns which service. What stands in it takes force at a start, with a \
               reload and with `counterfoil owners reload`; files that cannot be taken change \
               nothing",
    },
    Setting {
        name: "log.scope",
        field: Field::File(|log| &mut log.scope, |file| scope_file::read(file).map(drop)),
        allowed: "",
        reload: Reload::Live,
        what: "file with the rules of the audit scope: what is kept, counted and left out \
               ([scope.md](scope.md)); left out, every event is kept. What stands in it is read \
               anew with every reload; rules that cannot be used refuse all of it",
    },
];

/// What `quota` itself is, for the page.
pub(super) const QUOTA_WHAT: &str = "principals that may do more or less than `limits` say for \
     all. Whoever is not named here has the quotas of all";

/// The settings of one principal's quota: a `[[quota]]` of the file.
pub const QUOTA: &[Setting<QuotaConfig>] = &[
    Setting {
        name: "quota.tenant",
        field: Field::Text(|quota| &mut quota.tenant, check_tenant),
        allowed: "it must stand; a `log.tenant`",
        reload: Reload::Live,
        what: "the principal's tenant",
    },
    Setting {
        name: "quota.principal",
        field: Field::Text(|quota| &mut quota.principal, check_name),
        allowed: "it must stand; 1 to 64 letters, digits, `-`, `_`, `.`, `@`, `/`; not twice for \
                  a tenant",
        reload: Reload::Live,
        what: "its name, which is its token's; whether there is such a token is not asked",
    },
    Setting {
        name: "quota.events_s_max",
        field: Field::Count {
            of: |quota| &mut quota.events_s_max,
            unit: "events/s",
            min: 0,
            max: RATE_MAX,
        },
        allowed: "0 for `limits.producer_events_s_max`",
        reload: Reload::Live,
        what: "events that it may send in a second",
    },
    Setting {
        name: "quota.bytes_s_max",
        field: Field::Count {
            of: |quota| &mut quota.bytes_s_max,
            unit: "bytes/s",
            min: 0,
            max: RATE_MAX,
        },
        allowed: "0 for `limits.producer_bytes_s_max`",
        reload: Reload::Live,
        what: "bytes of bodies, decompressed, that it may send in a second",
    },
    Setting {
        name: "quota.reads_s_max",
        field: Field::Count {
            of: |quota| &mut quota.reads_s_max,
            unit: "reads/s",
            min: 0,
            max: RATE_MAX,
        },
        allowed: "0 for `limits.reads_s_max`",
        reload: Reload::Live,
        what: "reads that it may make in a second",
    },
];

fn check_log(name: &str) -> Result<(), String> {
    LogSpec {
        name: name.to_owned(),
        tenant: String::new(),
        public: false,
        purpose: commit::Purpose::Events,
    }
    .check()
}
