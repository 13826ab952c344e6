//! `check`: the offline regression check.

use bench_verdict::exit::ExitCode;
use bench_verdict::gate::{FailOn, GateOptions};
use bench_verdict::markdown;
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _};
use super::gate::{fail_on, threshold};
use crate::output::Style;
use crate::{check, compare};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is compared with: a baseline file, a report, Go text or AIBrix JSON
    #[arg(long, value_name = "FILE")]
    baseline: String,
    /// What is judged: a report, Go text or AIBrix JSON
    #[arg(long, value_name = "FILE")]
    current: String,
    /// A change must exceed this to fail, as a fraction
    #[arg(long, default_value_t = bench_verdict::gate::DEFAULT_THRESHOLD, value_parser = threshold)]
    threshold: f64,
    /// The least band that fails: info (for thresholds below 10%), warning or critical
    #[arg(long, value_name = "BAND", default_value = "warning", value_parser = fail_on)]
    fail_on: FailOn,
    /// Let the band alone decide, whatever noise could do
    #[arg(long)]
    no_noise_guard: bool,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For the terminal.
    Table,
    /// The verdict, for programs.
    Json,
    /// For a comment or a job's summary.
    Markdown,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let options = GateOptions {
        threshold: args.threshold,
        fail_on: args.fail_on,
        noise_guard: !args.no_noise_guard,
    };
    let baseline = compare::load(&args.baseline, now).or_usage()?;
    let current = compare::load(&args.current, now).or_usage()?;
    let checked = check::check(baseline, current, &options).or_usage()?;
    match args.format {
        Format::Table => {
            let style = Style::of(&std::io::stdout());
            print!("{}", check::to_table(&checked, style));
        }
        Format::Markdown => print!("{}", markdown::verdict(&checked.verdict)),
        Format::Json => println!(
            "{}",
            serde_json::to_string_pretty(&checked.verdict).or_usage()?
        ),
    }
    if checked.one_value_each && !matches!(args.format, Format::Table) {
        eprintln!("one value a series: the band alone decides (--no-noise-guard)");
    }
    Ok(checked.verdict.exit_code)
}
