//! What the server is set up with: its configuration, and the file of its tokens.

use std::sync::Arc;

use platform::Disk;
use platform::sim::{SimClock, SimDisk, SimEntropy};
use server::Tokens;
use server::config::Config;

/// A configuration is refused or names logs that can be made.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(config) = Config::parse(text) else { return };
    assert!(!config.logs().is_empty());
    assert!(config.logs().iter().all(|log| log.check().is_ok()));
}

/// A file of tokens lets nobody in who does not have a token's text; and the text of a token.
pub fn tokens(bytes: &[u8]) {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1).folder("data"));
    disk.replace_small("tokens.json", bytes).expect("the disk has room");
    let open =
        || Tokens::open(disk.clone(), Arc::new(SimClock::new(0)), Arc::new(SimEntropy::new(1)));
    let Ok(tokens) = open() else { return };
    for text in ["", "cf_", "cf_00000000_", "cf_00000000_00"] {
        assert!(tokens.authenticate(text).is_none());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(tokens.authenticate(text).is_none());
    }
}
