//! The key of id tags, and the data folder that it belongs to.
//!
//! Promises: a folder that has logs is used with the one key that it was used with: another would
//! make every retry a new event, and nothing else would show it. `id.check` in the data folder is
//! the key's mark; it tells nothing of the key.
//!
//! KNOWN: who removes the mark and swaps the key is not noticed.

use std::io;

use platform::{Disk, Entropy};

use crate::folder::names;
use crate::log::{IdKey, hex};
use crate::open::OpenError;

/// The key's file, in the folder of keys.
const NAME: &str = "id.key";
/// Its mark, in the data folder.
const CHECK: &str = "id.check";
/// More than either has.
const BYTES_MAX: u64 = 4 << 10;

/// Reads the key of id tags, or makes one up for a data folder that has no log yet; such a one is
/// kept once nothing refuses the folder.
pub fn id_key(disk: &dyn Disk, keys: &dyn Disk, entropy: &dyn Entropy) -> Result<IdKey, OpenError> {
    let has_logs = !names(disk, "logs")?.is_empty();
    let key = match keys.read_small(NAME, BYTES_MAX) {
        Ok(bytes) => {
            let key = bytes.try_into().map_err(|_| OpenError::key(NAME, "has not 32 bytes"))?;
            IdKey::new(&key)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if has_logs {
                return Err(missing("the data folder has logs"));
            }
            if names(keys, "")?.iter().any(|name| name.ends_with(".key")) {
                return Err(missing("there are keys of logs"));
            }
            let mut key = [0; 32];
            entropy.fill(&mut key);
            IdKey::fresh(&key)
        }
        Err(error) => return Err(OpenError::io("keys/id.key", error)),
    };
    is_marked(disk, &key, has_logs).map(|_| key)
}

fn missing(though: &str) -> OpenError {
    let what = format!(
        "is missing, though {though}: put it back, from a backup of the folder of keys, or name \
         the folder that has it. With another every retry would be a new event; none was made"
    );
    OpenError::key(NAME, &what)
}

/// Writes a key that was made up, and the mark where there is none yet and nothing hangs on it.
/// A crash in between leaves a key without a mark, which the next start is given.
pub(crate) fn keep(disk: &dyn Disk, keys: &dyn Disk, key: &IdKey) -> Result<(), OpenError> {
    if let Some(bytes) = key.unwritten()
        && !names(keys, "")?.iter().any(|name| name == NAME)
    {
        keys.replace_small(NAME, bytes).map_err(|error| OpenError::io("keys/id.key", error))?;
    }
    let has_logs = !names(disk, "logs")?.is_empty();
    if is_marked(disk, key, has_logs)? {
        return Ok(());
    }
    disk.replace_small(CHECK, mark(key).as_bytes()).map_err(|error| OpenError::io(CHECK, error))
}

/// Whether a folder has this key's mark; an error if it has another's, and something hangs on it.
fn is_marked(disk: &dyn Disk, key: &IdKey, has_logs: bool) -> Result<bool, OpenError> {
    match disk.read_small(CHECK, BYTES_MAX) {
        Ok(found) if found == mark(key).as_bytes() => Ok(true),
        Ok(found) if has_logs && !is_mark(&found) => Err(OpenError::damaged(
            CHECK,
            "is no mark of a key, so whether id.key is the right one is not known. Without a \
             backup of it, and only if id.key is surely the one that this data folder was used \
             with, remove it: the start makes it from the key",
        )),
        Ok(_) if has_logs => Err(OpenError::key(
            NAME,
            "is not the one that this data folder was used with (id.check): with another, every \
             retry would be a new event. Put the right one back",
        )),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OpenError::io(CHECK, error)),
        // A folder without logs, or one from before there were marks.
        _ => Ok(false),
    }
}

/// Whether this is some key's mark.
fn is_mark(bytes: &[u8]) -> bool {
    let is_digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    bytes.split_last().is_some_and(|(end, digits)| {
        *end == b'\n' && digits.len() == 32 && digits.iter().all(is_digit)
    })
}

fn mark(key: &IdKey) -> String {
    format!("{}\n", hex(&key.mark()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

    use platform::sim::SimDisk;

    use super::*;

    /// Other bytes each time.
    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0.fetch_add(1, Relaxed));
        }
    }

    #[test]
    fn a_folder_with_logs_takes_its_own_key_alone() {
        let (disk, entropy) = (SimDisk::new(1), Counting::default());
        let open = |keys: &SimDisk| {
            let key = id_key(&disk, keys, &entropy);
            let kept = key.and_then(|key| keep(&disk, keys, &key).map(|()| key.mark()));
            kept.map_err(|error| error.to_string())
        };
        let (first, second, third) = (SimDisk::new(2), SimDisk::new(3), SimDisk::new(4));
        open(&first).expect("made");
        let own = open(&second).expect("nothing hangs on the first yet");
        disk.create_folder("logs").expect("made");
        disk.create_folder("logs/acme-0").expect("made");
        let all: &dyn Disk = &disk;
        all.replace_small("logs/acme-0/log.json", b"{}").expect("made");
        assert_eq!(open(&second), Ok(own));
        let swapped = open(&first).expect_err("another key");
        assert!(swapped.contains("id.key is not the one") && swapped.contains(CHECK), "{swapped}");
        let missing = open(&third).expect_err("no key");
        assert!(missing.contains("is missing, though the data folder has logs: put"), "{missing}");
        assert_eq!(third.list("").expect("listed").len(), 0, "none was made");
        let whole = all.read_small(CHECK, 99).expect("there");
        for damaged in [&b""[..], &whole[1..], &whole[..32], &whole.to_ascii_uppercase()] {
            all.replace_small(CHECK, damaged).expect("written");
            for keys in [&first, &second] {
                let error = open(keys).expect_err("nothing tells whose it is");
                assert!(error.contains("id.check, byte 0: is no mark of a key"), "{error}");
            }
        }
        disk.remove(CHECK).expect("removed");
        open(&second).expect("a folder from before there were marks is given one");
        assert!(open(&first).is_err());
    }

    #[test]
    fn the_mark_is_the_one_of_the_page() {
        let mark = hex(&IdKey::new(&[7; 32]).mark());
        let page = include_str!("../../../docs/formats/folder.md");
        assert!(page.contains(&mark), "{mark}");
    }
}
