//! A data folder at rest verified: everything in the journal digested anew.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use verify::folder::{self, Folder};

use crate::Failed;
use crate::machine::Machine;
use crate::report::Row;
use crate::sample::{number, rate, ratio};
use crate::tree::question;

const TARGET: f64 = 100_000.0;

/// Measures this part.
pub(crate) fn run(
    machine: &Machine,
    at: &Path,
    vkey: &str,
    rows: &mut Vec<Row>,
) -> Result<(), Failed> {
    let question = question(vkey)?;
    let data = RealFolder(at.join("data"));
    let (verdict, took) = machine.busy(|| folder::judge(&data, &question, &mut |_, _| {}));
    let verdict = verdict.map_err(|error| error.to_string())?;
    if !verdict.is_verified() {
        return Err(format!("the folder does not verify: {}", verdict.sentence));
    }
    let events: u64 = verdict.logs.iter().map(|log| log.size).sum();
    let found = rate(events, took);
    let decode = machine.limits(at)?.decode;
    rows.push(Row::aimed(
        "verify a data folder, events/s/core",
        "≥ 100 k",
        number(found),
        found >= TARGET,
        format!(
            "{:.2} × typed serde_json decode, an event",
            ratio(took.div_f64(events as f64), decode)
        ),
    ));
    Ok(())
}

/// A data folder as the judge reads it.
struct RealFolder(PathBuf);

impl RealFolder {
    fn walk(&self, folder: &str, found: &mut Vec<(String, u64)>) -> std::io::Result<()> {
        for entry in fs::read_dir(self.0.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let meta = entry.metadata()?;
            if meta.is_dir() {
                self.walk(&name, found)?;
            } else {
                found.push((name, meta.len()));
            }
        }
        Ok(())
    }
}

impl Folder for RealFolder {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        let mut found = Vec::new();
        self.walk("", &mut found).map_err(|error| error.to_string())?;
        Ok(found)
    }

    fn read(&self, name: &str, offset: u64, out: &mut [u8]) -> Result<(), String> {
        let file = fs::File::open(self.0.join(name)).map_err(|error| error.to_string())?;
        file.read_exact_at(out, offset).map_err(|error| error.to_string())
    }
}
