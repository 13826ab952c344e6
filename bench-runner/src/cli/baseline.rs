//! `baseline`: a baseline file, from reports or by running the comprehensive suite.

use std::path::PathBuf;

use anyhow::Context as _;
use bench_report::report::RunKind;
use bench_report::write::aibrix;
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _, usage};
use super::measure::MeasureArgs;
use super::report_file;
use crate::baseline::fold;
use crate::collect::file::write_whole;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Reports to fold; without any, the suite is run
    files: Vec<PathBuf>,
    /// Where the baseline goes to
    #[arg(long, value_name = "FILE", default_value = "baseline_metrics.json")]
    out: PathBuf,
    /// kvmark's own format, with samples; or aibrix, the original suite's, of the newest report
    #[arg(long, value_enum, default_value_t = Format::Kvmark)]
    format: Format,
    #[command(flatten)]
    measure: MeasureArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Kvmark,
    Aibrix,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (reports, outcome) = if args.files.is_empty() {
        let measured = args.measure.prepare(RunKind::Manual)?.measure(None, None)?;
        let outcome = measured.outcome();
        (vec![measured.report], outcome)
    } else {
        let read = args.files.iter().map(|path| report_file::read(path));
        (read.collect::<Result<Vec<_>, _>>()?, ExitCode::Fine)
    };
    let newest = reports.iter().max_by_key(|report| report.started_at);
    let (text, what) = match (args.format, newest) {
        (Format::Aibrix, Some(newest)) => (aibrix::to_json(newest), "the newest report".to_owned()),
        _ => {
            let baseline = fold(&reports, Timestamp::now());
            if baseline.series.is_empty() {
                return Err(usage("there is nothing measured to make a baseline of"));
            }
            let what = format!(
                "{} series of {} reports",
                baseline.series.len(),
                reports.len()
            );
            (baseline.to_json(), what)
        }
    };
    write_whole(&args.out, text.as_bytes())
        .with_context(|| format!("cannot write {}", args.out.display()))
        .or_usage()?;
    println!("{}: {what}", args.out.display());
    Ok(outcome)
}
