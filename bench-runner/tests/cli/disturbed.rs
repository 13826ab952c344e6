//! A machine that does something else meanwhile.

use std::process::{Child, Command};

use crate::{ran, report, stderr, stdout};

/// Processes that do nothing, as fast as they can, until they are dropped.
struct Load(Vec<Child>);

impl Load {
    fn on_every_processor() -> Self {
        let count = std::thread::available_parallelism().unwrap().get();
        let spin = |_| {
            Command::new("sh")
                .args(["-c", "while :; do :; done"])
                .spawn()
                .unwrap()
        };
        Self((0..count).map(spin).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_benchmark_beside_other_processes_is_marked_in_the_report_and_in_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let load = Load::on_every_processor();
    // Long enough for the system's clock ticks.
    let arguments = [
        "run",
        "--bench=MemoryUsage items=1000$",
        "--benchtime=1x",
        "--count=100",
        "--cpu=1",
        "--out=report.json",
    ];
    let output = ran(folder.path(), &arguments);
    drop(load);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let benchmark = &report(&folder.path().join("report.json")).benchmarks[0];
    let others = benchmark
        .disturbed
        .iter()
        .find(|said| said.starts_with("other processes used "));
    let said = others.unwrap_or_else(|| panic!("{:?}", benchmark.disturbed));
    assert!(
        stdout(&output).contains(&format!("disturbed: {said}")),
        "{}",
        stdout(&output)
    );
    assert!(
        benchmark
            .conditions
            .as_ref()
            .is_some_and(|moment| moment.load_1m.is_some())
    );
}
