//! A container image of one static binary, as a folder in the OCI image layout.
//!
//! Promises: the same binary and the same words give the same bytes; the process in it is nobody's
//! but its own user's, and finds two empty folders that are its own. Needs no engine and no root.
//!
//! Never judges what it wrote: `packaging/image/check.py` does, and shares no line with it.
//!
//! ```text
//! oci-layout             {"imageLayoutVersion":"1.0.0"}
//! index.json             one manifest
//! blobs/sha256/<hex>     manifest, config, one layer: an uncompressed tar
//!
//! layer: /counterfoil 0755   /data /keys 0700, its user's   /etc/passwd /etc/group   /tmp 1777
//! ```
//!
//! Source: OCI image specification 1.1.

pub mod layout;
pub mod tar;

use serde_json::{Value, json};

use layout::Blob;
use tar::{Owner, Tar};

/// Neither root nor any user of a distribution; what other images call "nonroot".
const USER: u32 = 65_532;
const PORT: u16 = 8420;
const NAME: &str = "counterfoil";

/// What is told about an image.
#[derive(Clone, Debug)]
pub struct About {
    /// Version of the program.
    pub version: String,
    /// Commit that it was built of, if known.
    pub revision: Option<String>,
    /// When that was, RFC 3339. Not when the image was made: that would be other bytes each time.
    pub created: String,
}

/// What cannot be made an image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct NotAnImage(pub String);

/// The files of an image by their names in the layout's folder, index last.
pub fn image(binary: &[u8], about: &About) -> Result<Vec<(String, Vec<u8>)>, NotAnImage> {
    let architecture = architecture(binary)?;
    let layer = Blob::new(layout::LAYER, files(binary).map_err(NotAnImage)?);
    let config = Blob::json(layout::CONFIG, &config(about, architecture, &layer.digest));
    let annotations = labels(about);
    let manifest = Blob::json(layout::MANIFEST, &layout::manifest(&config, &layer, &annotations));
    let platform = json!({ "architecture": architecture, "os": "linux" });
    let index = layout::index(&manifest, &platform, &about.version);
    Ok(layout::folder(&[layer, config, manifest], &index))
}

/// What stands in the image.
fn files(binary: &[u8]) -> Result<Vec<u8>, String> {
    let (root, own) = (Owner(0), Owner(USER));
    let passwd = format!(
        "root:x:0:0:root:/:/sbin/nologin\n{NAME}:x:{USER}:{USER}:{NAME}:/data:/sbin/nologin\n"
    );
    let group = format!("root:x:0:\n{NAME}:x:{USER}:\n");
    let mut tar = Tar::default();
    tar.file(NAME, 0o755, root, binary)?;
    // A volume that is mounted here for the first time takes over whose the folder is.
    tar.folder("data/", 0o700, own)?;
    tar.folder("etc/", 0o755, root)?;
    tar.file("etc/group", 0o644, root, group.as_bytes())?;
    tar.file("etc/passwd", 0o644, root, passwd.as_bytes())?;
    tar.folder("keys/", 0o700, own)?;
    tar.folder("tmp/", 0o1777, root)?;
    Ok(tar.end())
}

fn config(about: &About, architecture: &str, layer: &str) -> Value {
    // Folders of their own within the volumes: a volume's root may hold what its file system left
    // there, and belongs to who mounts it.
    let serve = ["serve", "--listen", "0.0.0.0:8420", "--data", "/data/log", "--keys", "/keys/log"];
    json!({
        "created": about.created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "ExposedPorts": { format!("{PORT}/tcp"): {} },
            "Env": ["PATH=/", "COUNTERFOIL_CONTEXTS=/keys/contexts.toml"],
            "Entrypoint": [format!("/{NAME}")],
            "Cmd": serve,
            "Volumes": { "/data": {}, "/keys": {} },
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": labels(about),
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created": about.created, "created_by": "cargo xtask image" }],
    })
}

fn labels(about: &About) -> Value {
    let mut labels = json!({
        "org.opencontainers.image.title": "Counterfoil",
        "org.opencontainers.image.description": "A self-hosted, tamper-evident audit log",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": about.version,
        "org.opencontainers.image.created": about.created,
    });
    if let Some(revision) = &about.revision {
        labels["org.opencontainers.image.revision"] = json!(revision);
    }
    labels
}

/// What the binary runs on, in the image specification's words.
fn architecture(binary: &[u8]) -> Result<&'static str, NotAnImage> {
    let not = |what: &str| NotAnImage(format!("the binary {what}"));
    if !binary.starts_with(b"\x7fELF\x02\x01") || binary.len() < 64 {
        return Err(not("is no ELF file of 64 bits, little-endian"));
    }
    match u16::from_le_bytes([binary[18], binary[19]]) {
        62 => Ok("amd64"),
        183 => Ok("arm64"),
        other => Err(not(&format!("is for machine {other}; 62 (amd64) and 183 (arm64) are known"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_binaries_of_known_machines_are_packed() {
        let about = About { version: "1".into(), revision: None, created: "x".into() };
        let mut elf = vec![0; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        for (machine, known) in [(62, true), (183, true), (3, false)] {
            elf[18] = machine;
            assert_eq!(image(&elf, &about).is_ok(), known, "{machine}");
        }
        assert!(image(b"#!/bin/sh\n", &about).is_err());
    }
}
