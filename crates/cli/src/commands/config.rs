//! `counterfoil config`: what a server is set up with, before it starts.
//!
//! Promises: reads file and environment as `counterfoil serve` does, and says all that is wrong at
//! once, each with its place.

use std::path::Path;

use serde_json::json;
use server::config::{ConfigError, Fault, Loaded, Place, Shown, Sources, annotated};

use crate::args::{self, Global};
use crate::error::CliError;
use crate::out::{self, Ink, ink};

/// The exit code of what cannot be used.
const UNUSABLE: u8 = 2;

pub(crate) fn run(global: &Global, command: &args::Config) -> Result<u8, CliError> {
    match command {
        args::Config::Example => {
            annotated().lines().for_each(out::line);
            Ok(0)
        }
        args::Config::Check { file } => check(global, file.as_deref()),
        args::Config::Show { file } => {
            let loaded = Sources::of_process(file.as_deref()).load();
            show(global, &loaded.map_err(|error| refused(&error))?).map(|()| 0)
        }
    }
}

fn check(global: &Global, file: Option<&Path>) -> Result<u8, CliError> {
    let loaded = Sources::of_process(file).load();
    let faults = loaded.as_ref().map_or_else(|error| error.faults.as_slice(), |_| &[]);
    let code = if faults.is_empty() { 0 } else { UNUSABLE };
    if global.json {
        let shown = |fault: &Fault| json!({ "place": fault.place, "what": fault.what });
        out::json(&json!({
            "sound": faults.is_empty(),
            "faults": faults.iter().map(shown).collect::<Vec<_>>(),
        }))?;
        return Ok(code);
    }
    faults.iter().for_each(|fault| out::line(&fault.to_string()));
    if let Ok(loaded) = &loaded {
        let set = loaded.shown().iter().filter(|s| s.place != Place::Default).count() as u64;
        out::line(&format!(
            "{}  {} given, all else is default: counterfoil config show",
            ink(Ink::Good, "SOUND"),
            out::count(set, "value")
        ));
    } else {
        let count = out::count(faults.len() as u64, "fault");
        out::line(&format!("{}  {count}", ink(Ink::Bad, "UNUSABLE")));
    }
    Ok(code)
}

fn show(global: &Global, loaded: &Loaded) -> Result<(), CliError> {
    let shown = loaded.shown();
    if global.json {
        return out::json(&json!({ "settings": shown }));
    }
    let row = |shown: &Shown| {
        let colour = if shown.place == Place::Default { Ink::Dim } else { Ink::Plain };
        [
            shown.name.clone().into(),
            out::Cell(shown.value.to_string(), colour),
            out::Cell(shown.place.to_string(), colour),
        ]
    };
    let heads = [("SETTING", 40), ("VALUE", 64), ("FROM", 200)];
    out::table(heads, &shown.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

/// Why a command that needs a configuration does not go on. Several faults have a line each.
pub(crate) fn refused(error: &ConfigError) -> CliError {
    if let [fault] = error.faults.as_slice() {
        return CliError::usage(fault.to_string());
    }
    error.faults.iter().for_each(|fault| out::note(&format!("  {fault}")));
    let count = out::count(error.faults.len() as u64, "fault");
    CliError::usage(format!("the configuration cannot be used: {count}, told above"))
}
