//! An error with the exit code that it ends the program with.

use bench_verdict::exit::ExitCode;

/// Why a command did not end as it should.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: ExitCode,
    pub(super) error: anyhow::Error,
}

/// Gives an error its exit code.
pub(super) trait OrExit<T> {
    /// Wrong usage or unreadable input.
    fn or_usage(self) -> Result<T, Failure>;
    /// The server, the network or the spool.
    fn or_server(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_usage(self) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            exit: ExitCode::Usage,
            error: error.into(),
        })
    }

    fn or_server(self) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            exit: ExitCode::Server,
            error: error.into(),
        })
    }
}

/// Wrong usage, in words.
pub(super) fn usage(message: impl std::fmt::Display) -> Failure {
    Failure {
        exit: ExitCode::Usage,
        error: anyhow::anyhow!("{message}"),
    }
}
