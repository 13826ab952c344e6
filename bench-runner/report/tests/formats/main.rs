//! The formats of other tools, and our own in their shape.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aibrix;
mod baseline;
mod bencher;
mod bmf;
mod criterion;
mod gab;
mod go;
mod round_trip;

use std::path::{Path, PathBuf};

use bench_report::read::{Format, Origin, ReadError, read};
use bench_report::report::Report;
use jiff::Timestamp;

fn now() -> Timestamp {
    "2026-11-24T02:10:00Z".parse().unwrap()
}

fn unknown() -> Origin {
    Origin::unknown(now())
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A file of the shared captures, or `None`, said in the output, where they are not at hand.
fn shared(name: &str) -> Option<Vec<u8>> {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found =
        folders.find_map(|folder| std::fs::read(folder.join("shared/data").join(name)).ok());
    if found.is_none() {
        println!("not checked: there is no shared/data/{name} beside the project");
    }
    found
}

fn read_text(format: Format, text: &str) -> Result<Vec<Report>, ReadError> {
    read(format, text.as_bytes(), &unknown())
}

/// The only report of a text.
#[track_caller]
fn read_one(format: Format, text: &str) -> Report {
    let mut reports = read_text(format, text).unwrap();
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// Every series of a report, one a line: its name, what its metric is, and its samples.
fn series(report: &Report) -> String {
    let mut lines = Vec::new();
    for benchmark in &report.benchmarks {
        for metric in &benchmark.metrics {
            let name =
                bench_report::metric::series_text(&benchmark.name, &metric.name, &benchmark.params);
            let (unit, kind, better) = (&metric.unit, metric.kind, metric.better);
            lines.push(format!(
                "{name}: {unit} {kind} {better} {:?}",
                metric.samples
            ));
        }
        if let Some(error) = &benchmark.error {
            lines.push(format!(
                "{} {}: {}",
                benchmark.name,
                benchmark.status,
                error.replace('\n', " | ")
            ));
        }
    }
    lines.join("\n")
}
