//! `feed`: a vLLM-compatible event source and sink over ZeroMQ.

mod counts;
mod publish;
mod replay;
mod source;
mod subscribe;

use bench_verdict::exit::ExitCode;
use clap::Subcommand;

use super::failure::{Failure, OrExit as _};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish events as an engine does: a PUB socket, and a ROUTER socket that replays
    Publish(publish::Args),
    /// Read engines into an index, heal what is lost, and say at the end what came
    Subscribe(subscribe::Args),
    /// Apply a recording to an index as fast as it goes, or publish it again
    Replay(replay::Args),
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .or_usage()?;
    let exit = runtime.block_on(async {
        match &args.command {
            Command::Publish(args) => publish::run(args).await,
            Command::Subscribe(args) => subscribe::run(args).await,
            Command::Replay(args) => replay::run(args).await,
        }
    });
    // Sockets that are still trying to connect are not waited for.
    runtime.shutdown_background();
    exit
}
