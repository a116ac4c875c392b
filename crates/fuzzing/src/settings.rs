//! What the server is set up with: its configuration, its catalogue, and the file of its tokens.

use std::sync::Arc;

use admit::Owners;
use catalogue::{Catalogue, Change, Text};
use platform::Disk;
use platform::sim::{SimClock, SimDisk, SimEntropy};
use server::Tokens;
use server::config::Config;

/// A configuration is refused with at least one fault, or names logs that can be made.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let config = match Config::parse(text) {
        Ok(config) => config,
        Err(error) => return assert!((1..=100).contains(&error.faults.len())),
    };
    assert!(!config.logs().is_empty());
    assert!(config.logs().iter().all(|log| log.check().is_ok()));
}

/// A file of owners is refused or read as one catalogue: it is kept and read back as it was, and
/// admission finds the same team as a look at the catalogue does.
pub fn owners(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for name in ["owners.toml", "catalog-info.yaml"] {
        let text = Text { name: name.into(), text: text.into() };
        let Ok(catalogue) = Catalogue::read(&[text]) else { continue };
        let kept = serde_json::to_string(&catalogue).expect("texts are JSON");
        let again: Catalogue = serde_json::from_str(&kept).expect("what was written");
        assert_eq!(again.digest(), catalogue.digest());
        assert!(Change::between(&catalogue, &again).is_empty());
        let teams = catalogue.services().map(|(name, service)| (name.into(), service.team.clone()));
        let owners = Owners::new(0, teams);
        for (name, service) in catalogue.services() {
            let asked = name.replace('*', "-x");
            let found = catalogue.of(&asked).map(|(_, service)| service.team.as_str());
            assert_eq!(owners.team_of(&asked), found);
            assert!(!name.ends_with('*') || found.is_some());
            assert!(!service.team.is_empty());
        }
    }
}

/// A file of tokens lets nobody in who does not have a token's text; and the text of a token.
pub fn tokens(bytes: &[u8]) {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1).folder("data"));
    disk.replace_small("tokens.json", bytes).expect("the disk has room");
    let open =
        || Tokens::open(disk.clone(), Arc::new(SimClock::new(0)), Arc::new(SimEntropy::new(1)));
    let Ok(tokens) = open() else { return };
    for text in ["", "cf_", "cf_00000000_", "cf_00000000_00"] {
        assert!(tokens.authenticate(text).is_err());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(tokens.authenticate(text).is_err());
    }
}
