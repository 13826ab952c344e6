//! Old results of any tool, as the reports that they would have been: each with its time and its
//! commit, in the order of time.
//!
//! # Layout
//! - here: from files to reports. `name`: what a file's name says. `git`: what git says.
//!
//! What a file says itself goes first; then what was given; then its name; then git, which knows when
//! a file was added and what the branch's commit was at a time. Reading the same files again gives
//! the same run keys, so that a backfill may be sent twice, or stopped and sent again.

mod git;
mod name;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use bench_report::read::{Format, Origin, ReadError, detect, read};
use bench_report::report::{Report, Revision, RunKind};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Two results of one name that lie further apart are of two runs.
const RUN: SignedDuration = SignedDuration::from_hours(1);

/// What is known of all files.
#[derive(Debug, Clone)]
pub struct Backfill {
    /// Their format; what each looks like where none is given.
    pub format: Option<Format>,
    /// What the runs are to be.
    pub kind: RunKind,
    /// Their branch.
    pub branch: String,
    /// The machine's name.
    pub environment: Option<String>,
    /// When files without a time were measured.
    pub time: Option<Timestamp>,
    /// Which commit files without one measured.
    pub commit: Option<String>,
    /// The git work tree whose history was measured.
    pub work_tree: PathBuf,
    /// The present.
    pub now: Timestamp,
}

/// What came of the files.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of time.
    pub reports: Vec<Report>,
    /// Files of a folder that hold no results.
    pub passed_over: Vec<PathBuf>,
}

/// Why a file cannot be sent.
#[derive(Debug, Error)]
pub enum BackfillError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its content cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<ReadError>,
    },
    /// A report of ours that is not valid.
    #[error("{}: {why}", path.display())]
    Report {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Nobody says when it was measured.
    #[error(
        "{}: nobody says when it was measured: name it by its time, as in 2026-03-01.txt, keep it in git, or give --time",
        path.display()
    )]
    NoTime {
        /// Which.
        path: PathBuf,
    },
    /// Nobody says what was measured.
    #[error(
        "{}: nobody says which commit was measured: run inside the git work tree, name the file by the commit, or give --commit",
        path.display()
    )]
    NoCommit {
        /// Which.
        path: PathBuf,
    },
}

impl Backfill {
    /// Reads files, and all results in folders, into reports in the order of time.
    pub fn reports(&self, paths: &[PathBuf]) -> Result<Found, BackfillError> {
        let mut found = Found::default();
        let mut known = HashMap::new();
        for path in paths {
            if path.is_dir() {
                for file in files(path)? {
                    if !self.add(&file, &mut found.reports, &mut known)? {
                        found.passed_over.push(file);
                    }
                }
            } else if !self.add(path, &mut found.reports, &mut known)? {
                return Err(BackfillError::Read {
                    path: path.clone(),
                    source: Box::new(ReadError::UnknownFormat),
                });
            }
        }
        // Of equal times the order of the files stays.
        found.reports.sort_by_key(|report| report.started_at);
        Ok(found)
    }

    /// Adds what a file holds. False where it holds no results.
    fn add(
        &self,
        path: &Path,
        reports: &mut Vec<Report>,
        known: &mut HashMap<String, Option<Revision>>,
    ) -> Result<bool, BackfillError> {
        let bytes = fs::read(path).map_err(|source| BackfillError::Io {
            path: path.to_owned(),
            source,
        })?;
        if self.format.is_none() && is_ours(&bytes) {
            let report =
                Report::parse(&bytes, self.now).map_err(|error| BackfillError::Report {
                    path: path.to_owned(),
                    why: error.to_string(),
                })?;
            if report.revision.commit.is_none() {
                return Err(BackfillError::NoCommit {
                    path: path.to_owned(),
                });
            }
            reports.push(report);
            return Ok(true);
        }
        let Some(format) = self.format.or_else(|| detect(&bytes)) else {
            return Ok(false);
        };
        // A server's export says of each run which branch it is of.
        let says_branch = format == Format::Bencher;
        let origin = Origin {
            kind: Some(self.kind),
            commit: None,
            branch: (!says_branch).then(|| self.branch.clone()),
            time: None,
            environment: self.environment.clone(),
            read_at: self.now,
        };
        let texts = match format {
            Format::Aibrix => runs(&bytes),
            _ => vec![bytes],
        };
        for text in texts {
            let read = read(format, &text, &origin).map_err(|source| BackfillError::Read {
                path: path.to_owned(),
                source: Box::new(source),
            })?;
            for report in read {
                reports.push(self.dated(path, report, known)?);
            }
        }
        Ok(true)
    }

    /// The report with its time and its commit.
    fn dated(
        &self,
        path: &Path,
        mut report: Report,
        known: &mut HashMap<String, Option<Revision>>,
    ) -> Result<Report, BackfillError> {
        // A file that says no time is dated with the present by its reader.
        let said = (report.started_at != self.now).then_some(report.started_at);
        let of_name = name::parse(path);
        let named = report
            .revision
            .commit
            .clone()
            .or_else(|| self.commit.clone())
            .or_else(|| {
                of_name
                    .commits
                    .iter()
                    .find_map(|word| git::commit(&self.work_tree, word))
            });
        let added = || git::added(path);
        let time = said
            .or(of_name.time)
            .or(self.time)
            .or_else(|| git::committed_at(&self.work_tree, named.as_deref()?))
            .or_else(|| added().map(|(_, at)| at))
            .ok_or_else(|| BackfillError::NoTime {
                path: path.to_owned(),
            })?;
        let commit = named
            .or_else(|| git::at(&self.work_tree, &self.branch, time))
            .or_else(|| added().map(|(commit, _)| commit))
            .ok_or_else(|| BackfillError::NoCommit {
                path: path.to_owned(),
            })?;
        let of_git = known
            .entry(commit.clone())
            .or_insert_with(|| git::revision(&self.work_tree, &commit));
        fill(&mut report.revision, &commit, of_git.as_ref());
        if said.is_none() {
            report.started_at = time;
            report.finished_at = time;
        }
        report.run_key = report.content_key();
        report
            .validate(self.now)
            .map_err(|error| BackfillError::Report {
                path: path.to_owned(),
                why: error.to_string(),
            })?;
        Ok(report)
    }
}

/// What git knows of a commit, where the file does not say it.
fn fill(revision: &mut Revision, commit: &str, of_git: Option<&Revision>) {
    revision.commit = Some(commit.to_owned());
    let Some(known) = of_git else { return };
    revision.commit.clone_from(&known.commit);
    revision.parent = revision.parent.take().or_else(|| known.parent.clone());
    revision.subject = revision.subject.take().or_else(|| known.subject.clone());
    revision.author = revision.author.take().or_else(|| known.author.clone());
    revision.committed_at = revision.committed_at.or(known.committed_at);
}

/// Whether a file is a report of our own.
fn is_ours(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "format")]
        _format: u32,
        #[serde(rename = "run_key")]
        _run_key: uuid::Uuid,
    }
    serde_json::from_slice::<Head>(bytes).is_ok()
}

/// The runs of an AIBrix array, which may hold the results of many nights one after another: where a
/// name comes again more than [`RUN`] later, a new run begins.
fn runs(bytes: &[u8]) -> Vec<Vec<u8>> {
    let whole = || vec![bytes.to_vec()];
    let Ok(mut entries) = serde_json::from_slice::<Vec<Value>>(bytes) else {
        return whole();
    };
    let time =
        |entry: &Value| -> Option<Timestamp> { entry.get("timestamp")?.as_str()?.parse().ok() };
    if !entries.iter().all(|entry| time(entry).is_some()) {
        return whole();
    }
    entries.sort_by_key(time);
    let mut runs: Vec<Vec<Value>> = Vec::new();
    for entry in entries {
        let continues = runs.last().is_some_and(|run| {
            let first = run
                .iter()
                .find(|known| known.get("name") == entry.get("name"));
            first.is_none_or(|first| match (time(first), time(&entry)) {
                (Some(first), Some(now)) => now.duration_since(first) <= RUN,
                _ => true,
            })
        });
        match runs.last_mut() {
            Some(run) if continues => run.push(entry),
            _ => runs.push(vec![entry]),
        }
    }
    runs.iter()
        .map(|run| serde_json::to_vec(run).expect("JSON that was read can be written"))
        .collect()
}

/// All files beneath a folder in the order of their names, but for hidden ones.
fn files(folder: &Path) -> Result<Vec<PathBuf>, BackfillError> {
    let failed = |source| BackfillError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    let mut all = Vec::new();
    for path in entries {
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            all.extend(files(&path)?);
        } else if path.is_file() {
            all.push(path);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
