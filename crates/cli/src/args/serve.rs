//! Running a server, a demo, and looking at the machine under it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(ClapArgs)]
pub(crate) struct Serve {
    /// Data folder; made if it is not there
    #[arg(long, value_name = "DIR", env = "COUNTERFOIL_DATA", hide_env_values = true)]
    pub(crate) data: PathBuf,
    /// Folder of the signing keys [default: <data>-keys]
    #[arg(long, value_name = "DIR", env = "COUNTERFOIL_KEYS", hide_env_values = true)]
    pub(crate) keys: Option<PathBuf>,
    /// Configuration file; none is read that is not named
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Name that new logs are signed under, such as audit.example.com; fixed from then on
    #[arg(long, value_name = "HOST")]
    pub(crate) origin: Option<String>,
}

/// Reads an address to listen on.
fn address(text: &str) -> Result<SocketAddr, String> {
    let allowed = "allowed is an IP address with port, such as 127.0.0.1:8420 or [::1]:8420";
    text.parse().map_err(|_| allowed.to_owned())
}

#[derive(ClapArgs)]
pub(crate) struct Demo {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8420", value_name = "ADDRESS", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Stop after so many events, and say what to try; for tests
    #[arg(long, value_name = "COUNT")]
    pub(crate) events: Option<u64>,
    /// Keep the data in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(crate) struct Doctor {
    /// Data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder of the signing keys [default: <data>-keys]
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Print a file with every setting, its comment and its default
    Example,
    /// Say all that is wrong with a configuration
    ///
    /// Looks at the file and at the environment, as `counterfoil serve` would. Exit code 0 if it
    /// can be used, else 2.
    Check {
        /// Configuration file
        #[arg(env = "COUNTERFOIL_CONFIG", hide_env_values = true)]
        file: Option<PathBuf>,
    },
    /// Print each setting, its value and where that came from
    Show {
        /// Configuration file
        #[arg(env = "COUNTERFOIL_CONFIG", hide_env_values = true)]
        file: Option<PathBuf>,
        /// What is in force at the running server
        #[arg(long)]
        running: bool,
    },
    /// Have the running server read its configuration again
    ///
    /// All of it takes force, or none. SIGHUP asks for the same.
    Reload,
}
