//! From the bytes of an upload to a validated run: every limit, and the text of every refusal.
//!
//! # Layout
//! - here: what can be refused, and [`read`], which does it all.
//! - `confirmation`: the two reports of a pair.
//! - `decode`: gzip and zstd, with the limit kept while decoding.
//! - `facts`: what of a report is shown to people as label and value.

mod confirmation;
mod decode;
mod facts;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bench_report::report::limits::{DECODED_BYTES, WIRE_BYTES};
use bench_report::report::{Benchmark, HistogramError, Refusal, Report, RunKind, Status};
pub use bench_report::report::{Problem, Refusals};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::domain::{
    Commit, Curve, Expectation, Histogram, Millis, NewArtifact, NewEnvironment, NewMeasurement,
    NewRun, Published, Revision, RunId, RunPair, SeriesName,
};

pub use bench_report::report::limits;
pub use confirmation::{NoPair, read_confirmation};
pub use decode::{Encoding, decode};

/// Why an upload is refused. Each text names the thing, the value, the limit and what to do.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A `Content-Encoding` that is not read.
    #[error("the content encoding {0:?} is not read here: send gzip, zstd or none")]
    Encoding(String),
    /// The body is not what its encoding says.
    #[error("the body is no {encoding}: {source}")]
    Undecodable {
        /// Such as `gzip`.
        encoding: Encoding,
        /// What the decoder found.
        source: std::io::Error,
    },
    /// Too much on the wire.
    #[error(
        "the body is longer than {WIRE_BYTES} bytes, the limit on the wire: compress it, or leave out artifacts"
    )]
    WireTooLong,
    /// Too much after decoding.
    #[error(
        "the body decodes to more than {DECODED_BYTES} bytes, the limit: leave out artifacts, or split it"
    )]
    DecodedTooLong,
    /// The report itself.
    #[error(transparent)]
    Refused(#[from] Refusals),
    /// The two reports of a pair.
    #[error(transparent)]
    NoPair(#[from] NoPair),
}

/// Reads a report: `bytes` as decoded, `now` the present, `publish` what is published of a metric's
/// samples (never called with none).
pub fn read(
    bytes: Vec<u8>,
    now: Timestamp,
    publish: impl Fn(&[f64]) -> Published,
) -> Result<NewRun, IngestError> {
    let report = Report::parse(&bytes, now)?;
    if let Some(refusal) = report.upload_refusal() {
        return Err(Refusals::from(refusal).into());
    }
    Ok(new_run(report, bytes, publish)?)
}

/// A stored report as Go benchmark text, which benchstat reads. `received` is when it was found
/// valid.
pub fn go_text(bytes: &[u8], received: Timestamp) -> Result<String, IngestError> {
    let report = Report::parse(bytes, received)?;
    Ok(bench_report::write::go::to_text(&report))
}

fn new_run(
    report: Report,
    bytes: Vec<u8>,
    publish: impl Fn(&[f64]) -> Published,
) -> Result<NewRun, Refusals> {
    let environment = environment(&report);
    let options = facts::options(&report);
    let conditions = facts::conditions(&report);
    let revision = revision(&report);
    let commits = report.revision.commits.into_iter().map(|c| Commit {
        commit: c.commit,
        subject: c.subject,
        author: c.author,
        touches: c.touches,
    });
    let mut new = NewRun {
        run_key: report.run_key.to_string(),
        kind: report.kind,
        suite: report.suite.name,
        suite_version: report.suite.version,
        environment,
        revision,
        commits: commits.collect(),
        pair: report.pair.map(|pair| RunPair {
            key: pair.pair_key.to_string(),
            side: pair.side,
            purpose: pair.purpose,
            against_run: pair.against_run.map(RunId),
            rounds: pair.rounds,
        }),
        started_at: report.started_at.into(),
        finished_at: report.finished_at.into(),
        options,
        conditions,
        binary_sha256: report.runner.binary_sha256,
        memory_limit_bytes: report.conditions.memory_limit_bytes,
        measurements: Vec::new(),
        expectation: Expectation::default(),
        curves: Vec::new(),
        histograms: Vec::new(),
        artifacts: Vec::new(),
        report_sha256: Sha256::digest(&bytes).into(),
        report: bytes,
    };
    for expected in report.expected {
        for metric in expected.metrics {
            new.expectation.listed.insert(SeriesName {
                benchmark: expected.name.clone(),
                metric,
                params: expected.params.clone(),
            });
        }
    }
    for (at, benchmark) in report.benchmarks.into_iter().enumerate() {
        take(&mut new, benchmark, &publish).map_err(|error| Refusal {
            pointer: format!("/benchmarks/{at}/histograms"),
            problem: error.into(),
        })?;
    }
    for (at, artifact) in report.artifacts.into_iter().enumerate() {
        let data = artifact.data().map_err(|error| Refusal {
            pointer: format!("/artifacts/{at}/data_base64"),
            problem: error.into(),
        })?;
        new.artifacts.push(NewArtifact {
            name: artifact.name,
            kind: artifact.kind.to_string(),
            benchmark: artifact.benchmark,
            data,
        });
    }
    Ok(new)
}

/// Takes over one benchmark of a valid report.
fn take(
    new: &mut NewRun,
    benchmark: Benchmark,
    publish: &impl Fn(&[f64]) -> Published,
) -> Result<(), HistogramError> {
    let Benchmark { name, params, .. } = benchmark;
    let why = || benchmark.error.clone().unwrap_or_default();
    match benchmark.status {
        Status::Ok => {}
        Status::Failed => new
            .expectation
            .failed
            .push((name.clone(), params.clone(), why())),
        Status::Skipped => new
            .expectation
            .skipped
            .push((name.clone(), params.clone(), why())),
    }
    for metric in benchmark.metrics {
        new.measurements.push(NewMeasurement {
            name: SeriesName {
                benchmark: name.clone(),
                metric: metric.name,
                params: params.clone(),
            },
            unit: metric.unit,
            better: metric.better,
            kind: metric.kind,
            floor: metric.floor,
            target: metric.target,
            published: publish(&metric.samples),
            samples: metric.samples,
        });
    }
    for curve in benchmark.curves {
        new.curves.push(Curve {
            benchmark: name.clone(),
            params: params.clone(),
            name: curve.name,
            x: curve.x,
            y: curve.y,
            points: curve.points.into_iter().map(|[x, y]| (x, y)).collect(),
        });
    }
    for histogram in benchmark.histograms {
        new.histograms.push(Histogram {
            benchmark: name.clone(),
            params: params.clone(),
            name: histogram.name,
            unit: histogram.unit,
            data: STANDARD.decode(histogram.hdr_base64)?,
        });
    }
    Ok(())
}

/// Generated data has a machine of its own, so that it is never in one series with a real result.
fn environment(report: &Report) -> NewEnvironment {
    let is_sample = report.kind == RunKind::Sample;
    let hash = report.environment.identity().hash;
    NewEnvironment {
        fingerprint: if is_sample {
            format!("sample-{hash}")
        } else {
            hash
        },
        name: report.environment.name.clone(),
        facts: facts::environment(&report.environment),
        is_sample,
    }
}

fn revision(report: &Report) -> Revision {
    let revision = &report.revision;
    Revision {
        repository: revision.repository.clone(),
        commit: revision.commit.clone().unwrap_or_default(),
        branch: revision.branch.clone(),
        tag: revision.tag.clone(),
        parent: revision.parent.clone(),
        base_commit: revision.base_commit.clone(),
        pull: revision.pull,
        committed_at: revision.committed_at.map(Millis::from),
        subject: revision.subject.clone(),
        author: revision.author.clone(),
        dirty: revision.dirty,
    }
}
