//! `ab`: two sides measured in turn, and whether they differ.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use bench_report::metric::format_change;
use bench_report::report::{Purpose, Report, Revision, RunKind, Side as PairSide};
use bench_verdict::exit::ExitCode;
use bench_verdict::verdict::Evidence;
use jiff::Timestamp;
use uuid::Uuid;

use super::build_args::BuildArgs;
use super::failure::{Failure, OrExit as _, usage};
use super::pairs::{Measured, RoundArgs, measure};
use super::server_args::{ServerArgs, SpoolArgs};
use super::upload;
use super::word::word;
use crate::ab::build::{Builder, Built};
use crate::ab::report::{Told, reports};
use crate::ab::rounds::Row;
use crate::ab::side::{Program, Side};
use crate::collect::file::write_whole;
use crate::environment::revision_at;
use crate::output::{Style, compared, hanging};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bench-runner ab --base main --head HEAD --bench ProcessingLatency
  bench-runner ab --base v1.0 --head main --rounds 20 --threshold 0.05
  bench-runner ab --base origin/main --head HEAD --kind pull --pull 12 --upload
  bench-runner ab --base main --head HEAD --build 'go test -c -o bench .' --exec './bench -test.bench=.'
  bench-runner ab -- ./old -bench=. --- ./new -bench=.
  bench-runner ab --json --base main --head HEAD     the same figures for programs

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
    /// As JSON, alone on standard output
    #[arg(long)]
    json: bool,
    /// Two commands that print Go benchmark text, with --- between them
    #[arg(last = true, value_name = "CMD_A --- CMD_B", conflicts_with_all = ["upload", "out", "exec"])]
    commands: Vec<String>,
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

fn kind(text: &str) -> Result<RunKind, String> {
    match RunKind::parse(text) {
        Some(kind @ (RunKind::Ab | RunKind::Pull)) => Ok(kind),
        _ => Err("the kinds are ab and pull".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (Some(base), Some(head)) = (&args.base, &args.head) else {
        let (base, head) = commands(&args.commands)?;
        let measured = measure(&base, &head, &args.rounds, true)?;
        return tell(&measured, args);
    };
    if (args.kind == RunKind::Pull) != args.pull.is_some() {
        return Err(usage("--kind pull and --pull NUMBER belong together"));
    }
    let delivery = &args.delivery;
    let way = delivery
        .upload
        .then(|| upload::Way::new(&delivery.server, &delivery.spool))
        .transpose()?
        .map(|way| if args.json { way.aside() } else { way });
    let builder = args.build.builder()?;
    let base = Revised::build(&builder, base, &args.rounds)?;
    let head = Revised::build(&builder, head, &args.rounds)?;
    let measured = measure(&base.side, &head.side, &args.rounds, true)?;
    let outcome = tell(&measured, args)?;
    if way.is_none() && delivery.out.is_none() {
        return Ok(outcome);
    }
    let (kind, purpose) = match args.kind {
        // A pull request is told even that nothing can have changed.
        RunKind::Pull => (RunKind::Pull, Purpose::Pull),
        _ if measured.identical => (RunKind::Aa, Purpose::Aa),
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
        started_at: measured.started_at,
    };
    let Some(pair) = reports(&measured.pairs, &told, Timestamp::now()) else {
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

/// Prints the table or the JSON; the exit code that it comes to.
fn tell(measured: &Measured, args: &Args) -> Result<ExitCode, Failure> {
    if !args.json {
        return Ok(say(measured, &args.rounds));
    }
    let rows = measured.pairs.rows(&args.rounds.budget(measured.identical));
    let answer = measured.answer(&rows, args.rounds.threshold);
    println!("{}", serde_json::to_string_pretty(&answer).or_usage()?);
    Ok(answer.exit_code)
}

/// Prints the table; the exit code that it comes to.
pub(super) fn say(measured: &Measured, args: &RoundArgs) -> ExitCode {
    let rows = measured.pairs.rows(&args.budget(measured.identical));
    let table = compared(&rows, Style::of(&std::io::stdout()));
    let outcome = measured.outcome(&rows, args.threshold);
    let closing = closing(&rows, args.threshold);
    let ended = measured.ended();
    print!("{table}{}{ended}.\n", hanging("", &closing));
    outcome
}

/// What the rows come to, and what to do where they come to nothing.
fn closing(rows: &[Row], threshold: f64) -> String {
    let limit = format_change(threshold);
    let limit = limit.trim_start_matches('+');
    let count = |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is(row)).count();
    let worse = count(&|row| row.is_regression(threshold));
    let open = count(&|row| row.compared.evidence == Evidence::Inconclusive);
    let said = match (rows.len(), worse) {
        (0, _) => return "The sides have no series in common.".to_owned(),
        (all, 0) => format!("None of {all} series is surely worse by more than {limit}"),
        (all, 1) => format!("1 of {all} series is surely worse by more than {limit}"),
        (all, worse) => format!("{worse} of {all} series are surely worse by more than {limit}"),
    };
    let undecided = match open {
        0 => String::new(),
        open => format!(
            "; {open} cannot be told: give more --rounds, or a longer --benchtime on a quieter \
             machine (doctor)"
        ),
    };
    format!("{said}{undecided}. (+ is worse; sees: the smallest change that would show)")
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
pub(super) struct Revised {
    /// What is run.
    pub(super) side: Side,
    /// Which revision it is.
    pub(super) revision: Revision,
}

impl Revised {
    pub(super) fn build(
        builder: &Builder,
        revision: &str,
        rounds: &RoundArgs,
    ) -> Result<Self, Failure> {
        let built = BuildArgs::build(builder, revision).or_usage()?;
        Ok(Self::of(builder, revision, &built, rounds))
    }

    /// What was built of a revision.
    pub(super) fn of(builder: &Builder, revision: &str, built: &Built, rounds: &RoundArgs) -> Self {
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
        Self {
            side: builder.side(revision, built, &rounds.options()),
            revision: revision_at(builder.repository(), &built.commit, Some(branch.to_owned())),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ab::rounds::tests::noise;

    #[test]
    fn the_last_sentence_says_what_it_comes_to() {
        let mut slower = noise(3, 1.25);
        slower.compared.evidence = Evidence::Confirmed;
        let mut open = noise(4, 1.0);
        open.compared.evidence = Evidence::Inconclusive;
        let rows = [noise(1, 1.0), slower, open];
        insta::assert_snapshot!(closing(&rows, 0.1), @"1 of 3 series is surely worse by more than 10.0%; 1 cannot be told: give more --rounds, or a longer --benchtime on a quieter machine (doctor). (+ is worse; sees: the smallest change that would show)");
        insta::assert_snapshot!(closing(&rows[..1], 0.1), @"None of 1 series is surely worse by more than 10.0%. (+ is worse; sees: the smallest change that would show)");
        insta::assert_snapshot!(closing(&[], 0.1), @"The sides have no series in common.");
    }

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
