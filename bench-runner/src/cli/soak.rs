//! `run --soak`: does memory grow under load?

use std::fmt::Write as _;

use anyhow::Context as _;
use bench_report::metric::{Unit, format_count, format_value};
use bench_verdict::exit::ExitCode;
use serde::Serialize;

use super::failure::{Failure, OrExit as _};
use crate::collect::plan::Benchtime;
use crate::interrupt;
use crate::measure::cpu;
use crate::soak::fit::{Fit, Judgement, judge};
use crate::soak::{Reading, Soak};
use crate::suite::Workloads;

/// What a soak found.
#[derive(Debug, Serialize)]
struct Outcome {
    seconds: f64,
    events: u64,
    threads: usize,
    memory: Vec<Fit>,
}

/// Soaks for so long; prints the outcome as a table, or as JSON.
pub(super) fn run(soak: &Benchtime, seed: u64, json: bool) -> Result<ExitCode, Failure> {
    let stop = interrupt::stop()
        .context("cannot listen for Ctrl-C")
        .or_usage()?;
    let cpus = cpu::allowed();
    let workloads = Workloads::new(seed);
    eprintln!(
        "bench-runner: soaking for {} on {} threads",
        soak.text,
        cpus.len()
    );
    let readings = Soak {
        workloads: &workloads,
        budget: soak.budget,
        cpus: &cpus,
        stop: &stop,
    }
    .run(|| ())
    .or_usage()?;
    let outcome = outcome(&readings, cpus.len());
    if json {
        let text = serde_json::to_string_pretty(&outcome)
            .context("the outcome has no JSON form")
            .or_usage()?;
        println!("{text}");
    } else {
        print!("{}", text(&outcome));
    }
    Ok(exit(&outcome))
}

fn outcome(readings: &[Reading], threads: usize) -> Outcome {
    let last = readings.last();
    Outcome {
        seconds: last.map_or(0.0, |reading| reading.seconds),
        events: last.map_or(0, |reading| reading.events),
        threads,
        memory: judge(readings),
    }
}

/// 1 when something grows, 3 when there was too little to say.
fn exit(outcome: &Outcome) -> ExitCode {
    if outcome.memory.is_empty() {
        ExitCode::Inconclusive
    } else if outcome
        .memory
        .iter()
        .any(|fit| fit.judgement == Judgement::Grows)
    {
        ExitCode::Regression
    } else {
        ExitCode::Fine
    }
}

fn bytes(amount: f64) -> String {
    format_value(amount, Unit::Bytes).to_string()
}

fn text(outcome: &Outcome) -> String {
    let mut text = format!(
        "{} events and as many lookups in {}, {}\n",
        format_count(outcome.events),
        format_value(outcome.seconds * 1e9, Unit::Nanoseconds),
        match outcome.threads {
            1 => "1 thread".to_owned(),
            many => format!("{many} threads"),
        }
    );
    if outcome.memory.is_empty() {
        text.push_str("too few readings to say whether memory grows: soak longer\n");
    }
    for fit in &outcome.memory {
        let (hour, events) = (fit.per_hour, fit.per_million_events);
        let about = match fit.what {
            "index" => "held by the index, by its own account",
            "heap" => "held by the program from its allocator",
            _ => "of the process in memory",
        };
        let says = match fit.judgement {
            Judgement::Grows => format!(
                "GROWS by {} an hour [{}, {}], {} a million events; {} in this soak",
                bytes(hour.slope),
                bytes(hour.low),
                bytes(hour.high),
                bytes(events.slope),
                bytes(fit.grown)
            ),
            Judgement::Steady => format!(
                "no growth beyond {} an hour, {} a million events",
                bytes(hour.high.max(0.0)),
                bytes(events.high.max(0.0))
            ),
        };
        let _ = writeln!(
            text,
            "  {:8}  {:>10}  {says} ({about})",
            fit.what,
            bytes(fit.level)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::fit::Line;

    fn fit(what: &'static str, slope: f64, judgement: Judgement) -> Fit {
        let line = |slope: f64| Line {
            slope,
            low: slope * 0.9,
            high: slope * 1.1,
        };
        Fit {
            what,
            level: 12_900_000.0,
            grown: slope / 6.0,
            per_hour: line(slope),
            per_million_events: line(slope / 5_000.0),
            judgement,
        }
    }

    #[test]
    fn growth_and_its_absence_are_said_with_their_bounds() {
        let outcome = Outcome {
            seconds: 600.0,
            events: 312_400_000,
            threads: 2,
            memory: vec![
                fit("index", 0.0, Judgement::Steady),
                fit("heap", 3_250_000.0, Judgement::Grows),
            ],
        };
        insta::assert_snapshot!(text(&outcome), @r"
        312,400,000 events and as many lookups in 600.0 s, 2 threads
          index      12.30 MiB  no growth beyond 0 B an hour, 0 B a million events (held by the index, by its own account)
          heap       12.30 MiB  GROWS by 3.099 MiB an hour [2.789 MiB, 3.409 MiB], 650 B a million events; 529.0 KiB in this soak (held by the program from its allocator)
        ");
        assert_eq!(exit(&outcome), ExitCode::Regression);
        let nothing = outcome_of_nothing();
        assert_eq!(exit(&nothing), ExitCode::Inconclusive);
        assert!(text(&nothing).contains("too few readings"));
    }

    fn outcome_of_nothing() -> Outcome {
        outcome(&[], 1)
    }
}
