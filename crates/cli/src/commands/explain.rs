//! `counterfoil explain`: what an error's code means, without a server.

use serde_json::json;
use server::errors;

use crate::args::{Explain, Global};
use crate::error::CliError;
use crate::out;

pub(crate) fn run(global: &Global, explain: &Explain) -> Result<(), CliError> {
    let page = match explain.code.as_deref() {
        None if global.json => return out::json(&errors::codes().collect::<Vec<_>>()),
        None => errors::INDEX,
        Some(code) => errors::page(code).ok_or_else(|| unknown(code))?,
    };
    if global.json {
        return out::json(&json!({ "code": explain.code, "page": page }));
    }
    page.lines().for_each(out::line);
    Ok(())
}

fn unknown(code: &str) -> CliError {
    let near = errors::nearest(code);
    CliError::usage(match near {
        Some(near) => format!("{code:?} is no code; did you mean {near}?"),
        None => format!("{code:?} is no code; counterfoil explain lists them"),
    })
}
