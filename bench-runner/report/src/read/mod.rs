//! Reads what other tools wrote, into reports of kind `import`.
//!
//! # Layout
//! - `go`: `go test -bench` text, benchstat's inputs, and our own Go text.
//! - `criterion`: a `target/criterion` folder, or the lines of `cargo criterion --message-format=json`.
//! - `bmf`: Bencher Metric Format. `bencher`: what a Bencher server gives. `gab`: github-action-benchmark's `data.js`. `aibrix`: the
//!   original suite's `baseline_metrics.json`.
//! - `units`: what a foreign unit's text tells. `collect`: results into reports.
//!
//! # Invariants
//! 1. No value is changed: a foreign unit's text becomes the metric's name, and the unit on the wire
//!    is the one that the values already have.
//! 2. What the file does not say is absent; time, commit and branch may be given from outside.
//! 3. Reading one file twice with the same [`Origin`] gives the same run keys.

pub(crate) mod aibrix;
mod bencher;
mod bmf;
mod collect;
mod criterion;
mod error;
mod gab;
pub(crate) mod go;
mod units;

use std::path::Path;

use jiff::Timestamp;

pub use self::error::ReadError;
pub(crate) use self::units::foreign;
use crate::report::{Report, RunKind};
use crate::words::words;

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `go test -bench` text.
    Go,
    /// Criterion.rs: a folder, or JSON lines.
    Criterion,
    /// Bencher Metric Format.
    Bmf,
    /// A Bencher server's history.
    Bencher,
    /// github-action-benchmark.
    Gab,
    /// The original suite's result file.
    Aibrix,
}

words!(Format { Go => "go", Criterion => "criterion", Bmf => "bmf", Bencher => "bencher", Gab => "gab", Aibrix => "aibrix" });

impl Format {
    /// Every format, for messages.
    pub const LIST: &str = "go, criterion, bmf, bencher, gab, aibrix";
}

/// Where results come from, as far as the file does not say it itself. What is given here goes
/// before what the file says.
#[derive(Debug, Clone)]
pub struct Origin {
    /// What the reports are to be; [`RunKind::Import`] if absent.
    pub kind: Option<RunKind>,
    /// Commit hash, hex.
    pub commit: Option<String>,
    /// Branch name.
    pub branch: Option<String>,
    /// When it was measured.
    pub time: Option<Timestamp>,
    /// A name for the machine.
    pub environment: Option<String>,
    /// The present: what a run without any time is dated, and what no time may lie far ahead of.
    pub read_at: Timestamp,
}

impl Origin {
    /// Nothing is known but the present.
    pub fn unknown(read_at: Timestamp) -> Origin {
        Origin {
            kind: None,
            commit: None,
            branch: None,
            time: None,
            environment: None,
            read_at,
        }
    }
}

/// The format that a text is in, if it can be told. Reports of our own have none of these.
pub fn detect(text: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(text);
    let start = text.trim_start();
    if start.starts_with("window.BENCHMARK_DATA") {
        return Some(Format::Gab);
    }
    let is_json = start.starts_with(['{', '[']);
    if is_json
        && ["\"testbed\"", "\"measure\"", "\"metric\""]
            .iter()
            .all(|key| start.contains(key))
    {
        return Some(Format::Bencher);
    }
    match start.chars().next() {
        Some('[') if aibrix::looks_like(start) => Some(Format::Aibrix),
        Some('{') if start.contains("\"reason\"") => Some(Format::Criterion),
        Some('{') if start.contains("\"entries\"") && start.contains("\"benches\"") => {
            Some(Format::Gab)
        }
        Some('{') if start.contains("\"value\"") => Some(Format::Bmf),
        Some('{' | '[') => None,
        _ if start.lines().any(|line| line.starts_with("Benchmark")) => Some(Format::Go),
        _ if start.lines().any(|line| line.starts_with("{\"reason\"")) => Some(Format::Criterion),
        _ => None,
    }
}

/// Reads a text of a known format.
pub fn read(format: Format, text: &[u8], origin: &Origin) -> Result<Vec<Report>, ReadError> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let before = &text[..error.valid_up_to()];
            return Err(ReadError::NotText {
                line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            });
        }
    };
    let drafts = match format {
        Format::Go => go::read(text),
        Format::Criterion => criterion::read_lines(text),
        Format::Bmf => bmf::read(text),
        Format::Bencher => bencher::read(text),
        Format::Gab => gab::read(text),
        Format::Aibrix => aibrix::read(text),
    };
    collect::finish(drafts?, origin)
}

/// Reads a file, or a folder that Criterion wrote; without a format, the one that it looks like.
pub fn read_path(
    format: Option<Format>,
    path: &Path,
    origin: &Origin,
) -> Result<Vec<Report>, ReadError> {
    if path.is_dir() {
        return match format {
            None | Some(Format::Criterion) => {
                collect::finish(criterion::read_folder(path)?, origin)
            }
            Some(_) => Err(ReadError::Nothing {
                expected: "a file; only criterion's results are a folder",
            }),
        };
    }
    let text = std::fs::read(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    let format = format
        .or_else(|| detect(&text))
        .ok_or(ReadError::UnknownFormat)?;
    read(format, &text, origin)
}

/// The beginning of a text, as much as a message can hold.
fn shown(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
