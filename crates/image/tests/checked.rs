//! An image, judged by a program that shares no line with what wrote it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{About, image};

/// An ELF file of 64 bits with program headers of these kinds.
fn program(kinds: &[u32]) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    for half in [2u16, 62] {
        elf.extend(half.to_le_bytes());
    }
    elf.extend(1u32.to_le_bytes());
    for word in [0u64, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(0u32.to_le_bytes());
    for half in [64u16, 56, kinds.len() as u16, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    for kind in kinds {
        elf.extend(kind.to_le_bytes());
        elf.extend([0; 52]);
    }
    elf
}

const LOAD: u32 = 1;
const INTERPRETER: u32 = 3;

/// A folder that is gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(String, Vec<u8>)]) -> Folder {
        let root = std::env::temp_dir().join(format!("image-{name}-{}", std::process::id()));
        for (name, bytes) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, bytes).expect("written");
        }
        Folder(root)
    }

    fn judged(&self) -> (i32, String) {
        let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/image/check.py");
        let output = Command::new("python3").arg(check).arg(&self.0).output().expect("Python 3");
        let said = String::from_utf8(output.stdout).expect("text");
        (output.status.code().expect("a code"), said)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn about() -> About {
    About {
        version: "1.2.3".into(),
        revision: Some("ed8978b".into()),
        created: "2026-01-02T03:04:05Z".into(),
    }
}

#[test]
fn an_image_is_as_it_must_be_and_comes_again() {
    let files = image(&program(&[LOAD]), &about()).expect("an image");
    let (code, said) = Folder::with("good", &files).judged();
    assert_eq!((code, said.starts_with("ok: 1 image for linux/amd64")), (0, true), "{said}");
    assert_eq!(files, image(&program(&[LOAD]), &about()).expect("again"));
    let other = About { version: "1.2.4".into(), ..about() };
    assert_ne!(files, image(&program(&[LOAD]), &other).expect("another"));
}

#[test]
fn a_program_that_is_not_static_is_found_in_its_image() {
    let files = image(&program(&[LOAD, INTERPRETER]), &about()).expect("an image");
    let (code, said) = Folder::with("interpreted", &files).judged();
    assert_eq!((code, said.contains("it is not static")), (1, true), "{said}");
}

#[test]
fn a_flipped_bit_of_any_file_is_found() {
    let files = image(&program(&[LOAD]), &about()).expect("an image");
    for (nth, (name, bytes)) in files.iter().enumerate() {
        let mut flipped = files.clone();
        flipped[nth].1[bytes.len() / 2] ^= 1;
        let (code, said) = Folder::with(&format!("flipped-{nth}"), &flipped).judged();
        assert_eq!(code, 1, "{name}: {said}");
    }
}
