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
        "callgrind counted nothing within {WITHIN}: this program's symbols may have been taken off (strip); valgrind said: {said}"
    )]
    Nothing {
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
    let folder = own_folder()?;
    let program = folder.join("bench-runner");
    let what = [operation.as_str(), &times.to_string(), &seed.to_string()];
    let counted = own_program(&program).and_then(|()| count_in(&folder, &program, what));
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

/// Copies the program that is running. A build may put another in its place at any time, and valgrind
/// would take the symbols of that.
fn own_program(to: &Path) -> Result<(), CallgrindError> {
    let running = Path::new("/proc/self/exe");
    let own = match running.exists() {
        true => running.to_owned(),
        false => std::env::current_exe().map_err(CallgrindError::Start)?,
    };
    let copied = fs::copy(&own, to).map(drop);
    copied.map_err(file("copy this program to", to))
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

/// The instructions of a callgrind file: `totals`, which sums up what is written in it. `summary`,
/// above it, is what the threads that are left have counted, and has nothing of one that ended; it is
/// all that some versions write.
fn parse(text: &str) -> Option<u64> {
    let sum = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let counts = lines.filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Some(counts.sum::<u64>()).filter(|&sum| sum > 0)
    };
    sum("totals:").or_else(|| sum("summary:"))
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
        // Two parts, as of a program that forked or dumped in between.
        assert_eq!(
            parse("summary: 0\n\ntotals: 5\nsummary: 7\n\ntotals: 7\n"),
            Some(12)
        );
        assert_eq!(parse("events: Ir\nsummary: 9\n"), Some(9));
        assert_eq!(parse("events: Ir\nsummary: 0\n"), None);
        assert_eq!(parse(""), None);
    }
}
