//! The `counterfoil` command.
//!
//! Promises: every answer says what it rests on and what to do next; text that came in events is
//! escaped before it reaches a terminal; `--json` gives machines the same facts.
//!
//! Exit codes: 0 done or verified · 1 failed or tampered · 2 usage, or `verify` came to no verdict,
//! also where a server did not answer · 3 incomplete · 4 unverifiable · 130 a `send` that Ctrl-C
//! ended.

mod args;
mod client;
mod commands;
mod context;
mod demo;
mod error;
mod listen;
mod out;
mod patience;
mod supervisor;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::Args::of_process();
    let json = args.global.json;
    match commands::run(args).and_then(out::whole) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            out::error(&error, json);
            ExitCode::from(error.exit_code())
        }
    }
}
