//! `run`: the suite on this machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bench_report::read::Format;
use bench_report::report::RunKind;
use bench_report::write::go;
use bench_verdict::exit::ExitCode;

use super::exec::{self, Foreign};
use super::failure::{Failure, OrExit as _, usage};
use super::measure::{MeasureArgs, Measured};
use super::profile_args::ProfileArgs;
use super::server_args::{ServerArgs, SpoolArgs};
use super::{import, soak, upload};
use crate::collect::file::write_whole;
use crate::collect::plan::{Benchtime, parse_benchtime};
use crate::output::{Style, table};
use crate::suite::plant::{self, Plant};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    measure: MeasureArgs,
    /// Write the report here, after each benchmark
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write Go benchmark text, which benchstat reads; - is standard output, instead of the table
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Print the report as JSON at the end instead of the table
    #[arg(long)]
    json: bool,
    /// Why it is run; decides what it may influence
    #[arg(long, default_value = "manual", value_parser = kind)]
    kind: RunKind,
    /// Send the report to the server, and say how the run stands meanwhile
    #[arg(long)]
    upload: bool,
    /// Run this command instead of the suite and read the results that it prints
    #[arg(long, value_name = "CMD", conflicts_with_all = ["bench", "benchtime", "count", "quick"])]
    exec: Option<String>,
    /// Format of what --exec prints: go, criterion, bmf, bencher, gab or aibrix [default: what it looks like]
    #[arg(long, value_name = "FORMAT", requires = "exec", value_parser = import::format)]
    exec_format: Option<Format>,
    /// Read the results from this file or folder, which --exec writes, instead of what it prints
    #[arg(long, value_name = "PATH", requires = "exec")]
    exec_results: Option<PathBuf>,
    /// Measure this recording, too, from 'feed subscribe --record': series of its own. Alone with
    /// --bench Recorded
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exec", "soak"])]
    recording: Option<PathBuf>,
    /// Plant a slowdown of one operation, to see that it is found: apply=15%, lookup=5%, apply=alloc
    #[arg(long, value_name = "WHAT", hide = true, conflicts_with = "exec", value_parser = plant::parse)]
    plant: Option<Plant>,
    /// Instead of the suite, a mixed load for so long (10m, or 1000000x events): does memory grow?
    #[arg(long, value_name = "TIME", value_parser = parse_benchtime, conflicts_with_all = ["bench", "benchtime", "count", "quick", "exec", "plant", "out", "text", "upload", "cpuprofile", "memprofile", "lockprofile", "trace", "instructions"])]
    soak: Option<Benchtime>,
    #[command(flatten)]
    profiles: ProfileArgs,
    #[command(flatten, next_help_heading = "Server, for --upload")]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
}

impl Args {
    /// Whether standard output is for programs.
    fn is_data(&self) -> bool {
        self.json || self.text.as_deref() == Some(Path::new("-"))
    }
}

/// Kinds that a run by itself may have: the others are made by other commands.
fn kind(text: &str) -> Result<RunKind, String> {
    match RunKind::parse(text) {
        Some(kind @ (RunKind::Nightly | RunKind::Pull | RunKind::Manual)) => Ok(kind),
        _ => Err("the kinds are nightly, pull and manual".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.json && args.text.as_deref() == Some(Path::new("-")) {
        return Err(usage(
            "--json and --text - both want standard output: give one of them a file",
        ));
    }
    if let Some(length) = &args.soak {
        return soak::run(length, args.measure.seed, args.json);
    }
    if args.plant.is_some() && args.kind != RunKind::Manual {
        return Err(usage(format!(
            "a planted slowdown is no {} run: only a run by hand may hold one",
            args.kind
        )));
    }
    let delivery = args
        .upload
        .then(|| upload::Way::new(&args.server, &args.spool))
        .transpose()?
        .map(|way| if args.is_data() { way.aside() } else { way });
    let measured = match &args.exec {
        Some(command) => {
            let foreign = Foreign {
                command,
                format: args.exec_format,
                results: args.exec_results.as_deref(),
            };
            let measured = exec::run(foreign, args.kind, &args.measure)?;
            if let Some(path) = &args.out {
                write(path, &measured.report.to_json_pretty())?;
            }
            measured
        }
        None => {
            let wanted = args.profiles.wanted();
            wanted.check().or_usage()?;
            let mut prepared =
                args.measure
                    .prepare_with(args.kind, args.plant, args.recording.as_deref())?;
            prepared.profiled(wanted, args.profiles.instructions);
            if delivery.is_some() && !prepared.has_commit() {
                return Err(usage(upload::NO_COMMIT));
            }
            prepared.measure(
                args.out.as_deref(),
                delivery.as_ref().map(upload::Way::server),
            )?
        }
    };
    print(args, &measured)?;
    if let Some(path) = &args.out {
        eprintln!("bench-runner: the report is in {}", path.display());
    }
    let outcome = measured.outcome();
    if delivery.is_some() && measured.report.revision.commit.is_none() {
        return Err(usage(upload::NO_COMMIT));
    }
    let delivered = delivery.map_or(Ok(ExitCode::Fine), |way| way.send(&measured.report))?;
    Ok(ExitCode::worst([outcome, delivered]))
}

fn print(args: &Args, measured: &Measured) -> Result<(), Failure> {
    let report = &measured.report;
    let mut out = std::io::stdout().lock();
    let text = match args.text.as_deref() {
        Some(path) if path == Path::new("-") => go::to_text(report),
        other => {
            if let Some(path) = other {
                write(path, &go::to_text(report))?;
            }
            if args.json {
                report.to_json_pretty()
            } else {
                table(report, Style::of(&out))
            }
        }
    };
    // Beside text for programs, what people are told goes to standard error.
    let mut text = text;
    for told in &measured.told {
        if !args.is_data() {
            text.push_str(&format!("\n{told}\n"));
        } else {
            eprintln!("{told}");
        }
    }
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).or_usage(),
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_whole(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
        .or_usage()
}
