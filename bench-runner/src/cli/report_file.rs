//! Report files: read whole, with the file's name in every error.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use bench_report::report::Report;
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _};

/// Reads and validates a report.
pub(super) fn read(path: &Path) -> Result<Report, Failure> {
    let named = || format!("{}", path.display());
    let json = fs::read(path).with_context(named).or_usage()?;
    Report::parse(&json, Timestamp::now())
        .with_context(named)
        .or_usage()
}
