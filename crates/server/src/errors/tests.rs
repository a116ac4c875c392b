//! Pages, tables and sources say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::http::error::CODES;

/// How a code reaches its caller: with a status, or within a receipt.
const REFUSED: &str = "refused";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors")
}

/// What stands in the first column of a page's table.
fn answered_as(page: &str) -> BTreeSet<String> {
    let (_, table) = page.split_once("| answered as | what |\n| --- | --- |\n").expect("a table");
    let rows = table.lines().take_while(|line| line.starts_with("| "));
    rows.map(|row| row[2..].split(" |").next().expect("a cell").to_owned()).collect()
}

#[test]
fn every_page_of_the_folder_is_here_in_order() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .expect("docs/errors")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    assert_eq!(names, codes().map(|code| format!("{code}.md")).collect::<Vec<_>>());
}

#[test]
fn the_pages_have_every_status_and_refusal_and_no_other() {
    let mut want: BTreeSet<(String, String)> = CODES
        .iter()
        .flat_map(|(status, codes)| {
            codes.iter().map(move |code| ((*code).to_owned(), status.to_string()))
        })
        .collect();
    want.extend(refused_in_sources().into_iter().map(|code| (code, REFUSED.to_owned())));
    let told = PAGES.iter().flat_map(|(code, page)| {
        answered_as(page).into_iter().map(|status| ((*code).to_owned(), status))
    });
    assert_eq!(told.collect::<BTreeSet<_>>(), want);
}

#[test]
fn the_interface_document_has_every_status_with_its_codes() {
    let text = fs::read_to_string(folder().join("../openapi.json")).expect("docs/openapi.json");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let codes = "/content/application~1problem+json/schema/allOf/1/properties/code/enum";
    let answers = document["components"]["responses"].as_object().expect("answers").iter();
    let told: BTreeSet<(String, String)> = answers
        .flat_map(|(status, answer)| {
            let codes = answer.pointer(codes).and_then(Value::as_array).expect("codes").iter();
            codes.map(move |code| (status.clone(), code.as_str().expect("a code").to_owned()))
        })
        .collect();
    let answered = CODES.iter().flat_map(|(status, codes)| {
        codes.iter().map(move |code| (status.to_string(), (*code).to_owned()))
    });
    assert_eq!(told, answered.collect::<BTreeSet<_>>());
}

#[test]
fn a_page_says_what_to_do_and_shows_an_answer() {
    for (code, page) in PAGES {
        assert!(page.starts_with(&format!("# `{code}`\n\n")), "{code}: the heading");
        assert!(page.contains("\n\n## What to do\n\n"), "{code}: what to do");
        let (_, example) = page.split_once("\n\n## Example\n\n```json\n").expect(code);
        let (example, _) = example.split_once("\n```\n").expect(code);
        let example: Value = serde_json::from_str(example).expect(code);
        let members = |value: &Value| -> Vec<String> {
            value.as_object().expect(code).keys().cloned().collect()
        };
        if let Some(refused) = example.get(REFUSED) {
            assert!(answered_as(page).contains(REFUSED), "{code}: the example is a refusal");
            assert_eq!(
                (members(refused).as_slice(), &refused["code"]),
                (&["code", "path", "reason"].map(str::to_owned)[..], &Value::from(*code))
            );
            continue;
        }
        assert!(answered_as(page).contains(&example["status"].to_string()), "{code}: the status");
        assert_eq!(members(&example), ["code", "detail", "request_id", "status", "title", "type"]);
        assert_eq!(example["type"], format!("/docs/errors/{code}"));
        assert_eq!(example["code"], *code);
    }
}

/// `UPDATE_GOLDEN=1` writes the table.
#[test]
fn the_index_lists_every_page() {
    const HEAD: &str = "| code | answered as | means |\n| --- | --- | --- |\n";
    let row = |(code, page): &(&str, &str)| {
        let first = page.split("\n\n").nth(1).expect(code).replace('\n', " ");
        let statuses = answered_as(page).into_iter().collect::<Vec<_>>().join(", ");
        format!("| [`{code}`]({code}.md) | {statuses} | {first} |\n")
    };
    let table: String = PAGES.iter().map(row).collect();
    let (before, behind) = INDEX.split_once(HEAD).expect("a table");
    let rest: String = behind.split_inclusive('\n').skip_while(|l| l.starts_with("| ")).collect();
    let want = format!("{before}{HEAD}{table}{rest}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(folder().join("README.md"), &want).expect("written");
        return;
    }
    assert!(INDEX == want, "docs/errors/README.md: UPDATE_GOLDEN=1 writes its table anew");
}

/// The codes of refusals in our sources: what stands first, in quotes, where one is made.
fn refused_in_sources() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut texts = Vec::new();
    for name in ["event", "capture", "admit", "server"] {
        sources(&crates.join(name).join("src"), &mut texts);
    }
    let made = ["Refusal::new(", "Problem::new(", "code: "];
    let behind = texts.iter().flat_map(|text| made.iter().flat_map(|w| text.split(w).skip(1)));
    let code = |rest: &str| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0.into());
    behind.filter_map(code).collect()
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            let text = fs::read_to_string(&path).expect("text");
            // Tests stand last, and make up codes of their own.
            found.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
}
