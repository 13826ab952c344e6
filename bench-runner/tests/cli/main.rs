//! The program as it is used: arguments in, exit code, texts and files out.
#![expect(
    clippy::unwrap_used,
    reason = "a test may fail where its own files cannot be written"
)]

mod disturbed;
mod exec;
mod interrupt;
mod pairs;
mod profiles;
mod run;

use std::path::Path;
use std::process::{Command, Output};

use bench_report::report::Report;
use jiff::Timestamp;

/// The program in a folder that is no git work tree, without anybody's settings.
fn bench_runner(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench-runner"));
    command.current_dir(folder).args(arguments);
    for name in ["KVMARK_SERVER", "KVMARK_TOKEN", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    command.env("KVMARK_SPOOL", folder.join("spool"));
    command
}

fn ran(folder: &Path, arguments: &[&str]) -> Output {
    bench_runner(folder, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn report(path: &Path) -> Report {
    Report::parse(&std::fs::read(path).unwrap(), Timestamp::now()).unwrap()
}

/// The smallest run that measures something.
const TINY: [&str; 8] = [
    "run",
    "--bench",
    "MemoryUsage items=1000$",
    "--benchtime",
    "1x",
    "--count",
    "2",
    "--cpu=1",
];

fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    TINY.into_iter().chain(more.iter().copied()).collect()
}
