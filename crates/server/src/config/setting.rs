//! What a setting is: its name, its type, what is allowed, and the place it has in [`Config`].
//!
//! [`Config`]: super::Config

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A row of the table of settings. `T` has the place: the configuration, or one row of a list.
pub struct Setting<T: 'static> {
    /// Its name in the file, with the tables it stands in: `limits.body_bytes_max`.
    pub name: &'static str,
    /// Its type, and where its value lives.
    pub field: Field<T>,
    /// What is allowed, where the type does not say all of it.
    pub allowed: &'static str,
    /// Whether it follows a reload.
    pub reload: Reload,
    /// What it does, for the page and the annotated file.
    pub what: &'static str,
}

/// Whether a setting can change while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It takes force with a reload.
    Live,
    /// It needs a restart; a reload that changes it is refused.
    Restart,
}

/// The type of a setting, with a way to its place.
pub enum Field<T: 'static> {
    /// An IP address with port.
    Address(fn(&mut T) -> &mut SocketAddr),
    /// A text that always stands, and what judges it.
    Text(fn(&mut T) -> &mut String, fn(&str) -> Result<(), String>),
    /// A text that may be left out, and what judges it.
    MaybeText(fn(&mut T) -> &mut Option<String>, fn(&str) -> Result<(), String>),
    /// A whole number of something.
    Count {
        /// Its place.
        of: fn(&mut T) -> &mut usize,
        /// What is counted: `bytes`, `connections`, `s`.
        unit: &'static str,
        /// The smallest allowed.
        min: usize,
        /// The largest allowed.
        max: usize,
    },
    /// True or false.
    Flag(fn(&mut T) -> &mut bool),
    /// One of a few words.
    Word(fn(&mut T) -> &mut &'static str, &'static [&'static str]),
    /// A file or folder that must be there, and what judges it. A relative name is read from the
    /// folder of the configuration file; on the command line and in the environment, from here.
    File(fn(&mut T) -> &mut Option<PathBuf>, fn(&Path) -> Result<(), String>),
}

/// A value as it was given, or as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing: it was left out and has no default of its own.
    Nothing,
    /// True or false.
    Flag(bool),
    /// A whole number.
    Count(u64),
    /// Anything else.
    Text(String),
}

impl std::fmt::Display for Value {
    /// As it would stand in the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Nothing => f.write_str("–"),
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Count(count) => write!(f, "{count}"),
            Value::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
        }
    }
}

impl<T> Field<T> {
    /// Its type in a word or three.
    pub fn kind(&self) -> &'static str {
        match self {
            Field::Address(_) => "address and port",
            Field::Text(..) | Field::MaybeText(..) => "text",
            Field::Count { unit, .. } => unit,
            Field::Flag(_) => "true or false",
            Field::Word(..) => "word",
            Field::File(..) => "path",
        }
    }

    /// What the type allows.
    pub fn allowed(&self) -> String {
        match self {
            Field::Count { min, max, .. } => format!("{min} to {max}"),
            Field::Word(_, words) => {
                words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        }
    }

    /// Puts a value into its place; the error says what is wanted and never what was given.
    pub(super) fn put(&self, at: &mut T, value: Value, base: &Path) -> Result<(), String> {
        match (self, value) {
            (Field::Address(of), Value::Text(text)) => {
                *of(at) = text.parse().map_err(|_| self.wanted())?;
            }
            (Field::Text(of, judge), Value::Text(text)) => {
                judge(&text)?;
                *of(at) = text;
            }
            (Field::MaybeText(of, judge), Value::Text(text)) => {
                judge(&text)?;
                *of(at) = Some(text);
            }
            (Field::Count { of, min, max, .. }, Value::Count(count)) => {
                let count = usize::try_from(count).map_err(|_| self.wanted())?;
                if !(*min..=*max).contains(&count) {
                    return Err(self.wanted());
                }
                *of(at) = count;
            }
            (Field::Flag(of), Value::Flag(flag)) => *of(at) = flag,
            (Field::Word(of, words), Value::Text(text)) => {
                *of(at) = words.iter().find(|word| **word == text).ok_or_else(|| self.wanted())?;
            }
            (Field::File(of, judge), Value::Text(text)) => {
                let path = base.join(text);
                judge(&path)?;
                *of(at) = Some(path);
            }
            _ => return Err(self.wanted()),
        }
        Ok(())
    }

    /// The value of a text that has no type, from the environment or the command line.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        match self {
            Field::Count { .. } => text.parse().map(Value::Count).map_err(|_| self.wanted()),
            Field::Flag(_) => text.parse().map(Value::Flag).map_err(|_| self.wanted()),
            _ => Ok(Value::Text(text.to_owned())),
        }
    }

    /// What stands in its place.
    pub(crate) fn get(&self, at: &mut T) -> Value {
        let path = |path: &PathBuf| Value::Text(path.display().to_string());
        match self {
            Field::Address(of) => Value::Text(of(at).to_string()),
            Field::Text(of, _) => Value::Text(of(at).clone()),
            Field::MaybeText(of, _) => of(at).clone().map_or(Value::Nothing, Value::Text),
            Field::Count { of, .. } => Value::Count(*of(at) as u64),
            Field::Flag(of) => Value::Flag(*of(at)),
            Field::Word(of, _) => Value::Text((*of(at)).to_owned()),
            Field::File(of, _) => of(at).as_ref().map_or(Value::Nothing, path),
        }
    }

    fn wanted(&self) -> String {
        match self {
            Field::Address(_) => {
                "must be an IP address with port, such as \"127.0.0.1:8420\"".into()
            }
            Field::Text(..) | Field::MaybeText(..) => "must be a text".into(),
            Field::Count { unit, min, max, .. } => {
                format!("must be a whole number of {unit}, {min} to {max}")
            }
            Field::Flag(_) => "must be true or false".into(),
            Field::Word(_, words) => format!("must be one of: \"{}\"", words.join("\", \"")),
            Field::File(..) => "must be a path, as a text".into(),
        }
    }
}
