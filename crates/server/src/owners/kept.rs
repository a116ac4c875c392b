//! The catalogue in force as the data folder keeps it: `catalogue-<tenant>.json`.

use std::io;

use catalogue::Catalogue;
use event::{format_time, parse_time};
use platform::Disk;
use serde::{Deserialize, Serialize};

const FORMAT: &str = "counterfoil.catalogue/v1";
/// More than a catalogue can have: its files, each of its texts escaped.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// A catalogue that owners are stamped from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InForce {
    /// Counted from 1 for each tenant.
    pub(crate) version: u64,
    /// When it was read.
    pub(crate) as_of: i64,
    pub(crate) digest: String,
    pub(crate) catalogue: Catalogue,
}

impl InForce {
    /// Where no catalogue ever was.
    pub(crate) fn nothing() -> InForce {
        let catalogue = Catalogue::default();
        InForce { version: 0, as_of: 0, digest: catalogue.digest(), catalogue }
    }
}

/// The data folder's own copy cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "{file}: {what}; it is the server's own copy of the owners in force: with the file moved away \
     the catalogue is read anew and begins at version 1"
)]
pub struct KeptError {
    file: String,
    what: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept<C> {
    format: String,
    tenant: String,
    version: u64,
    as_of: String,
    digest: String,
    services: C,
}

/// Tenants' names are fit for file names.
fn name(tenant: &str) -> String {
    format!("catalogue-{tenant}.json")
}

pub(crate) fn read(disk: &dyn Disk, tenant: &str) -> Result<Option<InForce>, KeptError> {
    let wrong = |what: String| KeptError { file: name(tenant), what };
    let bytes = match disk.read_small(&name(tenant), FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let kept: Kept<Catalogue> =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let as_of = parse_time(&kept.as_of).ok().filter(|_| kept.format == FORMAT);
    let Some(as_of) = as_of.filter(|_| kept.tenant == tenant) else {
        return Err(wrong(format!("not a {FORMAT} of the tenant {tenant}")));
    };
    let Kept { version, digest, services: catalogue, .. } = kept;
    if catalogue.digest() != digest {
        return Err(wrong("its services are not those of its digest".into()));
    }
    Ok(Some(InForce { version, as_of, digest, catalogue }))
}

pub(crate) fn write(disk: &dyn Disk, tenant: &str, now: &InForce) -> io::Result<()> {
    let kept = Kept {
        format: FORMAT.into(),
        tenant: tenant.into(),
        version: now.version,
        as_of: format_time(now.as_of),
        digest: now.digest.clone(),
        services: &now.catalogue,
    };
    let mut bytes = serde_json::to_vec(&kept)?;
    bytes.push(b'\n');
    disk.replace_small(&name(tenant), &bytes)
}

#[cfg(test)]
mod tests {
    use catalogue::Text;
    use platform::sim::SimDisk;

    use super::*;

    #[test]
    fn what_is_kept_is_read_back_or_refused() {
        let text = "[service.a]\nteam = \"t\"\nactions = [\"x\"]\n".to_owned();
        let text = Text { name: "owners.toml".into(), text };
        let catalogue = Catalogue::read(&[text]).expect("sound");
        let digest = catalogue.digest();
        let now = InForce { version: 7, as_of: 1_795_356_000_000_000_001, digest, catalogue };
        let disk = SimDisk::new(1).folder("data");
        assert_eq!(read(&disk, "shop").expect("nothing"), None);
        write(&disk, "shop", &now).expect("written");
        assert_eq!(read(&disk, "shop").expect("read"), Some(now));
        let bytes = (&disk as &dyn Disk).read_small("catalogue-shop.json", 1 << 20).expect("read");
        let text = String::from_utf8(bytes).expect("text");
        for (from, to, said) in [
            ("\"t\"", "\"u\"", "not those of its digest"),
            ("catalogue/v1", "catalogue/v2", "not a counterfoil.catalogue/v1"),
            ("\"tenant\":\"shop\"", "\"tenant\":\"other\"", "of the tenant shop"),
            ("}\n", "\n", "EOF"),
        ] {
            let disk: &dyn Disk = &disk;
            disk.replace_small("catalogue-shop.json", text.replace(from, to).as_bytes())
                .expect("ok");
            let error = read(disk, "shop").expect_err("refused").to_string();
            assert!(error.starts_with("catalogue-shop.json: "), "{error}");
            assert!(error.contains(said) && error.contains("version 1"), "{error}");
        }
    }
}
