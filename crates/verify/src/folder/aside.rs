//! What was set aside: data folders below `damaged/`, and the logs that go on for theirs.
//!
//! ```text
//! damaged/<n>/finding.json  {"format":"counterfoil.finding/v1","folder":"<32 lower hex>",
//!                            "found_at":"…Z","file":"…","offset":…,"what":"…"}\n
//! ```
//!
//! Each is judged by the rules of any folder. Here stands what ties them together: what a later log
//! says of the one it goes on for must be what the finding says, and that log must stand there.

use std::collections::BTreeMap;

use super::Folder;
use super::layout::{Layout, read_small};
use super::log::LogState;
use crate::digest::Hash;
use crate::docket::Docket;
use crate::error::{Malformed, malformed};
use crate::json::{self, Members, Value};
use crate::verdict::Reason;

/// A folder that begins within another one.
pub(super) struct Inside<'f> {
    pub(super) folder: &'f dyn Folder,
    /// Nothing, or a path that ends in a slash.
    pub(super) base: String,
}

impl<'f> Inside<'f> {
    /// What was set aside under a number; 0 is the folder itself.
    pub(super) fn new(folder: &'f dyn Folder, number: u64) -> Inside<'f> {
        let base = if number == 0 { String::new() } else { format!("damaged/{number}/") };
        Inside { folder, base }
    }
}

impl Folder for Inside<'_> {
    fn list(&self) -> Result<Vec<(String, u64)>, String> {
        let files = self.folder.list()?.into_iter();
        let inside = |(name, size): (String, u64)| {
            Some((name.strip_prefix(self.base.as_str())?.to_owned(), size))
        };
        Ok(files.filter_map(inside).collect())
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> Result<(), String> {
        self.folder.read(&format!("{}{name}", self.base), offset, buf)
    }
}

/// What was found, as a finding and the logs that go on say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    file: String,
    offset: u64,
    what: String,
}

/// What a log says of the one that it goes on for.
#[derive(Clone, Debug)]
pub(super) struct Note {
    number: u64,
    damage: Damage,
    /// Entries of it that were signed when it was set aside.
    signed: u64,
}

/// How far those logs go that others go on for, as these say: by number, origin.
#[derive(Debug, Default)]
pub(super) struct Ends(BTreeMap<(u64, String), Vec<Ended>>);

#[derive(Debug)]
struct Ended {
    signed: u64,
    /// How much of it could be read then, if the log that goes on has an event that says so.
    read: Option<(u64, Hash)>,
    by: String,
}

impl Ends {
    /// Adds what the logs of a folder say, once they are read.
    pub(super) fn add(&mut self, layout: &Layout, logs: &[LogState]) {
        for log in logs {
            let Some(fixed) = layout.fixed.get(&log.origin) else { continue };
            let (Some(note), Some(before)) = (&fixed.note, &fixed.follows) else { continue };
            let ended = Ended { signed: note.signed, read: log.before, by: log.origin.clone() };
            self.0.entry((note.number, before.clone())).or_default().push(ended);
        }
    }

    /// Has the logs of what was set aside under a number reach as far as is said.
    pub(super) fn bind(&self, number: u64, logs: &mut [LogState]) {
        for log in logs {
            let said = self.0.get(&(number, log.origin.clone()));
            for Ended { signed, read, by } in said.into_iter().flatten() {
                log.durable = log.durable.max(*signed);
                if let Some((size, root)) = *read {
                    log.add_bound(size, root, format!("the first event of {by}"));
                }
            }
        }
    }
}

/// The numbers of what was set aside, ascending.
pub(super) fn numbers(folder: &dyn Folder) -> Vec<u64> {
    let names = folder.list().unwrap_or_default();
    let number = |(name, _): &(String, u64)| {
        let number = name.strip_prefix("damaged/")?.split_once('/')?.0;
        number.parse::<u64>().ok().filter(|n| *n > 0 && n.to_string() == number)
    };
    let mut found: Vec<u64> = names.iter().filter_map(number).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Reads `damage` of a `log.json`, and adds its one spelling to `spelt`.
pub(super) fn note(value: Value, spelt: &mut String) -> Result<Note, Malformed> {
    let mut members = value.object("`damage`")?;
    let number = members.need("number")?.number("`number`")?;
    let damage = damage(&mut members)?;
    let readable = members.need("readable")?.number("`readable`")?;
    let signed = members.need("signed")?.number("`signed`")?;
    members.end("`damage`")?;
    spelt.push_str(&format!(",\"damage\":{{\"number\":{number},"));
    spell(&damage, spelt);
    spelt.push_str(&format!(",\"readable\":{readable},\"signed\":{signed}}}"));
    Ok(Note { number, damage, signed })
}

fn damage(members: &mut Members) -> Result<Damage, Malformed> {
    Ok(Damage {
        file: members.need("file")?.text("`file`")?,
        offset: members.need("offset")?.number("`offset`")?,
        what: members.need("what")?.text("`what`")?,
    })
}

fn spell(damage: &Damage, spelt: &mut String) {
    spelt.push_str("\"file\":");
    json::push_text(spelt, &damage.file);
    spelt.push_str(&format!(",\"offset\":{},\"what\":", damage.offset));
    json::push_text(spelt, &damage.what);
}

/// The folder's id and the damage of a `finding.json`.
fn finding(text: &str) -> Result<(String, Damage), Malformed> {
    let mut members = json::parse(text.as_bytes())?.object("it")?;
    members.need("format")?;
    let folder = members.need("folder")?.text("`folder`")?;
    let found_at = members.need("found_at")?.text("`found_at`")?;
    let damage = damage(&mut members)?;
    members.end("it")?;
    let mut spelt = String::from("{\"format\":\"counterfoil.finding/v1\",\"folder\":");
    json::push_text(&mut spelt, &folder);
    spelt.push_str(",\"found_at\":");
    json::push_text(&mut spelt, &found_at);
    spelt.push(',');
    spell(&damage, &mut spelt);
    spelt.push_str("}\n");
    match spelt == text {
        true => Ok((folder, damage)),
        false => Err(malformed("not a finding, as its format spells it")),
    }
}

/// Ties the layouts together, by the number of what was set aside; 0 is the folder itself.
pub(super) fn judge(folder: &dyn Folder, layouts: &BTreeMap<u64, Layout>, docket: &mut Docket) {
    let files: BTreeMap<String, u64> = folder.list().unwrap_or_default().into_iter().collect();
    let mut found = BTreeMap::new();
    for (number, layout) in layouts.iter().filter(|(number, _)| **number > 0) {
        let place = format!("damaged/{number}/finding.json");
        let read = read_small(folder, &place, &files).and_then(|text| finding(&text));
        let read = read.and_then(|(id, damage)| match layout.id {
            Some(own) if format!("{:032x}", u128::from_be_bytes(own)) != id => {
                Err(malformed("the folder is not the one in which it was found"))
            }
            _ => Ok(damage),
        });
        match read {
            Ok(damage) => drop(found.insert(*number, damage)),
            Err(fault) => docket.add(Reason::Malformed, None, None, place, fault.to_string()),
        }
    }
    for (at, layout) in layouts {
        for (origin, fixed) in &layout.fixed {
            let Some(note) = &fixed.note else { continue };
            let base = Inside::new(folder, *at).base;
            let name = origin.rsplit('/').next().unwrap_or_default();
            let place = format!("{base}logs/{name}/log.json");
            let before = layouts.get(&note.number).filter(|_| note.number > 0);
            let (reason, what) = match before {
                None => (
                    Reason::MissingContent,
                    "what it goes on for was set aside and is not there any more",
                ),
                Some(before) if !fixed.follows_one_of(before) => (
                    Reason::Malformed,
                    "the log that it goes on for does not stand where it says, or is of another \
                     tenant or purpose",
                ),
                Some(_) if found.get(&note.number).is_some_and(|it| *it != note.damage) => {
                    (Reason::Malformed, "it states other damage than the finding")
                }
                Some(_) => continue,
            };
            docket.add(reason, None, None, place, what.to_owned());
        }
    }
}
