//! Profiles, each taken in a pass of its own after the measuring: they disturb no figure.
//!
//! # Layout
//! - here: which profiles are asked for, and what comes of them.
//! - `pass`: the benchmarks once more under each. `locks`: waits for the indexer's lock.
//! - [`stacks`]: call stacks with weights. `pprof`: the protobuf of them. `trace`: a Chrome trace.
//! - `file`: what is written, by the file's ending.

mod file;
mod locks;
mod pass;
mod pprof;
pub mod stacks;
mod trace;

use std::path::{Path, PathBuf};

use bench_report::report::{Artifact, ArtifactKind};
use thiserror::Error;

pub use file::Form;
pub use pass::Passes;
pub use stacks::{Profile, Sort};

use crate::measure::ticks::TicksError;

/// Files that profiles are asked for in.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Processor time.
    pub cpu: Option<PathBuf>,
    /// Allocations.
    pub heap: Option<PathBuf>,
    /// Waits for locks.
    pub locks: Option<PathBuf>,
    /// What each thread did when.
    pub trace: Option<PathBuf>,
}

/// Why a profile cannot be had.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// A file whose ending says nothing.
    #[error(
        "{path:?} does not say what to write: end it in .svg (flame graph), .pb or .pb.gz (pprof) or .folded (folded stacks)"
    )]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// Processor time cannot be sampled.
    #[error("a profile of processor time is {0}")]
    Ticks(#[from] TicksError),
    /// A file cannot be written.
    #[error("cannot write {path:?}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What passes gave.
#[derive(Debug, Default)]
pub struct Taken {
    /// For the report.
    pub artifacts: Vec<Artifact>,
    /// For the terminal: tables and what was written, a paragraph each.
    pub told: Vec<String>,
}

impl Wanted {
    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        let Self {
            cpu,
            heap,
            locks,
            trace,
        } = self;
        [cpu, heap, locks, trace].iter().all(|file| file.is_none())
    }

    /// Finds out before the measuring what could not be written after it.
    pub fn check(&self) -> Result<(), ProfileError> {
        for path in [&self.cpu, &self.heap, &self.locks].into_iter().flatten() {
            Form::of(path)?;
        }
        let all = [&self.cpu, &self.heap, &self.locks, &self.trace];
        for path in all.into_iter().flatten() {
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            std::fs::metadata(folder).map_err(|source| ProfileError::Write {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Takes what is asked for. One that fails is told and keeps no other from being taken.
    pub fn take(&self, passes: &Passes<'_>) -> Taken {
        let mut taken = Taken::default();
        let profiles = [
            (&self.cpu, Sort::Cpu),
            (&self.heap, Sort::Heap),
            (&self.locks, Sort::Locks),
        ];
        for (path, sort) in profiles {
            let Some(path) = path else { continue };
            let profile = match sort {
                Sort::Cpu => passes.cpu(),
                Sort::Heap => Ok(passes.heap()),
                Sort::Locks => Ok(passes.locks()),
            };
            match profile {
                Ok(profile) => taken.add(&profile, path, passes.benchmark()),
                Err(error) => taken.told.push(error.to_string()),
            }
        }
        if let Some(path) = &self.trace {
            let trace = passes.trace();
            taken.artifacts.push(Artifact::new(
                "trace",
                ArtifactKind::Trace,
                passes.benchmark(),
                trace.json.as_bytes(),
            ));
            taken.wrote(file::write(path, trace.json.as_bytes()), path, &trace.note);
        }
        taken
    }
}

impl Taken {
    fn add(&mut self, profile: &Profile, path: &Path, benchmark: Option<&str>) {
        if profile.is_empty() {
            self.told.push(profile.sort.nothing().to_owned());
            return;
        }
        for side in profile.sort.sides() {
            let folded = profile.folded(side.at);
            self.artifacts.push(Artifact::new(
                side.artifact,
                profile.sort.artifact_kind(),
                benchmark,
                folded.as_bytes(),
            ));
        }
        self.told.push(profile.top());
        for (path, content) in file::contents(profile, path) {
            self.wrote(file::write(&path, &content), &path, "");
        }
    }

    fn wrote(&mut self, outcome: std::io::Result<()>, path: &Path, note: &str) {
        self.told.push(match outcome {
            Ok(()) if note.is_empty() => format!("wrote {}", path.display()),
            Ok(()) => format!("wrote {}: {note}", path.display()),
            Err(source) => {
                let path = path.to_owned();
                ProfileError::Write { path, source }.to_string()
            }
        });
    }
}
