//! `upload`: reports to the server, by way of the spool.

use std::path::PathBuf;

use bench_report::report::Report;
use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _, usage};
use super::report_file;
use super::server_args::{ServerArgs, SpoolArgs};
use super::word::word;
use crate::upload::deliver::{Delivery, deliver};
use crate::upload::server::{Server, Stored};
use crate::upload::spool::Spool;

/// Why a report without a commit is not sent.
pub(super) const NO_COMMIT: &str = "the commit is not known, and history is kept by commit: run inside the git work tree or add --commit";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Reports to send; without any, what waits in the spool
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
    /// These are old runs: say how many were stored, not what became of each
    #[arg(long)]
    backfill: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
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
    let way = Way::new(&args.server, &args.spool)?;
    for report in &reports {
        way.spool.put(report).or_server()?;
    }
    let delivery = way.deliver()?;
    if args.backfill {
        println!("stored {} reports", delivery.stored.len());
    } else {
        delivery.stored.iter().for_each(|(_, stored)| print(stored));
    }
    Ok(way.outcome(&delivery))
}

/// A server and the spool in front of it.
pub(super) struct Way {
    server: Server,
    spool: Spool,
}

impl Way {
    pub(super) fn new(server: &ServerArgs, spool: &SpoolArgs) -> Result<Self, Failure> {
        Ok(Self {
            server: server.server()?,
            spool: spool.spool()?,
        })
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Sends a report, after everything that waits before it.
    pub(super) fn send(&self, report: &Report) -> Result<ExitCode, Failure> {
        self.send_and_name(report).map(|(exit, _)| exit)
    }

    /// As [`Way::send`]; with the number of the report's run, where it was stored.
    pub(super) fn send_and_name(
        &self,
        report: &Report,
    ) -> Result<(ExitCode, Option<i64>), Failure> {
        let own = self.spool.put(report).or_server()?;
        let delivery = self.deliver()?;
        let is_own = |(path, _): &&(PathBuf, Stored)| *path == own;
        let others = delivery
            .stored
            .iter()
            .filter(|entry| !is_own(entry))
            .count();
        if others > 0 {
            println!("stored {others} earlier reports that were waiting");
        }
        let stored = delivery
            .stored
            .iter()
            .find(is_own)
            .map(|(_, stored)| stored);
        if let Some(stored) = stored {
            print(stored);
        }
        Ok((self.outcome(&delivery), stored.map(|stored| stored.run_id)))
    }

    fn deliver(&self) -> Result<Delivery, Failure> {
        deliver(&self.spool, &self.server, std::thread::sleep).or_server()
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
            eprintln!(
                "bench-runner: {error}; {} reports wait in {} and go with the next upload",
                delivery.waiting,
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

fn print(stored: &Stored) {
    let verdict = stored.verdict.as_ref();
    let status = verdict.map_or("not judged yet".to_owned(), |verdict| {
        let reasons: String = verdict
            .reasons
            .iter()
            .map(|reason| format!("\n  {reason}"))
            .collect();
        format!("{}{reasons}", word(verdict.status))
    });
    println!("run {} at {}: {status}", stored.run_id, stored.url);
}
