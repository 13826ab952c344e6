//! Instructions by callgrind: this program once more, under valgrind, collecting only while the
//! operation is repeated.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use crate::environment::clean_command;
use crate::interrupt::{self, Stopped};
use crate::suite::plant::Operation;

/// The function within which instructions are collected.
const WITHIN: &str = "*repeat_counted*";

/// Folders that this process has named.
static NAMED: AtomicU64 = AtomicU64::new(0);

/// Why callgrind gave no figure.
#[derive(Debug, Error)]
pub enum CallgrindError {
    /// It is not there.
    #[error("valgrind cannot be started ({0}): install it (apt-get install valgrind)")]
    Start(std::io::Error),
    /// It ended badly.
    #[error("valgrind failed: {0}")]
    Failed(String),
    /// Somebody stopped it.
    #[error("{0}")]
    Stopped(#[source] Stopped),
    /// Its file says nothing.
    #[error(
        "callgrind counted nothing within {WITHIN} of {}: its symbols may have been taken off, or the file replaced meanwhile; valgrind said: {said}",
        program.display()
    )]
    Nothing {
        /// What was counted.
        program: PathBuf,
        /// The end of what valgrind said.
        said: String,
    },
    /// A file could not be had.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Instructions of so many operations.
pub(super) fn count(operation: Operation, times: u64, seed: u64) -> Result<u64, CallgrindError> {
    let program = std::env::current_exe().map_err(CallgrindError::Start)?;
    let folder = own_folder()?;
    let counted = count_in(
        &folder,
        &program,
        [operation.as_str(), &times.to_string(), &seed.to_string()],
    );
    // It is in the folder for temporary files: what is left there is cleared some day.
    let _ = fs::remove_dir_all(&folder);
    counted
}

/// A folder that no other run has: not of this process, and not of one with its number in another
/// container that shares the folder for temporary files.
fn own_folder() -> Result<PathBuf, CallgrindError> {
    loop {
        let number = NAMED.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench-runner-callgrind-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => {
                made.map_err(file("make the folder", &folder))?;
                return Ok(folder);
            }
        }
    }
}

fn count_in(
    folder: &Path,
    program: &Path,
    [operation, times, seed]: [&str; 3],
) -> Result<u64, CallgrindError> {
    let out = folder.join("out");
    let mut valgrind = clean_command("valgrind");
    valgrind
        // What valgrind makes by itself (core files) belongs there, too.
        .current_dir(folder)
        .args(["--tool=callgrind", "--vgdb=no", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={WITHIN}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["repeat", operation, "--times", times, "--seed", seed]);
    let output = interrupt::output(&mut valgrind);
    interrupt::check().map_err(CallgrindError::Stopped)?;
    let output = output.map_err(CallgrindError::Start)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(CallgrindError::Failed(format!(
            "{} ({})",
            last(&said),
            output.status
        )));
    }
    let text = fs::read_to_string(&out).map_err(file("read", &out))?;
    parse(&text).ok_or_else(|| CallgrindError::Nothing {
        program: program.to_owned(),
        said: last(&said).to_owned(),
    })
}

/// The last line that tells something: what valgrind says by itself begins with its number; what the
/// program said tells more.
fn last(said: &str) -> &str {
    let lines = || said.lines().rev().filter(|line| !line.trim().is_empty());
    let own = lines().find(|line| !line.starts_with("=="));
    own.or(lines().next()).unwrap_or("nothing")
}

fn file(what: &'static str, path: &Path) -> impl Fn(std::io::Error) -> CallgrindError {
    let path = path.to_owned();
    move |source| CallgrindError::File {
        what,
        path: path.clone(),
        source,
    }
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
    fn every_run_has_a_folder_of_its_own() {
        let [one, other] = [own_folder(), own_folder()].map(|folder| folder.expect("it is made"));
        assert_ne!(one, other);
        for folder in [one, other] {
            assert!(fs::remove_dir(folder).is_ok());
        }
    }

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
