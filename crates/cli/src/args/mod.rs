//! The command line: what there is to say, by what a command is for.

mod manage;
mod prove;
mod read;
mod serve;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::{Args as ClapArgs, Error, Parser, Subcommand};

pub(crate) use manage::{Context, Key, Log, Owners, Schema, Scope, Token};
pub(crate) use prove::{Evidence, Need, Receipt, Send, SendFormat, Verify};
pub(crate) use read::{Explain, Search, Services, Session, Show, Tail, Top, Trace};
pub(crate) use serve::{Config, Demo, Doctor, Serve};

/// Tamper-evident audit log: who did what, proved.
#[derive(Parser)]
#[command(name = "counterfoil", version, propagate_version = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(ClapArgs)]
#[command(next_help_heading = "With every command")]
pub(crate) struct Global {
    /// Which saved server to talk to (see `counterfoil context`)
    #[arg(long, global = true, env = "COUNTERFOIL_CONTEXT", hide_env_values = true)]
    pub(crate) context: Option<String>,
    /// Address of the server, instead of the context's
    #[arg(long, global = true, env = "COUNTERFOIL_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// Access token, instead of the context's
    #[arg(long, global = true, env = "COUNTERFOIL_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server
    ///
    /// Traces go to standard error, as RUST_LOG asks; without it, warnings. Without a terminal the
    /// first admin token goes to a file beside the keys.
    Serve(Serve),
    /// Run a shop of six services on a server of its own, to look around
    Demo(Demo),
    /// Send files of events
    Send(Send),
    /// Find events
    Search(Search),
    /// Show events as they are committed
    ///
    /// Goes on until Ctrl-C, over breaks and restarts of the server, and loses nothing over them.
    Tail(Tail),
    /// Show one event
    Show(Show),
    /// Follow a transaction across services
    Trace(Trace),
    /// Show what happens now, on one screen; q quits, s sorts
    Top(Top),
    /// Show what one session did across services
    Session(Session),
    /// Fetch the proof that an event is in the log
    Receipt(Receipt),
    /// Make a file that proves events offline
    Evidence(Evidence),
    /// Verify a receipt, evidence, a live log or a data folder
    Verify(Verify),
    /// Show what was refused
    Refusals,
    /// Is the record complete, unchanged, and the server healthy?
    ///
    /// Exit code 0 where all is well, also with remarks; 1 where something is not.
    Status,
    /// Look at machine, folders and server, and say how to mend what is wrong
    ///
    /// Works with the server up or down, and changes nothing. Exit code 1 where something is bad.
    Doctor(Doctor),
    /// What an error's code means, and what to do
    ///
    /// Needs no server: the pages of docs/errors/ are in the program.
    Explain(Explain),
    /// Who owns which service, when it was heard, and what it weighs
    Services(Services),
    /// The catalogue of owners (docs/owners.md)
    #[command(subcommand)]
    Owners(Owners),
    /// Schemas of actions: what your own events must look like (docs/schemas.md)
    #[command(subcommand)]
    Schema(Schema),
    /// Rules for what is kept, counted and left out (docs/scope.md)
    #[command(subcommand)]
    Scope(Scope),
    /// Make, list and revoke access tokens
    #[command(subcommand)]
    Token(Token),
    /// The keys that sign the logs: show, replace, take over (docs/operations/keys.md)
    #[command(subcommand)]
    Key(Key),
    /// Close a log and open the next one
    #[command(subcommand)]
    Log(Log),
    /// What a server is set up with
    #[command(subcommand)]
    Config(Config),
    /// Saved servers
    ///
    /// Address, token and keys of each stand in ~/.config/counterfoil/contexts.toml, for you alone;
    /// COUNTERFOIL_CONTEXTS names another file. A server's first start saves itself there.
    #[command(subcommand)]
    Context(Context),
}

impl Args {
    /// The arguments of this process; without them, what to do is said and the process ends.
    pub(crate) fn of_process() -> Args {
        Args::try_parse().unwrap_or_else(|error| with_tip(error).exit())
    }
}

/// Whoever leaves out the quotes of a query is told of them, not only of the word too many.
fn with_tip(mut error: Error) -> Error {
    let said = |kind| error.get(kind).map(ContextValue::to_string).unwrap_or_default();
    let takes_a_query = said(ContextKind::Usage).contains("[QUERY]");
    if takes_a_query && !said(ContextKind::InvalidArg).starts_with('-') {
        let tip = "a query of several words is one argument: put it between quotes, as \
                   'outcome:failure since:1h'";
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

#[cfg(test)]
mod tests;
