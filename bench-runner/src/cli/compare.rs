//! `compare`: two files side by side.

use bench_verdict::exit::ExitCode;
use bench_verdict::gate::GateOptions;
use bench_verdict::markdown;
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _};
use crate::compare;
use crate::output::Style;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is compared with: a report, Go benchmark text or a baseline file, as FILE or NAME=FILE
    old: String,
    /// What is judged, as FILE or NAME=FILE
    new: String,
    /// How to say it; csv has benchstat's own columns
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For the terminal.
    Table,
    /// For a pull request's comment.
    Markdown,
    /// Everything, for programs.
    Json,
    /// The columns and the layout of `benchstat -format csv`.
    Csv,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let options = GateOptions::default();
    let old = compare::load(&args.old, now).or_usage()?;
    let new = compare::load(&args.new, now).or_usage()?;
    let pair = compare::compare(old, new, &options).or_usage()?;
    let judged = pair.judged(&options);
    match args.format {
        Format::Table => {
            let style = Style::of(&std::io::stdout());
            print!("{}", compare::to_table(&pair, &judged, style));
        }
        Format::Markdown => print!("{}", markdown::comparison(&judged)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&judged).or_usage()?),
        Format::Csv => {
            let csv = compare::to_csv(&pair);
            eprint!("{}", csv.warnings);
            print!("{}", csv.text);
        }
    }
    Ok(judged.exit_code)
}
