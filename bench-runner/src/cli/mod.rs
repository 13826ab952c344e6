//! The command line: one file a command.
//!
//! A new command is a file with an `Args` struct and a `run` function, a variant of [`Command`] and
//! an arm of [`Command::run`].

mod aa;
mod ab;
mod accept;
mod analyze;
mod baseline;
mod bisect;
mod bridge;
mod build_args;
mod check;
mod compare;
mod completions;
mod doctor;
mod examples;
mod exec;
mod explain;
mod failure;
mod feed;
mod gate;
mod import;
mod list;
mod man;
mod measure;
mod nightly;
mod pairs;
mod profile_args;
mod repeat;
mod report_file;
mod run;
mod server_args;
mod soak;
mod upload;
mod word;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use failure::Failure;

/// How commands end, for `--help`.
const EXIT_CODES: &str = "\
Exit codes, the first that applies in the order 2, 6, 1, 4, 5, 3, 0:
  0  fine
  1  regression
  2  wrong usage, or input that cannot be read
  3  inconclusive: too few samples or nights, unconfirmed, or the canary missed
  4  coverage incomplete: something expected is missing or failed, or nothing could be compared
  5  two named sides were measured in different environments
  6  server or upload failure; the report is safe in the spool

Environment: KVMARK_SERVER, KVMARK_TOKEN, KVMARK_SPOOL.";

const EXAMPLES: &str = "\
Examples:
  bench-runner run --quick                      everything in a minute, a table at the end
  bench-runner run --out report.json --text -   the whole suite; benchstat reads the text
  bench-runner run --bench 'Concurrency.*cpu=2' --benchtime 10s --count 10
  bench-runner run --kind nightly --upload --server https://bench.example.org
  bench-runner help run                         all options of a command, with examples
";

/// Measures a KV-cache event indexer, honestly, and reports what it measured.
#[derive(Debug, Parser)]
#[command(name = "bench-runner", version, about, propagate_version = true)]
#[command(max_term_width = crate::output::WIDTH)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The benchmarks, their params and metrics, and what each measures.
    List(list::Args),
    /// Run the suite.
    Run(Box<run::Args>),
    /// Send reports; they wait in the spool while the server is away.
    Upload(upload::Args),
    /// Read other tools' results into reports.
    Import(import::Args),
    /// Establish a baseline file: from reports, or by running the whole suite.
    Baseline(Box<baseline::Args>),
    /// Ask the server for the verdict on a run: what CI calls.
    Gate(gate::Args),
    /// Check a file against a baseline, offline: what CI calls without a server.
    Check(check::Args),
    /// Two files side by side, as benchstat, and what the difference can decide.
    Compare(compare::Args),
    /// Change points, alarms, creep and bands of any history, offline.
    Analyze(analyze::Args),
    /// Accept the present level as the new one, by series or by release.
    Accept(accept::Args),
    /// Every number behind a verdict, recomputed by the server.
    Explain(explain::Args),
    /// Run, upload, confirm, and ask for the verdict: one call for a timer or a workflow.
    Nightly(Box<nightly::Args>),
    /// Measure two revisions, or two commands, in turn, and say whether they differ.
    Ab(Box<ab::Args>),
    /// Find the first bad commit between two revisions, by running the one benchmark.
    Bisect(Box<bisect::Args>),
    /// Measure the last revision of another machine or suite version here, to join both histories.
    Bridge(Box<bridge::Args>),
    /// Measure this program against itself: what noise looks like here.
    Aa(aa::Args),
    /// Events of engines over ZeroMQ: publish, subscribe, replay a recording.
    Feed(feed::Args),
    /// Is this machine fit to measure?
    Doctor(doctor::Args),
    /// One operation of the index so many times, for counters outside the program.
    #[command(hide = true)]
    Repeat(repeat::Args),
    /// The manual's pages.
    Man(man::Args),
    /// What a shell needs to complete commands and options.
    Completions(completions::Args),
}

impl Command {
    fn run(self) -> Result<bench_verdict::exit::ExitCode, Failure> {
        match self {
            Command::List(args) => list::run(&args),
            Command::Run(args) => run::run(&args),
            Command::Upload(args) => upload::run(&args),
            Command::Import(args) => import::run(&args),
            Command::Baseline(args) => baseline::run(&args),
            Command::Gate(args) => gate::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Compare(args) => compare::run(&args),
            Command::Analyze(args) => analyze::run(&args),
            Command::Accept(args) => accept::run(&args),
            Command::Explain(args) => explain::run(&args),
            Command::Nightly(args) => nightly::run(&args),
            Command::Ab(args) => ab::run(&args),
            Command::Bisect(args) => bisect::run(&args),
            Command::Bridge(args) => bridge::run(&args),
            Command::Aa(args) => aa::run(&args),
            Command::Feed(args) => feed::run(&args),
            Command::Doctor(args) => doctor::run(&args),
            Command::Repeat(args) => repeat::run(&args),
            Command::Man(args) => man::run(&args),
            Command::Completions(args) => completions::run(&args),
        }
    }
}

/// The whole command line, with examples.
fn command() -> clap::Command {
    examples::add(Cli::command())
}

/// Runs the program with these arguments, the first of which is its name. Everything that it has to
/// say goes to standard output and standard error.
pub fn main_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = command().try_get_matches_from(arguments);
    let command = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli.command,
        Err(error) => {
            // Help and version go to standard output and are fine; the rest is wrong usage, 2.
            let code = if error.use_stderr() { 2 } else { 0 };
            // A closed pipe is nobody to tell about it.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let exit = command.run().unwrap_or_else(|failure| {
        eprintln!("bench-runner: {}", failure::chain(&failure.error));
        failure.exit
    });
    ExitCode::from(exit.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_cli() {
        command().debug_assert();
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        let help = Cli::command().render_help().to_string();
        for exit in bench_verdict::exit::ExitCode::ORDER {
            assert!(
                help.contains(&format!("\n  {}  ", exit.code())),
                "{exit:?}\n{help}"
            );
        }
    }
}
