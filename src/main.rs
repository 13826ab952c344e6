//! kvmark: parse, log, dispatch.

use std::process::ExitCode;

use clap::Parser;
use kvmark::command;
use kvmark::config::{Cli, Command};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { command, config } = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let done = match command {
        None | Some(Command::Serve) => command::serve(config).await,
        Some(Command::Token(what)) => command::token(&config, what).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kvmark: {error:#}");
            ExitCode::FAILURE
        }
    }
}
