//! Paths of a log's files (C2SP tlog-tiles): `checkpoint`, `tile/<L>/<N>[.p/<W>]`,
//! `tile/entries/<N>[.p/<W>]`. A file has one path; another spelling of it is none.

use std::fmt;

use commit::TILE_WIDTH;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The newest checkpoint.
    Checkpoint,
    /// A hash tile.
    Tile {
        /// 0 to 7.
        level: u8,
        /// Its place among those of its level.
        index: u64,
        /// Hashes in it, 1 to 256.
        width: u64,
    },
    /// An entry bundle.
    Bundle {
        /// Its place.
        index: u64,
        /// Entries in it, 1 to 256.
        width: u64,
    },
}

impl Resource {
    /// Reads `checkpoint`, `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
    pub fn parse(path: &str) -> Option<Resource> {
        if path == "checkpoint" {
            return Some(Resource::Checkpoint);
        }
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                let parsed: u64 = width.parse().ok()?;
                let canonical = parsed.to_string() == width && (1..TILE_WIDTH).contains(&parsed);
                (index, canonical.then_some(parsed)?)
            }
            None => (rest, TILE_WIDTH),
        };
        let index = parse_index(index)?;
        if level == "entries" {
            return Some(Resource::Bundle { index, width });
        }
        let number: u8 = level.parse().ok()?;
        (number.to_string() == level && number < 8).then_some(Resource::Tile {
            level: number,
            index,
            width,
        })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Resource::Checkpoint => return f.write_str("checkpoint"),
            Resource::Tile { level, index, width } => {
                write!(f, "tile/{level}/")?;
                (*index, *width)
            }
            Resource::Bundle { index, width } => {
                f.write_str("tile/entries/")?;
                (*index, *width)
            }
        };
        write_index(f, index / 1000)?;
        write!(f, "{:03}", index % 1000)?;
        if width < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
    }
}

/// Writes the parts before the last.
fn write_index(f: &mut fmt::Formatter<'_>, before: u64) -> fmt::Result {
    if before == 0 {
        return Ok(());
    }
    write_index(f, before / 1000)?;
    write!(f, "x{:03}/", before % 1000)
}

/// Reads `x001/x234/067` as 1234067.
fn parse_index(text: &str) -> Option<u64> {
    let (mut index, mut parts) = (0_u64, text.split('/').peekable());
    while let Some(part) = parts.next() {
        let digits = if parts.peek().is_some() { part.strip_prefix('x')? } else { part };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    let leading = text.starts_with("x000");
    (!leading).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_tlog_tiles() {
        let tile = |level, index, width| Some(Resource::Tile { level, index, width });
        for path in ["checkpoint", "tile/0/000", "tile/1/x001/x234/067", "tile/entries/007.p/1"] {
            assert_eq!(Resource::parse(path).map(|r| r.to_string()).as_deref(), Some(path));
        }
        assert_eq!(Resource::parse("checkpoint"), Some(Resource::Checkpoint));
        assert_eq!(Resource::parse("tile/0/000"), tile(0, 0, 256));
        assert_eq!(Resource::parse("tile/1/x001/x234/067"), tile(1, 1_234_067, 256));
        assert_eq!(Resource::parse("tile/0/x001/234.p/5"), tile(0, 1234, 5));
        let bundle = Some(Resource::Bundle { index: 7, width: 1 });
        assert_eq!(Resource::parse("tile/entries/007.p/1"), bundle);
        for wrong in [
            "tile/0/0",
            "tile/0/1000",
            "tile/00/000",
            "tile/8/000",
            "tile/0/x000/001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/001/002",
            "",
            "tile/entries/x01/002",
            "checkpoint/",
            "tile/0/../../x",
        ] {
            assert_eq!(Resource::parse(wrong), None, "{wrong}");
        }
    }
}
