//! What stands in a data folder beside head and journal: who it is, and which logs it keeps.
//!
//! ```text
//! folder.json           {"format":"counterfoil.folder/v1","id":"<32 lower hex>"}\n
//! logs/<log>/log.json   {"format":"counterfoil.log/v1","origin":"…","tenant":"…","public":…,
//!                        "opened_at":"…Z"[,"follows":"<origin>"][,"damage":{…}]
//!                        [,"purpose":"access"]}\n
//! logs/<log>/birth      signed checkpoint of size 0
//! logs/<log>/keys.json  the keys that it had, if there was more than one: history.rs
//! ```
//!
//! Both JSON files have one spelling, byte for byte. `suspect.json`, what a server found wrong, is
//! none of this: every event is judged here. Files that the layout does not know are
//! ignored, but not in `journal/` and `logs/`. There a name with `.new` behind it is of a file that
//! was being made, and a folder without `log.json` of a log that was: neither was ever used.

use std::collections::BTreeMap;

use super::Folder;
use super::aside::{self, Note};
use super::history::History;
use sha2::{Digest, Sha256};

use crate::checkpoint::Checkpoint;
use crate::docket::Docket;
use crate::error::{Malformed, malformed};
use crate::json::{self, Value};
use crate::tree::empty_root;
use crate::verdict::Reason;

/// Behind the name of a file that is being made.
const MAKING: &str = ".new";

/// Bytes that a small file may have.
const SMALL_MAX: u64 = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The folder's id, if its file could be read.
    pub(super) id: Option<[u8; 16]>,
    /// Origin of each log in `logs/`, with its birth checkpoint if that could be read.
    pub(super) births: BTreeMap<String, Option<Checkpoint>>,
    /// What the first event of each log must say of its `log.json`, if it says anything.
    pub(super) stated: BTreeMap<String, String>,
    /// The keys that each log had, by origin, if there was more than one and they could be read.
    pub(super) histories: BTreeMap<String, History>,
    /// What else is fixed for each log, by origin.
    pub(super) fixed: BTreeMap<String, Fixed>,
    /// Journal files: number, name, size; ascending.
    pub(super) journal: Vec<(u64, String, u64)>,
}

/// What is fixed for a log.
#[derive(Debug)]
pub(super) struct Fixed {
    tenant: String,
    is_access: bool,
    pub(super) follows: Option<String>,
    opened_at: String,
    /// What it says of a log that was damaged and that it goes on for.
    pub(super) note: Option<Note>,
}

impl Fixed {
    /// Whether the log it follows stands in another folder, and is of its kind.
    pub(super) fn follows_one_of(&self, other: &Layout) -> bool {
        let before = self.follows.as_ref().and_then(|origin| other.fixed.get(origin));
        before.is_some_and(|it| (&it.tenant, it.is_access) == (&self.tenant, self.is_access))
    }
}

impl Layout {
    pub(super) fn read(folder: &dyn Folder, docket: &mut Docket) -> Layout {
        let mut layout = Layout::default();
        let mut bad = |place: &str, fault: Malformed| {
            docket.add(Reason::Malformed, None, None, place.to_owned(), fault.to_string());
        };
        let files: BTreeMap<String, u64> = match folder.list() {
            Ok(files) => files.into_iter().collect(),
            Err(fault) => {
                bad("", malformed(fault));
                return layout;
            }
        };
        match read_small(folder, "folder.json", &files).and_then(|text| folder_id(&text)) {
            Ok(id) => layout.id = Some(id),
            Err(fault) => bad("folder.json", fault),
        }
        for (name, &size) in &files {
            let known = match name.split_once('/') {
                Some(("journal", file)) => layout.add_journal(name, file, size),
                Some(("logs", file)) => layout.add_log(folder, file, &files, &mut bad),
                _ => Ok(()),
            };
            known.unwrap_or_else(|fault| bad(name, fault));
        }
        if files.get("lock").is_some_and(|&size| size > 0) {
            bad("lock", malformed("the lock is not empty"));
        }
        layout
    }

    fn add_journal(&mut self, name: &str, file: &str, size: u64) -> Result<(), Malformed> {
        let (file, made) = file.strip_suffix(MAKING).map_or((file, true), |file| (file, false));
        let digits =
            file.len() == 16 && file.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = u64::from_str_radix(file, 16).ok().filter(|&number| digits && number > 0);
        let number = number.ok_or_else(|| malformed("not the name of a journal file"))?;
        if made {
            self.journal.push((number, name.to_owned(), size));
        }
        Ok(())
    }

    /// One file below `logs/`. The log is read when its `log.json` comes by.
    fn add_log(
        &mut self,
        folder: &dyn Folder,
        file: &str,
        files: &BTreeMap<String, u64>,
        bad: &mut dyn FnMut(&str, Malformed),
    ) -> Result<(), Malformed> {
        let name = match file.split_once('/') {
            Some((name, "log.json")) => name,
            Some((_, "birth" | "birth.new" | "log.json.new" | "keys.json" | "keys.json.new")) => {
                return Ok(());
            }
            _ => return Err(malformed("not a file of a log")),
        };
        let text = read_small(folder, &format!("logs/{file}"), files)?;
        let (origin, fixed) = log_file(&text)?;
        if !origin.ends_with(&format!("/tlog/{name}")) {
            return Err(malformed(format!("the log {origin} stands under another name")));
        }
        let place = format!("logs/{name}/birth");
        let birth = read_small(folder, &place, files).and_then(|note| birth(&note, &origin));
        let birth = birth.map_err(|fault| bad(&place, fault)).ok();
        let place = format!("logs/{name}/keys.json");
        if files.contains_key(&place) {
            let history = read_small(folder, &place, files);
            let history =
                history.and_then(|text| History::parse(&text, &origin, &fixed.opened_at, &place));
            let history = history.map_err(|fault| bad(&place, fault)).ok();
            self.histories.extend(history.map(|history| (origin.clone(), history)));
        }
        let digest = Sha256::digest(text.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.stated.insert(origin.clone(), format!("\"sha256:{hex}\""));
        self.fixed.insert(origin.clone(), fixed);
        match self.births.insert(origin, birth) {
            None => Ok(()),
            Some(_) => Err(malformed("two logs have one origin")),
        }
    }
}

pub(super) fn read_small(
    folder: &dyn Folder,
    name: &str,
    files: &BTreeMap<String, u64>,
) -> Result<String, Malformed> {
    let size = *files.get(name).ok_or_else(|| malformed("the file is missing"))?;
    if size > SMALL_MAX {
        return Err(malformed("the file is longer than 1 MiB"));
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| malformed("the file is too long"))?];
    folder.read(name, 0, &mut bytes).map_err(malformed)?;
    String::from_utf8(bytes).map_err(|_| malformed("the file is not UTF-8"))
}

fn folder_id(text: &str) -> Result<[u8; 16], Malformed> {
    let id = text.strip_prefix("{\"format\":\"counterfoil.folder/v1\",\"id\":\"");
    let id = id.and_then(|rest| rest.strip_suffix("\"}\n")).filter(|id| id.len() == 32);
    let id = id.filter(|id| id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    let number = id.and_then(|id| u128::from_str_radix(id, 16).ok());
    number.map(u128::to_be_bytes).ok_or_else(|| malformed("not the file of a data folder"))
}

/// The origin and what is fixed, once the whole text is found to be the one spelling of its values.
fn log_file(text: &str) -> Result<(String, Fixed), Malformed> {
    let mut log = json::parse(text.as_bytes())?.object("it")?;
    log.need("format")?;
    let origin = log.need("origin")?.text("`origin`")?;
    let tenant = log.need("tenant")?.text("`tenant`")?;
    let Value::Bool(public) = log.need("public")? else {
        return Err(malformed("`public` is neither true nor false"));
    };
    let opened_at = log.need("opened_at")?.text("`opened_at`")?;
    let follows = log.take("follows").map(|origin| origin.text("`follows`")).transpose()?;
    let mut damage = String::new();
    let note = log.take("damage").map(|value| aside::note(value, &mut damage)).transpose()?;
    let purpose = log.take("purpose").map(|purpose| purpose.text("`purpose`")).transpose()?;
    log.end("it")?;
    let mut spelt = String::from("{\"format\":\"counterfoil.log/v1\",\"origin\":");
    json::push_text(&mut spelt, &origin);
    spelt.push_str(",\"tenant\":");
    json::push_text(&mut spelt, &tenant);
    spelt.push_str(&format!(",\"public\":{public},\"opened_at\":\"{opened_at}\""));
    if let Some(follows) = &follows {
        spelt.push_str(",\"follows\":");
        json::push_text(&mut spelt, follows);
    }
    spelt.push_str(&damage);
    // An access log's; of a log of events nothing stands there.
    spelt.push_str(if purpose.is_some() { ",\"purpose\":\"access\"}\n" } else { "}\n" });
    let is_access = purpose.is_some();
    match spelt == text && is_time(&opened_at) {
        true => Ok((origin, Fixed { tenant, is_access, follows, opened_at, note })),
        false => Err(malformed("not the file of a log, as its format spells it")),
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.n…]Z`, by its shape.
fn is_time(text: &str) -> bool {
    let Some((date, fraction)) = text.split_at_checked(19) else { return false };
    let shape = date.bytes().zip(b"0000-00-00T00:00:00").all(|(byte, &like)| match like {
        b'0' => byte.is_ascii_digit(),
        _ => byte == like,
    });
    let digits = fraction.strip_suffix('Z').map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    shape && digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
}

fn birth(note: &str, origin: &str) -> Result<Checkpoint, Malformed> {
    let birth = Checkpoint::parse(note)?;
    match birth.origin == origin && birth.size == 0 && birth.root == empty_root() {
        true => Ok(birth),
        false => Err(malformed("not the log's checkpoint of size 0")),
    }
}
