//! What is numbered has its number alone: decisions, and rows of docs/acceptance.md.

use std::collections::BTreeMap;

use super::{Text, finding};

const DECISIONS: &str = "docs/decisions/";
const ACCEPTANCE: &str = "docs/acceptance.md";

/// Decisions whose number another one has. `names` are those of all files.
pub(crate) fn decisions(names: &[String]) -> Vec<String> {
    let numbered = names.iter().filter_map(|name| {
        let (number, _) = name.strip_prefix(DECISIONS)?.split_once('-')?;
        Some((number, name.as_str(), 1))
    });
    doubled(numbered, "decision")
}

/// Rows of one file whose id another one has.
pub(crate) fn rows(file: &Text<'_>) -> Vec<String> {
    if file.name != ACCEPTANCE {
        return Vec::new();
    }
    let rows = file.text.lines().enumerate().filter_map(|(nth, line)| {
        let (id, _) = line.strip_prefix("| ")?.split_once(" |")?;
        Some((id, file.name, nth + 1))
    });
    doubled(rows, "row")
}

fn doubled<'a>(all: impl Iterator<Item = (&'a str, &'a str, usize)>, what: &str) -> Vec<String> {
    let mut first: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut found = Vec::new();
    for (number, name, line) in all {
        if let Some((other, at)) = first.insert(number, (name, line)) {
            let said = format!("{what} {number} stands already in {other}, line {at}");
            found.push(finding(name, line, &said));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_taken_twice_is_named() {
        let names = ["docs/decisions/0001-a.md", "docs/decisions/0002-b.md", "docs/0001-c.md"];
        let mut names = names.map(str::to_owned).to_vec();
        assert!(decisions(&names).is_empty());
        names.push("docs/decisions/0002-d.md".into());
        let [found] = &decisions(&names)[..] else { panic!("one decision is doubled") };
        assert!(found.starts_with("docs/decisions/0002-d.md:1: decision 0002 stands"), "{found}");
    }

    #[test]
    fn an_id_taken_twice_is_named() {
        let text = "| id | what |\n| --- | --- |\n| A1 | x |\n| A2 | y |\n| A1 | z |\n";
        let found = rows(&Text { name: ACCEPTANCE, text });
        assert_eq!(
            found,
            ["docs/acceptance.md:5: row A1 stands already in docs/acceptance.md, line 3"]
        );
        assert!(rows(&Text { name: "docs/api.md", text }).is_empty());
    }
}
