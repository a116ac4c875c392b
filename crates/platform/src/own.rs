//! What this process takes of the machine, as Linux counts it in /proc/self.

use std::fs;
use std::io;

use rustix::param::clock_ticks_per_second;

/// What a process takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnProcess {
    /// Bytes of memory that are in use.
    pub memory_bytes: u64,
    /// Bytes of memory that were in use at the highest.
    pub memory_peak_bytes: u64,
    /// Files that are open, sockets among them.
    pub files_open: u64,
    /// Files that may be open; `None` is no bound.
    pub files_max: Option<u64>,
    /// Seconds that its threads have run.
    pub cpu_seconds: f64,
}

/// Looks at this process.
pub fn own_process() -> io::Result<OwnProcess> {
    let status = fs::read_to_string("/proc/self/status")?;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let files_max = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    Ok(OwnProcess {
        memory_bytes: kib(&status, "VmRSS:") << 10,
        memory_peak_bytes: kib(&status, "VmHWM:") << 10,
        files_open: fs::read_dir("/proc/self/fd")?.count() as u64,
        files_max,
        cpu_seconds: ticks(&stat) as f64 / clock_ticks_per_second().max(1) as f64,
    })
}

fn kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Time in user and kernel mode: the 12th and 13th value behind the name, which may hold anything.
fn ticks(stat: &str) -> u64 {
    let values = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    values.skip(11).take(2).filter_map(|value| value.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_takes_something() {
        let own = own_process().expect("Linux tells");
        assert!(own.memory_bytes > 0 && own.memory_peak_bytes >= own.memory_bytes / 2, "{own:?}");
        assert!(own.files_open >= 3, "{own:?}");
        assert!(own.files_max.is_none_or(|max| max >= own.files_open), "{own:?}");
    }

    #[test]
    fn a_name_with_blanks_and_brackets_shifts_nothing() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(ticks(stat), 300);
        assert_eq!(kib("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"), 12);
    }
}
