//! Reading what the logs hold.

use std::ffi::OsStr;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Args as ClapArgs, Command, value_parser};

use super::Global;

/// A line of the search language. A clause may begin with `-`; what begins with `--` is an option
/// that there is not, and as a search it would find something else in silence.
#[derive(Clone)]
struct Query;

impl TypedValueParser for Query {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let query = StringValueParser::new().parse_ref(command, arg, value)?;
        if !query.starts_with("--") {
            return Ok(query);
        }
        let shown: String = query.chars().take(64).flat_map(char::escape_debug).collect();
        let what = format!(
            "no option {shown}; --help lists them. A clause is name:value, -name:value its opposite"
        );
        Err(command.clone().error(ErrorKind::UnknownArgument, what))
    }
}

impl Global {
    /// What to repeat in a command so that it asks the same server. A token is not shown.
    pub(crate) fn server_words(&self) -> Vec<String> {
        let given = [("--context", &self.context), ("--url", &self.url)];
        let words = given.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        words.flat_map(|(name, value)| [name.to_owned(), value.clone()]).collect()
    }
}

#[derive(ClapArgs)]
#[command(after_help = "The search language: counterfoil explain search\n\
                        Exit code 3: the server ended the search before it was finished")]
pub(crate) struct Search {
    /// What to find: `outcome:failure service:payments since:5m "free text"`
    #[arg(default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    #[arg(value_parser = Query)]
    pub(crate) query: String,
    /// Events to show, at most 1000
    #[arg(short = 'n', long, default_value_t = Search::LIMIT, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Oldest first
    #[arg(long)]
    pub(crate) oldest: bool,
    /// Count all matches
    #[arg(long)]
    pub(crate) count: bool,
    /// Go on where an earlier page ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// Search one log alone, such as an access log
    #[arg(long, value_name = "NAME")]
    pub(crate) log: Option<String>,
}

impl Search {
    /// Events that are shown where nobody says how many.
    pub(crate) const LIMIT: u16 = 20;
}

#[derive(ClapArgs)]
#[command(after_help = "The search language: counterfoil explain search")]
pub(crate) struct Tail {
    /// What to show, as for `search`
    #[arg(default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    #[arg(value_parser = Query)]
    pub(crate) query: String,
    /// Begin with so many that are there already, at most 1000
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(0..=1000))]
    pub(crate) last: u16,
    /// Go on behind this cursor, an `id` that a tail gave
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Show {
    /// Id of the event, short or whole, or <log>/<seq>
    pub(crate) event: String,
    /// Every field
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Trace {
    /// Trace, correlation, session or operation id; of a trace id the first eight digits or more
    pub(crate) id: String,
}

#[derive(ClapArgs)]
pub(crate) struct Session {
    /// Session id, or its first eight characters or more
    pub(crate) id: String,
    /// Events to show, at most 1000
    #[arg(short = 'n', long, default_value_t = Session::LIMIT, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on where an earlier page ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

impl Session {
    /// Events that are shown where nobody says how many.
    pub(crate) const LIMIT: u16 = 500;
}

#[derive(ClapArgs)]
pub(crate) struct Top {
    /// Print one screen and end; so too where there is no terminal
    #[arg(long)]
    pub(crate) once: bool,
    /// As wide as this, with --once
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u16).range(40..=500))]
    pub(crate) columns: Option<u16>,
}

#[derive(ClapArgs)]
pub(crate) struct Services {
    /// One service, with all of its actions
    pub(crate) service: Option<String>,
    /// Those of one team
    #[arg(long, value_name = "TEAM")]
    pub(crate) owner: Option<String>,
    /// Those that were not heard for so long, or never: 30s, 15m, 24h, 7d
    #[arg(long, value_name = "AGE")]
    pub(crate) silent: Option<String>,
    /// Those that are in no catalogue
    #[arg(long, conflicts_with = "owner")]
    pub(crate) unowned: bool,
    /// Services to show, at most 10000
    #[arg(short = 'n', long, default_value_t = 1_000, value_name = "COUNT")]
    #[arg(value_parser = value_parser!(u16).range(1..=10_000))]
    pub(crate) limit: u16,
}

#[derive(ClapArgs)]
pub(crate) struct Explain {
    /// The code, as an error or a refusal names it, or `search` for the search language; without
    /// one, all codes
    pub(crate) code: Option<String>,
}
