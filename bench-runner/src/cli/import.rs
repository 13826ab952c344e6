//! `import`: other tools' results into reports.

use std::path::PathBuf;

use anyhow::Context as _;
use bench_report::read::{Format, Origin, read_path};
use bench_report::report::RunKind;
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _};
use crate::collect::file::write_whole;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a commit the reports can be read offline, and upload refuses them.
A file that holds several runs gives several reports: REPORT, REPORT with -2 before its ending, and so on.")]
pub(super) struct Args {
    /// Their format: go, criterion, bmf, bencher, gab or aibrix [default: the one that the file looks like]
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// What they wrote; for criterion also its folder
    file: PathBuf,
    /// Where the report goes to
    #[arg(long, value_name = "REPORT")]
    out: PathBuf,
    /// What the run is to be: import, or nightly where its results are to form baselines
    #[arg(long = "as", value_name = "KIND", value_parser = kind)]
    kind: Option<RunKind>,
    /// Commit that was measured
    #[arg(long, value_name = "HEX")]
    commit: Option<String>,
    /// Branch that was measured
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// When it was measured, RFC 3339
    #[arg(long)]
    time: Option<Timestamp>,
    /// A name for the machine
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

pub(super) fn format(text: &str) -> Result<Format, String> {
    Format::parse(text).ok_or_else(|| format!("the formats are {}", Format::LIST))
}

pub(super) fn kind(text: &str) -> Result<RunKind, String> {
    RunKind::parse(text).ok_or_else(|| {
        let kinds: Vec<&str> = RunKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("the kinds are {}", kinds.join(", "))
    })
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let origin = Origin {
        kind: args.kind,
        commit: args.commit.clone(),
        branch: args.branch.clone(),
        time: args.time,
        environment: args.environment.clone(),
        read_at: Timestamp::now(),
    };
    let named = || args.file.display().to_string();
    let reports = read_path(args.format, &args.file, &origin)
        .with_context(named)
        .or_usage()?;
    for (number, report) in reports.iter().enumerate() {
        let path = numbered(&args.out, number + 1);
        write_whole(&path, report.to_json_pretty().as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
            .or_usage()?;
        let samples: usize = report
            .benchmarks
            .iter()
            .flat_map(|benchmark| &benchmark.metrics)
            .map(|metric| metric.samples.len())
            .sum();
        println!(
            "{}: {} benchmarks, {samples} samples",
            path.display(),
            report.benchmarks.len()
        );
    }
    Ok(ExitCode::Fine)
}

/// The path of report `number`, counted from 1: `out.json`, `out-2.json`, …
fn numbered(out: &std::path::Path, number: usize) -> PathBuf {
    if number == 1 {
        return out.to_owned();
    }
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let name = match out.extension() {
        Some(ending) => format!("{stem}-{number}.{}", ending.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    out.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn several_reports_go_to_several_files() {
        assert_eq!(
            numbered(Path::new("a/out.json"), 1),
            Path::new("a/out.json")
        );
        assert_eq!(
            numbered(Path::new("a/out.json"), 2),
            Path::new("a/out-2.json")
        );
        assert_eq!(numbered(Path::new("out"), 3), Path::new("out-3"));
    }
}
