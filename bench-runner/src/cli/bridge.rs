//! `bridge`: where a new machine or suite began an epoch, the last revision of the epoch before is
//! measured here, so that both histories can be read on one scale.

use bench_report::report::{Purpose, RunKind};
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::ab::{Revised, say};
use super::build_args::BuildArgs;
use super::failure::{Failure, OrExit as _, usage};
use super::pairs::{RoundArgs, measure};
use super::server_args::{ServerArgs, SpoolArgs};
use super::upload::Way;
use crate::ab::report::{Told, reports};
use crate::upload::server::Server;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
It is measured in turn with HEAD: the server keeps by what factor the same code reads differently now,
and the table says what has changed in the code since. Run it once, after the first nightly run of the
new machine or suite version.")]
pub(super) struct Args {
    /// The revision [default: the last one that the server has of the epoch before]
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
    /// The name of this machine, as its nightly runs have it [default: that of the newest]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The branch of the nightly runs
    #[arg(long, value_name = "NAME", default_value = "main")]
    branch: String,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    rounds: RoundArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    spool: SpoolArgs,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let way = Way::new(&args.server, &args.spool)?;
    let nights = nights(way.server(), args)?;
    let Some(newest) = nights.first() else {
        let of = args.environment.as_ref();
        let of = of.map_or_else(String::new, |name| format!(" of a machine named {name:?}"));
        return Err(usage(format!(
            "the server has no nightly run of {}{of}: run `nightly` here first",
            args.branch
        )));
    };
    let revision = match &args.revision {
        Some(revision) => revision.clone(),
        None => last_before(&nights)?,
    };
    let builder = args.build.builder()?;
    let base = Revised::build(&builder, &revision, &args.rounds)?;
    let head = Revised::build(&builder, "HEAD", &args.rounds)?;
    let measured = measure(&base.side, &head.side, &args.rounds, true)?;
    let outcome = say(&measured, &args.rounds);
    let told = Told {
        pair_key: Uuid::new_v4(),
        kind: RunKind::Ab,
        purpose: Purpose::Bridge,
        against_run: None,
        revisions: [base.revision, head.revision],
        environment_name: Some(newest.environment.name.clone()),
        planted: None,
        started_at: measured.started_at,
    };
    let Some(pair) = reports(&measured.pairs, &told, Timestamp::now()) else {
        return Ok(ExitCode::worst([outcome, ExitCode::Incomplete]));
    };
    let sent = pair.iter().map(|report| way.send(report));
    let sent = sent.collect::<Result<Vec<_>, _>>()?;
    Ok(ExitCode::worst(sent.into_iter().chain([outcome])))
}

/// What is read of a nightly run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Night {
    suite: Suite,
    environment: Machine,
    revision: Revision,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Suite {
    name: String,
    version: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Machine {
    name: String,
    id: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Revision {
    commit: String,
}

/// The nightly runs of the machine's name, newest first: as far back as the epoch before.
fn nights(server: &Server, args: &Args) -> Result<Vec<Night>, Failure> {
    #[derive(Deserialize)]
    struct Page {
        runs: Vec<Night>,
        next: Option<String>,
    }
    let mut nights: Vec<Night> = Vec::new();
    let mut before = String::new();
    loop {
        let branch = percent(&args.branch);
        let path = format!("/api/v1/runs?kind=nightly&branch={branch}&limit=200{before}");
        let bytes = server.get(&path).or_server()?;
        let page: Page = serde_json::from_slice(&bytes).or_server()?;
        for night in page.runs {
            let name = &night.environment.name;
            let first = nights.first().map(|first| &first.environment.name);
            if args
                .environment
                .as_ref()
                .or(first)
                .is_none_or(|own| own == name)
            {
                nights.push(night);
            }
        }
        match page.next {
            Some(next) if last_before(&nights).is_err() => before = format!("&before={next}"),
            _ => return Ok(nights),
        }
    }
}

/// The revision of the newest night that is of another machine or suite version than the newest.
fn last_before(nights: &[Night]) -> Result<String, Failure> {
    let epoch = |night: &Night| (night.environment.id, night.suite.clone());
    let mut of_suite = nights.iter().filter(|night| {
        nights
            .first()
            .is_some_and(|n| n.suite.name == night.suite.name)
    });
    let newest = of_suite.next().map(epoch);
    let last = of_suite.find(|night| newest.as_ref() != Some(&epoch(night)));
    last.map(|night| night.revision.commit.clone()).ok_or_else(|| {
        usage("the server has one epoch only, so there is nothing to bridge; after the first nightly run of a new machine or suite version there is, or name a --revision")
    })
}

/// A value of a query, with everything but letters, digits, `-`, `.` and `_` encoded.
fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(machine: i64, version: &str, commit: &str) -> Night {
        Night {
            suite: Suite {
                name: "kv-sync".to_owned(),
                version: version.to_owned(),
            },
            environment: Machine {
                name: "ci-a".to_owned(),
                id: machine,
            },
            revision: Revision {
                commit: commit.to_owned(),
            },
        }
    }

    #[test]
    fn the_last_revision_before_a_new_machine_or_suite_version_is_bridged() {
        let nights = [night(2, "1", "c"), night(2, "1", "b"), night(1, "1", "a")];
        assert_eq!(last_before(&nights).ok().as_deref(), Some("a"));
        let nights = [night(1, "2", "c"), night(1, "1", "b"), night(1, "1", "a")];
        assert_eq!(last_before(&nights).ok().as_deref(), Some("b"));
        assert!(last_before(&nights[1..]).is_err());
        assert!(last_before(&[]).is_err());
    }

    #[test]
    fn a_branch_may_have_any_name() {
        assert_eq!(percent("release/1.0 ü"), "release%2F1.0%20%C3%BC");
    }
}
