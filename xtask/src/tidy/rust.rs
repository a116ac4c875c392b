//! Lengths, width and module docs of Rust files.

use std::ops::Range;

use super::mask::mask;
use super::{Text, finding, wide};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// All that is wrong with the shape of one file.
pub(super) fn judge(file: &Text<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let in_src = file.name.split('/').any(|part| part == "src");
    if in_src && !file.text.starts_with("//!") {
        found.push(finding(file.name, 1, "does not say first what the module is (//!)"));
    }
    if is_test(file.name) {
        return found;
    }
    let masked = mask(file.text);
    let lines: Vec<&str> = masked.lines().collect();
    let mut counts = vec![true; lines.len()];
    for tests in test_modules(&lines) {
        counts[tests].fill(false);
    }
    let length = counts.iter().filter(|counts| **counts).count();
    if length > FILE_LINES_MAX {
        let what = format!("has {length} lines without its tests, at most {FILE_LINES_MAX}");
        found.push(finding(file.name, 1, &what));
    }
    for function in functions(&lines).filter(|function| counts[function.start]) {
        let length = function.len();
        if length > FUNCTION_LINES_MAX {
            let what = format!("a function of {length} lines, at most {FUNCTION_LINES_MAX}");
            found.push(finding(file.name, function.start + 1, &what));
        }
    }
    found.extend(wide(file, &counts));
    found
}

fn is_test(name: &str) -> bool {
    let mut parts = name.split('/').rev();
    let last = parts.next().unwrap_or_default();
    last == "tests.rs" || last.ends_with("_tests.rs") || parts.any(|part| part == "tests")
}

/// Lines of modules that exist in tests alone, from their attribute on.
fn test_modules(lines: &[&str]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.trim() == "#[cfg(test)]"
            && lines.get(at + 1).is_some_and(|next| next.trim_start().starts_with("mod "))
        {
            found.push(at..block_end(lines, at + 1).unwrap_or(at + 2).min(lines.len()));
        }
    }
    found
}

/// Lines of functions, from `fn` to the closing brace. Declarations without a body are none.
fn functions<'l>(lines: &'l [&'l str]) -> impl Iterator<Item = Range<usize>> + 'l {
    let begins = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == "fn")
            && line.contains('(')
            && !line.contains("type ")
    };
    let starts = (0..lines.len()).filter(move |at| begins(lines[*at]));
    starts.filter_map(move |at| Some(at..block_end(lines, at)?))
}

/// The line behind the block whose brace opens on line `from` or later. `None` if a semicolon
/// outside all brackets comes first, or the block never closes.
fn block_end(lines: &[&str], from: usize) -> Option<usize> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, line) in lines.iter().enumerate().skip(from) {
        for c in line.chars() {
            match c {
                '{' => braces += 1,
                '}' if braces == 1 => return Some(at + 1),
                '}' => braces = braces.checked_sub(1)?,
                '(' | '[' => others += 1,
                ')' | ']' => others = others.checked_sub(1)?,
                ';' if braces == 0 && others == 0 => return None,
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, text: &str) -> Vec<String> {
        judge(&Text { name, text })
    }

    #[test]
    fn a_long_function_is_found_where_it_begins() {
        let body = "    call(\"}\"); // }\n".repeat(69);
        let long = format!("//! Docs.\n\nfn f(\n    a: [u8; 2],\n) {{\n{body}}}\n");
        let found = judged("crates/a/src/lib.rs", &long);
        assert_eq!(found, ["crates/a/src/lib.rs:3: a function of 73 lines, at most 70"]);
        assert!(judged("crates/a/tests/a.rs", &long).is_empty());
        let tests = format!("//! Docs.\n#[cfg(test)]\nmod tests {{\n{}}}\n", &long[10..]);
        assert!(judged("crates/a/src/lib.rs", &tests).is_empty());
    }

    #[test]
    fn a_long_file_is_found_without_its_tests() {
        let file = |lines: usize, tests: usize| {
            let (lines, tests) = ("use a;\n".repeat(lines - 1), "use b;\n".repeat(tests));
            format!("//! Docs.\n{lines}#[cfg(test)]\nmod tests {{\n{tests}}}\n")
        };
        assert!(judged("crates/a/src/a.rs", &file(600, 90)).is_empty());
        let found = judged("crates/a/src/a.rs", &file(601, 90));
        assert_eq!(found, ["crates/a/src/a.rs:1: has 601 lines without its tests, at most 600"]);
    }

    #[test]
    fn a_module_says_what_it_is() {
        let found = judged("crates/a/src/a.rs", "use b;\n");
        assert_eq!(found, ["crates/a/src/a.rs:1: does not say first what the module is (//!)"]);
    }

    #[test]
    fn declarations_have_no_body() {
        let lines = ["trait A {", "    fn a(&self) -> [u8; 4];", "}", "fn b() {", "}"];
        let found: Vec<usize> = functions(&lines).flatten().collect();
        assert_eq!(found, [3, 4]);
    }
}
