//! A verdict in words: what was judged, on whose word, and what to do next.

use verify::{Class, Verdict};

use super::{Asked, is_address, whose};
use crate::args::{self, Global};
use crate::error::CliError;
use crate::out::{self, Ink, ink};

/// Paths of withheld values that are listed.
const NAMED_MAX: usize = 8;

/// Prints a verdict.
pub(super) fn report(
    global: &Global,
    verdict: &Verdict,
    asked: &Asked,
    args: &args::Verify,
) -> Result<(), CliError> {
    if global.json {
        return out::json(verdict);
    }
    let (word, colour) = match verdict.class {
        Class::Verified => ("VERIFIED", Ink::Good),
        Class::Incomplete => ("INCOMPLETE", Ink::Warn),
        Class::Unverifiable => ("UNVERIFIABLE", Ink::Warn),
        Class::Tampered => ("TAMPERED", Ink::Bad),
    };
    out::line(&format!("{}  {}", ink(colour, word), whose::sentence(verdict, asked)));
    if verdict.class != Class::Verified {
        let at =
            if verdict.place.is_empty() { String::new() } else { format!(" at {}", verdict.place) };
        out::fact("reason", &format!("{}{at}", verdict.reason.word()));
        out::fact("of", &args.what);
    }
    counted(verdict);
    for log in &verdict.logs {
        let whose = match (&asked.led, &asked.keys_of_context) {
            (Some(how), _) => how.clone(),
            (None, Some(name)) => format!("the key saved in context {name:?} (not given by you)"),
            (None, None) => "the key you gave".to_owned(),
        };
        match &log.led_from {
            _ if log.signed_by.is_empty() => {}
            None => out::fact("signed by", &format!("{}    {whose}", log.signed_by.join(", "))),
            Some(key) => {
                out::fact("signed by", &log.signed_by.join(", "));
                out::fact("", &format!("{key} leads there    {whose}"));
            }
        }
        if let Some(size) = log.extends_saved {
            out::fact("extends", &format!("the saved checkpoint of size {}", out::number(size)));
        }
    }
    if !verdict.rests_on.is_empty() {
        out::fact("rests on", &verdict.rests_on);
    }
    // A pin is advised once, below the last of several logs.
    let says_next = asked.is_last || verdict.class != Class::Verified;
    if let Some((next, command)) = advice(verdict, asked, args).filter(|_| says_next) {
        out::fact("next", &next);
        command.into_iter().for_each(|command| out::fact("", &command));
    }
    let codes = "(0 verified · 1 tampered · 2 no verdict · 3 incomplete · 4 unverifiable)";
    if verdict.exit_code() != 0 {
        out::line(&ink(Ink::Dim, &format!("  exit {} {codes}", verdict.exit_code())));
    }
    Ok(())
}

fn counted(verdict: &Verdict) {
    let counts = &verdict.counts;
    if counts.events > 0 {
        let content = format!(
            "{} shown, {} named, {} hidden in {}",
            out::count(counts.shown, "field"),
            out::number(counts.named),
            out::number(counts.hidden),
            out::count(counts.events, "event")
        );
        out::fact("content", &content);
    }
    let named = &verdict.named;
    if !named.is_empty() {
        let most = named.len().min(NAMED_MAX);
        let more = match named.len() - most {
            0 => String::new(),
            more => format!(" and {} more", out::number(more as u64)),
        };
        out::fact("withheld", &format!("{}{more}", named[..most].join(", ")));
    }
    for log in &verdict.logs {
        out::fact("log", &format!("{}, size {}", log.origin, out::number(log.size)));
    }
}

/// The command that remembers a live log, by the keys of this one.
pub(super) fn remembering(url: &str, args: &args::Verify, log: &[&str]) -> String {
    let given = |option: &'static str, value: &str| [option.to_owned(), value.to_owned()];
    let mut words = vec!["verify".to_owned(), url.to_owned()];
    words.extend(args.key.iter().flat_map(|key| given("-k", key)));
    words.extend(args.policy.iter().flat_map(|path| given("--policy", &path.to_string_lossy())));
    words.extend(log.iter().map(|&word| word.to_owned()));
    words.extend(given("--remember", "FILE"));
    out::command(&words)
}

fn log_words(args: &args::Verify) -> Vec<&str> {
    args.log.iter().flat_map(|log| ["--log", log]).collect()
}

/// What to do next, and the command for it.
fn advice(
    verdict: &Verdict,
    asked: &Asked,
    args: &args::Verify,
) -> Option<(String, Option<String>)> {
    let is_live = is_address(&args.what);
    let (next, command) = match verdict.reason.word() {
        "unknown-log" | "unknown-key" if asked.keys_of_context.is_some() => (
            "another key may have taken over; if those that are saved vouch for it:",
            Some("counterfoil key accept".into()),
        ),
        "unknown-log" | "unknown-key" => {
            if let Some((next, command)) = whose::saved(verdict, asked, args) {
                return Some((next, Some(command)));
            }
            (
                "judge by a key that you trust: --key FILE; a server prints its own:",
                Some("counterfoil key export".into()),
            )
        }
        "withheld" => ("ask for a file that shows more, or accept less: --need any", None),
        "torn-tail" => (
            "after a crash, start the server once: it keeps whole frames, cuts torn ones and says \
             so; if it did not crash, compare with receipts first: somebody else wrote here",
            None,
        ),
        "truncated" | "missing" => {
            ("compare with a backup and with receipts that producers kept", None)
        }
        "verified" if args.remember.is_none() && args.saved.is_none() => (
            "who holds that key could have kept a second log; pin a checkpoint:",
            // Who verifies a file may not know where its log is.
            Some(match is_live {
                true => remembering(&args.what, args, &log_words(args)),
                false => "counterfoil verify URL --remember FILE".into(),
            }),
        ),
        _ => return None,
    };
    Some((next.to_owned(), command))
}
