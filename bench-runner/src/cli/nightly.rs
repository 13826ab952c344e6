//! `nightly`: run, upload, confirm what was flagged, prove the gate by its canary, and ask for the
//! verdict: one call for a timer or a workflow.

use std::path::PathBuf;
use std::time::Duration;

use bench_report::metric::format_change;
use bench_report::report::{Purpose, Report, Revision, RunKind};
use bench_verdict::confirmation::{Answer, Outcome};
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;
use uuid::Uuid;

use super::build_args::BuildArgs;
use super::exec::{self, Foreign};
use super::failure::{Failure, OrExit as _, usage};
use super::measure::MeasureArgs;
use super::server_args::{ServerArgs, SpoolArgs};
use super::word::{short, word};
use super::{gate, upload};
use crate::ab::report::Told;
use crate::ab::side::{Program, Side};
use crate::collect::file::write_whole;
use crate::collect::plan::{duration_text, parse_duration};
use crate::environment::revision_at;
use crate::night::canary::draw;
use crate::night::flagged::{Group, cases, groups, options};
use crate::night::prove::{Claim, ProveError, Purse, names, prove};
use crate::upload::server::Server;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example, from a timer:
  KVMARK_SERVER=https://bench.example.org KVMARK_TOKEN=… bench-runner nightly --environment ci-a

What the server flags is measured again the same night, in pairs with the last good revision, which is
built from the repository at hand: 4 pairs, and 8 more where they do not decide. Then the canary: two
series, drawn by the run's key, must be told from themselves with a planted slowdown of 15%, and not
from themselves.")]
pub(super) struct Args {
    #[command(flatten)]
    measure: MeasureArgs,
    #[command(flatten)]
    build: BuildArgs,
    /// Keep the report here, too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Pairs of what was flagged take no longer than this, all together; the worst goes first
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = parse_duration)]
    confirm_budget: Duration,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    #[command(flatten)]
    gate: gate::GateArgs,
}

/// The canary has a purse of its own: it must not be what there was no time for.
const CANARY_BUDGET: Duration = Duration::from_secs(600);

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let way = upload::Way::new(&args.server, &args.spool)?;
    let measured = match &args.build.exec {
        Some(command) => {
            let foreign = Foreign {
                command,
                format: None,
                results: None,
            };
            exec::run(foreign, RunKind::Nightly, &args.measure)?
        }
        None => {
            let mut prepared = args.measure.prepare(RunKind::Nightly)?;
            if !prepared.has_commit() {
                return Err(usage(upload::NO_COMMIT));
            }
            prepared.cover(way.server());
            prepared.measure(args.out.as_deref(), Some(way.server()))?
        }
    };
    let report = &measured.report;
    if let (Some(path), true) = (&args.out, args.build.exec.is_some()) {
        write_whole(path, report.to_json_pretty().as_bytes()).or_usage()?;
    }
    if report.revision.commit.is_none() {
        return Err(usage(upload::NO_COMMIT));
    }
    let outcome = measured.outcome();
    let (delivered, stored) = way.send_silently(report)?;
    let Some(stored) = stored else {
        return Ok(ExitCode::worst([outcome, delivered]));
    };
    // The verdict comes once, when the pairs have spoken.
    println!("run {} at {}", stored.run_id, stored.url);
    let run = stored.run_id;
    let night = Night {
        args,
        report,
        server: way.server(),
        run,
        head: head(args, report)?,
    };
    let proven = [night.confirm()?, night.canary()];
    let judged = gate::ask(way.server(), run, &args.gate)?;
    let codes = [outcome, delivered, judged].into_iter().chain(proven);
    Ok(ExitCode::worst(codes))
}

/// What measures tonight's revision.
fn head(args: &Args, report: &Report) -> Result<Side, Failure> {
    let program = match &args.build.exec {
        Some(command) => Program::Command {
            words: vec!["sh".to_owned(), "-c".to_owned(), command.clone()],
            folder: None,
        },
        None => {
            let given = &report.options;
            let mut options = vec![format!("--seed={}", given.seed.unwrap_or_default())];
            let named = [("benchtime", &given.benchtime), ("warmup", &given.warmup)];
            let named = named
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_ref()?)));
            options.extend(named.map(|(name, value)| format!("--{name}={value}")));
            Program::Runner {
                path: std::env::current_exe().or_usage()?,
                options,
            }
        }
    };
    Ok(Side {
        name: "tonight".to_owned(),
        program,
        slowed: None,
    })
}

/// A night whose report is stored.
struct Night<'a> {
    args: &'a Args,
    report: &'a Report,
    server: &'a Server,
    run: i64,
    head: Side,
}

impl Night<'_> {
    /// Measures again what was flagged.
    fn confirm(&self) -> Result<ExitCode, Failure> {
        let verdict = self.server.verdict(self.run, "").or_server()?;
        let groups = groups(&verdict);
        let mut purse = Purse::new(self.args.confirm_budget);
        let mut codes = Vec::new();
        for group in &groups {
            let (series, benchmarks) = (group.series.len(), cases(&group.series).len());
            eprintln!(
                "confirming {series} series of {benchmarks} benchmarks against {} ({} of {} left)",
                short(&group.against_commit),
                duration_text(Duration::from_secs(purse.left().as_secs())),
                duration_text(purse.budget),
            );
            match self.confirm_group(group, &mut purse) {
                Ok(()) => {}
                Err(ProveError::Server(error)) => {
                    eprintln!("bench-runner: {error}; the nights to come decide");
                    codes.push(ExitCode::Server);
                }
                Err(ProveError::Stopped(_)) => return Ok(ExitCode::Incomplete),
                Err(error) => {
                    eprintln!(
                        "bench-runner: not confirmed tonight, the nights to come decide: {}: {error}",
                        names(&group.series)
                    );
                }
            }
        }
        Ok(ExitCode::worst(codes))
    }

    fn confirm_group(&self, group: &Group, purse: &mut Purse) -> Result<(), ProveError> {
        let mut head = self.head.clone();
        let narrowed = options(&group.series);
        let mut given = Vec::new();
        if let Program::Runner { options, .. } = &mut head.program {
            options.extend(narrowed);
            given.clone_from(options);
        }
        let (base, revision) =
            if self.report.revision.commit.as_ref() == Some(&group.against_commit) {
                // Nothing was committed since: both sides are tonight's.
                (head.clone(), self.report.revision.clone())
            } else {
                self.good(&group.against_commit, &given)?
            };
        let claim = Claim {
            base: &base,
            head: &head,
            series: &group.series,
            told: self.told(RunKind::Ab, Purpose::Confirm, revision, None),
            seed: self.report.options.seed.unwrap_or_default(),
        };
        prove(&claim, self.server, self.run, purse, say)
    }

    /// The good revision, built.
    fn good(&self, commit: &str, options: &[String]) -> Result<(Side, Revision), ProveError> {
        let cannot = |error: &dyn std::fmt::Display| {
            ProveError::Nothing(format!("the good revision ({error})"))
        };
        let builder = self
            .args
            .build
            .builder()
            .map_err(|failure| cannot(&failure.error))?;
        let built = BuildArgs::build(&builder, commit).map_err(|error| cannot(&error))?;
        let branch = self.report.revision.branch.clone();
        Ok((
            builder.side(short(commit), &built, options),
            revision_at(builder.repository(), &built.commit, branch),
        ))
    }

    /// Proves that the gate can fail, and that it does not do so for nothing.
    fn canary(&self) -> ExitCode {
        let drawn = draw(self.report, self.args.build.exec.is_some());
        if drawn.is_empty() {
            eprintln!("bench-runner: no canary tonight: nothing that was measured can be planted");
        }
        let mut purse = Purse::new(CANARY_BUDGET);
        let mut codes = Vec::new();
        for one in &drawn {
            let plain = one.plain(&self.head);
            let (slow, planted) = one.planted(&self.head);
            eprintln!("canary: {} plain, and with {planted}", one.series);
            for (head, planted) in [(&plain, None), (&slow, Some(planted))] {
                let (kind, purpose) = match planted {
                    Some(_) => (RunKind::Canary, Purpose::Canary),
                    None => (RunKind::Aa, Purpose::Aa),
                };
                let claim = Claim {
                    base: &plain,
                    head,
                    series: std::slice::from_ref(&one.series),
                    told: self.told(kind, purpose, self.report.revision.clone(), planted),
                    seed: self.report.run_key.as_u64_pair().0,
                };
                if let Err(error) = prove(&claim, self.server, self.run, &mut purse, say) {
                    eprintln!("bench-runner: the canary could not be heard: {error}");
                    codes.push(match error {
                        ProveError::Server(_) => ExitCode::Server,
                        ProveError::Stopped(_) => return ExitCode::Incomplete,
                        // A gate that was not proven is not trusted.
                        _ => ExitCode::Inconclusive,
                    });
                }
            }
        }
        ExitCode::worst(codes)
    }

    fn told(
        &self,
        kind: RunKind,
        purpose: Purpose,
        base: Revision,
        planted: Option<String>,
    ) -> Told {
        Told {
            pair_key: Uuid::new_v4(),
            kind,
            purpose,
            against_run: Some(self.run),
            revisions: [base, self.report.revision.clone()],
            environment_name: self.report.environment.name.clone(),
            planted,
            started_at: Timestamp::now(),
        }
    }
}

/// What the server made of pairs.
fn say(answer: &Answer) {
    for series in &answer.series {
        let numbers = &series.numbers;
        let name =
            bench_report::metric::series_text(&series.benchmark, &series.metric, &series.params);
        let outcome = match numbers.outcome {
            Outcome::MorePairs => "more pairs are needed".to_owned(),
            outcome => word(outcome),
        };
        eprintln!(
            "  {name}: {} ± {} over {} pairs: {outcome}",
            format_change(series.change),
            format_change(2.0 * numbers.error).trim_start_matches('+'),
            numbers.pairs,
        );
    }
}
