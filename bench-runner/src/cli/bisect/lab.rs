//! Commits built and measured in pairs with the good revision. What was measured is kept, and what is
//! the same program is not measured again: it would differ by noise alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bench_report::metric::{Direction, SeriesName};
use bench_verdict::exit::ExitCode;
use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::build_args::BuildArgs;
use super::super::failure::{Failure, OrExit as _};
use super::super::pairs::{RoundArgs, measure};
use super::super::word::short;
use super::{Args, size};
use crate::ab::build::{BuildError, Builder};
use crate::ab::side::Side;
use crate::bisect::{Effect, Lab, Seen};
use crate::collect::file::write_whole;
use crate::interrupt::Stopped;
use crate::night::flagged::options;

/// Builds and measures, and keeps what was measured.
pub(super) struct Bench<'a> {
    args: &'a Args,
    builder: &'a Builder,
    series: String,
    good: Side,
    options: Vec<String>,
    only: Regex,
    kept: Kept,
    path: PathBuf,
}

/// What earlier calls measured.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// By commit.
    seen: BTreeMap<String, Seen>,
    /// The commit that a program was measured as, by its fingerprint: commits that change nothing
    /// that is compiled have one program, and one effect.
    #[serde(default)]
    programs: BTreeMap<String, String>,
}

/// What the good revision's own program has against it.
const NONE: Effect = Effect {
    log_ratio: 0.0,
    interval: Some([0.0, 0.0]),
    pairs: 0,
};

impl Kept {
    /// What was seen of a commit, where so many rounds could see no more.
    fn of(&self, commit: &str, line: f64, rounds: u32) -> Option<Seen> {
        let seen = self.seen.get(commit)?;
        let is_enough = match seen {
            Seen::Measured(effect) => effect.above(line).1 || effect.pairs >= rounds,
            Seen::Broken(_) => true,
        };
        is_enough.then(|| seen.clone())
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        args: &'a Args,
        builder: &'a Builder,
        series: &str,
        good: &str,
        bad: &str,
    ) -> Result<Self, Failure> {
        let rounds = &args.rounds;
        let mut given = rounds.options();
        if rounds.bench.is_none()
            && args.build.exec.is_none()
            && let Some(name) = parse(series)
        {
            given.extend(options(&[name]));
        }
        let built = BuildArgs::build(builder, good).or_usage()?;
        let asked = format!(
            "{good} {bad} {series} {given:?} {:?} {:?}",
            args.build.exec, args.build.build
        );
        let name: String = Sha256::digest(asked)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let path = builder.cache().join("bisect").join(format!("{name}.json"));
        let kept = std::fs::read(&path)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok());
        Ok(Self {
            args,
            builder,
            series: series.to_owned(),
            good: builder.side(short(good), &built, &given),
            options: given,
            only: Regex::new(&format!("^{}$", regex::escape(series))).or_usage()?,
            kept: kept.unwrap_or_default(),
            path,
        })
    }

    fn kept(&self, commit: &str, line: f64) -> Option<Seen> {
        self.kept.of(commit, line, self.args.rounds.rounds)
    }

    /// What is known of a program without measuring it, and whose it is: that of the good revision,
    /// or of a commit that was measured.
    fn known(&self, program: &str, line: f64) -> Option<(Seen, String)> {
        if self.good.fingerprint().as_deref() == Some(program) {
            return Some((Seen::Measured(NONE), self.good.name.clone()));
        }
        let commit = self.kept.programs.get(program)?;
        let seen = self.kept(commit, line)?;
        Some((seen, short(commit).to_owned()))
    }

    fn built(&self, commit: &str) -> Result<Result<Side, Seen>, Failure> {
        match BuildArgs::build(self.builder, commit) {
            Ok(built) => {
                let side = self.builder.side(short(commit), &built, &self.options);
                Ok(Ok(side))
            }
            Err(BuildError::Build { said, .. }) => {
                Ok(Err(Seen::Broken(format!("it does not build: {said}"))))
            }
            Err(error) => Err(error).or_usage(),
        }
    }

    fn seen(&mut self, commit: &str, side: &Side, line: f64) -> Result<Seen, Failure> {
        let program = side.fingerprint();
        if let Some((seen, of)) = program.as_ref().and_then(|it| self.known(it, line)) {
            eprintln!("{} is the same program as {of}", short(commit));
            return Ok(seen);
        }
        let seen = self.measured(side, line)?;
        if let Some(program) = program {
            self.kept.programs.insert(program, commit.to_owned());
        }
        Ok(seen)
    }

    fn measured(&self, side: &Side, line: f64) -> Result<Seen, Failure> {
        let rounds = RoundArgs {
            // Rounds end when the pairs lie on one side of the line.
            threshold: line.exp_m1(),
            // The others that the benchmark has need not be decided.
            only: Some(self.only.clone()),
            ..self.args.rounds.clone()
        };
        let measured = match measure(&self.good, side, &rounds, true) {
            // Half of the pairs say less than they could: the next call takes them all.
            Ok(measured) if measured.pairs.stopped => return Err(Stopped).or_usage(),
            Ok(measured) => measured,
            Err(failure) if failure.exit == ExitCode::Incomplete => return Err(failure),
            Err(failure) => {
                return Ok(Seen::Broken(format!(
                    "it does not run: {:#}",
                    failure.error
                )));
            }
        };
        let Some((direction, ratio)) = measured.pairs.ratio_of(&self.series) else {
            return Ok(Seen::Broken(format!("it does not measure {}", self.series)));
        };
        let sign = match direction {
            Direction::Lower => 1.0,
            Direction::Higher => -1.0,
        };
        let interval = ratio.interval.map(|[low, high]| {
            let (one, other) = (sign * low, sign * high);
            [one.min(other), one.max(other)]
        });
        Ok(Seen::Measured(Effect {
            log_ratio: sign * ratio.log_ratio,
            interval,
            pairs: u32::try_from(ratio.pairs).unwrap_or(u32::MAX),
        }))
    }
}

impl Lab for Bench<'_> {
    type Error = Failure;

    fn see(&mut self, commit: &str, line: f64) -> Result<Seen, Failure> {
        if let Some(seen) = self.kept(commit, line) {
            eprintln!("{}: {} (kept)", short(commit), text(&seen));
            return Ok(seen);
        }
        let seen = match self.built(commit)? {
            Ok(side) => self.seen(commit, &side, line)?,
            Err(broken) => broken,
        };
        eprintln!("{}: {}", short(commit), text(&seen));
        self.kept.seen.insert(commit.to_owned(), seen.clone());
        let json = serde_json::to_vec(&self.kept).or_usage()?;
        let folder = self.path.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(folder).or_usage()?;
        write_whole(&self.path, &json).or_usage()?;
        Ok(seen)
    }
}

/// `KVEventConcurrency latency_p99 cpu=2` as a series.
fn parse(text: &str) -> Option<SeriesName> {
    let mut words = text.split_whitespace();
    let (benchmark, metric) = (words.next()?.to_owned(), words.next()?.to_owned());
    let params = words.map(|word| {
        let (key, value) = word.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    });
    Some(SeriesName {
        benchmark,
        metric,
        params: params.collect::<Option<_>>()?,
    })
}

fn text(seen: &Seen) -> String {
    match seen {
        Seen::Measured(effect) if effect.pairs == 0 => "no change".to_owned(),
        Seen::Measured(effect) => {
            format!(
                "{} over {} pairs",
                size(effect.log_ratio, effect.interval),
                effect.pairs
            )
        }
        Seen::Broken(why) => format!("passed over: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sure_is_measured_again_when_there_are_more_rounds() {
        let effect = |half: f64| {
            Seen::Measured(Effect {
                log_ratio: 0.1,
                interval: Some([0.1 - half, 0.1 + half]),
                pairs: 20,
            })
        };
        let seen = [
            ("sure".to_owned(), effect(0.01)),
            ("unsure".to_owned(), effect(0.3)),
        ];
        let kept = Kept {
            seen: seen.into(),
            ..Kept::default()
        };
        for (commit, rounds, is_kept) in [
            ("sure", 100, true),
            ("unsure", 20, true),
            ("unsure", 21, false),
            ("new", 1, false),
        ] {
            assert_eq!(
                kept.of(commit, 0.05, rounds).is_some(),
                is_kept,
                "{commit} {rounds}"
            );
        }
    }

    #[test]
    fn a_series_is_named_as_verdicts_name_it() {
        let name = parse("KVEventConcurrency latency_p99 concurrency=10 cpu=2");
        assert_eq!(
            name.map(|name| name.to_string()).as_deref(),
            Some("KVEventConcurrency latency_p99 concurrency=10 cpu=2")
        );
        assert!(parse("KVEventConcurrency").is_none());
        assert!(parse("A b c").is_none());
    }
}
