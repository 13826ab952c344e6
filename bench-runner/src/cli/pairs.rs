//! Two sides measured in turn, as `ab`, `aa` and `bisect` do it.

use std::time::{Duration, Instant};

use bench_verdict::exit::ExitCode;
use bench_verdict::verdict::Evidence;
use jiff::Timestamp;
use regex::Regex;

use super::failure::{Failure, OrExit as _};
use crate::ab::answer::{Answer, Ended, RowAnswer};
use crate::ab::rounds::{self, Budget, Pairs, Row};
use crate::ab::side::Side;
use crate::collect::plan::{parse_benchtime, parse_duration};
use crate::interrupt::Stopped;
use crate::output::{clear, rough, status};

/// How rounds are made.
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

/// Two sides, measured.
pub(super) struct Measured {
    /// What base and head are called.
    pub(super) names: [String; 2],
    /// Every pair.
    pub(super) pairs: Pairs,
    /// Both are the same program.
    pub(super) identical: bool,
    /// When the first turn began.
    pub(super) started_at: Timestamp,
}

/// Measures two sides in turn, and says on standard error how far it is.
/// `early`: rounds end once every series is decided.
pub(super) fn measure(
    base: &Side,
    head: &Side,
    args: &RoundArgs,
    early: bool,
) -> Result<Measured, Failure> {
    let identical = base
        .fingerprint()
        .is_some_and(|base| Some(base) == head.fingerprint());
    if identical {
        eprintln!("both sides are the same program: whatever differs is noise");
    }
    let budget = Budget {
        early,
        ..args.budget(identical)
    };
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
            status(&progress(pairs, &budget, took, args.time));
            // Rounds come in twos, so that the order stays balanced.
            let next_two = took + 2 * (took / pairs.rounds);
            let fits = args.time.is_none_or(|time| next_two <= time);
            fits || !pairs.rounds.is_multiple_of(2)
        },
    );
    clear();
    let pairs = pairs.or_usage()?;
    if pairs.stopped && pairs.rounds == 0 {
        return Err(Stopped).or_usage();
    }
    Ok(Measured {
        names: [base.name.clone(), head.name.clone()],
        pairs,
        identical,
        started_at,
    })
}

/// `round 6 of at most 20, 14 s, at most 33 s more; 2 of 8 series undecided`.
fn progress(pairs: &Pairs, budget: &Budget, took: Duration, time: Option<Duration>) -> String {
    let left = took / pairs.rounds.max(1) * budget.rounds.saturating_sub(pairs.rounds);
    let left = time.map_or(left, |time| left.min(time.saturating_sub(took)));
    let more = if pairs.decided {
        "every series is decided".to_owned()
    } else {
        let (undecided, all) = (pairs.undecided(budget).len(), pairs.samples().count());
        format!(
            "at most {} more; {undecided} of {all} series undecided",
            rough(left)
        )
    };
    let (round, most) = (pairs.rounds, budget.rounds);
    format!("round {round} of at most {most}, {}, {more}", rough(took))
}

impl Measured {
    /// Why there are no more rounds, as a sentence.
    pub(super) fn ended(&self) -> String {
        let why = Ended::of(&self.pairs).as_str();
        format!("{} pairs: {why}", self.pairs.rounds)
    }

    /// What the rows say, as data.
    pub(super) fn answer(&self, rows: &[Row], threshold: f64) -> Answer {
        let [base, head] = self.names.clone();
        let exit_code = self.outcome(rows, threshold);
        Answer {
            base,
            head,
            identical: self.identical,
            pairs: self.pairs.rounds,
            ended: Ended::of(&self.pairs),
            threshold,
            within: None,
            status: exit_code.status(),
            exit_code,
            rows: rows.iter().map(RowAnswer::of).collect(),
        }
    }

    /// What the rows come to.
    pub(super) fn outcome(&self, rows: &[Row], threshold: f64) -> ExitCode {
        let stopped = match self.pairs.stopped {
            true => ExitCode::Incomplete,
            false => ExitCode::Fine,
        };
        ExitCode::worst([outcome(rows, threshold), stopped])
    }
}

fn outcome(rows: &[Row], threshold: f64) -> ExitCode {
    if rows.is_empty() {
        return ExitCode::Incomplete;
    }
    let codes = rows.iter().map(|row| {
        if row.is_regression(threshold) {
            ExitCode::Regression
        } else if row.compared.evidence == Evidence::Inconclusive {
            ExitCode::Inconclusive
        } else {
            ExitCode::Fine
        }
    });
    ExitCode::worst(codes)
}
