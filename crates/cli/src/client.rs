//! Talking to the server.

use std::io::{self, Read};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

use crate::context::{Server, Whose};
use crate::error::CliError;
use crate::patience::{Patience, Waiting};

mod answer;

pub(crate) use answer::Answer;

/// How long an answer may take, of what reads much or syncs.
const LONG_ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
/// The same of what is kept ready: a server that takes longer hangs.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Bytes of the largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// A server and how to reach it.
pub(crate) struct Client {
    agent: Agent,
    server: Server,
    time_max: Duration,
    /// Whether somebody who waits is told so.
    tells: bool,
}

/// Why there is no stream.
pub(crate) enum NoStream {
    /// The server said something else.
    Answered(Answer),
    /// It took the question and said nothing.
    Silent,
    Failed(CliError),
}

/// Whether a stream ended because nothing came for as long as it may be silent.
pub(crate) fn is_silence(error: io::Error) -> bool {
    matches!(ureq::Error::from(error), ureq::Error::Timeout(ureq::Timeout::PerRead))
}

impl Client {
    pub(crate) fn new(server: Server) -> Result<Client, CliError> {
        if !server.url.starts_with("http://") {
            return Err(CliError::usage(format!(
                "{}: only http:// addresses are understood; put TLS in front with a proxy on \
                 this machine",
                server.url
            )));
        }
        let time_max = LONG_ANSWER_TIME_MAX;
        Ok(Client { agent: agent(time_max), server, time_max, tells: true })
    }

    /// The same with so much time for an answer.
    pub(crate) fn within(self, time_max: Duration) -> Client {
        Client { agent: agent(time_max), time_max, ..self }
    }

    /// The same where a screen says itself that nothing comes.
    pub(crate) fn silent(self) -> Client {
        Client { tells: false, ..self }
    }

    fn waiting(&self) -> Option<Waiting> {
        self.tells.then(|| Waiting::of(&self.server.url))
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url.trim_end_matches('/'))
    }

    fn bearer(&self) -> Option<String> {
        self.server.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    /// Fetches a path, whatever the status.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, CliError> {
        self.ask(|| {
            let mut request = self.agent.get(self.url(path));
            if let Some(bearer) = self.bearer() {
                request = request.header("authorization", bearer);
            }
            request.call()
        })
    }

    /// Opens a stream that has no end of its own, and reads none that says nothing for so long.
    pub(crate) fn stream(
        &self,
        path: &str,
        last_id: Option<&str>,
        silence_max: Duration,
    ) -> Result<impl Read + use<>, NoStream> {
        let mut request = self.agent.get(self.url(path));
        if let Some(bearer) = self.bearer() {
            request = request.header("authorization", bearer);
        }
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let waiting = self.waiting();
        // The time of a whole body would end every stream; that of one read begins anew with each.
        let config = request.config().timeout_global(None).timeout_per_read(Some(silence_max));
        let response = config.build().call();
        drop(waiting);
        match response {
            Ok(response) if response.status().is_success() => {
                Ok(response.into_body().into_reader())
            }
            Err(ureq::Error::Timeout(ureq::Timeout::PerRead)) => Err(NoStream::Silent),
            response => Err(match self.answer(response) {
                Ok(answer) => NoStream::Answered(answer),
                Err(error) => NoStream::Failed(error),
            }),
        }
    }

    /// Sends a body.
    pub(crate) fn post(
        &self,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> Result<Answer, CliError> {
        self.ask(|| {
            let mut request = self.agent.post(self.url(path)).header("content-type", media_type);
            if let Some(bearer) = self.bearer() {
                request = request.header("authorization", bearer);
            }
            request.send(body)
        })
    }

    /// Puts JSON in a path's place.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Answer, CliError> {
        let body = body.to_string();
        self.ask(|| {
            let request = self.agent.put(self.url(path));
            let mut request = request.header("content-type", "application/json");
            if let Some(bearer) = self.bearer() {
                request = request.header("authorization", bearer);
            }
            request.send(body.as_bytes())
        })
    }

    /// Deletes a path.
    pub(crate) fn delete(&self, path: &str) -> Result<Answer, CliError> {
        self.ask(|| {
            let mut request = self.agent.delete(self.url(path));
            if let Some(bearer) = self.bearer() {
                request = request.header("authorization", bearer);
            }
            request.call()
        })
    }

    /// Asks, and again while the server says that it will answer later.
    fn ask(
        &self,
        call: impl Fn() -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, CliError> {
        let mut patience = Patience::default();
        loop {
            let answer = {
                let _waiting = self.waiting();
                self.answer(call())?
            };
            match answer.retry_after.filter(|_| [429, 503].contains(&answer.status)) {
                Some(pause) => patience.wait(&answer, pause)?,
                None => return Ok(answer),
            }
        }
    }

    fn answer(
        &self,
        result: Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, CliError> {
        let url = &self.server.url;
        let mut response = result.map_err(|error| {
            if matches!(error, ureq::Error::Timeout(ureq::Timeout::Global)) {
                let seconds = self.time_max.as_secs_f64();
                return CliError::Server(format!(
                    "{url} took the question and gave no answer in {seconds} s: does it hang?"
                ));
            }
            let cause = plain(&error);
            let what = format!("cannot reach {url}{}", by_whom(&self.server.whose, &cause));
            if is_unreached(&error) { CliError::Unreached(what) } else { CliError::Server(what) }
        })?;
        let header = response.headers().get("retry-after").and_then(|v| v.to_str().ok());
        let retry_after = header.and_then(|v| v.parse().ok()).map(Duration::from_secs);
        let mut body = Vec::new();
        response
            .body_mut()
            .as_reader()
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut body)
            .map_err(|error| CliError::Server(format!("the answer of {url} broke off: {error}")))?;
        Ok(Answer { url: url.clone(), status: response.status().as_u16(), body, retry_after })
    }

    /// Fetches JSON; an error status is an error.
    pub(crate) fn get_json(&self, path: &str) -> Result<Value, CliError> {
        self.get(path)?.json()
    }
}

/// Why nobody was reached, in plain words.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "nothing listens there".into()
        }
        ureq::Error::HostNotFound => "no machine has that name".into(),
        ureq::Error::Timeout(ureq::Timeout::Connect) => {
            format!("nobody answered within {} s", CONNECT_TIME_MAX.as_secs())
        }
        error => error.to_string(),
    }
}

/// What stands behind an address that was not reached: who chose it, why, and which others there
/// are.
fn by_whom(whose: &Whose, cause: &str) -> String {
    match whose {
        Whose::Given => {
            format!(": {cause}; is it running? another server: --url, or --context NAME")
        }
        Whose::Context(name, others) => {
            let others = match others.is_empty() {
                true => "no other context is saved".to_owned(),
                false => format!("other contexts: {}", others.join(", ")),
            };
            format!(
                ", the address of context {name:?}: {cause}; is it running? another server: --url, \
                 or counterfoil context use NAME ({others})"
            )
        }
    }
}

/// Whether no connection came about, so that nothing was asked.
fn is_unreached(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        ureq::Error::HostNotFound | ureq::Error::Timeout(ureq::Timeout::Connect) => true,
        _ => false,
    }
}

fn agent(time_max: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIME_MAX))
        .timeout_global(Some(time_max))
        .build();
    config.into()
}

/// A text as one segment of a path or value of a query (RFC 3986).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_that_takes_a_question_and_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let client = Client::new(Server { url: url.clone(), ..Server::default() });
        let client = client.expect("a client").within(Duration::from_millis(20));
        let error = client.get("/v1/status").err().expect("no answer").to_string();
        assert!(error.starts_with(&url) && error.contains("gave no answer in 0.02 s"), "{error}");
    }
}
