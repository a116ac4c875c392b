//! `counterfoil config`: what a server is set up with, before it starts.
//!
//! Promises: reads file and environment as `counterfoil serve` does, and says all that is wrong at
//! once, each with its place.

use std::path::Path;

use catalogue::Catalogue;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::Reloaded;
use server::config::{Change, ConfigError, Fault, Loaded, Place, Shown, Sources, annotated};

use super::client;
use crate::args::{self, Global};
use crate::error::CliError;
use crate::out::{self, Ink, ink};

/// The exit code of what cannot be used.
const UNUSABLE: u8 = 2;

/// What a default that is no bound is in the file: more than there can be of anything.
const NO_BOUND: &str = "1099511627776";

pub(crate) fn run(global: &Global, command: &args::Config) -> Result<u8, CliError> {
    match command {
        args::Config::Example => {
            annotated().lines().for_each(out::line);
            Ok(0)
        }
        args::Config::Check { file } => check(global, file.as_deref()),
        args::Config::Show { running: true, .. } => {
            let answer = client(global)?.get_json("/v1/config")?;
            show(global, &read::<Vec<Shown>>(&answer["settings"])?).map(|()| 0)
        }
        args::Config::Show { file, .. } => {
            let loaded = Sources::of_process(file.as_deref()).load();
            show(global, &loaded.map_err(|error| refused(&error))?.shown())?;
            if !global.json {
                out::note(
                    "so would a server be set up that is started here; what a running one has: \
                     counterfoil config show --running",
                );
            }
            Ok(0)
        }
        args::Config::Reload => reload(global).map(|()| 0),
    }
}

fn check(global: &Global, file: Option<&Path>) -> Result<u8, CliError> {
    let loaded = Sources::of_process(file).load();
    let faults = match &loaded {
        Ok(loaded) => catalogues(loaded),
        Err(error) => error.faults.clone(),
    };
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
    if let (Ok(loaded), []) = (&loaded, faults.as_slice()) {
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

/// What is wrong with the files of owners. A server starts without them, on those it kept: who sets
/// one up wants to know all the same.
fn catalogues(loaded: &Loaded) -> Vec<Fault> {
    let shown = loaded.shown();
    let fault = |(row, path): (usize, &Path)| {
        let read = server::owners::read(path).and_then(|texts| Catalogue::read(&texts));
        let name = format!("log[{row}].catalogue");
        let place = shown.iter().find(|shown| shown.name == name).map(|shown| shown.place.clone());
        let what = format!("`log.catalogue` cannot be used: {}", read.err()?);
        Some(Fault { place: place.unwrap_or(Place::Default), what })
    };
    let rows = loaded.config.log.iter().enumerate();
    rows.filter_map(|(row, log)| Some((row, log.catalogue.as_deref()?))).filter_map(fault).collect()
}

fn reload(global: &Global) -> Result<(), CliError> {
    let answer = client(global)?.post("/v1/config/reload", "application/json", b"")?.json()?;
    if global.json {
        return out::json(&answer);
    }
    lines(&read(&answer)?).iter().for_each(|line| out::line(line));
    Ok(())
}

/// What a reload did, in lines.
pub(crate) fn lines(reloaded: &Reloaded) -> Vec<String> {
    if reloaded.changes.is_empty() {
        return vec!["nothing has changed".into()];
    }
    let line = |change: &Change| {
        let Change { name, old, new, place, .. } = change;
        format!("{name}  {old} → {new}  {place}")
    };
    reloaded.changes.iter().map(line).collect()
}

fn read<T: DeserializeOwned>(answer: &Value) -> Result<T, CliError> {
    let wrong = |error| CliError::Server(format!("the server's answer is not understood: {error}"));
    T::deserialize(answer).map_err(wrong)
}

fn show(global: &Global, shown: &[Shown]) -> Result<(), CliError> {
    if global.json {
        return out::json(&json!({ "settings": shown }));
    }
    let row = |shown: &Shown| {
        let colour = if shown.place == Place::Default { Ink::Dim } else { Ink::Plain };
        [
            shown.name.clone().into(),
            out::Cell(value(shown), colour),
            out::Cell(shown.place.to_string(), colour),
        ]
    };
    let heads = [("SETTING", 40), ("VALUE", 64), ("FROM", 200)];
    out::table(heads, &shown.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn value(shown: &Shown) -> String {
    match shown.value.to_string() {
        value if shown.place == Place::Default && value == NO_BOUND => "no bound".into(),
        value => value,
    }
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
