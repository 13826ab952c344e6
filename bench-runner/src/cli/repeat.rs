//! `repeat`: one operation of the index so many times, and nothing else: what a counter outside the
//! program counts (`run --instructions`).

use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _, usage};
use crate::suite::Workloads;
use crate::suite::plant::Operation;
use crate::suite::repeated::{prepare, repeat_counted};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*repeat_counted*' bench-runner repeat apply")]
pub(super) struct Args {
    /// apply or lookup
    operation: String,
    /// How many times
    #[arg(long, default_value_t = 4_096)]
    times: u64,
    /// Seed of the workload
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let operation = Operation::parse(&args.operation).ok_or_else(|| {
        usage(format!(
            "{:?} is no operation: give apply or lookup",
            args.operation
        ))
    })?;
    let workloads = Workloads::new(args.seed);
    let mut repeated = prepare(operation, &workloads).or_usage()?;
    repeat_counted(args.times, &mut *repeated);
    Ok(ExitCode::Fine)
}
