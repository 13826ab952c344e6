//! Instructions by callgrind: this program once more, under valgrind, collecting only while the
//! operation is repeated.

use std::path::Path;
use std::process::Stdio;

use thiserror::Error;

use crate::environment::clean_command;
use crate::suite::plant::Operation;

/// The function within which instructions are collected.
const WITHIN: &str = "*repeat_counted*";

/// Why callgrind gave no figure.
#[derive(Debug, Error)]
pub enum CallgrindError {
    /// It is not there.
    #[error("valgrind cannot be started ({0}): install it (apt-get install valgrind)")]
    Start(std::io::Error),
    /// It ended badly.
    #[error("valgrind failed: {0}")]
    Failed(String),
    /// Its file says nothing.
    #[error("callgrind's file has no total: the program's symbols may have been taken off")]
    NoTotal,
    /// A file could not be had.
    #[error("callgrind's file cannot be read: {0}")]
    File(std::io::Error),
}

/// Instructions of so many operations.
pub(super) fn count(operation: Operation, times: u64, seed: u64) -> Result<u64, CallgrindError> {
    let program = std::env::current_exe().map_err(CallgrindError::Start)?;
    let folder = std::env::temp_dir();
    let file = folder.join(format!("bench-runner-callgrind-{}", std::process::id()));
    let output = clean_command("valgrind")
        .arg("--tool=callgrind")
        .arg("--collect-atstart=no")
        .arg(format!("--toggle-collect={WITHIN}"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(["repeat", operation.as_str()])
        .args(["--times", &times.to_string(), "--seed", &seed.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(CallgrindError::Start)?;
    let total = if output.status.success() {
        total(&file)
    } else {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        // What valgrind says by itself begins with its number; what the program said tells more.
        let said = || text.lines().rev().filter(|line| !line.trim().is_empty());
        let last = said()
            .find(|line| !line.starts_with("=="))
            .or(said().next());
        let last = last.unwrap_or("without a word");
        Err(CallgrindError::Failed(format!(
            "{last} ({})",
            output.status
        )))
    };
    // It is in the folder for temporary files: what is left there is cleared some day.
    let _ = std::fs::remove_file(&file);
    total
}

fn total(file: &Path) -> Result<u64, CallgrindError> {
    let text = std::fs::read_to_string(file).map_err(CallgrindError::File)?;
    parse(&text).ok_or(CallgrindError::NoTotal)
}

/// The sum of instructions of a callgrind file.
fn parse(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    let total = lines.find_map(|line| {
        line.strip_prefix("totals:")
            .or_else(|| line.strip_prefix("summary:"))
    })?;
    total
        .split_whitespace()
        .next()?
        .parse()
        .ok()
        .filter(|&total| total > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_and_none_is_none() {
        assert_eq!(
            parse("version: 1\nevents: Ir\nfn=(1) x\n1 5\n\ntotals: 41934\n"),
            Some(41_934)
        );
        assert_eq!(parse("events: Ir\nsummary: 0\n"), None);
        assert_eq!(parse(""), None);
    }
}
