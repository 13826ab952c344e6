//! Report format 1, as it travels from runner to server. A field marked `Option` is absent when it
//! is not known.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::metric::Params;
use crate::metric::{Direction, Kind, Target};

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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Expected>,
    /// What was measured.
    pub benchmarks: Vec<Benchmark>,
    /// Present when the run is one side of a pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
    /// Profiles and other files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
}

/// The code that was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Revision {
    /// `owner/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Commit hash, hex. Absent in an import whose commit is not known: such a report can be read
    /// offline and is refused by upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Branch name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Release tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// First parent of `commit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Merge base of a pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_commit: Option<String>,
    /// Pull request number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<u64>,
    /// When the commit was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
    /// First line of the commit message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The work tree differed from the commit: never forms a baseline.
    #[serde(default)]
    pub dirty: bool,
    /// The commits since the run before, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<Commit>,
}

/// A commit of the range that a run covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Hash, hex.
    pub commit: String,
    /// First line of the message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
}

/// What identifies a machine. The hash of it, less `name` and the kernel's patch level, is part of
/// every series' identity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// A name that people use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Such as `linux`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Such as `x86_64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Such as `6.1.0-18`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// As the processor names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// Usable logical processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_count: Option<u32>,
    /// Whether siblings share a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smt: Option<bool>,
    /// Installed memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Frequency governor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// Whether boost is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turbo: Option<bool>,
    /// Such as `kvm` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualization: Option<String>,
    /// Such as `rustc 1.95.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Compiler flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<String>,
    /// Such as `system` or `mimalloc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocator: Option<String>,
    /// Keys that this version does not know; they identify the machine all the same.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// What describes the machine at the moment of a run, or of one benchmark.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Conditions {
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// One-minute load average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_1m: Option<f64>,
    /// Processor time that the hypervisor gave to others, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_percent: Option<f64>,
    /// Mean core frequency, MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_mhz: Option<f64>,
    /// Memory that could still be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_available_bytes: Option<u64>,
    /// The container's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
}

/// A benchmark that should be measured, with the metrics that it should give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Benchmark name.
    pub name: String,
    /// Its dimensions.
    #[serde(default)]
    pub params: Params,
    /// Metric names.
    pub metrics: Vec<String>,
}

/// How a benchmark ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Measured.
    Ok,
    /// Tried, and did not give a result.
    Failed,
    /// Not possible here, for a reason known beforehand.
    Skipped,
}

/// A benchmark with given params, and what it measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// Such as `KVEventConcurrency`.
    pub name: String,
    /// Its dimensions.
    #[serde(default)]
    pub params: Params,
    /// How it ended.
    pub status: Status,
    /// Why it failed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Operations in one sample (the Go text's iteration count).
    #[serde(default)]
    pub iterations: u64,
    /// The machine while this benchmark ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Conditions>,
    /// What disturbed it, such as `steal 4.1%`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbed: Vec<String>,
    /// The results.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Whole distributions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histograms: Vec<Histogram>,
    /// Values over time or over another axis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
}

/// One metric of one benchmark, with its raw samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Such as `latency_p99`.
    pub name: String,
    /// Such as `ns`; see [`crate::metric`].
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity.
    pub kind: Kind,
    /// One value a repeat, in the order they were measured.
    pub samples: Vec<f64>,
    /// The least amount that matters, in the metric's unit: what a change from zero must exceed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// An absolute goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// A distribution in HdrHistogram's V2 encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Such as `latency`.
    pub name: String,
    /// Unit of the recorded values.
    pub unit: String,
    /// V2 or V2 + DEFLATE serialization, base64.
    pub hdr_base64: String,
}

/// Points of one quantity over another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Such as `queue_depth`.
    pub name: String,
    /// Unit along x.
    pub x: String,
    /// Unit along y.
    pub y: String,
    /// `[x, y]`, x never falling.
    pub points: Vec<[f64; 2]>,
}

/// That a run is one side of a pair, and of which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Names the pair; both sides carry it.
    pub pair_key: Uuid,
    /// Which side this is.
    pub side: Side,
    /// For each sample, the round in which it was measured: sample i of both sides with the same
    /// round is a pair.
    pub rounds: Vec<u32>,
    /// The run that the pair confirms or refutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against_run: Option<i64>,
    /// Why the pair was measured.
    pub purpose: Purpose,
}

/// A side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one compared with.
    Base,
    /// The one judged.
    Head,
}

/// Why a pair was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// A pull request against its merge base.
    Pull,
    /// Same-night confirmation of what a nightly run flagged.
    Confirm,
    /// The gate's proof of itself.
    Canary,
    /// Identical sides.
    Aa,
    /// The old epoch's last revision on the new epoch's machine.
    Bridge,
}

/// A file that belongs to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Such as `cpu`.
    pub name: String,
    /// Decides how it is served.
    pub kind: ArtifactKind,
    /// The benchmark that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// Its bytes, base64.
    pub data_base64: String,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactKind {
    /// Folded stacks by processor time.
    CpuStacks,
    /// Folded stacks by allocated bytes.
    HeapStacks,
    /// Folded stacks by time waited.
    LockStacks,
    /// A Chrome trace.
    Trace,
    /// A pprof protobuf.
    Pprof,
    /// Plain text.
    Text,
}
