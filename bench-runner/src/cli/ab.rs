//! `ab` and `aa`: two sides measured in turn, and whether they differ.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use bench_report::metric::{Scale, Unit, format_change, format_change_interval};
use bench_report::report::{Purpose, Report, Revision, RunKind, Side as PairSide};
use bench_verdict::exit::ExitCode;
use bench_verdict::verdict::Evidence;
use jiff::Timestamp;
use regex::Regex;
use uuid::Uuid;

use super::build_args::BuildArgs;
use super::failure::{Failure, OrExit as _, usage};
use super::server_args::{ServerArgs, SpoolArgs};
use super::upload;
use super::word::word;
use crate::ab::build::Builder;
use crate::ab::report::{Told, reports};
use crate::ab::rounds::{self, Budget, Pairs, Row};
use crate::ab::side::{Program, Side};
use crate::collect::file::write_whole;
use crate::collect::plan::{duration_text, parse_benchtime, parse_duration};
use crate::environment::revision_at;
use crate::interrupt::Stopped;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bench-runner ab --base main --head HEAD --bench ProcessingLatency
  bench-runner ab --base v1.0 --head main --rounds 20 --threshold 0.05
  bench-runner ab --base origin/main --head HEAD --kind pull --pull 12 --upload
  bench-runner ab --base main --head HEAD --build 'go test -c -o bench .' --exec './bench -test.bench=.'
  bench-runner ab -- ./old -bench=. --- ./new -bench=.

Both revisions are built in a work tree of their own, in the cache; a program is kept by its commit,
compiler and flags. Rounds end when the interval of every series lies on one side of the threshold.
Programs that are equal byte by byte differ only by noise: that never fails, and with --upload it is
kept as a measurement of the noise.")]
pub(super) struct Args {
    /// The revision compared with
    #[arg(
        long,
        value_name = "REV",
        requires = "head",
        conflicts_with = "commands"
    )]
    base: Option<String>,
    /// The revision judged
    #[arg(
        long,
        value_name = "REV",
        requires = "base",
        conflicts_with = "commands"
    )]
    head: Option<String>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    rounds: RoundArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
    /// Why it is measured: ab, or pull for a pull request against its merge base
    #[arg(long, default_value = "ab", value_parser = kind)]
    kind: RunKind,
    /// Number of the pull request
    #[arg(long, value_name = "NUMBER")]
    pull: Option<u64>,
    /// Two commands that print Go benchmark text, with --- between them
    #[arg(last = true, value_name = "CMD_A --- CMD_B", conflicts_with_all = ["upload", "out", "exec"])]
    commands: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  bench-runner aa --bench 'Concurrency concurrency=10'")]
pub(super) struct AaArgs {
    #[command(flatten)]
    rounds: RoundArgs,
}

/// Sending both sides to the server.
#[derive(Debug, Clone, clap::Args)]
struct DeliveryArgs {
    /// Send both sides to the server, as the two reports of a pair
    #[arg(long, requires = "base")]
    upload: bool,
    /// Keep both reports in this folder, for a job that may send them
    #[arg(long, value_name = "FOLDER", requires = "base")]
    out: Option<PathBuf>,
    /// A name for this machine, for people
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct RoundArgs {
    /// Rounds at most; it stops earlier when every series is decided
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(super) rounds: u32,
    /// Measure for so long at most; it stops after the round, or the second of two
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) time: Option<Duration>,
    /// A change beyond this fails, as a fraction
    #[arg(long, default_value_t = 0.1, value_parser = super::gate::threshold)]
    pub(super) threshold: f64,
    /// Only benchmarks whose name and params match
    #[arg(long, value_name = "REGEX")]
    pub(super) bench: Option<String>,
    /// Only series whose name matches, as in 'latency_mean'; all others that are measured are left out
    #[arg(long, value_name = "REGEX")]
    pub(super) only: Option<Regex>,
    /// How long a sample is
    #[arg(long, default_value = "200ms", value_parser = |text: &str| parse_benchtime(text).map(|_| text.to_owned()))]
    pub(super) benchtime: String,
    /// The longest time to warm up before each sample
    #[arg(long, default_value = "200ms")]
    pub(super) warmup: String,
    /// Core counts
    #[arg(long, default_value = "1")]
    pub(super) cpu: String,
    /// Seed of the workloads and of the order
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
}

impl RoundArgs {
    /// The options of `run` that a turn of a bench-runner gets.
    pub(super) fn options(&self) -> Vec<String> {
        let mut options = vec![
            format!("--benchtime={}", self.benchtime),
            format!("--warmup={}", self.warmup),
            format!("--cpu={}", self.cpu),
            format!("--seed={}", self.seed),
        ];
        options.extend(self.bench.as_ref().map(|bench| format!("--bench={bench}")));
        options
    }

    /// How rounds are made.
    pub(super) fn budget(&self, identical: bool) -> Budget {
        Budget {
            rounds: self.rounds,
            threshold: self.threshold,
            seed: self.seed,
            identical,
            early: true,
        }
    }
}

fn kind(text: &str) -> Result<RunKind, String> {
    match RunKind::parse(text) {
        Some(kind @ (RunKind::Ab | RunKind::Pull)) => Ok(kind),
        _ => Err("the kinds are ab and pull".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (Some(base), Some(head)) = (&args.base, &args.head) else {
        let (base, head) = commands(&args.commands)?;
        let compared = measure(&base, &head, &args.rounds)?;
        return Ok(compared.say(&args.rounds));
    };
    if (args.kind == RunKind::Pull) != args.pull.is_some() {
        return Err(usage("--kind pull and --pull NUMBER belong together"));
    }
    let delivery = &args.delivery;
    let way = delivery
        .upload
        .then(|| upload::Way::new(&delivery.server, &delivery.spool))
        .transpose()?;
    let builder = args.build.builder()?;
    let base = Revised::build(&builder, base, &args.rounds)?;
    let head = Revised::build(&builder, head, &args.rounds)?;
    let compared = measure(&base.side, &head.side, &args.rounds)?;
    let outcome = compared.say(&args.rounds);
    if way.is_none() && delivery.out.is_none() {
        return Ok(outcome);
    }
    let (kind, purpose) = match args.kind {
        // A pull request is told even that nothing can have changed.
        RunKind::Pull => (RunKind::Pull, Purpose::Pull),
        _ if compared.identical => (RunKind::Aa, Purpose::Aa),
        kind => (kind, Purpose::Pull),
    };
    let mut revisions = [base.revision, head.revision];
    let merge_base = revisions[0].commit.clone();
    for revision in &mut revisions {
        revision.pull = args.pull;
        revision.base_commit = args.pull.and(merge_base.clone());
    }
    let told = Told {
        pair_key: Uuid::new_v4(),
        kind,
        purpose,
        against_run: None,
        revisions,
        environment_name: delivery.environment.clone(),
        planted: None,
        started_at: compared.started_at,
    };
    let Some(pair) = reports(&compared.pairs, &told, Timestamp::now()) else {
        return Ok(ExitCode::worst([outcome, ExitCode::Incomplete]));
    };
    if let Some(folder) = &delivery.out {
        keep(folder, &pair)?;
    }
    let Some(way) = way else { return Ok(outcome) };
    let sent = pair.iter().map(|report: &Report| way.send(report));
    let sent = sent.collect::<Result<Vec<_>, _>>()?;
    Ok(ExitCode::worst(sent.into_iter().chain([outcome])))
}

/// Writes both reports into a folder.
fn keep(folder: &Path, pair: &[Report]) -> Result<(), Failure> {
    let cannot = |path: &Path| format!("cannot write {}", path.display());
    std::fs::create_dir_all(folder)
        .with_context(|| cannot(folder))
        .or_usage()?;
    for report in pair {
        let side = report
            .pair
            .as_ref()
            .map_or(PairSide::Head, |pair| pair.side);
        let path = folder.join(format!("{}.json", word(side)));
        write_whole(&path, report.to_json().as_bytes())
            .with_context(|| cannot(&path))
            .or_usage()?;
    }
    Ok(())
}

/// A revision as a side.
struct Revised {
    side: Side,
    revision: Revision,
}

impl Revised {
    fn build(builder: &Builder, revision: &str, rounds: &RoundArgs) -> Result<Self, Failure> {
        eprintln!("building {revision}");
        let built = builder.build(revision).or_usage()?;
        let how = if built.cached {
            "from the cache"
        } else {
            "built"
        };
        eprintln!("{revision} is {}, {how}", short(&built.commit));
        // What is no hash and no place in a history is what people call the branch.
        let is_branch = |name: &str| {
            !name.starts_with("HEAD")
                && !name.contains(['~', '^', ':'])
                && !built.commit.starts_with(name)
        };
        let branch = if is_branch(revision) {
            revision
        } else {
            "detached"
        };
        Ok(Self {
            side: builder.side(revision, &built, &rounds.options()),
            revision: revision_at(builder.repository(), &built.commit, Some(branch.to_owned())),
        })
    }
}

/// The first letters of a commit's hash.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

pub(super) fn run_aa(args: &AaArgs) -> Result<ExitCode, Failure> {
    let path = std::env::current_exe().or_usage()?;
    let program = Program::Runner {
        path,
        options: args.rounds.options(),
    };
    let side = |name: &str| Side {
        name: name.to_owned(),
        program: program.clone(),
        slowed: None,
    };
    let compared = measure(&side("A"), &side("A again"), &args.rounds)?;
    Ok(compared.say(&args.rounds))
}

fn commands(words: &[String]) -> Result<(Side, Side), Failure> {
    let wrong = || usage("name two sides: --base REV --head REV, or -- CMD_A --- CMD_B");
    let middle = words
        .iter()
        .position(|word| word == "---")
        .ok_or_else(wrong)?;
    let (base, head) = (&words[..middle], &words[middle + 1..]);
    if base.is_empty() || head.is_empty() {
        return Err(wrong());
    }
    let side = |words: &[String]| Side {
        name: words.join(" "),
        program: Program::Command {
            words: words.to_vec(),
            folder: None,
        },
        slowed: None,
    };
    Ok((side(base), side(head)))
}

/// Two sides, measured.
pub(super) struct Measured {
    /// Every pair.
    pub(super) pairs: Pairs,
    /// Both are the same program.
    pub(super) identical: bool,
    /// When the first turn began.
    pub(super) started_at: Timestamp,
}

/// Measures two sides in turn, and says on standard error how far it is.
pub(super) fn measure(base: &Side, head: &Side, args: &RoundArgs) -> Result<Measured, Failure> {
    let identical = base
        .fingerprint()
        .is_some_and(|base| Some(base) == head.fingerprint());
    if identical {
        eprintln!("both sides are the same program: whatever differs is noise");
    }
    let budget = args.budget(identical);
    let (started_at, start) = (Timestamp::now(), Instant::now());
    let pairs = rounds::run(
        budget,
        |is_head| {
            let mut turn = if is_head { head.turn() } else { base.turn() }?;
            if let Some(only) = &args.only {
                turn.figures
                    .retain(|name, _| only.is_match(&name.to_string()));
            }
            Ok(turn)
        },
        |pairs| {
            let took = start.elapsed();
            eprintln!("{}", progress(pairs, &budget, took, args.time));
            // Rounds come in twos, so that the order stays balanced.
            let next_two = took + 2 * (took / pairs.rounds);
            let fits = args.time.is_none_or(|time| next_two <= time);
            fits || !pairs.rounds.is_multiple_of(2)
        },
    )
    .or_usage()?;
    if pairs.stopped && pairs.rounds == 0 {
        return Err(Stopped).or_usage();
    }
    Ok(Measured {
        pairs,
        identical,
        started_at,
    })
}

/// `round 6 of at most 20, 14 s, at most 33 s more; 2 of 8 series undecided`.
fn progress(pairs: &Pairs, budget: &Budget, took: Duration, time: Option<Duration>) -> String {
    let seconds =
        |time: Duration| duration_text(Duration::from_secs(time.as_secs_f64().ceil() as u64));
    let left = took / pairs.rounds.max(1) * budget.rounds.saturating_sub(pairs.rounds);
    let left = time.map_or(left, |time| left.min(time.saturating_sub(took)));
    let more = if pairs.decided {
        "every series is decided".to_owned()
    } else {
        let (undecided, all) = (pairs.undecided(budget).len(), pairs.samples().count());
        format!(
            "at most {} more; {undecided} of {all} series undecided",
            seconds(left)
        )
    };
    let (round, most) = (pairs.rounds, budget.rounds);
    format!("round {round} of at most {most}, {}, {more}", seconds(took))
}

impl Measured {
    /// Prints the table; the exit code that it comes to.
    fn say(&self, args: &RoundArgs) -> ExitCode {
        let budget = args.budget(self.identical);
        let rows = self.pairs.rows(&budget);
        print!("{}", table(&rows, &self.pairs, &budget));
        let stopped = match self.pairs.stopped {
            true => ExitCode::Incomplete,
            false => ExitCode::Fine,
        };
        ExitCode::worst([outcome(&rows, &budget), stopped])
    }
}

fn outcome(rows: &[Row], budget: &Budget) -> ExitCode {
    if rows.is_empty() {
        return ExitCode::Incomplete;
    }
    let codes = rows.iter().map(|row| {
        if row.is_regression(budget.threshold) {
            ExitCode::Regression
        } else if row.compared.evidence == Evidence::Inconclusive {
            ExitCode::Inconclusive
        } else {
            ExitCode::Fine
        }
    });
    ExitCode::worst(codes)
}

fn table(rows: &[Row], pairs: &Pairs, budget: &Budget) -> String {
    let mut lines: Vec<[String; 6]> = Vec::new();
    for row in rows {
        let compared = &row.compared;
        let value = |value: f64| match Unit::parse(&row.unit) {
            Ok(unit) => Scale::of(unit, compared.old.median)
                .reading(value)
                .to_string(),
            Err(_) => format!("{value} {}", row.unit),
        };
        let interval = compared
            .interval
            .map(|[low, high]| format_change_interval(low, high));
        let verdict = match compared.evidence {
            Evidence::Exact | Evidence::Confirmed => {
                format!("{} {}", compared.band.word(), word(compared.evidence))
            }
            _ => word(compared.evidence),
        };
        let seen = compared
            .detectable_change
            .map(|change| format!("sees {}", format_change(change)));
        lines.push([
            row.name.to_string(),
            value(compared.old.median),
            value(compared.new.median),
            compared.change.map(format_change).unwrap_or_default(),
            interval.unwrap_or_default(),
            [verdict, seen.unwrap_or_default()].join("  "),
        ]);
    }
    let width = |cell: usize| {
        lines
            .iter()
            .map(|line| line[cell].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for line in &lines {
        for (cell, content) in line.iter().enumerate() {
            let pad = widths
                .get(cell)
                .map_or(0, |width| width - content.chars().count());
            match cell {
                0 => text.push_str(&format!("{content}{}", " ".repeat(pad))),
                5 => text.push_str(&format!("  {content}")),
                _ => text.push_str(&format!("  {}{content}", " ".repeat(pad))),
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    let why = if pairs.decided {
        "every series is decided"
    } else if pairs.stopped {
        "stopped before every series was decided"
    } else {
        "the rounds are used up"
    };
    let limit = format_change(budget.threshold);
    text.push_str(&format!(
        "{} pairs: {why}; + is worse; limit {limit}\n",
        pairs.rounds
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_commands_are_parted_by_three_dashes() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let sides = commands(&words("./a -x --- ./b -y")).ok();
        let names = sides.map(|(base, head)| (base.name, head.name));
        assert_eq!(names, Some(("./a -x".to_owned(), "./b -y".to_owned())));
        for wrong in ["./a ./b", "--- ./b", "./a ---"] {
            assert!(commands(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
