//! `image BINARY FOLDER CREATED [REVISION]`: writes the image of a static binary to a new folder.
//! `cargo xtask image` gives it what it needs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use image::{About, image};

const USAGE: &str = "usage: image BINARY FOLDER CREATED [REVISION]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [binary, folder, created] => write(binary, folder, created, None),
        [binary, folder, created, revision] => write(binary, folder, created, Some(*revision)),
        _ => Err(USAGE.to_owned()),
    };
    let Err(what) = outcome else { return ExitCode::SUCCESS };
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "image: {what}");
    ExitCode::FAILURE
}

fn write(binary: &str, folder: &str, created: &str, revision: Option<&str>) -> Result<(), String> {
    let failed = |name: &str, error: std::io::Error| format!("{name}: {error}");
    let about = About {
        version: env!("CARGO_PKG_VERSION").into(),
        revision: revision.map(str::to_owned),
        created: created.to_owned(),
    };
    let bytes = std::fs::read(binary).map_err(|error| failed(binary, error))?;
    let files = image(&bytes, &about).map_err(|error| format!("{binary}: {error}"))?;
    // A new one, so that nothing of another image is left in it.
    std::fs::create_dir(folder).map_err(|error| failed(folder, error))?;
    for (name, bytes) in files {
        let path = Path::new(folder).join(&name);
        let parent = path.parent().unwrap_or(Path::new(folder));
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes));
        written.map_err(|error| failed(&name, error))?;
    }
    Ok(())
}
