//! A tar archive as POSIX ustar has it, written in memory: files and folders, no times, no names of
//! users. The same entries give the same bytes.

/// Bytes of a header, and what content is filled up to.
const BLOCK: usize = 512;

/// Whose an entry is: user and group of this number.
#[derive(Clone, Copy, Debug)]
pub struct Owner(pub u32);

/// An archive that grows.
#[derive(Debug, Default)]
pub struct Tar {
    bytes: Vec<u8>,
    last: String,
}

impl Tar {
    /// Adds a folder; its name ends with `/`.
    pub fn folder(&mut self, name: &str, mode: u32, owner: Owner) -> Result<(), String> {
        self.entry(name, mode, owner, b'5', &[])
    }

    /// Adds a file.
    pub fn file(
        &mut self,
        name: &str,
        mode: u32,
        owner: Owner,
        content: &[u8],
    ) -> Result<(), String> {
        self.entry(name, mode, owner, b'0', content)
    }

    /// The archive.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK, 0);
        self.bytes
    }

    fn entry(
        &mut self,
        name: &str,
        mode: u32,
        owner: Owner,
        kind: u8,
        content: &[u8],
    ) -> Result<(), String> {
        // In order, so that nobody's walk through a folder decides on the bytes.
        if self.last.as_str() >= name {
            return Err(format!("{name}: comes after {}", self.last));
        }
        self.bytes.extend_from_slice(&header(name, mode, owner, kind, content.len())?);
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self.last = name.to_owned();
        Ok(())
    }
}

fn header(
    name: &str,
    mode: u32,
    owner: Owner,
    kind: u8,
    bytes: usize,
) -> Result<[u8; BLOCK], String> {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, field: &[u8]| header[at..at + field.len()].copy_from_slice(field);
    if name.len() > 100 || !name.is_ascii() {
        return Err(format!("{name}: a name has at most 100 characters, all of ASCII"));
    }
    if bytes >= 8 << 30 {
        return Err(format!("{name}: has {bytes} bytes, at most 8 GiB fit"));
    }
    put(0, name.as_bytes());
    put(100, format!("{mode:07o}").as_bytes());
    put(108, format!("{:07o}", owner.0).as_bytes());
    put(116, format!("{:07o}", owner.0).as_bytes());
    put(124, format!("{bytes:011o}").as_bytes());
    put(136, b"00000000000");
    // The sum is made with spaces where it will stand.
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    put(329, b"0000000");
    put(337, b"0000000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_order_and_fill_their_blocks() {
        let mut tar = Tar::default();
        tar.file("a", 0o644, Owner(7), b"content").expect("added");
        tar.folder("b/", 0o755, Owner(0)).expect("added");
        assert!(tar.file("a", 0o644, Owner(0), b"").is_err(), "again");
        assert!(tar.file(&"x".repeat(101), 0o644, Owner(0), b"").is_err(), "too long");
        let bytes = tar.end();
        assert_eq!(bytes.len(), 5 * BLOCK);
        assert_eq!(&bytes[100..116], b"0000644\x000000007\x00");
        assert_eq!(&bytes[512..520], b"content\x00");
        assert_eq!(bytes[2 * 512 + 156], b'5');
    }
}
