//! One file for each command.

mod admin;
pub(crate) mod config;
mod contexts;
mod doctor;
mod evidence;
mod explain;
mod keys;
mod owners;
mod receipt;
mod schema;
mod scope;
mod search;
mod send;
pub(crate) mod serve;
mod services;
mod session;
mod show;
mod status;
mod tail;
mod top;
mod trace;
mod verify;

use crate::args::{self, Args, Command, Global};
use crate::client::{ANSWER_TIME_MAX, Client};
use crate::context;
use crate::demo;
use crate::error::CliError;
use crate::out;

/// Runs a command; the number is its exit code.
pub(crate) fn run(args: Args) -> Result<u8, CliError> {
    let global = &args.global;
    match args.command {
        Command::Serve(serve) => serve::run(&serve).map(|()| 0),
        Command::Demo(demo) => demo::run(&demo).map(|()| 0),
        Command::Send(send) => send::run(global, &send),
        Command::Search(search) => search::run(global, &search),
        Command::Tail(tail) => tail::run(global, &tail).map(|()| 0),
        Command::Show(show) => show::run(global, &show).map(|()| 0),
        Command::Session(session) => session::run(global, &session).map(|()| 0),
        Command::Top(top) => top::run(global, &top).map(|()| 0),
        Command::Trace(trace) => trace::run(global, &trace).map(|()| 0),
        Command::Receipt(receipt) => receipt::run(global, &receipt).map(|()| 0),
        Command::Evidence(evidence) => evidence::run(global, &evidence).map(|()| 0),
        Command::Verify(verify) => {
            let judged = verify::run(global, &verify).and_then(out::whole);
            judged.map_err(|error| CliError::Unjudged(Box::new(error)))
        }
        Command::Refusals => admin::refusals(global).map(|()| 0),
        Command::Doctor(doctor) => doctor::run(global, &doctor),
        Command::Status => status::run(global),
        Command::Explain(explain) => explain::run(global, &explain).map(|()| 0),
        Command::Services(services) => services::run(global, &services).map(|()| 0),
        Command::Owners(owners) => owners::run(global, &owners).map(|()| 0),
        Command::Schema(schema) => schema::run(global, &schema),
        Command::Scope(scope) => scope::run(global, &scope).map(|()| 0),
        Command::Token(token) => admin::token(global, &token).map(|()| 0),
        Command::Key(key) => keys::run(global, &key),
        Command::Log(args::Log::Rotate { log, why }) => {
            admin::rotate(global, &log, &why).map(|()| 0)
        }
        Command::Config(config) => config::run(global, &config),
        Command::Context(context) => contexts::run(global, &context).map(|()| 0),
    }
}

/// The server that the command line means.
pub(crate) fn client(global: &Global) -> Result<Client, CliError> {
    Client::new(context::choose(global)?)
}

/// The same for what a server has ready.
pub(crate) fn prompt_client(global: &Global) -> Result<Client, CliError> {
    Ok(client(global)?.within(ANSWER_TIME_MAX))
}
