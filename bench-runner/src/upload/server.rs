//! The server's API, and every way in which it can fail.

use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use bench_verdict::confirmation::Answer;
use bench_verdict::explain::Explanation;
use bench_verdict::verdict::Verdict;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// How long one request may take in all.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long judging a whole history may take.
const JUDGING_PATIENCE: Duration = Duration::from_secs(600);
/// How long a message about a live run may take: it is of no use later.
const LIVE_PATIENCE: Duration = Duration::from_millis(500);
/// An answer longer than this is not one of ours.
const ANSWER_BYTES: u64 = 32 << 20;

/// A server and what it takes to be let in.
#[derive(Debug, Clone)]
pub struct Server {
    base: String,
    token: Option<Token>,
    agent: ureq::Agent,
}

/// A token, which no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token as it was given; empty is none.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is sent: reports are long, messages about live runs are not.
enum Body<'a> {
    Plain(&'a [u8]),
    Gzip(Vec<u8>),
}

/// When the server judges a run that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// As it stores it.
    Now,
    /// With one that is sent later: many nights are judged together at a small part of the cost.
    Later,
    /// With all that wait.
    All,
}

/// What the server says about a stored report.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stored {
    /// The run's number.
    pub run_id: i64,
    /// Its page.
    pub url: String,
    /// How it was judged, where it was judged already.
    #[serde(default)]
    pub verdict: Option<Verdict>,
}

/// Why a request gave no answer.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address is none.
    #[error(
        "{address:?} is no server's address: give one like https://bench.example.org or http://127.0.0.1:8080"
    )]
    Address {
        /// What was given.
        address: String,
    },
    /// Nobody answered.
    #[error("cannot reach {address}: {source}")]
    Unreachable {
        /// The server.
        address: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// It cannot do it now.
    #[error("{address} answers {status}{}", detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}")))]
    Busy {
        /// The server.
        address: String,
        /// The status of its answer.
        status: u16,
        /// What it says.
        detail: Option<String>,
        /// When it asks to be asked again.
        retry_after: Option<Duration>,
    },
    /// It will not do it, now or later.
    #[error("{address} refuses this with {status}: {detail}")]
    Refused {
        /// The server.
        address: String,
        /// The status of its answer.
        status: u16,
        /// What it says.
        detail: String,
    },
    /// Its answer makes no sense.
    #[error("{address} answers what kvmark would not: {detail}")]
    Unreadable {
        /// The server.
        address: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl ServerError {
    /// Whether it makes sense to ask again.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Busy { .. } | Self::Unreadable { .. }
        )
    }
}

impl Server {
    /// The server at an address, `http://` or `https://`.
    pub fn new(address: &str, token: Option<Token>) -> Result<Self, ServerError> {
        let base = address.trim().trim_end_matches('/');
        let host = base
            .strip_prefix("http://")
            .or_else(|| base.strip_prefix("https://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
            return Err(ServerError::Address {
                address: address.to_owned(),
            });
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("bench-runner/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self {
            base: base.to_owned(),
            token,
            agent,
        })
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.base
    }

    /// Sends a report.
    pub fn send_run(&self, json: &[u8], judge: Judge) -> Result<Stored, ServerError> {
        let (path, patience) = match judge {
            Judge::Now => ("/api/v1/runs", PATIENCE),
            Judge::Later => ("/api/v1/runs?judge=later", PATIENCE),
            Judge::All => ("/api/v1/runs?judge=all", JUDGING_PATIENCE),
        };
        self.post(path, Body::Gzip(gzip(json)), patience)
            .and_then(|answer| self.read(&answer))
    }

    /// Says how a live run stands.
    pub fn send_live(&self, run_key: &str, json: &[u8]) -> Result<(), ServerError> {
        self.post(
            &format!("/api/v1/live/{run_key}"),
            Body::Plain(json),
            LIVE_PATIENCE,
        )
        .map(drop)
    }

    /// Asks for the verdict on a run. `query` narrows it, as in `threshold=0.1`.
    pub fn verdict(&self, run_id: i64, query: &str) -> Result<Verdict, ServerError> {
        let path = format!("/api/v1/runs/{run_id}/verdict{query}");
        self.get(&path).and_then(|answer| self.read(&answer))
    }

    /// Sends pairs of a run's night, `{"base": report, "head": report}`.
    pub fn confirm(&self, run_id: i64, json: &str) -> Result<Answer, ServerError> {
        let path = format!("/api/v1/runs/{run_id}/confirmation");
        self.post(&path, Body::Gzip(gzip(json.as_bytes())), PATIENCE)
            .and_then(|answer| self.read(&answer))
    }

    /// Asks for every number behind the verdict on a series of a run.
    pub fn explain(&self, run_id: i64, series_id: i64) -> Result<Explanation, ServerError> {
        let path = format!("/api/v1/runs/{run_id}/series/{series_id}/explain");
        self.get(&path).and_then(|answer| self.read(&answer))
    }

    /// Accepts levels. Returns of how many series.
    pub fn accept_levels(&self, json: &[u8]) -> Result<u64, ServerError> {
        #[derive(Deserialize)]
        struct Accepted {
            accepted: u64,
        }
        let answer = self.post("/api/v1/levels", Body::Plain(json), PATIENCE)?;
        self.read(&answer).map(|answer: Accepted| answer.accepted)
    }

    /// Writes down on an alert which commits a bisect left, the newest first.
    pub fn tell_alert(&self, alert: i64, left: &[&String]) -> Result<(), ServerError> {
        let path = format!("/api/v1/alerts/{alert}");
        let json = serde_json::json!({ "bisected": left }).to_string();
        let mut request = self.agent.patch(format!("{}{path}", self.base));
        request = request.header("Content-Type", "application/json");
        if let Some(Token(token)) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.send(json)).map(drop)
    }

    /// The commit of the newest nightly run of a branch on a machine of this name, among the newest
    /// of all machines; none where the server has none.
    pub fn last_night(&self, branch: &str, machine: &str) -> Result<Option<String>, ServerError> {
        #[derive(Deserialize)]
        struct Runs {
            runs: Vec<Run>,
        }
        #[derive(Deserialize)]
        struct Run {
            environment: Named,
            revision: Revision,
        }
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        #[derive(Deserialize)]
        struct Revision {
            commit: String,
            branch: Option<String>,
        }
        let answer = self.get("/api/v1/runs?kind=nightly&limit=100")?;
        let answer: Runs = self.read(&answer)?;
        let is_it = |run: &Run| {
            run.environment.name == machine && run.revision.branch.as_deref() == Some(branch)
        };
        let night = answer.runs.into_iter().find(is_it);
        Ok(night.map(|run| run.revision.commit))
    }

    /// Gets a path.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, ServerError> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(Token(token)) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.call())
    }

    fn post(&self, path: &str, body: Body<'_>, patience: Duration) -> Result<Vec<u8>, ServerError> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Content-Type", "application/json");
        if let Some(Token(token)) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.config().timeout_global(Some(patience)).build();
        self.answer(match body {
            Body::Plain(json) => request.send(json),
            Body::Gzip(bytes) => request.header("Content-Encoding", "gzip").send(&bytes[..]),
        })
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Vec<u8>, ServerError> {
        let address = || self.base.clone();
        let unreachable = |source| ServerError::Unreachable {
            address: address(),
            source: Box::new(source),
        };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get("retry-after")
            .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_vec();
        let body = body.map_err(unreachable)?;
        match status {
            200..=299 => Ok(body),
            408 | 425 | 429 | 500..=599 => Err(ServerError::Busy {
                address: address(),
                status,
                detail: problem(&body),
                retry_after,
            }),
            _ => Err(ServerError::Refused {
                address: address(),
                status,
                detail: problem(&body).unwrap_or_else(|| "it does not say why".to_owned()),
            }),
        }
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, body: &[u8]) -> Result<T, ServerError> {
        serde_json::from_slice(body).map_err(|error| ServerError::Unreadable {
            address: self.base.clone(),
            detail: error.to_string(),
        })
    }
}

/// What a problem document (RFC 9457) says, with the place in the report where it names one.
fn problem(body: &[u8]) -> Option<String> {
    let problem: Value = serde_json::from_slice(body).ok()?;
    let text = |key: &str| {
        problem
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let said = text("detail").or_else(|| text("title"))?;
    let pointer = text("pointer")
        .map(|pointer| format!("{pointer}: "))
        .unwrap_or_default();
    Some(format!("{pointer}{said}").chars().take(2_000).collect())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("writing into memory cannot fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_or_https_with_a_host() {
        for good in [
            "http://127.0.0.1:8080",
            "https://bench.example.org/",
            "http://[::1]:1",
        ] {
            assert!(Server::new(good, None).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1:8080", "ftp://x", "http://", "http://a b"] {
            let error = Server::new(bad, None)
                .map(drop)
                .err()
                .map(|error| error.to_string());
            assert!(
                error.is_some_and(|error| error.contains("no server's address")),
                "{bad}"
            );
        }
    }

    #[test]
    fn no_log_shows_a_token() {
        let server = Server::new("http://127.0.0.1:1", Token::new(" secret ")).ok();
        assert!(!format!("{server:?}").contains("secret"));
        assert_eq!(Token::new("  "), None);
    }

    #[test]
    fn a_problem_is_told_with_its_place() {
        let body =
            br#"{"title": "Refused", "detail": "NaN is no sample", "pointer": "/benchmarks/0"}"#;
        assert_eq!(
            problem(body).as_deref(),
            Some("/benchmarks/0: NaN is no sample")
        );
        assert_eq!(problem(b"<html>"), None);
    }

    #[test]
    fn nobody_there_is_an_error_that_may_pass() {
        // Port 9 (discard) of this machine: nobody listens.
        let server = Server::new("http://127.0.0.1:9", None).ok();
        let error = server.and_then(|server| server.send_run(b"{}", Judge::Now).err());
        assert!(error.is_some_and(|error| error.may_pass()));
    }
}
