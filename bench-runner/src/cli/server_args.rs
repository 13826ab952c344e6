//! Where the server is, shared by every command that talks to it.

use std::path::PathBuf;

use super::failure::{Failure, OrExit as _, usage};
use crate::upload::server::{Server, Token};
use crate::upload::spool::Spool;

/// The server and the spool.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ServerArgs {
    /// The server's address, such as `https://bench.example.org`
    #[arg(long, env = "KVMARK_SERVER", value_name = "URL")]
    pub(super) server: Option<String>,
    /// The access token; better given by the environment, where no process list shows it.
    #[arg(
        long,
        env = "KVMARK_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub(super) token: Option<String>,
}

/// Where reports wait while the server is away.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SpoolArgs {
    /// Where reports wait while the server is away [default: kvmark/spool in the user's state folder]
    #[arg(long, env = "KVMARK_SPOOL", value_name = "DIR")]
    pub(super) spool: Option<PathBuf>,
}

impl ServerArgs {
    /// The server; an error that says how to name it when it is not named.
    pub(super) fn server(&self) -> Result<Server, Failure> {
        let address = self.server.as_deref().filter(|address| !address.is_empty());
        let address = address
            .ok_or_else(|| usage("no server is named: give --server or set KVMARK_SERVER"))?;
        Server::new(address, self.token.as_deref().and_then(Token::new)).or_usage()
    }
}

impl SpoolArgs {
    pub(super) fn spool(&self) -> Result<Spool, Failure> {
        Spool::new(self.spool.clone()).or_usage()
    }
}
