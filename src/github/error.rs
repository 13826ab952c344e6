//! Why GitHub did not do what it was asked to.

use std::time::Duration;

/// Why a request failed, by what it means for the next attempt.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// Nobody answered, or not to the end. It may pass.
    #[error("GitHub cannot be reached at {address}")]
    Unreachable {
        /// The API's address.
        address: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// GitHub itself is in trouble (5xx, 408, 425). It may pass.
    #[error("GitHub answers {status} to {request}: {message}")]
    Unavailable {
        /// Method and path.
        request: String,
        /// Of its answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// Too much was asked (403 or 429 with a limit): nothing may be asked before `wait` is over.
    #[error("GitHub asks to be left alone for {} s after {request}: {message}", wait.as_secs())]
    Limited {
        /// Method and path.
        request: String,
        /// For how long nothing may be asked.
        wait: Duration,
        /// What it says.
        message: String,
    },
    /// The token is wrong (401) or may not do this (403). It may pass: somebody gives it the right.
    #[error("GitHub does not let this token do {request} ({status}): {message}")]
    Forbidden {
        /// Method and path.
        request: String,
        /// Of its answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// It is not there, or not for this token (404, 410).
    #[error("GitHub knows nothing at {request} ({status}): {message}")]
    Missing {
        /// Method and path.
        request: String,
        /// Of its answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// Somebody changed it meanwhile (409): look again, then try again.
    #[error("GitHub found {request} in conflict with what is there: {message}")]
    Conflict {
        /// Method and path.
        request: String,
        /// What it says.
        message: String,
    },
    /// What was sent is not valid there (400, 413, 422 …): the same again is refused again.
    #[error("GitHub refuses {request} ({status}): {message}")]
    Refused {
        /// Method and path.
        request: String,
        /// Of its answer.
        status: u16,
        /// What it says, with the fields that it names.
        message: String,
    },
    /// The answer is not what GitHub's documentation says. It may pass: a proxy in between.
    #[error("the answer to {request} makes no sense: {message}")]
    Unreadable {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        message: String,
    },
}

impl GithubError {
    /// Whether the same intent will never be taken.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// For how long nothing at all may be asked.
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::Limited { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// The error with its cause, in one line, for people.
    pub fn line(&self) -> String {
        match self {
            Self::Unreachable { source, .. } => format!("{self}: {source}"),
            other => other.to_string(),
        }
    }
}
