//! A verdict in words: what was judged, on whose word, and what to do next.

use verify::{Class, Verdict};

use super::Asked;
use crate::args::{self, Global};
use crate::error::CliError;
use crate::out::{self, Ink, ink};

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
    out::line(&format!("{}  {}", ink(colour, word), verdict.sentence));
    if verdict.class != Class::Verified {
        let at =
            if verdict.place.is_empty() { String::new() } else { format!(" at {}", verdict.place) };
        out::line(&format!("  reason      {}{at}", verdict.reason.word()));
    }
    counted(verdict);
    for log in &verdict.logs {
        let whose = asked.keys_of_context.as_ref().map_or("the key you gave".to_owned(), |name| {
            format!("the key saved in context {name:?} (not given by you)")
        });
        if !log.signed_by.is_empty() {
            out::line(&format!("  signed by   {}    {whose}", log.signed_by.join(", ")));
        }
        if let Some(size) = log.extends_saved {
            out::line(&format!("  extends     the saved checkpoint of size {}", out::number(size)));
        }
    }
    out::line(&format!("  rests on    {}", verdict.rests_on));
    if let Some(next) = advice(verdict, args) {
        out::line(&ink(Ink::Dim, &format!("  next        {next}")));
    }
    let codes = "(0 verified · 1 tampered · 2 usage · 3 incomplete · 4 unverifiable)";
    if verdict.exit_code() != 0 {
        out::line(&ink(Ink::Dim, &format!("  exit {} {codes}", verdict.exit_code())));
    }
    Ok(())
}

fn counted(verdict: &Verdict) {
    let counts = &verdict.counts;
    if counts.events > 0 {
        out::line(&format!(
            "  content     {} shown, {} named, {} hidden in {}",
            out::count(counts.shown, "field"),
            out::number(counts.named),
            out::number(counts.hidden),
            out::count(counts.events, "event")
        ));
    }
    if !verdict.named.is_empty() {
        let named: Vec<&str> = verdict.named.iter().take(8).map(String::as_str).collect();
        out::line(&format!("  withheld    {}", named.join(", ")));
    }
    for log in &verdict.logs {
        out::line(&format!("  log         {}, size {}", log.origin, out::number(log.size)));
    }
}

/// What to do next.
fn advice(verdict: &Verdict, args: &args::Verify) -> Option<String> {
    match verdict.reason.word() {
        "unknown-log" | "unknown-key" => Some(
            "give the log's public key: --key FILE (counterfoil key export, from whom you trust)"
                .into(),
        ),
        "withheld" => Some("ask for a file that shows more, or accept less: --need any".into()),
        "torn-tail" => Some("start the server once: it cuts what was never acknowledged".into()),
        "truncated" | "missing" => {
            Some("compare with a backup and with receipts that producers kept".into())
        }
        "verified" if args.remember.is_none() && args.saved.is_none() => Some(
            "who holds that key could have kept a second log; pin a checkpoint: \
             counterfoil verify URL --remember FILE"
                .into(),
        ),
        _ => None,
    }
}
