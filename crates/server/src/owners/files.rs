//! The files of a catalogue: one `owners.toml`, one `catalog-info.yaml`, or a folder of both.
//!
//! A part of the configuration, and read as it is, not through the data folder's disk.

use std::fs;
use std::path::Path;

use catalogue::{ALL_BYTES_MAX, CatalogueError, FILE_BYTES_MAX, FILES_MAX, Text};
use platform::read_regular;

/// Files that a folder is searched for, at any depth.
const NAMES: [&str; 3] = ["owners.toml", "catalog-info.yaml", "catalog-info.yml"];
/// Folders within folders.
const DEPTH_MAX: usize = 16;
/// Names that are looked at on the way.
const SEEN_MAX: usize = 200_000;

/// Reads a file, or all files of a folder that belong to a catalogue, with their names below it.
/// Names that begin with a dot are passed over, and so are links to folders.
pub fn read(path: &Path) -> Result<Vec<Text>, CatalogueError> {
    let mut found = Found { texts: Vec::new(), bytes: 0, seen: 0 };
    if !path.is_dir() {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        found.take(path, name)?;
        return Ok(found.texts);
    }
    found.folder(path, "", 0)?;
    if found.texts.is_empty() {
        let what = format!("{}: holds no {}", path.display(), NAMES.join(", no "));
        return Err(CatalogueError::new(what));
    }
    Ok(found.texts)
}

struct Found {
    texts: Vec<Text>,
    bytes: usize,
    seen: usize,
}

impl Found {
    fn folder(&mut self, path: &Path, below: &str, depth: usize) -> Result<(), CatalogueError> {
        let wrong = |error| CatalogueError::new(format!("cannot read {}: {error}", path.display()));
        if depth > DEPTH_MAX {
            let what = format!("folders stand within at most {DEPTH_MAX} others");
            return Err(CatalogueError::new(format!("{}: {what}", path.display())));
        }
        for entry in fs::read_dir(path).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            self.seen += 1;
            if self.seen > SEEN_MAX {
                let what = format!("a catalogue's folder has at most {SEEN_MAX} names in all");
                return Err(CatalogueError::new(what));
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let shown = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type().map_err(wrong)?.is_dir() {
                self.folder(&entry.path(), &shown, depth + 1)?;
            } else if NAMES.contains(&name.as_str()) {
                self.take(&entry.path(), shown)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, name: String) -> Result<(), CatalogueError> {
        let wrong =
            |what: String| CatalogueError::new(format!("cannot read {}: {what}", path.display()));
        if self.texts.len() == FILES_MAX {
            return Err(wrong(format!("a catalogue has at most {FILES_MAX} files")));
        }
        let text = read_regular(path, FILE_BYTES_MAX as u64);
        let text = text.map_err(|error| wrong(error.to_string()))?;
        self.bytes += text.len();
        if self.bytes > ALL_BYTES_MAX {
            return Err(wrong(format!("all of a catalogue has at most {ALL_BYTES_MAX} bytes")));
        }
        self.texts.push(Text { name, text });
        Ok(())
    }
}
