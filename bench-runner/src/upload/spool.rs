//! Reports that wait on disk: one file each, named so that the order of names is the order of time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bench_report::report::Report;
use jiff::Timestamp;
use thiserror::Error;

use crate::collect::file::write_whole;

/// The folder of what a server will never take.
const REFUSED: &str = "refused";

/// A folder of reports that were not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    folder: PathBuf,
}

/// Why the spool cannot be used.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// No folder is known.
    #[error("no folder for the spool: set KVMARK_SPOOL or HOME, or give --spool")]
    NoFolder,
    /// Something with a file.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

impl Spool {
    /// The spool in a folder; by default in the user's folder for state (XDG).
    pub fn new(folder: Option<PathBuf>) -> Result<Self, SpoolError> {
        let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let folder = folder
            .or_else(|| of("XDG_STATE_HOME").map(|state| Path::new(&state).join("kvmark/spool")))
            .or_else(|| of("HOME").map(|home| Path::new(&home).join(".local/state/kvmark/spool")))
            .ok_or(SpoolError::NoFolder)?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a report in; returns its file. The same report twice is there once.
    pub fn put(&self, report: &Report) -> Result<PathBuf, SpoolError> {
        fs::create_dir_all(&self.folder).map_err(failed("make the folder", &self.folder))?;
        let path = self.folder.join(file_name(report));
        write_whole(&path, report.to_json().as_bytes()).map_err(failed("write", &path))?;
        Ok(path)
    }

    /// Everything that waits, the oldest first. A spool that was never used is empty.
    pub fn waiting(&self) -> Result<Vec<PathBuf>, SpoolError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed("read the folder", &self.folder))?,
        };
        let mut waiting = Vec::new();
        for entry in entries {
            let path = entry
                .map_err(failed("read the folder", &self.folder))?
                .path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // What is being written beside its place begins with a dot.
            if name.ends_with(".json") && !name.starts_with('.') && path.is_file() {
                waiting.push(path);
            }
        }
        waiting.sort();
        Ok(waiting)
    }

    /// Takes a delivered report out. One that somebody else delivered meanwhile is out already.
    pub fn delivered(&self, path: &Path) -> Result<(), SpoolError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Sets a report aside that no server will take: kept, and no longer in the way of the others.
    pub fn set_aside(&self, path: &Path) -> Result<PathBuf, SpoolError> {
        let folder = self.folder.join(REFUSED);
        fs::create_dir_all(&folder).map_err(failed("make the folder", &folder))?;
        let aside = folder.join(path.file_name().unwrap_or_default());
        fs::rename(path, &aside).map_err(failed("move", path))?;
        Ok(aside)
    }
}

/// `20260101T000000.000000Z-<run key>.json`: names in order are times in order.
fn file_name(report: &Report) -> String {
    let started: Timestamp = report.started_at;
    let time = started.strftime("%Y%m%dT%H%M%S.%6fZ");
    format!("{time}-{}.json", report.run_key)
}

fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::File {
        what,
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test may fail where its own files cannot be written"
)]
pub(crate) mod tests {
    use super::*;
    use crate::collect::gather::tests::gathered;

    /// A report that started on that day of January 2026.
    pub(crate) fn report(day: u32) -> Report {
        let started_at: Timestamp = format!("2026-01-{day:02}T01:30:00Z").parse().unwrap();
        let mut report = gathered(Some("KVEventBurstLoad"), &[0]).report(started_at, true);
        report.started_at = started_at;
        report.run_key = uuid::Uuid::from_u128(u128::from(100 - day));
        report
    }

    #[test]
    fn what_waits_comes_out_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(Some(folder.path().join("spool"))).unwrap();
        assert!(spool.waiting().unwrap().is_empty());
        for day in [3, 1, 2] {
            spool.put(&report(day)).unwrap();
        }
        spool.put(&report(2)).unwrap();
        let days: Vec<String> = spool
            .waiting()
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy()[..8].to_owned())
            .collect();
        assert_eq!(days, ["20260101", "20260102", "20260103"]);
    }

    #[test]
    fn a_report_comes_out_as_it_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(Some(folder.path().to_owned())).unwrap();
        let report = report(1);
        let path = spool.put(&report).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), report.to_json());
        spool.delivered(&path).unwrap();
        spool.delivered(&path).unwrap();
        assert!(spool.waiting().unwrap().is_empty());
    }

    #[test]
    fn what_is_set_aside_is_kept_and_waits_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(Some(folder.path().to_owned())).unwrap();
        let path = spool.put(&report(1)).unwrap();
        let aside = spool.set_aside(&path).unwrap();
        assert!(aside.is_file() && spool.waiting().unwrap().is_empty());
    }
}
