//! Where the list of tokens stands: in the folder of keys, for who has the data folder alone is to
//! make himself no token, nor bring a revoked one back with an older copy of it. Servers before
//! this one had it in the data folder; a start moves it.
//!
//! Promises: nothing is lost by a crash between the two folders; where the folder of keys has a
//! list, one in the data folder lets nobody in.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use platform::{Clock, Disk, Entropy};

use super::{NAME, TokenError, Tokens};

const NOT_LOOKED_AT: &str = "the list of tokens stands in the folder of keys; the one in the data \
                             folder is not looked at: see who put it there, and remove it";
const STAYS: &str = "the folder of keys cannot be written: the list of tokens stays in the data \
                     folder, and whoever can write there can make a token";

impl Tokens {
    /// Reads the list where it stands. Changes nothing.
    pub(crate) fn of_folders(
        data: Arc<dyn Disk>,
        keys: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Tokens, TokenError> {
        let stands_in = if !has(&*keys)? && has(&*data)? { data } else { keys };
        Tokens::open(stands_in, clock, entropy)
    }

    /// Moves a list that stands in the data folder to the folder of keys.
    pub(crate) fn settle(&mut self, data: &dyn Disk, keys: &Arc<dyn Disk>) -> io::Result<()> {
        if !has(data)? {
            return Ok(());
        }
        if Arc::ptr_eq(&self.disk, keys) {
            tracing::warn!(file = NAME, "{NOT_LOOKED_AT}");
            return Ok(());
        }
        if !keys.is_writable() {
            tracing::warn!(file = NAME, "{STAYS}");
            return Ok(());
        }
        self.disk = keys.clone();
        self.keep_uses()?;
        data.remove(NAME)?;
        data.sync_folder("")?;
        tracing::info!(file = NAME, "moved from the data folder to the folder of keys");
        Ok(())
    }
}

fn has(disk: &dyn Disk) -> io::Result<bool> {
    match disk.open_to_read(NAME) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use platform::SystemEntropy;
    use platform::sim::{SimClock, SimDisk};

    use super::*;

    #[test]
    fn a_list_in_the_data_folder_is_moved_once_and_then_not_looked_at() {
        let root = SimDisk::new(1);
        let folder = |name: &str| -> Arc<dyn Disk> { Arc::new(root.folder(name)) };
        let (data, keys, other) = (folder("data"), folder("keys"), folder("other"));
        let clock = Arc::new(SimClock::new(0));
        let open = |data: &Arc<dyn Disk>| {
            let (data, clock, entropy) = (data.clone(), clock.clone(), Arc::new(SystemEntropy));
            Tokens::of_folders(data, keys.clone(), clock, entropy)
        };
        let before = Tokens::open(data.clone(), clock.clone(), Arc::new(SystemEntropy));
        let made = |tokens: Tokens| tokens.create_first("acme", "admin".into()).expect("made");
        let token = made(before.expect("an earlier server"));
        let planted = made(
            Tokens::open(other.clone(), clock.clone(), Arc::new(SystemEntropy)).expect("a thief's"),
        );

        let mut tokens = open(&data).expect("opens");
        assert!(has(&*data).expect("looked"), "nothing is changed yet");
        tokens.settle(&*data, &keys).expect("moved");
        assert!(has(&*keys).expect("looked") && !has(&*data).expect("looked"));
        assert!(tokens.authenticate(&token).is_ok());

        let mut tokens = open(&other).expect("opens");
        tokens.settle(&*other, &keys).expect("told");
        assert!(has(&*other).expect("looked"), "it is somebody's to see");
        assert!(tokens.authenticate(&token).is_ok());
        assert!(tokens.authenticate(&planted).is_err(), "it counts for nothing");
    }
}
