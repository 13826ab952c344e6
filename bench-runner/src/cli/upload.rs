//! `upload`: reports to the server, by way of the spool.

use std::path::PathBuf;

use bench_report::read::Format;
use bench_report::report::{Report, RunKind, Side};
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _, usage};
use super::import;
use super::report_file;
use super::server_args::{ServerArgs, SpoolArgs};
use super::word::word;
use crate::backfill::Backfill;
use crate::output::hanging;
use crate::upload::deliver::{Delivery, Judging, deliver};
use crate::upload::server::{Server, Stored};
use crate::upload::spool::Spool;

/// Why a report without a commit is not sent.
pub(super) const NO_COMMIT: &str = "the commit is not known, and history is kept by commit: run inside the git work tree or add --commit";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bench-runner upload report.json
  bench-runner upload --backfill results/             # old results of any tool, dated by name or git
  bench-runner upload --backfill data.js --environment ci-a
  bench-runner upload --only-kind pull --only-commit \"$COMMIT\" reports/*.json")]
pub(super) struct Args {
    /// Reports to send; without any, what waits in the spool. With --backfill: files and folders of
    /// old results in any format
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    #[command(flatten)]
    only: OnlyArgs,
    /// Old results: each is dated by what it says, by its name or by git, and all are sent in the
    /// order of time; sent twice changes nothing
    #[arg(long)]
    backfill: bool,
    #[command(flatten)]
    old: OldArgs,
}

/// What is taken of reports that somebody else made.
#[derive(Debug, clap::Args)]
struct OnlyArgs {
    /// Send nothing unless every report is of this kind
    #[arg(long, value_name = "KIND", value_parser = import::kind)]
    only_kind: Option<RunKind>,
    /// Send nothing unless every report is of this commit, or the base of a pair that is
    #[arg(long, value_name = "HEX")]
    only_commit: Option<String>,
}

/// What is known of old results.
#[derive(Debug, clap::Args)]
struct OldArgs {
    /// Their format: go, criterion, bmf, bencher, gab or aibrix [default: the one that each looks like]
    #[arg(long, requires = "backfill", value_parser = import::format)]
    format: Option<Format>,
    /// What the runs are to be: nightly, so that they form baselines, or import
    #[arg(long = "as", value_name = "KIND", requires = "backfill", default_value = "nightly", value_parser = import::kind)]
    kind: RunKind,
    /// Branch that was measured
    #[arg(
        long,
        value_name = "NAME",
        requires = "backfill",
        default_value = "main"
    )]
    branch: String,
    /// A name for the machine
    #[arg(long, value_name = "NAME", requires = "backfill")]
    environment: Option<String>,
    /// When files that do not say it were measured, RFC 3339
    #[arg(long, requires = "backfill")]
    time: Option<Timestamp>,
    /// Commit of files that do not say it
    #[arg(long, value_name = "HEX", requires = "backfill")]
    commit: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.backfill && args.files.is_empty() {
        return Err(usage("give the files or folders of old results"));
    }
    let reports = if args.backfill {
        old_reports(args)?
    } else {
        new_reports(args)?
    };
    args.only.check(&reports)?;
    let way = Way::new(&args.server, &args.spool)?;
    for report in &reports {
        way.spool.put(report).or_server()?;
    }
    let judging = if args.backfill {
        Judging::Together
    } else {
        Judging::Each
    };
    let delivery = way.deliver(judging)?;
    if args.backfill {
        println!(
            "{} runs are stored, {} are refused, {} wait",
            delivery.stored.len(),
            delivery.refused.len(),
            delivery.waiting
        );
    } else {
        delivery
            .stored
            .iter()
            .for_each(|(_, stored)| way.say(&told(stored)));
    }
    Ok(way.outcome(&delivery))
}

fn new_reports(args: &Args) -> Result<Vec<Report>, Failure> {
    let reports = args
        .files
        .iter()
        .map(|path| report_file::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    for (path, report) in args.files.iter().zip(&reports) {
        if report.revision.commit.is_none() {
            let path = path.display();
            return Err(usage(format!("{path}: {NO_COMMIT}")));
        }
    }
    Ok(reports)
}

fn old_reports(args: &Args) -> Result<Vec<Report>, Failure> {
    let old = Backfill {
        format: args.old.format,
        kind: args.old.kind,
        branch: args.old.branch.clone(),
        environment: args.old.environment.clone(),
        time: args.old.time,
        commit: args.old.commit.clone(),
        work_tree: PathBuf::from("."),
        now: Timestamp::now(),
    };
    let found = old.reports(&args.files).or_usage()?;
    if !found.passed_over.is_empty() {
        eprintln!(
            "bench-runner: {} files hold no results and are passed over, such as {}",
            found.passed_over.len(),
            found.passed_over[0].display()
        );
    }
    if let (Some(first), Some(last)) = (found.reports.first(), found.reports.last()) {
        let (from, to) = (first.started_at, last.started_at);
        println!("{} runs from {from} to {to}", found.reports.len());
    }
    Ok(found.reports)
}

impl OnlyArgs {
    /// Whether the reports are what they must be.
    fn check(&self, reports: &[Report]) -> Result<(), Failure> {
        for report in reports {
            let (kind, key) = (report.kind, report.run_key);
            if let Some(only) = self.only_kind.filter(|only| *only != kind) {
                return Err(usage(format!(
                    "the report of run {key} is of kind {}, and only {} is sent",
                    word(kind),
                    word(only)
                )));
            }
            let is_base = report
                .pair
                .as_ref()
                .is_some_and(|pair| pair.side == Side::Base);
            let commit = report.revision.commit.as_deref().unwrap_or_default();
            if let Some(only) = &self.only_commit
                && commit != only
                && !is_base
            {
                return Err(usage(format!(
                    "the report of run {key} is of commit {commit}, and only {only} is sent"
                )));
            }
        }
        Ok(())
    }
}

/// A server and the spool in front of it.
pub(super) struct Way {
    server: Server,
    spool: Spool,
    aside: bool,
}

impl Way {
    pub(super) fn new(server: &ServerArgs, spool: &SpoolArgs) -> Result<Self, Failure> {
        Ok(Self {
            server: server.server()?,
            spool: spool.spool()?,
            aside: false,
        })
    }

    /// The same way, but what it has to say goes to standard error: standard output is for data.
    pub(super) fn aside(self) -> Self {
        Self {
            aside: true,
            ..self
        }
    }

    fn say(&self, line: &str) {
        if self.aside {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Sends a report, after everything that waits before it.
    pub(super) fn send(&self, report: &Report) -> Result<ExitCode, Failure> {
        let (outcome, stored) = self.send_silently(report)?;
        match (&stored, &report.pair) {
            // What one side is by its own history says nothing about the pair.
            (Some(stored), Some(pair)) => {
                let (side, url) = (word(pair.side), &stored.url);
                self.say(&format!("{side} is run {} at {url}", stored.run_id));
            }
            (Some(stored), None) => self.say(&told(stored)),
            (None, _) => {}
        }
        Ok(outcome)
    }

    /// As [`Way::send`], for those who have more to say of the run before they say its verdict:
    /// what was stored is returned and not printed.
    pub(super) fn send_silently(
        &self,
        report: &Report,
    ) -> Result<(ExitCode, Option<Stored>), Failure> {
        let own = self.spool.put(report).or_server()?;
        let delivery = self.deliver(Judging::Each)?;
        let is_own = |(path, _): &&(PathBuf, Stored)| *path == own;
        let others = delivery
            .stored
            .iter()
            .filter(|entry| !is_own(entry))
            .count();
        if others > 0 {
            self.say(&format!(
                "stored {others} earlier reports that were waiting"
            ));
        }
        let stored = delivery
            .stored
            .iter()
            .find(is_own)
            .map(|(_, stored)| stored.clone());
        Ok((self.outcome(&delivery), stored))
    }

    fn deliver(&self, judging: Judging) -> Result<Delivery, Failure> {
        deliver(&self.spool, &self.server, judging, std::thread::sleep).or_server()
    }

    /// 6 when something was not stored, with what became of it.
    fn outcome(&self, delivery: &Delivery) -> ExitCode {
        for (path, error) in &delivery.refused {
            eprintln!(
                "bench-runner: {error}; the report is kept in {}",
                path.display()
            );
        }
        if let Some(error) = &delivery.stopped {
            let waiting = match delivery.waiting {
                1 => "1 report waits".to_owned(),
                many => format!("{many} reports wait"),
            };
            eprintln!(
                "bench-runner: {error}; {waiting} in {} for the next upload",
                self.spool.folder().display(),
            );
        }
        if delivery.refused.is_empty() && delivery.stopped.is_none() {
            ExitCode::Fine
        } else {
            ExitCode::Server
        }
    }
}

fn told(stored: &Stored) -> String {
    let verdict = stored.verdict.as_ref();
    let status = verdict.map_or("not judged yet".to_owned(), |verdict| {
        let reasons = verdict.reasons.iter();
        let reasons: String = reasons.map(|reason| hanging("  ", reason)).collect();
        format!("{}\n{reasons}", word(verdict.status))
    });
    let text = format!("run {} at {}: {status}", stored.run_id, stored.url);
    text.trim_end().to_owned()
}
