//! kvmark: parse, log, dispatch.

use std::process::ExitCode;

use bench_report::eprintln;
use kvmark::command::{self, export_run, keep, memory, site, token};
use kvmark::config::{Cli, Command};
use kvmark::demo;
use kvmark::domain::RunId;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    memory::settle();
    demo::as_runner().unwrap_or_else(run)
}

#[tokio::main]
async fn run() -> ExitCode {
    let Cli { command, config } = Cli::read(std::env::args_os()).unwrap_or_else(|e| e.exit());
    // A server keeps a log; whoever types a command reads its own lines, and what went wrong.
    let usual = match command {
        None | Some(Command::Serve) => "info,tiny_skia=error",
        _ => "error,kvmark=warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let done = match command {
        None | Some(Command::Serve) => command::serve(config).await,
        Some(Command::Token(what)) => token::run(&config, what).await,
        Some(Command::Backup { file }) => keep::backup(&config, &file).await,
        Some(Command::Restore { file }) => keep::restore(&config, &file).await,
        Some(Command::Verify { file }) => keep::verify(&config, &file).await,
        Some(Command::Rebuild { check }) => keep::rebuild(&config, check).await,
        Some(Command::Prune { keep, dry_run }) => keep::prune(&config, &keep, dry_run).await,
        Some(Command::ExportRun { run, file, against }) => {
            export_run::run(&config, RunId(run), &file, against.as_deref()).await
        }
        Some(Command::Retire { series, reason }) => keep::retire(&config, &series, &reason).await,
        Some(Command::ExportSite { folder, runs }) => site::run(&config, &folder, runs).await,
        Some(Command::Demo(args)) => demo::run(&args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kvmark: {error:#}");
            ExitCode::FAILURE
        }
    }
}
