//! Reading the file: TOML, every value with its line.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::nearest;
use super::fault::Place;
use super::load::Draft;
use super::{LOG, QUOTA, SETTINGS, Setting, Value};

/// Bytes of a configuration, generously.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file that is being read.
struct Source<'a> {
    text: &'a str,
    /// Its name for people; empty for a text that is no file.
    shown: String,
    /// What relative names in it begin with.
    base: PathBuf,
}

/// Takes all that the text sets.
pub(super) fn take(draft: &mut Draft, text: &str, file: Option<&Path>) {
    let shown = file.map(|path| path.display().to_string()).unwrap_or_default();
    let base = file.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    let source = Source { text, shown, base };
    let (table, errors) = DeTable::parse_recoverable(text);
    // What is no TOML is all that is told: what a broken line left behind would be guesses.
    for error in &errors {
        let at = error.span().map_or(text.len(), |span| span.start);
        draft.faults.add(source.place(at), error.message());
    }
    if errors.is_empty() {
        source.table(draft, table.get_ref(), "");
    }
}

impl Source<'_> {
    fn place(&self, at: usize) -> Place {
        let before = self.text.as_bytes().iter().take(at);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Place::File { file: self.shown.clone(), line }
    }

    fn table(&self, draft: &mut Draft, table: &DeTable<'_>, prefix: &str) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let place = self.place(key.span().start);
            // A quoted key may have a dot of its own, which is no step into a table.
            let plain = !key.get_ref().contains('.');
            let within = format!("{name}.");
            if name == "log" {
                let logs = self.list(draft, value, place, ("log", LOG, &["name", "tenant"]));
                draft.config.log = logs;
            } else if name == "quota" {
                let needed = &["tenant", "principal"];
                let quotas = self.list(draft, value, place, ("quota", QUOTA, needed));
                draft.config.quota = quotas;
            } else if let Some(setting) = SETTINGS.iter().find(|s| plain && s.name == name) {
                let put = scalar(value)
                    .and_then(|value| setting.field.put(&mut draft.config, value, &self.base));
                draft.given(&name, setting.name, place, put);
            } else if plain && SETTINGS.iter().any(|s| s.name.starts_with(&within)) {
                match value.get_ref() {
                    DeValue::Table(inner) => self.table(draft, inner, &within),
                    _ => draft.faults.add(place, format!("`{name}` must be a table: [{name}]")),
                }
            } else {
                unknown(draft, place, &name);
            }
        }
    }

    /// A list of tables, some of whose settings must stand.
    fn list<T: Default>(
        &self,
        draft: &mut Draft,
        value: &Spanned<DeValue<'_>>,
        place: Place,
        (list, settings, needed): (&str, &[Setting<T>], &[&str]),
    ) -> Vec<T> {
        let DeValue::Array(rows) = value.get_ref() else {
            draft.faults.add(place, format!("`{list}` must be a list of tables: [[{list}]]"));
            return Vec::new();
        };
        draft.given(list, list, place, Ok(()));
        let rows = rows.iter().enumerate();
        rows.map(|(at, row)| self.row(draft, row, (list, at), settings, needed)).collect()
    }

    /// One of its rows.
    fn row<T: Default>(
        &self,
        draft: &mut Draft,
        row: &Spanned<DeValue<'_>>,
        (list, at): (&str, usize),
        settings: &[Setting<T>],
        needed: &[&str],
    ) -> T {
        let mut made = T::default();
        let place = self.place(row.span().start);
        let DeValue::Table(table) = row.get_ref() else {
            draft.faults.add(place, format!("`{list}` must be a list of tables: [[{list}]]"));
            return made;
        };
        for (key, value) in table {
            let place = self.place(key.span().start);
            let name = format!("{list}.{}", key.get_ref());
            match settings.iter().find(|setting| setting.name == name) {
                Some(setting) => {
                    let put = scalar(value)
                        .and_then(|value| setting.field.put(&mut made, value, &self.base));
                    let indexed = format!("{list}[{at}].{}", key.get_ref());
                    draft.given(&indexed, setting.name, place, put);
                }
                None => unknown(draft, place, &name),
            }
        }
        for name in needed {
            if !table.keys().any(|key| key.get_ref() == name) {
                draft.faults.add(place.clone(), format!("`{list}.{name}` must stand and does not"));
            }
        }
        made
    }
}

fn unknown(draft: &mut Draft, place: Place, name: &str) {
    let near = nearest(name, str::to_owned);
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    draft.faults.add(place, format!("unknown setting `{name}`{near}"));
}

fn scalar(value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    match value.get_ref() {
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        DeValue::Boolean(flag) => Ok(Value::Flag(*flag)),
        DeValue::Integer(number) => {
            let count = u64::from_str_radix(number.as_str(), number.radix());
            // No setting goes that far; its own bounds say so.
            Ok(Value::Count(count.unwrap_or(u64::MAX)))
        }
        _ => Ok(Value::Nothing),
    }
}
