//! `nightly`: run, upload, and ask for the verdict: one call for a timer or a workflow.

use std::path::PathBuf;

use bench_report::report::RunKind;
use bench_verdict::exit::ExitCode;

use super::failure::{Failure, usage};
use super::measure::MeasureArgs;
use super::server_args::{ServerArgs, SpoolArgs};
use super::{gate, upload};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example, from a timer:
  KVMARK_SERVER=https://bench.example.org KVMARK_TOKEN=… bench-runner nightly --environment ci-a")]
pub(super) struct Args {
    #[command(flatten)]
    measure: MeasureArgs,
    /// Keep the report here, too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    #[command(flatten)]
    gate: gate::GateArgs,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let way = upload::Way::new(&args.server, &args.spool)?;
    let prepared = args.measure.prepare(RunKind::Nightly)?;
    if !prepared.has_commit() {
        return Err(usage(upload::NO_COMMIT));
    }
    let measured = prepared.measure(args.out.as_deref(), Some(way.server()))?;
    let outcome = measured.outcome();
    let (delivered, run) = way.send_and_name(&measured.report)?;
    let judged = match run {
        Some(run) => gate::ask(way.server(), run, &args.gate)?,
        None => ExitCode::Fine,
    };
    Ok(ExitCode::worst([outcome, delivered, judged]))
}
