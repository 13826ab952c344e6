//! `bridge`: where a new machine or suite began an epoch, the last revision of the epoch before is
//! measured here, so that both histories can be read on one scale.

use anyhow::Context as _;
use bench_report::report::{Purpose, RunKind};
use bench_verdict::exit::ExitCode;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::ab::{Revised, say};
use super::build_args::BuildArgs;
use super::failure::{Failure, OrExit as _, usage};
use super::pairs::{Measured, RoundArgs, measure};
use super::server_args::{ServerArgs, SpoolArgs};
use super::upload::Way;
use crate::ab::build::Builder;
use crate::ab::report::{Told, reports};
use crate::upload::server::Server;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
It is measured in turn with HEAD: the server keeps by what factor the same code reads differently now,
carries the open alerts of the epoch before on by it, and the table says what has changed in the code
since. Run it once, after the first nightly run of the new machine or suite version. Where the suite
has a new version, what was measured of the old revision is built under the suite of HEAD.")]
pub(super) struct Args {
    /// The revision [default: the last one that the server has of the epoch before]
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
    /// The name of this machine, as its nightly runs have it [default: that of the newest]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// What the server called this machine before, where its runs give it no name and it is another
    /// one since (env-1a2b3c4d): the server takes both for one from then on
    #[arg(long, value_name = "NAME")]
    was: Option<String>,
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
    let (revision, before) = match &args.revision {
        Some(revision) => (revision.clone(), last_before(&nights).ok()),
        None => {
            let before = last_before(&nights)?;
            (before.revision.commit.clone(), Some(before))
        }
    };
    // Machines of one name are one to the server; what else was one is told by a run of it.
    let renamed = (before.as_ref()).filter(|b| b.environment.name != newest.environment.name);
    let against_run = renamed.map(|before| before.id);
    let builder = args.build.builder()?;
    let commit = builder.commit(&revision).or_usage()?;
    // An epoch may have ended long before the last one.
    let own = nights.iter().find(|night| night.revision.commit == commit);
    let own = own.or(before.as_ref());
    let base = match own.filter(|own| own.suite.version != newest.suite.version) {
        Some(old) => under_new_suite(args, &builder, &revision, [&old.suite, &newest.suite])?,
        None => Revised::build(&builder, &revision, &args.rounds)?,
    };
    let head = Revised::build(&builder, "HEAD", &args.rounds)?;
    let measured = measure(&base.side, &head.side, &args.rounds, true)?;
    of_new_suite(&measured, &newest.suite)?;
    let outcome = say(&measured, &args.rounds);
    let told = Told {
        pair_key: Uuid::new_v4(),
        kind: RunKind::Ab,
        purpose: Purpose::Bridge,
        against_run,
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

/// The old revision as the new suite measures it.
fn under_new_suite(
    args: &Args,
    builder: &Builder,
    revision: &str,
    [old, new]: [&Suite; 2],
) -> Result<Revised, Failure> {
    let changed = format!(
        "the suite went from version {} to version {}",
        old.version, new.version
    );
    if args.build.exec.is_some() {
        return Err(usage(format!(
            "{changed}, and --exec measures {revision} by the suite that it holds itself, so it says \
             nothing of the new one: there is no bridge; accept or dismiss the alerts that it left open"
        )));
    }
    let built = BuildArgs::build_under(builder, revision, "HEAD");
    let built = built.with_context(|| {
        format!(
            "{changed}, and {revision} cannot be measured by the new one: name with --revision another \
             revision that the old version measured and that the new suite can call, or accept or \
             dismiss the alerts that it left open"
        )
    });
    Ok(Revised::of(
        builder,
        revision,
        &built.or_usage()?,
        &args.rounds,
    ))
}

/// Refuses what another suite than that of the new epoch has measured: it would bridge nothing.
fn of_new_suite(measured: &Measured, new: &Suite) -> Result<(), Failure> {
    let reports = measured.pairs.first_reports.iter().flatten();
    let other = reports
        .map(|report| &report.suite)
        .find(|suite| (&suite.name, &suite.version) != (&new.name, &new.version));
    match other {
        None => Ok(()),
        Some(other) => Err(usage(format!(
            "measured by version {} of the suite {}, and the newest nightly run here is of version {} \
             of {}: check out its revision, then bridge; nothing was sent",
            other.version, other.name, new.version, new.name
        ))),
    }
}

/// What is read of a nightly run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Night {
    id: i64,
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
            let first = nights.first().map(|first| &first.environment.name);
            let own = args.environment.as_ref().or(first);
            if is_of(&night.environment.name, own, args.was.as_ref()) {
                nights.push(night);
            }
        }
        match page.next {
            Some(next) if last_before(&nights).is_err() => before = format!("&before={next}"),
            _ => return Ok(nights),
        }
    }
}

/// Whether a night is of the machine: of its name, which the newest night gives where nobody does,
/// or of the name that it had before.
fn is_of(name: &String, own: Option<&String>, was: Option<&String>) -> bool {
    match own {
        Some(own) => own == name || was == Some(name),
        None => was != Some(name),
    }
}

/// The newest night that is of another machine or suite version than the newest.
fn last_before(nights: &[Night]) -> Result<Night, Failure> {
    let epoch = |night: &Night| (night.environment.id, night.suite.clone());
    let mut of_suite = nights.iter().filter(|night| {
        nights
            .first()
            .is_some_and(|n| n.suite.name == night.suite.name)
    });
    let newest = of_suite.next().map(epoch);
    let last = of_suite.find(|night| newest.as_ref() != Some(&epoch(night)));
    last.cloned().ok_or_else(|| {
        usage("the server has one epoch only, so there is nothing to bridge; after the first nightly run of a new machine or suite version there is. Of a machine whose runs give it no --environment, say with --was what the server called it before; or name a --revision")
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
            id: 1,
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
        let commit = |nights: &[Night]| last_before(nights).ok().map(|night| night.revision.commit);
        assert_eq!(commit(&nights).as_deref(), Some("a"));
        let nights = [night(1, "2", "c"), night(1, "1", "b"), night(1, "1", "a")];
        assert_eq!(commit(&nights).as_deref(), Some("b"));
        assert_eq!(commit(&nights[1..]), None);
        assert_eq!(commit(&[]), None);
    }

    #[test]
    fn a_machine_without_a_name_is_known_by_what_it_was_called() {
        let name = |text: &str| text.to_owned();
        let (new, old, other) = (name("env-2"), name("env-1"), name("ci-a"));
        assert!(is_of(&new, Some(&new), Some(&old)) && is_of(&old, Some(&new), Some(&old)));
        assert!(!is_of(&other, Some(&new), Some(&old)));
        assert!(!is_of(&old, Some(&new), None));
        // The newest night names the machine, and is not of the one before.
        assert!(is_of(&new, None, Some(&old)) && !is_of(&old, None, Some(&old)));
    }

    #[test]
    fn a_branch_may_have_any_name() {
        assert_eq!(percent("release/1.0 ü"), "release%2F1.0%20%C3%BC");
    }
}
