//! An error with the exit code that it ends the program with.

use bench_verdict::exit::ExitCode;

use crate::interrupt::Stopped;
use crate::upload::server::ServerError;

/// Why a command did not end as it should.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: ExitCode,
    pub(super) error: anyhow::Error,
}

/// Gives an error its exit code.
pub(super) trait OrExit<T> {
    /// Wrong usage or unreadable input; what somebody stopped is incomplete.
    fn or_usage(self) -> Result<T, Failure>;
    /// The server, the network or the spool.
    fn or_server(self) -> Result<T, Failure>;
    /// The same of a question: what the server does not know, or cannot make sense of, was asked
    /// wrongly.
    fn or_asked(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_usage(self) -> Result<T, Failure> {
        self.map_err(|error| {
            let error = error.into();
            // Whoever stops it knows why something is missing.
            let exit = match error.chain().any(<dyn std::error::Error>::is::<Stopped>) {
                true => ExitCode::Incomplete,
                false => ExitCode::Usage,
            };
            Failure { exit, error }
        })
    }

    fn or_server(self) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            exit: ExitCode::Server,
            error: error.into(),
        })
    }

    fn or_asked(self) -> Result<T, Failure> {
        self.map_err(|error| {
            let error = error.into();
            let is_wrong = |error: &ServerError| match error {
                ServerError::Refused { status, .. } => matches!(status, 400 | 404 | 409 | 422),
                _ => false,
            };
            let exit = match error.downcast_ref::<ServerError>().is_some_and(is_wrong) {
                true => ExitCode::Usage,
                false => ExitCode::Server,
            };
            Failure { exit, error }
        })
    }
}

/// An error with its causes on one line; a cause that the text before it ends with is not said
/// again.
pub(super) fn chain(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        if said.is_empty() {
            cause
        } else if said.ends_with(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

/// Wrong usage, in words.
pub(super) fn usage(message: impl std::fmt::Display) -> Failure {
    Failure {
        exit: ExitCode::Usage,
        error: anyhow::anyhow!("{message}"),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn a_cause_is_said_once_and_every_cause_is_said() {
        #[derive(Debug, thiserror::Error)]
        #[error("old.json: {source}")]
        struct Unreadable {
            source: std::io::Error,
        }
        let source = std::io::Error::other("no such file");
        let unreadable = anyhow::Error::from(Unreadable { source });
        assert_eq!(chain(&unreadable), "old.json: no such file");
        let deeper = unreadable.context("cannot compare");
        assert_eq!(chain(&deeper), "cannot compare: old.json: no such file");
        let plain = Err::<(), _>(anyhow!("no space left")).context("cannot write");
        assert_eq!(
            plain.map_err(|error| chain(&error)),
            Err("cannot write: no space left".to_owned())
        );
    }
}
