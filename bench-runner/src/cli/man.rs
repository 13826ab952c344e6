//! `man`: the manual's pages, one a command.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use bench_verdict::exit::ExitCode;
use clap_mangen::Man;

use super::failure::{Failure, OrExit as _, usage};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The command whose page is printed [default: the program's own]
    #[arg(value_name = "COMMAND")]
    about: Option<String>,
    /// Write every page into this folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "about")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut command = super::command();
    // Names of commands below the program's, as in `bench-runner-run`.
    command.build();
    if let Some(folder) = &args.out {
        let cannot = || format!("cannot write to {}", folder.display());
        std::fs::create_dir_all(folder)
            .with_context(cannot)
            .or_usage()?;
        clap_mangen::generate_to(command, folder)
            .with_context(cannot)
            .or_usage()?;
        return Ok(ExitCode::Fine);
    }
    let command = match &args.about {
        None => command,
        Some(name) => command.find_subcommand(name).cloned().ok_or_else(|| {
            usage(format!(
                "{name:?} is no command: bench-runner help lists them"
            ))
        })?,
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page).or_usage()?;
    match std::io::stdout().lock().write_all(&page) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).or_usage(),
        _ => Ok(ExitCode::Fine),
    }
}
