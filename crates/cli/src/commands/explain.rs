//! `counterfoil explain`: what an error's code means, and the search language, without a server.

use serde_json::json;
use server::errors;

use crate::args::{Explain, Global};
use crate::error::CliError;
use crate::out;

/// The page that is about no code.
const SEARCH: (&str, &str) = ("search", include_str!("../../../../docs/search.md"));

pub(crate) fn run(global: &Global, explain: &Explain) -> Result<(), CliError> {
    let page = match explain.code.as_deref() {
        None if global.json => return out::json(&errors::codes().collect::<Vec<_>>()),
        None => {
            all();
            return Ok(());
        }
        Some(code) if code == SEARCH.0 => SEARCH.1,
        Some(code) => errors::page(code).ok_or_else(|| unknown(code))?,
    };
    if global.json {
        return out::json(&json!({ "code": explain.code, "page": page }));
    }
    let room = out::columns(&std::io::stdout());
    out::page(page, room).iter().for_each(|line| out::line(line));
    Ok(())
}

/// Every code, as what it is answered and what it means.
fn all() {
    let room = out::columns(&std::io::stdout());
    let mut rows = errors::INDEX.lines().filter(|line| line.starts_with('|')).map(out::cells);
    let rows: Vec<Vec<String>> = rows.by_ref().filter(|row| row[0] != "---").collect();
    out::table_of(&rows, room).iter().for_each(|line| out::line(line));
    out::line("");
    out::line("what to do: counterfoil explain CODE");
    out::line("the search language: counterfoil explain search");
}

fn unknown(code: &str) -> CliError {
    let near = errors::nearest(code);
    CliError::usage(match near {
        Some(near) => format!("{code:?} is no code; did you mean {near}?"),
        None => format!("{code:?} is no code; counterfoil explain lists them"),
    })
}
