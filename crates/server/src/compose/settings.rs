//! What the configuration says of the folder, and of what is admitted into it.

use std::collections::BTreeMap;

use commit::{OnDamage, OpenError, Settings};
use platform::Disk;

use crate::books::{self, Books};
use crate::config::Config;
use crate::policies::Policies;
use crate::schemas::Registry;
use crate::scope_file;
use crate::start_error::StartError;

/// What the folder is opened with, and the books of each tenant.
pub(super) fn settings(
    config: &Config,
    disk: &dyn Disk,
) -> Result<(Settings, BTreeMap<String, Books>), StartError> {
    let host = origin_host(config, disk);
    let (logs, books) = books::books(config.logs()).map_err(OpenError::Setting)?;
    let mut settings = Settings::new(&host, logs);
    settings.partitions = config.partition.limits();
    if config.on_damage == "new-partition" {
        settings.on_damage = OnDamage::NewPartition;
    }
    settings.version = Some(env!("CARGO_PKG_VERSION").to_owned());
    Ok((settings, books))
}

/// What each tenant's events are admitted by from the start.
pub(super) fn policies(schemas: &Registry, config: &Config) -> Result<Policies, StartError> {
    let policies = Policies::default();
    for tenant in schemas.tenants() {
        let in_force = schemas.in_force(&tenant);
        policies.change(&tenant, |policy| policy.with_schemas(Some(in_force)));
    }
    for log in &config.log {
        let Some(file) = &log.scope else { continue };
        let shown = file.display();
        let rules =
            scope_file::read(file).map_err(|what| StartError::Scope(format!("{shown}: {what}")))?;
        for warning in rules.warnings() {
            tracing::warn!(file = %shown, warning, "a rule of the audit scope");
        }
        policies.change(&log.tenant, |policy| policy.with_scope(Some(rules)));
    }
    Ok(policies)
}

/// The name that logs made now begin with. It matters only while there is none yet.
fn origin_host(config: &Config, disk: &dyn Disk) -> String {
    let has_logs = disk.list("logs").is_ok_and(|logs| !logs.is_empty());
    let host = config.origin.clone().unwrap_or_else(host_name);
    if config.origin.is_none() && !has_logs {
        tracing::warn!(
            host,
            "no --origin was given: the logs made now are named after this machine, for ever"
        );
    }
    host
}

/// The machine's name as the host part of origins, where none was given.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    if crate::config::check_host(&name).is_ok() { name } else { "localhost".into() }
}
