//! Files that somebody names: settings, rules, owners, saved contexts.
//!
//! Promises: no more is read than is allowed. [`read_regular`] never waits for a writer: a pipe, a
//! socket or a device is refused at once, by what it is.
//!
//! Never: for the files of a data folder, which are read through a [`Disk`](crate::Disk).

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Reads a text that may be read again later: a regular file.
pub fn read_regular(path: &Path, bytes_max: u64) -> io::Result<String> {
    read_text(open_regular(path)?, bytes_max)
}

/// Opens a regular file to read it, and nothing else: who opens a pipe waits for its other end.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Looked at once it is open, so that nobody puts a pipe there in between.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    regular(OpenOptions::new().read(true).custom_flags(flags).open(path)?)
}

/// A file that was opened without waiting for anybody, if it is a regular one.
pub(crate) fn regular(file: File) -> io::Result<File> {
    let kind = file.metadata()?.file_type();
    if kind.is_file() { Ok(file) } else { Err(irregular(name(kind))) }
}

/// Reads a text once, from whatever it comes: a pipe is read to its end.
pub fn read_once(path: &Path, bytes_max: u64) -> io::Result<String> {
    read_text(File::open(path)?, bytes_max)
}

/// Reads a text to its end, or refuses it as too long.
pub fn read_text(source: impl Read, bytes_max: u64) -> io::Result<String> {
    let wrong = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(read_bytes(source, bytes_max)?).map_err(wrong)
}

/// Reads bytes to their end, or refuses them as too many.
pub fn read_bytes(source: impl Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let what = format!("it has more than {bytes_max} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

fn name(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    }
}

pub(crate) fn irregular(is: &str) -> io::Error {
    let what = format!("it is {is}; allowed is a regular file");
    io::Error::new(ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_keep_its_reader_waiting_is_refused_at_once() {
        let name = format!("counterfoil-named-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let pipe = folder.join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)
            .expect("a pipe");
        let link = folder.join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).expect("a link");
        let text = folder.join("text");
        std::fs::write(&text, "12345").expect("written");
        let said = |path: &Path| read_regular(path, 5).expect_err("refused").to_string();
        assert_eq!(said(&pipe), "it is a pipe; allowed is a regular file");
        assert_eq!(said(&link), "it is a device; allowed is a regular file");
        assert_eq!(said(&folder), "it is a folder; allowed is a regular file");
        assert_eq!(read_regular(&text, 5).expect("it is read"), "12345");
        let long = read_regular(&text, 4).expect_err("too long").to_string();
        assert_eq!(long, "it has more than 4 bytes");
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, "once")
        });
        assert_eq!(read_once(&pipe, 5).expect("it is read"), "once");
        writer.join().expect("no panic").expect("written");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
