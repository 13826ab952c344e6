//! `bisect`: the first bad commit, by running the one benchmark.

mod lab;

use bench_report::metric::{Params, format_change, format_change_interval, series_text};
use bench_verdict::exit::ExitCode;
use serde::Deserialize;

use super::build_args::BuildArgs;
use super::failure::{Failure, OrExit as _, usage};
use super::pairs::RoundArgs;
use super::server_args::ServerArgs;
use super::word::short;
use crate::ab::build::{BuildError, Builder, git};
use crate::bisect::answer::{Answer, Asked, Commit};
use crate::bisect::{Culprit, Found, bisect};
use crate::environment::revision_at;
use crate::output::hanging;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bench-runner bisect --series 'KVEventProcessingLatency latency_mean cpu=1' --good v1.0 --bad main
  bench-runner bisect --alert 41
  bench-runner bisect --alert 41 --json
  KVMARK_TOKEN=… bench-runner bisect --alert 41 --tell
  bench-runner bisect --series 'Sort time' --good HEAD~20 --bad HEAD --build make --exec './bench'

A series is named as verdicts name it. Commits are measured in pairs with the good revision until they
lie surely on one side of half the whole change; what does not build is passed over. What was measured
is kept beside the builds, and a second call goes on from there.")]
pub(super) struct Args {
    /// The series: benchmark, metric and params
    #[arg(long, value_name = "NAME", required_unless_present = "alert")]
    series: Option<String>,
    /// A revision that is good
    #[arg(long, value_name = "REV", required_unless_present = "alert")]
    good: Option<String>,
    /// A revision that is bad
    #[arg(long, value_name = "REV", required_unless_present = "alert")]
    bad: Option<String>,
    /// Take series and revisions from this alert of the server
    #[arg(long, value_name = "ID", conflicts_with_all = ["series", "good", "bad"])]
    alert: Option<i64>,
    /// Write what is found down on that alert, whose page then marks the commit; needs a token of scope
    /// triage
    #[arg(long, requires = "alert")]
    tell: bool,
    /// As JSON, alone on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    rounds: RoundArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// What is looked for, and between which revisions.
struct Question {
    series: String,
    good: String,
    bad: String,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    // What clap requires it does not miss where it conflicts with what is given.
    if args.tell && args.alert.is_none() {
        return Err(usage("--tell writes on an alert: give --alert ID"));
    }
    let question = question(args)?;
    let builder = args.build.builder()?;
    let good = builder.commit(&question.good).or_usage()?;
    let bad = builder.commit(&question.bad).or_usage()?;
    let commits = between(&builder, &good, &bad).or_usage()?;
    if commits.is_empty() {
        return Err(usage(format!(
            "{} is not an ancestor of {} along first parents: name a good revision before the bad one",
            question.good, question.bad
        )));
    }
    eprintln!(
        "{} commits after {} up to {}; the last is measured, and about {} of the others",
        commits.len(),
        short(&good),
        short(&bad),
        commits.len().ilog2(),
    );
    let mut lab = lab::Bench::new(args, &builder, &question.series, &good, &bad)?;
    let found = bisect(&commits, args.rounds.threshold.min(0.03), &mut lab)?;
    if args.json {
        let asked = Asked {
            series: &question.series,
            good: &good,
            bad: &bad,
        };
        let answer = Answer::of(&asked, &found, |commit| describe(&builder, commit));
        println!("{}", serde_json::to_string_pretty(&answer).or_usage()?);
    } else {
        say(&found, &builder);
    }
    let outcome = found.exit_code();
    match (&found, args.alert.filter(|_| args.tell)) {
        (Found::Culprit(culprit), Some(alert)) => {
            let left: Vec<&String> = culprit.commits.iter().rev().collect();
            let told = args.server.server()?.tell_alert(alert, &left);
            told.or_server()?;
            match args.json {
                true => eprintln!("alert {alert} says so"),
                false => println!("alert {alert} says so"),
            }
            Ok(outcome)
        }
        _ => Ok(outcome),
    }
}

fn question(args: &Args) -> Result<Question, Failure> {
    if let Some(alert) = args.alert {
        let path = format!("/api/v1/alerts/{alert}");
        let bytes = args.server.server()?.get(&path).or_asked()?;
        let alert: Alert = serde_json::from_slice(&bytes).or_server()?;
        let first = alert
            .series
            .first()
            .ok_or_else(|| usage("the alert has no series"))?;
        let good = alert.last_good.ok_or_else(|| {
            usage("the alert knows no good revision: give --series, --good and --bad")
        })?;
        return Ok(Question {
            series: series_text(&first.benchmark, &first.metric, &first.params),
            good: good.commit,
            bad: alert.first_bad.commit,
        });
    }
    let given = |value: &Option<String>| {
        value
            .clone()
            .ok_or_else(|| usage("give --series, --good and --bad, or --alert"))
    };
    Ok(Question {
        series: given(&args.series)?,
        good: given(&args.good)?,
        bad: given(&args.bad)?,
    })
}

/// What is read of an alert.
#[derive(Debug, Deserialize)]
struct Alert {
    first_bad: Night,
    last_good: Option<Night>,
    series: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Night {
    commit: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    benchmark: String,
    metric: String,
    params: Params,
}

/// The commits after `good` up to `bad` along first parents, the oldest first. None where `good` is
/// not among the first parents of `bad`.
fn between(builder: &Builder, good: &str, bad: &str) -> Result<Vec<String>, BuildError> {
    let range = format!("{good}..{bad}");
    let list = git(
        builder.repository(),
        &["rev-list", "--first-parent", "--reverse", &range],
    )?;
    let commits: Vec<String> = list.lines().map(str::to_owned).collect();
    let Some(first) = commits.first() else {
        return Ok(Vec::new());
    };
    let parent = git(
        builder.repository(),
        &["rev-parse", "--verify", &format!("{first}^")],
    )?;
    Ok(if parent == good { commits } else { Vec::new() })
}

fn size(log_ratio: f64, interval: Option<[f64; 2]>) -> String {
    let change = format_change(log_ratio.exp_m1());
    match interval {
        Some([low, high]) => format!(
            "{change} {}",
            format_change_interval(low.exp_m1(), high.exp_m1())
        ),
        None => change,
    }
}

/// What git knows of a commit.
fn describe(builder: &Builder, commit: &str) -> Commit {
    let revision = revision_at(builder.repository(), commit, None);
    Commit {
        commit: commit.to_owned(),
        subject: revision.subject,
        author: revision.author,
    }
}

/// Prints what was found.
fn say(found: &Found, builder: &Builder) {
    let name = |commit: &str| {
        let Commit {
            subject, author, ..
        } = describe(builder, commit);
        let (subject, author) = (subject.unwrap_or_default(), author.unwrap_or_default());
        format!("{} {subject} ({author})", short(commit))
    };
    match found {
        Found::Nothing(effect) => {
            println!(
                "nothing to find: the bad revision is {}",
                size(effect.log_ratio, effect.interval)
            );
        }
        Found::Unproven(effect) => {
            let size = size(effect.log_ratio, effect.interval);
            let told = format!(
                "The bad revision is {size} over {} pairs, which does not prove that it is worse: \
                 give more --rounds, or a longer --benchtime on a quieter machine (doctor). The \
                 builds are kept.",
                effect.pairs
            );
            print!("{}", hanging("", &told));
        }
        Found::BadBroken(why) => println!("the bad revision cannot be measured: {why}"),
        Found::Culprit(culprit) => {
            let (effect, interval) = culprit.effect();
            match culprit.commits.as_slice() {
                [one] => println!("the first bad commit is {}", name(one)),
                several => {
                    println!(
                        "the first bad commit is one of these; all but the last could not be measured:"
                    );
                    several
                        .iter()
                        .for_each(|commit| println!("  {}", name(commit)));
                }
            }
            println!("its effect: {}", size(effect, interval));
            println!("{}", how_sure(culprit));
        }
    }
}

fn how_sure(culprit: &Culprit) -> String {
    let (measured, skipped) = (culprit.measured, culprit.skipped.len());
    let how = if culprit.sure {
        "sure: every step was decided by its 95% interval"
    } else {
        "not sure: a step was decided by the centre of its pairs alone; give more --rounds"
    };
    format!("{how}; {measured} commits measured, {skipped} passed over")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_names_the_series_and_its_revisions() {
        let json = r#"{"alert_id": 4, "first_bad": {"run_id": 9, "commit": "bb"}, "last_good": {"run_id": 8, "commit": "aa"},
            "series": [{"series_id": 1, "benchmark": "Work", "params": {"cpu": "2"}, "metric": "latency", "unit": "ns"}]}"#;
        let alert: Result<Alert, _> = serde_json::from_str(json);
        let read = alert.map(|alert| {
            let one = &alert.series[0];
            let name = series_text(&one.benchmark, &one.metric, &one.params);
            (
                name,
                alert.first_bad.commit,
                alert.last_good.map(|night| night.commit),
            )
        });
        let expected = (
            "Work latency cpu=2".to_owned(),
            "bb".to_owned(),
            Some("aa".to_owned()),
        );
        assert_eq!(read.ok(), Some(expected));
    }
}
