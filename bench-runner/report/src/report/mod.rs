//! Report format 1, as it travels from runner to server. A field marked `Option` is absent when it
//! is not known.
//!
//! # Layout
//! - here, `revision`, `environment`, `benchmark`, `pair`, `artifact`: the types of the wire.
//! - [`limits`]: how much of each a report may hold, checked while it is read.
//! - `validate`: whether a report may be believed; `refusal` says what is wrong with it.
//! - `histogram`: distributions in and out of their encoding.
//! - `json`: reading and writing.

mod artifact;
mod benchmark;
mod environment;
mod histogram;
mod json;
pub mod limits;
mod pair;
mod refusal;
mod revision;
mod validate;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::artifact::{Artifact, ArtifactError, ArtifactKind};
pub use self::benchmark::{Benchmark, Curve, Expected, Histogram, Metric, Status};
pub use self::environment::{Conditions, Environment, IDENTITY_VERSION, Identity};
pub use self::histogram::HistogramError;
pub use self::pair::{Pair, Purpose, Side};
pub use self::refusal::{Problem, Refusal, Refusals};
pub use self::revision::{Commit, Revision};
pub use crate::metric::Params;
use crate::words::words;

use self::limits::{ARTIFACTS, BENCHMARKS, CPUS};

/// The format number that this crate reads and writes.
pub const FORMAT: u32 = 1;

/// One run of a suite at one revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Names the run: sending a report twice is the same as sending it once.
    pub run_key: Uuid,
    /// Why it was made; decides what it may influence.
    pub kind: RunKind,
    /// What was run.
    pub suite: Suite,
    /// Who ran it.
    pub runner: Runner,
    /// How it was run.
    pub options: Options,
    /// What code was measured.
    pub revision: Revision,
    /// What identifies the machine.
    pub environment: Environment,
    /// What describes the machine at that moment; never part of a series' identity.
    #[serde(default)]
    pub conditions: Conditions,
    /// When the first benchmark began; the run's time.
    pub started_at: Timestamp,
    /// When the last benchmark ended.
    pub finished_at: Timestamp,
    /// What should have been measured; coverage is judged against it.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<BENCHMARKS, _, _>"
    )]
    pub expected: Vec<Expected>,
    /// What was measured; one entry a benchmark with its params.
    #[serde(deserialize_with = "limits::list::<BENCHMARKS, _, _>")]
    pub benchmarks: Vec<Benchmark>,
    /// Present when the run is one side of a pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
    /// Profiles and other files.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<ARTIFACTS, _, _>"
    )]
    pub artifacts: Vec<Artifact>,
}

/// Why a run was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// The scheduled run of the main branch: forms baselines.
    Nightly,
    /// A pull request's run.
    Pull,
    /// By hand.
    Manual,
    /// One side of a paired comparison of two revisions.
    Ab,
    /// One side of a paired comparison of a revision with itself.
    Aa,
    /// A planted slowdown that the gate must find.
    Canary,
    /// Read from another tool's results.
    Import,
    /// Generated: labelled so wherever it shows.
    Sample,
}

words!(RunKind {
    Nightly => "nightly",
    Pull => "pull",
    Manual => "manual",
    Ab => "ab",
    Aa => "aa",
    Canary => "canary",
    Import => "import",
    Sample => "sample",
});

/// A named set of benchmarks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// Such as `kv-sync`.
    pub name: String,
    /// Changes when results stop being comparable; starts a new epoch.
    pub version: String,
}

/// The program that measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runner {
    /// Such as `bench-runner`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the program file, lower-case hex; equal binaries can differ only by noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_sha256: Option<String>,
}

/// How a run was made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Options {
    /// `10s` or `1000x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchtime: Option<String>,
    /// Repeats of each benchmark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Core counts asked for.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limits::list::<CPUS, _, _>"
    )]
    pub cpu: Vec<u32>,
    /// Such as `1s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<String>,
    /// Seed of the workloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The short form of the suite.
    #[serde(default)]
    pub quick: bool,
    /// What was planted in the measured code to see whether it is found, such as `apply=15%`. Never
    /// in a run that forms or is judged by a history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<String>,
}
