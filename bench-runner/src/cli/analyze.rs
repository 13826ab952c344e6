//! `analyze`: change points, alarms, creep and bands of any history, offline.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _};
use crate::analyze;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// CSV with the columns `series,time,value[,environment][,better]`, or the same rows as JSON;
    /// `-` is standard input
    #[arg(value_name = "HISTORY.csv")]
    history: PathBuf,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// A small chart of each series and what happened to it.
    Table,
    /// Everything, for programs.
    Json,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let named = || args.history.display().to_string();
    let mut text = Vec::new();
    if args.history.as_os_str() == "-" {
        std::io::stdin()
            .read_to_end(&mut text)
            .context("standard input")
            .or_usage()?;
    } else {
        text = std::fs::read(&args.history)
            .with_context(named)
            .or_usage()?;
    }
    let series = analyze::read(&text).with_context(named).or_usage()?;
    let answer = analyze::answer(&series);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match args.format {
        Format::Table => analyze::write(&mut out, &series, &answer),
        Format::Json => serde_json::to_writer(&mut out, &answer)
            .map_err(Into::into)
            .and_then(|()| std::io::Write::write_all(&mut out, b"\n")),
    };
    // A reader that has seen enough, such as `head`, is no failure.
    match written.and_then(|()| std::io::Write::flush(&mut out)) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output").or_usage()
        }
        _ => Ok(ExitCode::Fine),
    }
}
