//! From sources to a configuration: default, file, environment, command line, in this order, the
//! later one over the earlier.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use platform::{read_once, read_regular};
use serde::{Deserialize, Serialize};

use super::environment::{self, Variable};
use super::fault::{Faults, Place};
use super::{Config, ConfigError, LOG, QUOTA, Reload, SETTINGS, Setting, Value, file, rules};

/// Where a configuration comes from, so that it can be read again.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    variables: Vec<Variable>,
    /// Setting, option and text.
    options: Vec<(&'static str, &'static str, String)>,
}

/// A sound configuration, and where each value came from.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// By name; what does not stand here is a default.
    places: BTreeMap<String, Place>,
    /// What it can be read from again.
    sources: Option<Sources>,
}

/// A value with its place, to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its setting; of a list, with the row's number from 0: `log[0].name`.
    pub name: String,
    /// What is in force.
    pub value: Value,
    /// Where it came from.
    pub place: Place,
    /// Whether it follows a reload.
    pub live: bool,
}

/// A configuration while it is read.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) faults: Faults,
    places: BTreeMap<String, Place>,
}

impl Sources {
    /// A file, if one is named, and the environment of this process.
    pub fn of_process(file: Option<&Path>) -> Sources {
        Sources {
            file: file.map(Path::to_owned),
            variables: environment::variables(),
            options: Vec::new(),
        }
    }

    /// Adds what an option of the command line says, for the setting of that name.
    pub fn option(mut self, setting: &'static str, option: &'static str, text: String) -> Sources {
        self.options.push((setting, option, text));
        self
    }

    /// Reads all of it. The file may be a pipe, which is read to its end.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let read = |path: &Path| {
            let text = read_once(path, file::FILE_BYTES_MAX);
            text.map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        self.load_by(read)
    }

    /// Reads all of it once more. What a pipe said is gone, and would read as a file that says
    /// nothing: only a regular file is read.
    pub(crate) fn load_again(&self) -> Result<Loaded, ConfigError> {
        let read = |path: &Path| {
            let text = read_regular(path, file::FILE_BYTES_MAX);
            text.map_err(|error| format!("cannot read {} again: {error}", path.display()))
        };
        self.load_by(read)
    }

    fn load_by(
        &self,
        read: impl FnOnce(&Path) -> Result<String, String>,
    ) -> Result<Loaded, ConfigError> {
        let mut draft = Draft::default();
        if let Some(path) = &self.file {
            match read(path) {
                Ok(text) => file::take(&mut draft, &text, Some(path)),
                Err(what) => draft.faults.add(Place::Default, what),
            }
        }
        environment::take(&mut draft, &self.variables);
        for (name, option, text) in &self.options {
            draft.option(name, option, text);
        }
        let loaded = draft.done()?;
        Ok(Loaded { sources: Some(self.clone()), ..loaded })
    }
}

/// A text, as the only source.
pub(super) fn of_text(text: &str) -> Result<Config, ConfigError> {
    let mut draft = Draft::default();
    file::take(&mut draft, text, None);
    draft.done().map(|loaded| loaded.config)
}

impl Draft {
    /// Notes where a value was given, or what is wrong with it. `place_of` names its place, which
    /// for a row of a list is not its setting.
    pub(super) fn given(
        &mut self,
        place_of: &str,
        setting: &str,
        place: Place,
        put: Result<(), String>,
    ) {
        match put {
            Ok(()) => drop(self.places.insert(place_of.to_owned(), place)),
            Err(what) => self.faults.add(place, format!("`{setting}` {what}")),
        }
    }

    pub(super) fn is_given(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// A fault at the place where a value was given.
    pub(super) fn fault(&mut self, name: &str, what: impl Into<String>) {
        let place = self.places.get(name).cloned().unwrap_or(Place::Default);
        self.faults.add(place, what);
    }

    fn option(&mut self, name: &str, option: &str, text: &str) {
        let place = Place::CommandLine { option: option.to_owned() };
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        let setting = setting.expect("an option stands for a setting of the table");
        let put = setting.field.read(text);
        let put = put.and_then(|value| setting.field.put(&mut self.config, value, Path::new("")));
        self.given(name, name, place, put);
    }

    pub(super) fn done(mut self) -> Result<Loaded, ConfigError> {
        // Values that were refused are defaults now; what they would say beside others is not
        // worth telling.
        if self.faults.is_empty() {
            rules::check(&mut self);
        }
        self.faults.or_else(Loaded { config: self.config, places: self.places, sources: None })
    }
}

/// The values of a list: `log.name` of its first row is `log[0].name`.
fn rows<T: Clone>(
    settings: &[Setting<T>],
    rows: &[T],
    place: impl Fn(&str) -> Place,
) -> Vec<Shown> {
    let mut all = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let mut row = row.clone();
        all.extend(settings.iter().map(|setting| {
            let name = setting.name.replacen('.', &format!("[{at}]."), 1);
            let (value, place) = (setting.field.get(&mut row), place(&name));
            Shown { name, value, place, live: setting.reload == Reload::Live }
        }));
    }
    all
}

impl From<Config> for Loaded {
    /// A configuration that no source gave: all of it is a default.
    fn from(config: Config) -> Loaded {
        Loaded { config, ..Loaded::default() }
    }
}

impl Loaded {
    /// What it can be read from again; nothing if no source gave it.
    pub(crate) fn sources(&self) -> Option<&Sources> {
        self.sources.as_ref()
    }

    /// Every value, in the order of the table.
    pub fn shown(&self) -> Vec<Shown> {
        let place = |name: &str| self.places.get(name).cloned().unwrap_or(Place::Default);
        let mut config = self.config.clone();
        let one = SETTINGS.iter().map(|setting| Shown {
            name: setting.name.to_owned(),
            value: setting.field.get(&mut config),
            place: place(setting.name),
            live: setting.reload == Reload::Live,
        });
        let mut all: Vec<Shown> = one.collect();
        all.extend(rows(LOG, &self.config.log, place));
        all.extend(rows(QUOTA, &self.config.quota, place));
        all
    }
}
