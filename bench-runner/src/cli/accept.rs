//! `accept`: the present level is the new one, for a series or since a release.

use bench_verdict::exit::ExitCode;
use serde::Serialize;

use super::failure::{Failure, OrExit as _, usage};
use super::server_args::ServerArgs;

#[derive(Debug, clap::Args)]
// Of its own making, for the one that is made names both ways in one line of 86 columns.
#[command(
    override_usage = "bench-runner accept --release TAG --reason TEXT [OPTIONS]\n       \
                      bench-runner accept --series GLOB --reason TEXT [OPTIONS]"
)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["release", "series"])))]
pub(super) struct Args {
    /// The levels of all series since the nights with this tag
    #[arg(long, value_name = "TAG")]
    release: Option<String>,
    /// The levels of series whose name matches, from now on ("KVEventConcurrency * cpu=?")
    #[arg(long, value_name = "GLOB")]
    series: Option<String>,
    /// Only of this machine, by its number on the server
    #[arg(long, value_name = "ID")]
    environment: Option<i64>,
    /// Why: kept with the levels
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// What `POST /levels` takes.
#[derive(Debug, Serialize)]
struct Accept<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<i64>,
    reason: &'a str,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.reason.trim().is_empty() {
        return Err(usage(
            "a level is accepted for a reason: give --reason TEXT",
        ));
    }
    let accept = Accept {
        series: args.series.as_deref(),
        release: args.release.as_deref(),
        environment: args.environment,
        reason: args.reason.trim(),
    };
    let body = serde_json::to_vec(&accept).or_usage()?;
    let accepted = args.server.server()?.accept_levels(&body).or_asked()?;
    println!(
        "{accepted} series accepted: slow change is measured against {} from now on, and alerts of them are over",
        if accepted == 1 {
            "its level"
        } else {
            "their levels"
        }
    );
    Ok(ExitCode::Fine)
}
