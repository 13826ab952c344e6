//! This program as the runner.

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};
use bench_runner::measure::alloc::CountingAllocator;
use sha2::{Digest, Sha256};
use tokio::process::{Child, Command};

/// The runner counts its allocations; elsewhere this costs one look at a thread-local flag for
/// each.
#[global_allocator]
static GLOBAL: CountingAllocator = CountingAllocator;

/// The first argument that makes this program the runner.
const RUNNER: &str = "__runner";

/// The branch of a run that is on none: the server takes no report without one.
const NO_BRANCH: &str = "detached";

/// Runs the runner, if this process was started as one.
pub fn as_runner() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != RUNNER {
        return None;
    }
    let arguments = std::iter::once(OsString::from("bench-runner")).chain(arguments);
    Some(bench_runner::main_with(arguments))
}

/// Starts the quick suite in a process of its own; its progress appears as it comes.
pub(super) fn start(server: &str, spool: &Path, tiny: bool) -> Result<Child> {
    let program = std::env::current_exe().context("this program cannot find itself")?;
    let mut runner = Command::new(&program);
    runner.args([RUNNER, "run", "--quick", "--upload", "--kind", "manual"]);
    if tiny {
        let least = "--benchtime 1ms --warmup 1ms --count 1 --cpu 1";
        runner.args(least.split(' '));
    }
    let overrides = bench_runner::environment::RevisionOverrides::default();
    let revision = bench_runner::environment::revision(Path::new("."), &overrides)?;
    if revision.commit.is_none() {
        let stand_in = checksum(&program)?;
        super::account::no_repository(&stand_in);
        runner.args(["--commit", &stand_in, "--branch", NO_BRANCH]);
    } else if revision.branch.is_none() {
        // A detached head, as CI checks out.
        runner.args(["--branch", NO_BRANCH]);
    }
    runner
        .env("KVMARK_SERVER", server)
        // Whatever waits in the user's own spool is for another server.
        .env("KVMARK_SPOOL", spool)
        .env_remove("KVMARK_TOKEN")
        .stdin(Stdio::null())
        // Its table of every figure: the run's page has it. Progress and errors are shown.
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {} as the runner", program.display()))
}

/// Stands for the commit where there is none: the first 40 letters of the program's SHA-256, which
/// names exactly what is measured.
fn checksum(program: &Path) -> Result<String> {
    let bytes =
        std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let hex: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(hex.chars().take(40).collect())
}
