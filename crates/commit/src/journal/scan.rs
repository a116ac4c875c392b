//! Reading the journal back: which frames count.
//!
//! Files ascend by number. A frame counts if its checksums hold, its number is one more than the
//! last one's and its "CRC before" is the last one's trailer. The first frame of a later file,
//! with number k, ends every earlier file before its own frame k, so that a frame which start-up
//! copied replaces the original and all behind it.

use std::fmt;
use std::io;
use std::sync::Arc;

use platform::{Disk, File};

use super::file::{BLOCK, FILE_BYTES, FILE_NUMBER_MAX, FileHeader, file_name};
use super::frame::{Frame, FrameHeader};
use super::writer::Place;
use crate::head;

/// The journal cannot be believed: where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Name of the file in the data folder.
    pub file: String,
    /// Bytes from its start.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, byte {}: {}", self.file, self.offset, self.what)
    }
}

impl Damage {
    /// Whether it is of the journal or the head: then setting the folder aside helps. The small
    /// files say what was set aside, and must be put back.
    pub fn is_of_journal(&self) -> bool {
        self.file == head::NAME || self.file.starts_with("journal/")
    }
}

/// The newest frame, kept to be copied.
#[derive(Clone, Debug)]
pub struct LastFrame {
    /// Where it stands.
    pub place: Place,
    /// Its header.
    pub header: FrameHeader,
    /// Its sections.
    pub sections: Vec<u8>,
}

/// What the journal holds.
#[derive(Default)]
pub struct Found {
    /// The number that the next file gets.
    pub next_file: u64,
    /// The number that the next frame gets.
    pub next_frame: u64,
    /// The trailer of the last frame that counts.
    pub last_crc: u32,
    /// The last frame that counts.
    pub last: Option<LastFrame>,
    /// Where the frames that count end.
    pub end: Option<Place>,
    /// Where something that is no frame stands behind them and no event says so yet.
    pub torn: Option<Place>,
    /// The files, open, with their numbers.
    pub files: Vec<(u64, Arc<dyn File>)>,
    /// Where bytes stand that no longer count, to the end of their files: to be zeroed once the
    /// last frame is copied and the cut is stated.
    pub dead: Vec<Place>,
    /// Files without a frame that counts.
    pub idle: Vec<u64>,
    /// Those of them that hold nothing else either: made ahead and never used.
    pub blank: Vec<u64>,
    /// What a crash left of files being made.
    pub unfinished: Vec<String>,
}

impl Found {
    /// Of a folder that is yet to be made.
    pub(crate) fn nothing() -> Found {
        Found { next_file: 1, next_frame: 1, ..Found::default() }
    }

    /// Removes the blank files and the unfinished ones. A crash meanwhile leaves fewer of them.
    pub(crate) fn drop_blank(&mut self, disk: &dyn Disk) -> Result<(), Scan> {
        let blank = std::mem::take(&mut self.blank);
        self.files.retain(|(number, _)| !blank.contains(number));
        self.idle.retain(|number| !blank.contains(number));
        let mut names = std::mem::take(&mut self.unfinished);
        names.extend(blank.into_iter().map(file_name));
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            disk.remove(&name).map_err(|error| Scan::Io(name, error))?;
        }
        disk.sync_folder("journal").map_err(|error| Scan::Io("journal".into(), error))
    }
}

/// Why a scan ended early.
#[derive(Debug)]
pub enum Scan {
    /// The disk did not answer.
    Io(String, io::Error),
    /// The journal is damaged.
    Damaged(Damage),
}

impl From<Damage> for Scan {
    fn from(damage: Damage) -> Self {
        Scan::Damaged(damage)
    }
}

struct Opened {
    number: u64,
    size: u64,
    file: Arc<dyn File>,
    /// The header of its first frame, if that one is whole.
    first: Option<FrameHeader>,
}

/// Reads all frames in order; `visit` sees each that counts, with its place. Reads go past the
/// page cache, one file at a time. `progress` hears bytes done and bytes in all.
pub fn scan(
    disk: &dyn Disk,
    folder: [u8; 16],
    visit: &mut dyn FnMut(&Frame<'_>, Place) -> Result<(), Damage>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Found, Scan> {
    let mut found = Found::nothing();
    let opened = open_all(disk, folder, &mut found.unfinished)?;
    let total = opened.iter().map(|f| f.size).sum();
    let mut walk = Walk { found, visit, unstated: None };
    let mut done = 0;
    for (index, file) in opened.iter().enumerate() {
        let later = opened[index + 1..].iter().find_map(|f| f.first);
        let bytes = read_whole(file)?;
        let rest = walk.file(file, &bytes, later)?;
        if rest == BLOCK {
            walk.found.idle.push(file.number);
        }
        let is_clear = walk.leftover(file, &bytes, rest, later)?;
        if is_clear && rest == BLOCK {
            walk.found.blank.push(file.number);
        }
        done += file.size;
        progress(done, total);
        walk.found.next_file = file.number + 1;
    }
    walk.settle();
    walk.found.files = opened.into_iter().map(|f| (f.number, f.file)).collect();
    Ok(walk.found)
}

struct Walk<'v> {
    found: Found,
    visit: &'v mut dyn FnMut(&Frame<'_>, Place) -> Result<(), Damage>,
    /// What is torn behind a frame that was copied, with that frame's number: the crash came
    /// while an earlier start-up was at work.
    unstated: Option<(u64, Place)>,
}

impl Walk<'_> {
    /// Visits the frames of one file that count; returns where they end.
    fn file(
        &mut self,
        file: &Opened,
        bytes: &[u8],
        later: Option<FrameHeader>,
    ) -> Result<usize, Scan> {
        let (mut at, mut last) = (BLOCK, None);
        while let Some(frame) = bytes.get(at..).and_then(Frame::decode) {
            let found = &mut self.found;
            let in_order = frame.header.number == found.next_frame
                && frame.header.before == found.last_crc
                && frame.header.file == file.number;
            if !in_order || later.is_some_and(|first| frame.header.number >= first.number) {
                break;
            }
            let place = Place { file: file.number, offset: at as u64 };
            (self.visit)(&frame, place)?;
            found.next_frame += 1;
            found.last_crc = frame.crc;
            last = Some((place, frame.clone()));
            at += frame.room() as usize;
            found.end = Some(Place { file: file.number, offset: at as u64 });
        }
        if let Some((place, Frame { header, sections, .. })) = last {
            let sections = sections.to_vec();
            self.found.last = Some(LastFrame { place, header, sections });
        }
        Ok(at)
    }

    /// Judges what stands behind the last frame of a file that counts; says whether it is nothing
    /// but zeros. `later` is the first frame of the files behind it.
    fn leftover(
        &mut self,
        file: &Opened,
        bytes: &[u8],
        at: usize,
        later: Option<FrameHeader>,
    ) -> Result<bool, Scan> {
        let rest = bytes.get(at..).unwrap_or_default();
        if is_zero(rest) {
            return Ok(true);
        }
        let place = Place { file: file.number, offset: at as u64 };
        let damage = |what: &str| {
            let (file, offset) = (file_name(file.number), at as u64);
            Err(Scan::Damaged(Damage { file, offset, what: what.into() }))
        };
        match later {
            // A whole later frame proves that this one was durable: it was not torn, it was
            // changed.
            None if self.later_frame(rest).is_some() => {
                return damage("a frame is broken, though frames written after it are whole");
            }
            None => self.found.torn = self.found.torn.or(Some(place)),
            Some(first) if self.found.next_frame < first.number || !replaces(&first) => {
                return damage(
                    "a frame is broken, though later files hold frames written after it",
                );
            }
            Some(first) => {
                let original = FrameHeader::decode(rest).filter(|h| h.number == first.number);
                let original = original.map_or(0, |h| (h.length as usize).next_multiple_of(BLOCK));
                if first.copied && !is_zero(rest.get(original..).unwrap_or_default()) {
                    let offset = (at + original) as u64;
                    self.unstated = Some((first.number, Place { offset, ..place }));
                }
            }
        }
        self.found.dead.push(place);
        Ok(false)
    }

    /// Start-up states a cut in the frame that follows the copy. No such frame: not stated.
    fn settle(&mut self) {
        let copy_is_last = |copy: u64| copy + 1 == self.found.next_frame;
        let unstated = self.unstated.filter(|(copy, _)| copy_is_last(*copy));
        self.found.torn = unstated.map(|(_, place)| place).or(self.found.torn);
    }

    fn later_frame(&self, rest: &[u8]) -> Option<u64> {
        (0..rest.len()).step_by(BLOCK).find_map(|at| {
            let number = Frame::decode(&rest[at..])?.header.number;
            (number > self.found.next_frame).then_some(number)
        })
    }
}

/// Whether a frame ends what stands in earlier files from its number on: start-up copied it, or
/// there is nothing before it that could have been copied.
fn replaces(first: &FrameHeader) -> bool {
    first.copied || first.number == 1
}

fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    bytes.chunks(BLOCK).all(|block| *block == ZEROS[..block.len()])
}

fn open_all(
    disk: &dyn Disk,
    folder: [u8; 16],
    unfinished: &mut Vec<String>,
) -> Result<Vec<Opened>, Scan> {
    let io = |name: &str| {
        let name = name.to_owned();
        move |error| Scan::Io(name, error)
    };
    let mut opened = Vec::new();
    for name in disk.list("journal").map_err(io("journal"))? {
        let path = format!("journal/{name}");
        let number = u64::from_str_radix(&name, 16).ok().filter(|n| file_name(*n) == path);
        let Some(number) = number else {
            // Its name says that it was never used.
            if name.ends_with(".new") {
                unfinished.push(path);
                continue;
            }
            let what = "no journal file has such a name".into();
            return Err(Damage { file: path, offset: 0, what }.into());
        };
        let file = disk.open(&path).map_err(io(&path))?;
        opened.push(open_one(&path, number, file, folder)?);
    }
    opened.sort_by_key(|file| file.number);
    Ok(opened)
}

fn open_one(
    path: &str,
    number: u64,
    file: Arc<dyn File>,
    folder: [u8; 16],
) -> Result<Opened, Scan> {
    let io = |error| Scan::Io(path.to_owned(), error);
    let damage = |what: &str| Damage { file: path.to_owned(), offset: 0, what: what.into() };
    let size = file.len().map_err(io)?;
    if size < 2 * BLOCK as u64 {
        return Err(damage("shorter than a journal file").into());
    }
    if size > FILE_BYTES {
        return Err(damage("longer than a journal file").into());
    }
    if number > FILE_NUMBER_MAX {
        return Err(damage("a number that no journal file comes to").into());
    }
    // What a killed process wrote and did not sync could be read here and lost later.
    file.sync().map_err(io)?;
    let mut block = vec![0; BLOCK];
    file.read_past_cache(0, &mut block).map_err(io)?;
    let header = FileHeader::decode(&block).map_err(damage)?;
    if header.folder != folder {
        return Err(damage("belongs to another data folder").into());
    }
    if header.number != number || header.size != size {
        return Err(damage("its header names another file number or size").into());
    }
    file.read_past_cache(BLOCK as u64, &mut block).map_err(io)?;
    let first = match FrameHeader::decode(&block) {
        Some(first) if u64::from(first.length) <= size - BLOCK as u64 => {
            let mut bytes = vec![0; (first.length as usize).next_multiple_of(BLOCK)];
            let whole = bytes.len() as u64 <= size - BLOCK as u64;
            if whole {
                file.read_past_cache(BLOCK as u64, &mut bytes).map_err(io)?;
            }
            Frame::decode(&bytes).map(|frame| frame.header).filter(|h| h.file == number)
        }
        _ => None,
    };
    Ok(Opened { number, size, file, first })
}

fn read_whole(file: &Opened) -> Result<Vec<u8>, Scan> {
    let mut bytes = vec![0; file.size as usize];
    file.file
        .read_past_cache(0, &mut bytes)
        .map_err(|error| Scan::Io(file_name(file.number), error))?;
    Ok(bytes)
}
