//! What the machine says of itself: its clock and its memory.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::facts::{Clock, Memory};

/// What keeps the clock right, as far as those say who do it.
///
/// KNOWN: the kernel's own word (adjtimex) is not asked: the crates with a safe way to it set a
/// clock (clock-steering) and show no status, or have no such call (rustix, nix), and this
/// workspace forbids `unsafe`.
pub(super) fn clock() -> Clock {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if let Some(text) = said("chronyc", &["-n", "tracking"]) {
        return chrony(&text);
    }
    match said("timedatectl", &["show", "-p", "NTPSynchronized", "--value"]).as_deref() {
        Some("yes\n") => return Clock::Synchronised("synchronised, says timedatectl".into()),
        Some("no\n") => return Clock::Not("timedatectl".into()),
        _ => {}
    }
    match Path::new("/run/systemd/timesync/synchronized").exists() {
        true => Clock::Synchronised("synchronised, says systemd-timesyncd".into()),
        false => Clock::Unknown,
    }
}

/// Reads `chronyc tracking`.
fn chrony(text: &str) -> Clock {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim())
    };
    match value("Leap status") {
        Some("Not synchronised") | None => Clock::Not("chronyc".into()),
        Some(_) => {
            let off = value("System time").unwrap_or("unknown");
            Clock::Synchronised(format!("synchronised, says chronyc; {off}"))
        }
    }
}

/// Memory of the group that this process is in, or else of the machine.
pub(super) fn memory() -> Memory {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| -> Option<u64> {
        let line = info.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
    };
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let (all, free) = (kib("MemTotal:"), kib("MemAvailable:"));
    let bound = number("/sys/fs/cgroup/memory.max").filter(|max| all.is_none_or(|all| *max < all));
    match (bound, number("/sys/fs/cgroup/memory.current")) {
        (Some(max), Some(used)) => Memory { all: Some(max), free: Some(max.saturating_sub(used)) },
        _ => Memory { all, free },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chrony_is_understood() {
        let text = "Reference ID    : A9FEA97B\nSystem time     : 0.000004 seconds slow of NTP \
                    time\nLeap status     : Normal\n";
        let Clock::Synchronised(said) = chrony(text) else { panic!("it is synchronised") };
        assert!(said.ends_with("0.000004 seconds slow of NTP time"), "{said}");
        let not = "Leap status     : Not synchronised\n";
        assert_eq!(chrony(not), Clock::Not("chronyc".into()));
    }
}
