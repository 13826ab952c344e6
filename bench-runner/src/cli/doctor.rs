//! `doctor`: is this machine fit to measure?

use std::time::Duration;

use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _};
use crate::collect::plan::parse_duration;
use crate::doctor::{Finding, Fitness, findings, probe};
use crate::environment;
use crate::measure::cpu;
use crate::output::hanging;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How long to probe for noise
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    probe: Duration,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (environment, conditions) = (environment::environment(None), environment::conditions());
    eprintln!("probing for {:.0} s", args.probe.as_secs_f64());
    let noise = probe(&cpu::allowed(), args.probe).or_usage()?;
    let findings = findings(&environment, &conditions, &noise);
    print!("{}", text(&findings));
    let worst = findings.iter().map(|finding| finding.fitness).max();
    Ok(if worst == Some(Fitness::Unfit) {
        ExitCode::Inconclusive
    } else {
        ExitCode::Fine
    })
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let (fitness, what, found) = (finding.fitness.as_str(), finding.what, &finding.found);
        text.push_str(&hanging(&format!("{fitness:8} {what:19} "), found));
        if !finding.advice.is_empty() {
            text.push_str(&hanging(&format!("{:29}", ""), finding.advice));
        }
    }
    let count = |fitness| {
        findings
            .iter()
            .filter(|finding| finding.fitness == fitness)
            .count()
    };
    text.push_str(&match (count(Fitness::Unfit), count(Fitness::Poor)) {
        (0, 0) => "This machine is fit to measure.\n".to_owned(),
        (0, 1) => "Fit, with one thing that makes it noisier than it need be.\n".to_owned(),
        (0, poor) => format!("Fit, with {poor} things that make it noisier than it need be.\n"),
        (1, _) => "Not fit: one thing makes its figures worth nothing.\n".to_owned(),
        (unfit, _) => format!("Not fit: {unfit} things make its figures worth nothing.\n"),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_aligned_and_end_with_a_sentence() {
        let finding = |what, fitness, advice| Finding {
            what,
            fitness,
            found: "found".to_owned(),
            advice,
        };
        let findings = [
            finding("turbo", Fitness::Good, ""),
            finding("load", Fitness::Poor, "stop it"),
        ];
        insta::assert_snapshot!(text(&findings), @r"
        good     turbo               found
        poor     load                found
                                     stop it
        Fit, with one thing that makes it noisier than it need be.
        ");
    }
}
