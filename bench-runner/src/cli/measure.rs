//! Measuring, as several commands do it: `run`, `baseline`, `nightly`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bench_report::metric::{params_text, series_text};
use bench_report::report::{Report, RunKind, Status};
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;
use regex::Regex;
use uuid::Uuid;

use super::failure::{Failure, OrExit as _, usage};
use crate::collect::file::write_whole;
use crate::collect::gather::{Gathered, Header};
use crate::collect::plan::{Benchtime, Settings, parse_benchtime, parse_duration, plan};
use crate::collect::session::{self, Observer, State, SuiteExecutor};
use crate::environment::{self, RevisionOverrides};
use crate::instructions;
use crate::interrupt;
use crate::measure::cpu;
use crate::output::Progress;
use crate::profile::{Passes, Taken, Wanted};
use crate::suite::plant::Plant;
use crate::suite::recorded::Recording;
use crate::suite::{Stop, Workloads};
use crate::upload::live::Live;
use crate::upload::server::Server;

/// A report that is still growing is written at most so often, and always at the end.
const WRITE_PAUSE: Duration = Duration::from_millis(500);

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MeasureArgs {
    /// Only benchmarks whose name and params match, as in 'Concurrency concurrency=10 cpu=2'
    #[arg(long, value_name = "REGEX")]
    pub(super) bench: Option<Regex>,
    /// How long a sample is: a time (10s, 100ms) or a number of operations (1000x) [default: 1s, with
    /// --quick 40ms]
    #[arg(long, value_parser = parse_benchtime)]
    pub(super) benchtime: Option<Benchtime>,
    /// Samples of each benchmark, interleaved across benchmarks [default: 10, with --quick 6]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) count: Option<u32>,
    /// Core counts; those above the machine's are skipped with that reason
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) cpu: Vec<u32>,
    /// The longest time to warm up before each sample; it ends earlier when steady [default: 1s, with
    /// --quick 40ms]
    #[arg(long, value_parser = parse_duration)]
    pub(super) warmup: Option<Duration>,
    /// Seed of the workloads
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
    /// Everything in under a minute: short samples, fewer of them
    #[arg(long)]
    pub(super) quick: bool,
    /// A name for this machine, for people; it is no part of its identity
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// Commit that is measured [default: what git says]
    #[arg(long, value_name = "HEX")]
    pub(super) commit: Option<String>,
    /// Branch that is measured [default: what git says]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Repository that is measured [default: what git says]
    #[arg(long, value_name = "OWNER/NAME")]
    pub(super) repository: Option<String>,
    /// Pull request that is measured
    #[arg(long, value_name = "NUMBER")]
    pub(super) pull: Option<u64>,
    /// Merge base of the pull request
    #[arg(long, value_name = "HEX")]
    pub(super) base_commit: Option<String>,
}

/// A run that is about to be measured: everything that can be wrong beforehand is found out here.
pub(super) struct Prepared {
    gathered: Gathered,
    settings: Settings,
    profiles: Wanted,
    instructions: bool,
}

/// What came of it.
pub(super) struct Measured {
    /// The report, whole or not.
    pub(super) report: Report,
    /// Whether it came to its end.
    pub(super) whole: bool,
    /// What is to be said beside the report.
    pub(super) told: Vec<String>,
}

impl MeasureArgs {
    /// Plans the run.
    pub(super) fn prepare(&self, kind: RunKind) -> Result<Prepared, Failure> {
        self.prepare_with(kind, None, None)
    }

    /// Plans a run in which something is planted, or a recording is measured, too.
    pub(super) fn prepare_with(
        &self,
        kind: RunKind,
        plant: Option<Plant>,
        recording: Option<&Path>,
    ) -> Result<Prepared, Failure> {
        let recording = recording.map(Recording::open).transpose().or_usage()?;
        if recording
            .as_ref()
            .is_some_and(|recording| !recording.is_closed())
        {
            eprintln!("bench-runner: the recording has no end; what came last may be missing");
        }
        let settings = Settings {
            plant,
            recording: recording.map(Arc::new),
            ..self.settings()
        };
        let cases = plan(&settings, &cpu::allowed()).or_usage()?;
        let header = Header {
            run_key: Uuid::new_v4(),
            kind,
            revision: environment::revision(Path::new("."), &self.overrides()).or_usage()?,
            environment: environment::environment(self.environment.clone()),
            started_at: Timestamp::now(),
        };
        if kind == RunKind::Pull && header.revision.pull.is_none() {
            return Err(usage(
                "a run of kind pull names its pull request: add --pull NUMBER",
            ));
        }
        if !environment::is_optimised() {
            eprintln!(
                "bench-runner: built without optimisation: these figures say nothing about the indexer"
            );
        }
        Ok(Prepared {
            gathered: Gathered::new(header, settings.clone(), cases),
            settings,
            profiles: Wanted::default(),
            instructions: false,
        })
    }

    /// What the caller says about the revision.
    pub(super) fn overrides(&self) -> RevisionOverrides {
        RevisionOverrides {
            commit: self.commit.clone(),
            branch: self.branch.clone(),
            repository: self.repository.clone(),
            pull: self.pull,
            base_commit: self.base_commit.clone(),
        }
    }

    fn settings(&self) -> Settings {
        let (benchtime, count, warmup) = if self.quick {
            ("40ms", 6, Duration::from_millis(40))
        } else {
            ("1s", 10, Duration::from_secs(1))
        };
        let mut cpu = self.cpu.clone();
        cpu.sort_unstable();
        cpu.dedup();
        Settings {
            bench: self.bench.clone(),
            benchtime: self.benchtime.clone().unwrap_or_else(|| {
                parse_benchtime(benchtime).expect("the defaults above are times")
            }),
            count: self.count.unwrap_or(count),
            cpu,
            warmup: self.warmup.unwrap_or(warmup),
            seed: self.seed,
            quick: self.quick,
            plant: None,
            recording: None,
        }
    }
}

impl Prepared {
    /// Whether it is known which commit is measured.
    pub(super) fn has_commit(&self) -> bool {
        self.gathered.header().revision.commit.is_some()
    }

    /// Lists the commits since the night before, as far as the server and git know them: it is asked
    /// for the suspects' sake, and nothing fails without them.
    pub(super) fn cover(&mut self, server: &Server) {
        let header = self.gathered.header();
        let named = header.environment.name.clone();
        // As the server names a machine without a name.
        let machine = named.unwrap_or_else(|| {
            let hash = header.environment.identity().hash;
            format!("env-{}", hash.get(..8).unwrap_or(&hash))
        });
        let Some(branch) = header.revision.branch.as_deref() else {
            return;
        };
        let Ok(Some(before)) = server.last_night(branch, &machine) else {
            return;
        };
        let commits = environment::commits_since(Path::new("."), &before);
        self.gathered.cover(commits);
    }

    /// Measures. The report grows in `out`; `watched_on` is told how it stands.
    pub(super) fn measure(
        mut self,
        out: Option<&Path>,
        watched_on: Option<&Server>,
    ) -> Result<Measured, Failure> {
        let stop = interrupt::stop()
            .context("cannot listen for Ctrl-C")
            .or_usage()?;
        let mut writer = out.map(|path| Writer::new(path.to_owned()));
        if let Some(writer) = &mut writer {
            // A path that cannot be written is found out before the measuring.
            writer.write(&self.gathered.report(Timestamp::now(), false));
            writer.outcome()?;
        }
        let mut progress = Progress::on_stderr();
        let run_key = self.gathered.header().run_key.to_string();
        let mut live = watched_on.and_then(|server| Live::new(server.clone(), run_key).ok());
        let mut observers: Vec<&mut dyn Observer> = Vec::new();
        observers.extend(writer.as_mut().map(|writer| writer as &mut dyn Observer));
        observers.push(&mut progress);
        observers.extend(live.as_mut().map(|live| live as &mut dyn Observer));
        let workloads = Workloads::new(self.settings.seed).beside(self.settings.recording.clone());
        let executor = SuiteExecutor {
            workloads: &workloads,
            settings: &self.settings,
            stop: &stop,
        };
        let whole = session::run(&mut self.gathered, &executor, &stop, &mut observers);
        progress.finish();
        let mut report = self.gathered.report(Timestamp::now(), !whole);
        if let Some(writer) = &mut writer {
            // What was measured is safe before anything is profiled.
            writer.write(&report);
            writer.outcome()?;
        }
        let mut told = Vec::new();
        if self.instructions && whole {
            told = instructions::add_to(&mut report, &workloads);
        }
        let taken = self.profile(&workloads, &stop);
        if self.instructions || !taken.artifacts.is_empty() {
            report.artifacts = taken.artifacts;
            if let Some(writer) = &mut writer {
                writer.write(&report);
                writer.outcome()?;
            }
        }
        told.extend(taken.told);
        Ok(Measured {
            report,
            whole,
            told,
        })
    }
}

impl Prepared {
    /// Takes profiles, too, after the measuring, and counts instructions.
    pub(super) fn profiled(&mut self, wanted: Wanted, instructions: bool) {
        self.profiles = wanted;
        self.instructions = instructions;
    }

    fn profile(&self, workloads: &Workloads, stop: &Stop) -> Taken {
        if self.profiles.is_empty() || stop.is_asked() {
            return Taken::default();
        }
        eprintln!("bench-runner: measured; now the profiles, which change no figure");
        self.profiles.take(&Passes {
            cases: self.gathered.cases().collect(),
            workloads,
            budget: self.settings.benchtime.budget,
            plant: self.settings.plant,
            stop,
        })
    }
}

impl Measured {
    /// 4 when something that could be measured here was not; says what.
    pub(super) fn outcome(&self) -> ExitCode {
        let missing = missing(&self.report);
        if !self.whole {
            eprintln!("bench-runner: stopped; what was measured is kept");
        }
        if !missing.is_empty() {
            eprintln!("bench-runner: not measured: {}", missing.join(", "));
        }
        if self.whole && missing.is_empty() {
            ExitCode::Fine
        } else {
            ExitCode::Incomplete
        }
    }
}

/// What was expected and has failed, or has no samples.
fn missing(report: &Report) -> Vec<String> {
    let mut missing = Vec::new();
    for expected in &report.expected {
        let name = format!("{} {}", expected.name, params_text(&expected.params));
        let measured = report.benchmarks.iter().find(|benchmark| {
            benchmark.name == expected.name && benchmark.params == expected.params
        });
        let Some(measured) = measured.filter(|benchmark| benchmark.status == Status::Ok) else {
            missing.push(name.trim_end().to_owned());
            continue;
        };
        let has = |name: &str| measured.metrics.iter().any(|metric| metric.name == name);
        let absent = expected.metrics.iter().filter(|metric| !has(metric));
        missing.extend(absent.map(|metric| series_text(&expected.name, metric, &expected.params)));
    }
    missing
}

/// Writes the report while it grows.
struct Writer {
    path: PathBuf,
    round: u32,
    last: Instant,
    failure: Option<std::io::Error>,
}

impl Writer {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            round: 0,
            last: Instant::now(),
            failure: None,
        }
    }

    fn write(&mut self, report: &Report) {
        self.last = Instant::now();
        self.failure = write_whole(&self.path, report.to_json_pretty().as_bytes()).err();
    }

    /// How the last writing went.
    fn outcome(&mut self) -> Result<(), Failure> {
        let path = self.path.display();
        match self.failure.take() {
            Some(error) => Err(error)
                .with_context(|| format!("cannot write {path}"))
                .or_usage(),
            None => Ok(()),
        }
    }
}

impl Observer for Writer {
    fn starting(&mut self, state: &State<'_>) {
        // A whole round is written whatever the clock says.
        if self.round != state.round {
            self.round = state.round;
            self.write(&state.gathered.report(Timestamp::now(), false));
        }
    }

    fn sampled(&mut self, state: &State<'_>) {
        if self.last.elapsed() >= WRITE_PAUSE {
            self.write(&state.gathered.report(Timestamp::now(), false));
        }
    }
}
