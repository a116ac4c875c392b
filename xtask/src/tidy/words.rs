//! Words that must not stand in the project, and where crates may come from.

use super::{Text, extension, finding};

/// Words for which we have another; GLOSSARY.md says which and why.
const OTHER_WORDS: [(&str, &str); 8] = [
    ("log line", "a diagnostic is a trace, an entry is an entry"),
    ("logline", "a diagnostic is a trace, an entry is an entry"),
    ("log message", "a diagnostic is a trace, what a source sends is a record"),
    ("log level", "traces have levels, logs have none"),
    ("logger", "what writes traces is a subscriber; what sends events is a producer"),
    ("blacklist", "say what is refused"),
    ("whitelist", "say what is allowed"),
    ("write-ahead log", "that file is the journal; a log is a Merkle sequence"),
];

/// Endings of names that say nothing.
const EMPTY_NAMES: [&str; 4] = ["Manager", "Helper", "Util", "Utils"];
const EMPTY_MODULES: [&str; 5] = ["util", "utils", "helper", "helpers", "misc"];

/// Work put off. Spelt in two parts so that this file does not find itself.
const PUT_OFF: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Paths that exist on one machine alone.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("C:", "\\"),
];

/// Hosts of package registries: Cargo knows its own, and nothing else here needs one.
const HOSTS: [&str; 6] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("py", "pi.org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("proxy.go", "lang.org"),
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// All words of one file that must not stand in it.
pub(super) fn judge(file: &Text<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let kind = extension(file.name);
    // The pages that say which words are ours name the others too.
    let names_words = file.name == "GLOSSARY.md" || file.name == "xtask/src/tidy/words.rs";
    for (at, line) in file.text.lines().enumerate() {
        let mut say = |what: String| found.push(finding(file.name, at + 1, &what));
        if kind == "lock" {
            if let Some(source) = foreign_source(line) {
                say(format!("a crate from {source}; crates come from crates.io"));
            }
            continue;
        }
        for word in PUT_OFF.iter().filter(|word| has_word(line, word)) {
            say(format!("{word}: do it, or write KNOWN: with what it means for the user"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| has_path(line, path)) {
            say(format!("{path} is a path of one machine"));
        }
        for host in HOSTS.iter().filter(|host| line.contains(**host)) {
            say(format!("{host} is a package host"));
        }
        if matches!(kind, "rs" | "md") && !names_words {
            let lower = line.to_lowercase();
            for (word, instead) in OTHER_WORDS.iter().filter(|(word, _)| has_word(&lower, word)) {
                say(format!("\"{word}\" is not our word: {instead}"));
            }
        }
        if kind == "rs" && !names_words {
            empty_names(line).into_iter().for_each(say);
        }
    }
    found
}

fn foreign_source(line: &str) -> Option<&str> {
    let source = line.strip_prefix("source = \"")?.strip_suffix('"')?;
    (source != REGISTRY).then_some(source)
}

/// Names that are declared here and say nothing.
fn empty_names(line: &str) -> Vec<String> {
    let words: Vec<&str> = line
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|w| !w.is_empty())
        .collect();
    let declared = words.windows(2).filter_map(|pair| match pair {
        ["struct" | "enum" | "trait" | "type", name]
            if EMPTY_NAMES.iter().any(|ending| name.ends_with(ending)) =>
        {
            Some(name)
        }
        ["mod", name] if EMPTY_MODULES.contains(name) => Some(name),
        _ => None,
    });
    declared.map(|name| format!("{name}: name it after what it does")).collect()
}

/// Whether `word` stands in `line` with no letter or digit right before or after it.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// Whether an absolute path begins here; `a/home/b` is none.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || ".-_~$}>*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, text: &str) -> Vec<String> {
        judge(&Text { name, text })
    }

    #[test]
    fn words_are_found_as_words() {
        assert_eq!(judged("a.rs", "// one Logger\n").len(), 1);
        assert_eq!(judged("a.md", "a log line\n").len(), 1);
        assert!(judged("a.rs", "// loggers' blogger, catalog lines\n").is_empty());
        assert!(judged("GLOSSARY.md", "not: logger\n").is_empty());
        assert!(judged("a.toml", "logger = 1\n").is_empty());
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        assert_eq!(judged("a.rs", "pub struct TokenManager<T> {\n").len(), 1);
        assert_eq!(judged("a.rs", "mod util;\n").len(), 1);
        assert!(judged("a.rs", "let m = EntityManager::new();\n").is_empty());
    }

    #[test]
    fn work_put_off_and_machines_are_found() {
        let (later, home) = (PUT_OFF[0], MACHINE_PATHS[0]);
        assert_eq!(judged("a.sh", &format!("# {later}: later\n")).len(), 1);
        assert_eq!(judged("a.toml", &format!("a = \"{home}me/b\"\n")).len(), 1);
        assert!(judged("a.md", &format!("see docs{home}b\n")).is_empty());
        assert_eq!(judged("a.toml", &format!("a = \"https://{}\"\n", HOSTS[0])).len(), 1);
    }

    #[test]
    fn crates_come_from_one_place() {
        assert!(judged("Cargo.lock", &format!("source = \"{REGISTRY}\"\n")).is_empty());
        assert_eq!(judged("Cargo.lock", "source = \"git+https://example.com/a\"\n").len(), 1);
    }
}
