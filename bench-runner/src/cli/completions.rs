//! `completions`: what a shell needs to complete commands, options and their values.

use bench_verdict::exit::ExitCode;
use clap_complete::Shell;

use super::failure::{Failure, OrExit as _};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::command(),
        "bench-runner",
        &mut script,
    );
    let mut out = std::io::stdout().lock();
    match std::io::Write::write_all(&mut out, &script) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).or_usage(),
        _ => Ok(ExitCode::Fine),
    }
}
