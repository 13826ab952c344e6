//! `run --exec`: any command that prints benchmark results, run here and reported as ours are.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, anyhow};
use bench_report::read::{Format, Origin, detect, read};
use bench_report::report::{Environment, Report, RunKind};
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _, usage};
use super::measure::{MeasureArgs, Measured};
use crate::environment::{self, clean_command};
use crate::measure::sampler::{Moment, Observation};

/// Runs a command by the shell, shows what it prints as it prints it, and reads its results. Its
/// environment holds no secrets.
pub(super) fn run(
    command: &str,
    format: Option<Format>,
    kind: RunKind,
    args: &MeasureArgs,
) -> Result<Measured, Failure> {
    let revision = environment::revision(Path::new("."), &args.overrides()).or_usage()?;
    let (started_at, from) = (Timestamp::now(), Moment::now());
    let (output, succeeded) = output(command).or_usage()?;
    let finished_at = Timestamp::now();
    let mut observation = Observation::default();
    observation.add(from, Moment::now());

    let format = format.or_else(|| detect(&output)).ok_or_else(|| {
        usage(format!("{command:?} printed nothing that looks like results; name their format with --exec-format ({})", Format::LIST))
    })?;
    let origin = Origin {
        kind: Some(kind),
        time: Some(started_at),
        ..Origin::unknown(finished_at)
    };
    let mut reports = read(format, &output, &origin)
        .with_context(|| command.to_owned())
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

/// Everything that the command prints, and whether it ended well.
fn output(command: &str) -> anyhow::Result<(Vec<u8>, bool)> {
    let mut child = clean_command("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run sh")?;
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
    if !status.success() {
        eprintln!("bench-runner: {command:?} ended with {status}");
    }
    Ok((output, status.success()))
}
