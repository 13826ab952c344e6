//! `ab` and `aa`: two sides measured in turn, and whether they differ.

use std::path::{Path, PathBuf};

use bench_report::metric::{Scale, Unit, format_change, format_change_interval};
use bench_verdict::exit::ExitCode;
use bench_verdict::verdict::Evidence;

use super::failure::{Failure, OrExit as _, usage};
use super::word::word;
use crate::ab::build::{build, default_cache};
use crate::ab::rounds::{self, Budget, Pairs, Row};
use crate::ab::side::{Program, Side};
use crate::collect::plan::parse_benchtime;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bench-runner ab --base main --head HEAD --bench ProcessingLatency
  bench-runner ab --base v1.0 --head main --rounds 20 --threshold 0.05
  bench-runner ab -- ./old -bench=. --- ./new -bench=.")]
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
    rounds: RoundArgs,
    /// Where built programs are kept [default: kvmark/builds in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Two commands that print Go benchmark text, with --- between them
    #[arg(last = true, value_name = "CMD_A --- CMD_B")]
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

#[derive(Debug, Clone, clap::Args)]
struct RoundArgs {
    /// Rounds at most; it stops earlier when every series is decided
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=1000))]
    rounds: u32,
    /// A change beyond this fails, as a fraction
    #[arg(long, default_value_t = 0.1)]
    threshold: f64,
    /// Only benchmarks whose name and params match
    #[arg(long, value_name = "REGEX")]
    bench: Option<String>,
    /// How long a sample is
    #[arg(long, default_value = "200ms", value_parser = |text: &str| parse_benchtime(text).map(|_| text.to_owned()))]
    benchtime: String,
    /// The longest time to warm up before each sample
    #[arg(long, default_value = "200ms")]
    warmup: String,
    /// Core counts
    #[arg(long, default_value = "1")]
    cpu: String,
    /// Seed of the workloads and of the order
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

impl RoundArgs {
    fn options(&self) -> Vec<String> {
        let mut options = vec![
            format!("--benchtime={}", self.benchtime),
            format!("--warmup={}", self.warmup),
            format!("--cpu={}", self.cpu),
            format!("--seed={}", self.seed),
        ];
        options.extend(self.bench.as_ref().map(|bench| format!("--bench={bench}")));
        options
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (base, head) = match (&args.base, &args.head) {
        (Some(base), Some(head)) => {
            let cache = args.cache.clone().or_else(default_cache);
            let cache = cache.ok_or_else(|| usage("no folder for builds: give --cache"))?;
            let side = |revision: &str| -> Result<Side, Failure> {
                eprintln!("building {revision}");
                let built = build(Path::new("."), revision, &cache).or_usage()?;
                let program = Program::Runner {
                    path: built.program,
                    options: args.rounds.options(),
                };
                Ok(Side {
                    name: revision.to_owned(),
                    program,
                })
            };
            (side(base)?, side(head)?)
        }
        _ => commands(&args.commands)?,
    };
    compare(&base, &head, &args.rounds)
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
    };
    compare(&side("A"), &side("A again"), &args.rounds)
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
        program: Program::Command(words.to_vec()),
    };
    Ok((side(base), side(head)))
}

fn compare(base: &Side, head: &Side, args: &RoundArgs) -> Result<ExitCode, Failure> {
    let same = base
        .fingerprint()
        .is_some_and(|base| Some(base) == head.fingerprint());
    let budget = Budget {
        rounds: args.rounds,
        threshold: args.threshold,
        seed: args.seed,
        identical: same,
    };
    if same {
        eprintln!("both sides are the same program: whatever differs is noise");
    }
    let pairs = rounds::run(
        budget,
        |is_head| if is_head { head.turn() } else { base.turn() },
        |pairs| {
            eprintln!("round {} of at most {}", pairs.rounds, budget.rounds);
            true
        },
    )
    .or_usage()?;
    let rows = pairs.rows(&budget);
    print!("{}", table(&rows, &pairs, &budget));
    Ok(outcome(&rows, &budget))
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
