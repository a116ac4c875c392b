//! Whether a program is static: what its ELF header and program headers say, read here by hand.
//!
//! Source: System V ABI, "Object Files" and "Program Loading and Dynamic Linking".

const HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: usize = 56;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;

/// Checks that a program names no interpreter and no library.
pub fn is_static(elf: &[u8]) -> Result<(), String> {
    if elf.len() < HEADER_BYTES || !elf.starts_with(b"\x7fELF\x02\x01") {
        return Err("is no ELF file of 64 bits, little-endian".into());
    }
    let cut = || "ends within its headers".to_owned();
    let offset = u64_at(elf, 32).and_then(|at| usize::try_from(at).ok()).ok_or_else(cut)?;
    let (size, count) = (u16_at(elf, 54), u16_at(elf, 56));
    if usize::from(size.unwrap_or(0)) != PROGRAM_HEADER_BYTES || count.unwrap_or(0) == 0 {
        return Err("has no program headers".into());
    }
    for nth in 0..usize::from(count.unwrap_or(0)) {
        let at = offset.checked_add(nth * PROGRAM_HEADER_BYTES).ok_or_else(cut)?;
        let header = elf.get(at..).and_then(|it| it.get(..PROGRAM_HEADER_BYTES)).ok_or_else(cut)?;
        match u32_at(header, 0) {
            Some(PT_INTERP) => return Err("names an interpreter: it is not static".into()),
            Some(PT_DYNAMIC) => needs_nothing(elf, header).ok_or_else(cut)??,
            _ => {}
        }
    }
    Ok(())
}

/// A position-independent static program has a dynamic section too, which names no library.
fn needs_nothing(elf: &[u8], header: &[u8]) -> Option<Result<(), String>> {
    let start = usize::try_from(u64_at(header, 8)?).ok()?;
    let bytes = usize::try_from(u64_at(header, 32)?).ok()?;
    let entries = elf.get(start..)?.get(..bytes)?.chunks_exact(16);
    let mut tags = entries.filter_map(|entry| u64_at(entry, 0)).take_while(|tag| *tag != DT_NULL);
    let needs = tags.any(|tag| tag == DT_NEEDED);
    Some(if needs { Err("needs a library: it is not static".into()) } else { Ok(()) })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one program header of this kind, which covers the dynamic entries behind it.
    fn elf(kind: u32, tags: &[u64]) -> Vec<u8> {
        let mut elf = vec![0; HEADER_BYTES + PROGRAM_HEADER_BYTES];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[32] = HEADER_BYTES as u8;
        elf[54] = PROGRAM_HEADER_BYTES as u8;
        elf[56] = 1;
        elf[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&kind.to_le_bytes());
        elf[HEADER_BYTES + 8] = (HEADER_BYTES + PROGRAM_HEADER_BYTES) as u8;
        elf[HEADER_BYTES + 32] = 16 * tags.len() as u8;
        tags.iter().for_each(|tag| elf.extend([tag.to_le_bytes(), [0; 8]].concat()));
        elf
    }

    #[test]
    fn interpreters_and_libraries_are_found() {
        assert_eq!(is_static(&elf(1, &[])), Ok(()));
        assert_eq!(is_static(&elf(PT_DYNAMIC, &[12, DT_NULL, DT_NEEDED])), Ok(()));
        for (wrong, why) in [
            (elf(PT_INTERP, &[]), "interpreter"),
            (elf(PT_DYNAMIC, &[12, DT_NEEDED, DT_NULL]), "library"),
            (elf(1, &[])[..100].to_vec(), "ends within"),
            (b"#!/bin/sh\n".to_vec(), "no ELF"),
        ] {
            let said = is_static(&wrong).expect_err(why);
            assert!(said.contains(why), "{said}");
        }
        let mut dynamic = elf(PT_DYNAMIC, &[DT_NULL]);
        dynamic[HEADER_BYTES + 39] = 0xff;
        assert!(is_static(&dynamic).is_err(), "a section that leads out of the file");
    }

    #[test]
    fn this_very_program_is_not_static() {
        let own = std::fs::read(std::env::current_exe().expect("a name")).expect("readable");
        if cfg!(target_env = "gnu") {
            assert!(is_static(&own).is_err());
        }
    }
}
