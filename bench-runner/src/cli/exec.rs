//! `run --exec`: any command that prints benchmark results, run here and reported as ours are.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::{Context as _, anyhow};
use bench_report::read::{Format, Origin, detect, read, read_path};
use bench_report::report::{Environment, Report, RunKind};
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _, usage};
use super::measure::{MeasureArgs, Measured};
use crate::environment::{self, clean_command};
use crate::interrupt;
use crate::measure::sampler::{Moment, Observation};

/// Somebody else's benchmarks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Foreign<'a> {
    /// Runs them; for the shell.
    pub(super) command: &'a str,
    /// What their results are in; what it looks like, where not given.
    pub(super) format: Option<Format>,
    /// The file or folder that the results are written to; what is printed, where not given.
    pub(super) results: Option<&'a Path>,
}

/// Runs a command by the shell, shows what it prints as it prints it, and reads its results. Its
/// environment holds no secrets.
pub(super) fn run(
    foreign: Foreign<'_>,
    kind: RunKind,
    args: &MeasureArgs,
) -> Result<Measured, Failure> {
    let command = foreign.command;
    let revision = environment::revision(Path::new("."), &args.overrides()).or_usage()?;
    let written_before = foreign.results.and_then(last_written);
    let (started_at, from) = (Timestamp::now(), Moment::now());
    let Printed { output, succeeded } = printed(command).or_usage()?;
    let finished_at = Timestamp::now();
    let mut observation = Observation::default();
    observation.add(from, Moment::now());

    let origin = Origin {
        kind: Some(kind),
        time: Some(started_at),
        ..Origin::unknown(finished_at)
    };
    let mut reports = match foreign.results {
        Some(path) if last_written(path) == written_before => {
            interrupt::check().or_usage()?;
            let path = path.display();
            return Err(usage(format!(
                "{command:?} wrote nothing to {path}: name what it writes with --exec-results"
            )));
        }
        Some(path) => {
            read_path(foreign.format, path, &origin).with_context(|| path.display().to_string())
        }
        None => {
            let Some(format) = foreign.format.or_else(|| detect(&output)) else {
                interrupt::check().or_usage()?;
                return Err(nothing_printed(command, &output));
            };
            read(format, &output, &origin).with_context(|| command.to_owned())
        }
    }
    .or_usage()?;
    if reports.len() != 1 {
        let count = reports.len();
        return Err(usage(format!(
            "{command:?} printed the results of {count} runs: one at a time"
        )));
    }
    let read = reports.pop().expect("there is exactly one");
    let mut conditions = environment::conditions();
    conditions.steal_percent = observation.steal_percent();
    let machine = environment::environment(args.environment.clone());
    let report = Report {
        run_key: uuid::Uuid::new_v4(),
        kind,
        revision,
        conditions,
        started_at,
        finished_at,
        // What our own program was built with says nothing about theirs.
        environment: Environment {
            compiler: read.environment.compiler.clone(),
            flags: read.environment.flags.clone(),
            allocator: read.environment.allocator.clone(),
            ..machine
        },
        ..read
    };
    Ok(Measured {
        report,
        whole: succeeded,
        told: Vec::new(),
    })
}

fn nothing_printed(command: &str, output: &[u8]) -> Failure {
    // Criterion's own text is for people; its figures are in files.
    let is_criterion = String::from_utf8_lossy(output)
        .lines()
        .any(|line| line.contains("time:   ["));
    usage(if is_criterion {
        format!(
            "{command:?} printed criterion's text, which has no samples: add --exec-results target/criterion"
        )
    } else {
        format!(
            "{command:?} printed nothing that looks like results: name their format with --exec-format ({}), or the file that it writes with --exec-results",
            Format::LIST
        )
    })
}

/// When a file, or anything in a folder, was written last; none where there is nothing.
fn last_written(path: &Path) -> Option<SystemTime> {
    let own = std::fs::metadata(path).and_then(|there| there.modified());
    let within = std::fs::read_dir(path).into_iter().flatten().flatten();
    let within = within.filter_map(|entry| last_written(&entry.path()));
    within.chain(own.ok()).max()
}

/// What a command printed, and how it ended.
struct Printed {
    output: Vec<u8>,
    succeeded: bool,
}

/// Runs a command to its end, and shows what it prints. Of one that is stopped, what it printed until
/// then is kept.
fn printed(command: &str) -> anyhow::Result<Printed> {
    let mut shell = clean_command("sh");
    shell
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let (mut child, _group) = interrupt::start(&mut shell).context("cannot run sh")?;
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| anyhow!("the command has no output"))?;
    let (mut lines, mut output) = (BufReader::new(stdout), Vec::new());
    loop {
        let before = output.len();
        if lines.read_until(b'\n', &mut output)? == 0 {
            break;
        }
        // Progress is for people: nobody there is no failure.
        let _ = std::io::stderr().write_all(&output[before..]);
    }
    let status = child.wait()?;
    if interrupt::check().is_err() {
        // A line that was cut off says something else than it would have said.
        output.truncate(
            output
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1),
        );
        return Ok(Printed {
            output,
            succeeded: false,
        });
    }
    if !status.success() {
        eprintln!("bench-runner: {command:?} ended with {status}");
    }
    Ok(Printed {
        output,
        succeeded: status.success(),
    })
}
