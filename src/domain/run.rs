//! One report, as stored.

use serde::{Deserialize, Serialize};

pub use bench_report::report::RunKind;

use super::{EnvironmentId, Millis, RunId};

/// A run without its measurements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The runner's name for it.
    pub run_key: String,
    /// Why it was made.
    pub kind: RunKind,
    /// Suite name.
    pub suite: String,
    /// Suite version; a new one starts a new epoch.
    pub suite_version: String,
    /// The machine.
    pub environment: EnvironmentId,
    /// The machine's name, for reading.
    pub environment_name: String,
    /// What code was measured.
    pub revision: Revision,
    /// The run's time.
    pub started_at: Millis,
    /// When it ended.
    pub finished_at: Millis,
    /// When the store got it.
    pub received_at: Millis,
    /// Seed, benchtime, count and the like, as label and value.
    pub options: Vec<(String, String)>,
    /// Load, steal and the like, as label and value.
    pub conditions: Vec<(String, String)>,
    /// SHA-256 of the measuring program, where known.
    pub binary_sha256: Option<String>,
    /// What that program might use of the memory, where there was a limit.
    pub memory_limit_bytes: Option<u64>,
    /// What should have been measured, and what was.
    pub coverage: Coverage,
    /// A person took this run out of the baselines, and why.
    pub excluded: Option<String>,
    /// The version of the rules that said what is said of it; none of a run from before that was
    /// kept.
    pub rule: Option<String>,
    /// Something else is said of it now than was said at first.
    pub is_rejudged: bool,
}

impl Run {
    /// Whether this run may be part of a baseline: a clean nightly of the main branch that nobody
    /// excluded; a sample run counts within its own environment.
    pub fn forms_baseline(&self, main_branch: &str) -> bool {
        self.why_no_baseline(main_branch).is_none()
    }

    /// Why this run may not be part of a baseline; none where it may.
    pub fn why_no_baseline(&self, main_branch: &str) -> Option<String> {
        let branch = self.revision.branch.as_deref();
        if !matches!(self.kind, RunKind::Nightly | RunKind::Sample) {
            Some(format!("a {} run, not a nightly one", self.kind))
        } else if branch != Some(main_branch) {
            let branch = branch.unwrap_or("no branch");
            Some(format!("{branch}, not {main_branch}"))
        } else if self.revision.dirty {
            Some("the work tree differed from the commit".to_owned())
        } else {
            let reason = self.excluded.as_ref();
            reason.map(|reason| format!("taken out by a person: {reason}"))
        }
    }
}

/// The code that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Revision {
    /// `owner/name`.
    pub repository: Option<String>,
    /// Full hash, hex.
    pub commit: String,
    /// Branch name.
    pub branch: Option<String>,
    /// Release tag.
    pub tag: Option<String>,
    /// First parent.
    pub parent: Option<String>,
    /// Merge base of a pull request.
    pub base_commit: Option<String>,
    /// Pull request number.
    pub pull: Option<u64>,
    /// When the commit was made.
    pub committed_at: Option<Millis>,
    /// First line of its message.
    pub subject: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// The work tree differed from the commit.
    pub dirty: bool,
}

impl Revision {
    /// The first 7 letters of the commit.
    pub fn short(&self) -> &str {
        self.commit.get(..7).unwrap_or(&self.commit)
    }
}

/// What should have been measured, and what was. Names read `Benchmark metric a=1 b=2`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// How many series were expected.
    pub expected: u32,
    /// How many of them have a value.
    pub measured: u32,
    /// Expected, and not in the report.
    pub missing: Vec<String>,
    /// Tried without a result, and why.
    pub failed: Vec<String>,
    /// Measured for the first time.
    pub new: Vec<String>,
    /// Not possible on this machine, for a reason known beforehand.
    pub not_available: Vec<String>,
}

impl Coverage {
    /// Whether all that was expected was measured.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.failed.is_empty()
    }
}
