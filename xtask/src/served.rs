//! A server that a chore starts, on a port that the system chooses.
//!
//! Promises: a server that is dropped has ended; one that says nothing of its address is an error.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::dist::passed;

/// What a server prints at a start, at most.
const LINES_MAX: usize = 100;

/// A running server.
pub struct Served {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The first admin's token.
    pub token: String,
    /// The first log's public key.
    pub vkey: String,
}

impl Served {
    /// Starts `program` in `folder`, over the data in `data` there.
    pub fn start(program: &Path, folder: &Path, arguments: &[&str]) -> Result<Served, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let mut process = Command::new(program)
            .args(["serve", "--data", "data", "--listen", "127.0.0.1:0"])
            .args(arguments)
            // It saves address and token for the person who started it; here that is nobody.
            .env("COUNTERFOIL_CONTEXTS", folder.join("contexts.toml"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let out = process.stdout.take().ok_or("the server has no standard output")?;
        // From here on it ends with this value, whatever fails.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut served =
            Served { process, address: nowhere, token: String::new(), vkey: String::new() };
        let mut lines = BufReader::new(out).lines().take(LINES_MAX);
        for line in lines.by_ref() {
            if served.hear(&line.map_err(failed)?)? {
                break;
            }
        }
        if served.address == nowhere || served.vkey.is_empty() {
            return Err("the server ended before it said where it listens".into());
        }
        // The rest is read so that the server never stands at a full pipe.
        thread::spawn(move || lines.for_each(drop));
        let token = folder.join("data-keys/first-token-default");
        let token = fs::read_to_string(&token)
            .map_err(|error| format!("the first token, {}: {error}", token.display()))?;
        token.trim().clone_into(&mut served.token);
        Ok(served)
    }

    /// Takes what a line tells; true if that was all there is to hear.
    fn hear(&mut self, line: &str) -> Result<bool, String> {
        if let Some((_, address)) = line.split_once("serves http://") {
            self.address = address.parse().map_err(|_| format!("no address: {line}"))?;
        } else if let Some(key) = line.trim().strip_prefix("key ") {
            key.trim().clone_into(&mut self.vkey);
            return Ok(true);
        }
        Ok(false)
    }

    /// Asks it to stop; it must end well.
    pub fn stop(mut self) -> Result<(), String> {
        passed(Path::new("/"), &["kill", "-TERM", &self.process.id().to_string()])?;
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
