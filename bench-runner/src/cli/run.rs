//! `run`: the suite on this machine.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bench_report::metric::{params_text, series_text};
use bench_report::report::{Report, RunKind, Status};
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;
use regex::Regex;
use uuid::Uuid;

use super::failure::{Failure, OrExit as _, usage};
use super::server_args::{ServerArgs, SpoolArgs};
use super::upload;
use crate::collect::file::write_whole;
use crate::collect::gather::{Gathered, Header};
use crate::collect::plan::{Benchtime, Settings, parse_benchtime, parse_duration, plan};
use crate::collect::session::{self, Observer, State, SuiteExecutor};
use crate::environment::{self, RevisionOverrides};
use crate::interrupt;
use crate::measure::cpu;
use crate::output::{Progress, Style, table};
use crate::suite::{Stop, Workloads};
use crate::upload::live::Live;

/// A report that is still growing is written at most so often, and always at the end.
const WRITE_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only benchmarks whose name and params match, as in 'Concurrency concurrency=10 cpu=2'
    #[arg(long, value_name = "REGEX")]
    bench: Option<Regex>,
    /// How long a sample is: a time (10s, 100ms) or a number of operations (1000x) [default: 1s, with
    /// --quick 50ms]
    #[arg(long, value_parser = parse_benchtime)]
    benchtime: Option<Benchtime>,
    /// Samples of each benchmark, interleaved across benchmarks [default: 10, with --quick 6]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: Option<u32>,
    /// Core counts; those above the machine's are skipped with that reason
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8", value_parser = clap::value_parser!(u32).range(1..=1024))]
    cpu: Vec<u32>,
    /// The longest time to warm up before each sample; it ends earlier when steady [default: 1s, with
    /// --quick 50ms]
    #[arg(long, value_parser = parse_duration)]
    warmup: Option<Duration>,
    /// Seed of the workloads
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Everything in under a minute: short samples, fewer of them
    #[arg(long)]
    quick: bool,
    /// Write the report here, after each benchmark
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the report as JSON at the end instead of the table
    #[arg(long)]
    json: bool,
    /// Why it is run; decides what it may influence
    #[arg(long, default_value = "manual", value_parser = kind)]
    kind: RunKind,
    /// Send the report to the server, and say how the run stands meanwhile
    #[arg(long)]
    upload: bool,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    /// A name for this machine, for people; it is no part of its identity
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Commit that is measured [default: what git says]
    #[arg(long, value_name = "HEX")]
    commit: Option<String>,
    /// Branch that is measured [default: what git says]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Repository that is measured [default: what git says]
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// Pull request that is measured
    #[arg(long, value_name = "NUMBER")]
    pull: Option<u64>,
    /// Merge base of the pull request
    #[arg(long, value_name = "HEX")]
    base_commit: Option<String>,
}

/// Kinds that a run by itself may have: the others are made by other commands.
fn kind(text: &str) -> Result<RunKind, String> {
    match RunKind::parse(text) {
        Some(kind @ (RunKind::Nightly | RunKind::Pull | RunKind::Manual)) => Ok(kind),
        _ => Err("the kinds are nightly, pull and manual".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let settings = settings(args);
    let cases = plan(&settings, &cpu::allowed()).or_usage()?;
    let overrides = RevisionOverrides {
        commit: args.commit.clone(),
        branch: args.branch.clone(),
        repository: args.repository.clone(),
        pull: args.pull,
        base_commit: args.base_commit.clone(),
    };
    let header = Header {
        run_key: Uuid::new_v4(),
        kind: args.kind,
        revision: environment::revision(Path::new("."), &overrides).or_usage()?,
        environment: environment::environment(args.environment.clone()),
        started_at: Timestamp::now(),
    };
    if args.kind == RunKind::Pull && header.revision.pull.is_none() {
        return Err(usage(
            "a run of kind pull names its pull request: add --pull NUMBER",
        ));
    }
    // What would only be found out after the measuring is asked before it.
    let delivery = args
        .upload
        .then(|| upload::Way::new(&args.server, &args.spool))
        .transpose()?;
    if delivery.is_some() && header.revision.commit.is_none() {
        return Err(usage(upload::NO_COMMIT));
    }
    if !environment::is_optimised() {
        eprintln!(
            "bench-runner: built without optimisation: these figures say nothing about the indexer"
        );
    }

    let stop = Arc::new(Stop::default());
    interrupt::on_interrupt(Arc::clone(&stop))
        .context("cannot listen for Ctrl-C")
        .or_usage()?;
    let mut gathered = Gathered::new(header, settings.clone(), cases);
    let mut writer = args.out.clone().map(Writer::new);
    if let Some(writer) = &mut writer {
        // A path that cannot be written is found out before the measuring.
        writer.write(&gathered.report(Timestamp::now(), false));
        writer.outcome()?;
    }
    let mut progress = Progress::on_stderr();
    let mut live = match &delivery {
        Some(way) => Live::new(way.server().clone(), gathered.header().run_key.to_string()).ok(),
        None => None,
    };
    let mut observers: Vec<&mut dyn Observer> = vec![&mut progress];
    observers.extend(writer.as_mut().map(|writer| writer as &mut dyn Observer));
    observers.extend(live.as_mut().map(|live| live as &mut dyn Observer));
    let workloads = Workloads::new(settings.seed);
    let executor = SuiteExecutor {
        workloads: &workloads,
        settings: &settings,
        stop: &stop,
    };
    let whole = session::run(&mut gathered, &executor, &stop, &mut observers);
    progress.finish();

    let report = gathered.report(Timestamp::now(), !whole);
    if let Some(mut writer) = writer {
        writer.write(&report);
        writer.outcome()?;
    }
    print(args, &report)?;
    let measured = outcome(&report, whole);
    let delivered = delivery.map_or(Ok(ExitCode::Fine), |way| way.send(&report))?;
    Ok(ExitCode::worst([measured, delivered]))
}

fn settings(args: &Args) -> Settings {
    let (benchtime, count, warmup) = if args.quick {
        ("50ms", 6, Duration::from_millis(50))
    } else {
        ("1s", 10, Duration::from_secs(1))
    };
    let mut cpu = args.cpu.clone();
    cpu.sort_unstable();
    cpu.dedup();
    Settings {
        bench: args.bench.clone(),
        benchtime: args
            .benchtime
            .clone()
            .unwrap_or_else(|| parse_benchtime(benchtime).expect("the defaults above are times")),
        count: args.count.unwrap_or(count),
        cpu,
        warmup: args.warmup.unwrap_or(warmup),
        seed: args.seed,
        quick: args.quick,
    }
}

fn print(args: &Args, report: &Report) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let text = if args.json {
        report.to_json_pretty()
    } else {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        table(report, Style::of(out.is_terminal(), no_color))
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).or_usage(),
        _ => Ok(()),
    }
}

/// 4 when something that could be measured here was not.
fn outcome(report: &Report, whole: bool) -> ExitCode {
    let missing = missing(report);
    if !whole {
        eprintln!("bench-runner: stopped; what was measured is kept");
    }
    if !missing.is_empty() {
        eprintln!("bench-runner: not measured: {}", missing.join(", "));
    }
    if whole && missing.is_empty() {
        ExitCode::Fine
    } else {
        ExitCode::Incomplete
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
    last: std::time::Instant,
    failure: Option<std::io::Error>,
}

impl Writer {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            last: std::time::Instant::now(),
            failure: None,
        }
    }

    fn write(&mut self, report: &Report) {
        self.last = std::time::Instant::now();
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
    fn sampled(&mut self, state: &State<'_>) {
        if self.last.elapsed() >= WRITE_PAUSE {
            self.write(&state.gathered.report(Timestamp::now(), false));
        }
    }
}
