//! The reading rule of the journal: which frames count, and where it ends.
//!
//! Files are read ascending. A frame counts if it holds, its number is one more than the last and
//! its "CRC before" is the last's. The first frame of a later file with number k ends every earlier
//! file before its own frame k: so a frame copied at start-up replaces its original and all behind
//! it. Where something stands that is no such frame, the journal ends, and whatever whole frames
//! come later only show how much there was.
//!
//! Every byte behind the last frame of a file that counts is looked at, replaced or not, and every
//! byte of a file that waits for its first frame: start-up and closing leave zeros there.

use super::Folder;
use super::frame::{BLOCK, Frame, check_header};
use super::layout::Layout;
use super::reader::is_zero;
use super::section;

/// Bytes that a journal file may have.
const FILE_MAX: u64 = 64 << 20;

/// How the journal ended.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Something stands where the next frame would.
    pub(super) broken: Option<Break>,
    /// Faults that end nothing: place, and what.
    pub(super) faults: Vec<(String, String)>,
    /// What a copied frame replaced and nobody cleared: place of the first byte that is not zero.
    pub(super) replaced: Vec<String>,
    /// Tree sizes that frames behind the break show: origin, size.
    pub(super) later_sizes: Vec<(String, u64)>,
    /// Where reading stopped.
    pub(super) place: String,
}

/// Something that is no frame of the journal.
#[derive(Debug)]
pub(super) struct Break {
    /// Where the next frame would stand.
    pub(super) place: String,
    /// The first byte that is not zero.
    pub(super) first: String,
    /// Why it is no frame.
    pub(super) what: &'static str,
}

/// First whole frame of a file: file number, frame number, copied.
type First = (u64, u64, bool);

struct Scan<'s> {
    firsts: Vec<First>,
    number: u64,
    crc: u32,
    end: End,
    accept: &'s mut dyn FnMut(&Frame<'_>, &str),
}

/// Reads the journal and hands on every frame that counts, with its file's name.
pub(super) fn read(
    folder: &dyn Folder,
    layout: &Layout,
    progress: &mut dyn FnMut(u64, u64),
    accept: &mut dyn FnMut(&Frame<'_>, &str),
) -> End {
    let total = layout.journal.iter().map(|(_, _, size)| size).sum();
    let mut scan = Scan { firsts: vec![], number: 0, crc: 0, end: End::default(), accept };
    for (number, name, size) in &layout.journal {
        scan.firsts.extend(first_frame(folder, layout.id, *number, name, *size));
    }
    let (mut done, mut file) = (0, Vec::new());
    for (number, name, size) in &layout.journal {
        match load(folder, name, *size, &mut file) {
            Ok(()) => scan.file(*number, name, &file, layout.id),
            Err(fault) => scan.end.faults.push((name.clone(), fault)),
        }
        done += size;
        progress(done, total);
    }
    scan.end
}

fn load(folder: &dyn Folder, name: &str, size: u64, file: &mut Vec<u8>) -> Result<(), String> {
    if size > FILE_MAX || !size.is_multiple_of(BLOCK as u64) {
        return Err("a journal file has at most 64 MiB, in blocks".to_owned());
    }
    file.clear();
    file.resize(usize::try_from(size).map_err(|fault| fault.to_string())?, 0);
    folder.read(name, 0, file)
}

fn first_frame(
    folder: &dyn Folder,
    id: Option<[u8; 16]>,
    number: u64,
    name: &str,
    size: u64,
) -> Option<First> {
    // Only as much as the first frame has is read, and a block more for the zeros behind it.
    let mut block = vec![0; BLOCK];
    if size < 2 * BLOCK as u64 || size > FILE_MAX {
        return None;
    }
    folder.read(name, 0, &mut block).ok()?;
    if let Err((_, false)) = check_header(&block, number, size, id) {
        return None;
    }
    folder.read(name, BLOCK as u64, &mut block).ok()?;
    let length = u32::from_be_bytes(*block.get(4..8)?.first_chunk()?);
    let length = u64::from(length).next_multiple_of(BLOCK as u64);
    if !block.starts_with(b"CFRM") || length > size - BLOCK as u64 {
        return None;
    }
    block.resize(usize::try_from(length).ok()?, 0);
    folder.read(name, BLOCK as u64, &mut block).ok()?;
    let frame = Frame::at(&block, 0, number).ok()?;
    Some((number, frame.number, frame.copied))
}

impl Scan<'_> {
    fn file(&mut self, number: u64, name: &str, file: &[u8], id: Option<[u8; 16]>) {
        if let Err((fault, counts)) =
            check_header(file.get(..BLOCK).unwrap_or_default(), number, file.len() as u64, id)
        {
            self.end.faults.push((format!("{name}, byte 0"), fault.to_owned()));
            if !counts {
                return;
            }
        }
        let mut at = BLOCK;
        if self.resumes(file, number) {
            at = self.frames(number, name, file);
        }
        if self.end.broken.is_some() {
            self.later(number, file, at);
        } else if !file.get(at..).is_none_or(is_zero) {
            self.left_behind(number, name, file, at);
        }
    }

    /// Something stands behind the last frame of a file that counts.
    fn left_behind(&mut self, number: u64, name: &str, file: &[u8], at: usize) {
        let zeros = file[at..].iter().take_while(|&&byte| byte == 0).count();
        let first = format!("{name}, byte {}", at + zeros);
        if self.is_replaced(number) {
            self.end.replaced.push(first);
            return;
        }
        let what = Frame::at(file, at, number).err().unwrap_or("it does not follow the last frame");
        self.end.broken = Some(Break { place: format!("{name}, byte {at}"), first, what });
        self.later(number, file, at);
    }

    /// A break in an earlier file was only junk if this file goes on where that one stopped.
    fn resumes(&mut self, file: &[u8], number: u64) -> bool {
        let Some(broken) = self.end.broken.take() else { return true };
        let next = Frame::at(file, BLOCK, number).ok();
        let follows =
            |frame: &Frame<'_>| frame.number == self.number + 1 && frame.crc_before == self.crc;
        if next.as_ref().is_some_and(follows) {
            let Break { first, what, .. } = broken;
            self.end.faults.push((first, format!("bytes that are no frame: {what}")));
            self.end.later_sizes.clear();
            return true;
        }
        self.end.broken = Some(broken);
        false
    }

    /// Accepts frames from the file's first on; gives the byte behind the last that counted.
    fn frames(&mut self, number: u64, name: &str, file: &[u8]) -> usize {
        let later = self.firsts.iter().filter(|first| first.0 > number).map(|first| first.1);
        let limit = later.min().unwrap_or(u64::MAX);
        let mut at = BLOCK;
        while let Ok(frame) = Frame::at(file, at, number) {
            let follows = frame.number == self.number + 1 && frame.crc_before == self.crc;
            if !follows || frame.number >= limit || (frame.copied && at != BLOCK) {
                break;
            }
            (self.accept)(&frame, name);
            (self.number, self.crc, at) = (frame.number, frame.crc, frame.end());
            self.end.place = format!("{name}, byte {at}");
        }
        at
    }

    /// Does a later file begin with a copy of the frame that would come next, or with the very
    /// first frame, before which there is none to copy? Then what stands here was replaced by it.
    fn is_replaced(&self, number: u64) -> bool {
        let replaces = |&(file, frame, copied): &First| {
            file > number && (copied || frame == 1) && frame <= self.number + 1
        };
        self.firsts.iter().any(replaces)
    }

    /// Whole frames behind the break.
    fn later(&mut self, number: u64, file: &[u8], from: usize) {
        for at in (from..file.len()).step_by(BLOCK) {
            if let Ok(frame) = Frame::at(file, at, number)
                && frame.number > self.number
            {
                self.end.later_sizes.extend(section::sizes(&frame));
            }
        }
    }
}
