//! Blobs named after their SHA-256, and the files that name them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of a config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Media type of a layer that is not compressed: who carries it compresses it.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A file that is named after its content.
#[derive(Clone, Debug)]
pub struct Blob {
    media_type: &'static str,
    /// `sha256:<hex>`.
    pub digest: String,
    bytes: Vec<u8>,
}

impl Blob {
    /// Of these bytes.
    pub fn new(media_type: &'static str, bytes: Vec<u8>) -> Blob {
        let hash = Sha256::digest(&bytes);
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Blob { media_type, digest: format!("sha256:{hex}"), bytes }
    }

    /// Of this JSON, members in the order of their names.
    pub fn json(media_type: &'static str, value: &Value) -> Blob {
        Blob::new(media_type, value.to_string().into_bytes())
    }

    fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.bytes.len(),
        })
    }
}

/// The manifest of an image with one layer.
pub fn manifest(config: &Blob, layer: &Blob, annotations: &Value) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
        "annotations": annotations,
    })
}

/// The index of a layout with one image.
pub fn index(manifest: &Blob, platform: &Value, name: &str) -> Value {
    let mut descriptor = manifest.descriptor();
    descriptor["platform"] = platform.clone();
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor] })
}

/// The files of a layout, index last: without it there is no image.
pub fn folder(blobs: &[Blob], index: &Value) -> Vec<(String, Vec<u8>)> {
    let name = |blob: &Blob| format!("blobs/{}", blob.digest.replace(':', "/"));
    let mut files: Vec<_> = blobs.iter().map(|blob| (name(blob), blob.bytes.clone())).collect();
    let version = json!({ "imageLayoutVersion": "1.0.0" });
    files.push(("oci-layout".into(), version.to_string().into_bytes()));
    files.push(("index.json".into(), index.to_string().into_bytes()));
    files
}
