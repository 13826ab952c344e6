//! `gate`: the server's verdict on a run, as an exit code.

use bench_verdict::exit::ExitCode;
use bench_verdict::gate::FailOn;
use bench_verdict::verdict::Verdict;

use super::failure::{Failure, OrExit as _};
use super::server_args::ServerArgs;
use super::word::word;
use crate::upload::server::Server;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's number, as `upload` prints it
    #[arg(long, value_name = "ID")]
    run: i64,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    gate: GateArgs,
}

/// How the gate judges, and how it answers.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct GateArgs {
    /// The least band that fails [default: the server's, warning]
    #[arg(long, value_name = "BAND", value_parser = fail_on)]
    fail_on: Option<FailOn>,
    /// A change must exceed this to fail, as a fraction [default: the server's, 0.1]
    #[arg(long, value_parser = threshold)]
    threshold: Option<f64>,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn fail_on(text: &str) -> Result<FailOn, String> {
    serde_json::from_value(serde_json::Value::from(text))
        .map_err(|_| "give info, warning or critical".to_owned())
}

pub(super) fn threshold(text: &str) -> Result<f64, String> {
    let fraction: Option<f64> = text.parse().ok();
    fraction
        .filter(|fraction| (0.0..=10.0).contains(fraction))
        .ok_or_else(|| "give a fraction from 0 to 10: 0.1 is 10%".to_owned())
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    ask(&args.server.server()?, args.run, &args.gate)
}

/// Asks for the verdict on a run and prints it; its exit code is ours.
pub(super) fn ask(server: &Server, run: i64, args: &GateArgs) -> Result<ExitCode, Failure> {
    let verdict = server.verdict(run, &query(args)).or_server()?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&verdict).or_usage()?);
    } else {
        print!("{}", text(run, &verdict));
    }
    Ok(verdict.exit_code)
}

fn query(args: &GateArgs) -> String {
    let threshold = args
        .threshold
        .map(|threshold| format!("threshold={threshold}"));
    let fail_on = args.fail_on.map(|band| format!("fail_on={}", word(band)));
    let parts: Vec<String> = threshold.into_iter().chain(fail_on).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("?{}", parts.join("&"))
    }
}

fn text(run: i64, verdict: &Verdict) -> String {
    let coverage = &verdict.coverage;
    let counts = &verdict.counts;
    let mut text = format!(
        "run {run}: {} (exit {}); {} of {} series measured; {} critical, {} warning, {} info, {} improved\n",
        word(verdict.status),
        verdict.exit_code.code(),
        coverage.measured,
        coverage.expected,
        counts.critical,
        counts.warning,
        counts.info,
        counts.improved,
    );
    for reason in verdict.reasons.iter().chain(&verdict.red_flags) {
        text.push_str(&format!("  {reason}\n"));
    }
    text.push_str(&crate::check::changed(verdict));
    text
}
