//! Open files, of which connections must not take all: a journal that cannot open its next file
//! ends the process.

/// Files that are kept free of connections: for the journal, and for connections that are turned
/// away.
const KEPT_FREE: u64 = 320;

/// Raises the number of files that this process may open as far as it may, and returns how many of
/// `connections_max` connections it then leaves room for.
pub(crate) fn connections(connections_max: usize) -> usize {
    let files = platform::raise_open_files();
    let room = room(files);
    if room < connections_max {
        let files = files.unwrap_or(u64::MAX);
        tracing::warn!(files, connections = room, "too few open files for connections_max");
    }
    room.min(connections_max)
}

/// How many connections so many files leave room for; `None` is no bound.
fn room(files: Option<u64>) -> usize {
    let Some(files) = files else { return usize::MAX };
    // Where there are few, connections get a quarter, and as many may be being turned away.
    usize::try_from(files.saturating_sub(KEPT_FREE).max(files / 4)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_free_of_connections() {
        assert_eq!(room(None), usize::MAX);
        assert_eq!(room(Some(64)), 16);
        assert_eq!(room(Some(1_024)), 704);
        assert_eq!(connections(3), 3);
    }
}
