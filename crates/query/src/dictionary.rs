//! The different actions and services of a log, for filters on how one begins.

use std::collections::BTreeSet;

use crate::hash::Column;
use crate::heard::NAME_BYTES_MAX;

/// Values kept; with more, a filter on a beginning reads instead of looking up.
const VALUES_MAX: usize = 16_384;

/// Values by column. Knows every value of its columns that any row has, or that it does not.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    values: BTreeSet<(Column, String)>,
    is_full: bool,
}

impl Dictionary {
    /// Whether there is nothing to learn from some values.
    pub(crate) fn knows(&self, values: &[(Column, String)]) -> bool {
        self.is_full || values.iter().all(|value| self.values.contains(value))
    }

    pub(crate) fn learn(&mut self, values: &[(Column, String)]) {
        for value in values {
            if self.values.len() >= VALUES_MAX || value.1.len() > NAME_BYTES_MAX {
                self.is_full = true;
                self.values.clear();
            }
            if !self.is_full {
                self.values.insert(value.clone());
            }
        }
    }

    /// All values that begin so; `None` if they are not known or more than `values_max`.
    pub(crate) fn beginning(
        &self,
        column: Column,
        start: &str,
        values_max: usize,
    ) -> Option<Vec<&str>> {
        if self.is_full || !matches!(column, Column::Action | Column::Service) {
            return None;
        }
        let from = (column, start.to_owned());
        let found = self.values.range(from..).map(|(c, value)| (*c, value.as_str()));
        let found = found.take_while(|(c, value)| *c == column && value.starts_with(start));
        let found: Vec<&str> = found.map(|(_, value)| value).take(values_max + 1).collect();
        (found.len() <= values_max).then_some(found)
    }
}
