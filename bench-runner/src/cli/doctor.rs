//! `doctor`: is this machine fit to measure?

use std::time::Duration;

use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _};
use crate::collect::plan::parse_duration;
use crate::doctor::{Answer, Finding, Fitness, findings, probe};
use crate::environment;
use crate::measure::cpu;
use crate::output::{Meaning, Style, hanging};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How long to probe for noise
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    probe: Duration,
    /// As JSON, alone on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (environment, conditions) = (environment::environment(None), environment::conditions());
    eprintln!("probing for {:?} how much noise there is", args.probe);
    let noise = probe(&cpu::allowed(), args.probe).or_usage()?;
    let findings = findings(&environment, &conditions, &noise);
    let answer = Answer::new(findings, noise, environment, conditions);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&answer).or_usage()?);
    } else {
        print!("{}", text(&answer, Style::of(&std::io::stdout())));
    }
    Ok(answer.exit_code)
}

fn text(answer: &Answer, style: Style) -> String {
    let mut text = String::new();
    for finding in &answer.findings {
        let Finding { what, found, .. } = finding;
        let fitness = format!("{:8}", finding.fitness.as_str());
        let lines = hanging(&format!("{fitness} {what:19} "), found);
        let painted = style.paint(meaning(finding.fitness), &fitness);
        text.push_str(&lines.replacen(&fitness, &painted, 1));
        if !finding.advice.is_empty() {
            text.push_str(&hanging(&format!("{:29}", ""), finding.advice));
        }
    }
    text.push_str(&format!("{}\n", answer.sentence));
    text
}

fn meaning(fitness: Fitness) -> Meaning {
    match fitness {
        Fitness::Good => Meaning::Good,
        Fitness::Unknown => Meaning::Dim,
        Fitness::Poor => Meaning::Doubt,
        Fitness::Unfit => Meaning::Bad,
    }
}

#[cfg(test)]
mod tests {
    use bench_report::report::{Conditions, Environment};

    use super::*;
    use crate::doctor::Noise;

    #[test]
    fn findings_are_aligned_and_end_with_a_sentence() {
        let finding = |what, fitness, advice| Finding {
            what,
            fitness,
            found: "found".to_owned(),
            advice,
        };
        let findings = vec![
            finding("turbo", Fitness::Good, ""),
            finding("load", Fitness::Poor, "stop it"),
        ];
        let noise = Noise {
            pieces: 900,
            spread: 0.01,
            drift: 0.004,
            steal_percent: None,
        };
        let environment = Environment {
            cpu_count: Some(2),
            ..Environment::default()
        };
        let conditions = Conditions {
            load_1m: Some(3.0),
            ..Conditions::default()
        };
        let answer = Answer::new(findings, noise, environment, conditions);
        let json = serde_json::to_string_pretty(&answer);
        insta::assert_snapshot!(json.unwrap_or_default(), @r#"
        {
          "fit": true,
          "exit_code": 0,
          "sentence": "Fit, with one thing that makes it noisier than it need be.",
          "findings": [
            {
              "what": "turbo",
              "fitness": "good",
              "found": "found"
            },
            {
              "what": "load",
              "fitness": "poor",
              "found": "found",
              "advice": "stop it"
            }
          ],
          "noise": {
            "pieces": 900,
            "spread": 0.01,
            "drift": 0.004,
            "steal_percent": null
          },
          "environment": {
            "cpu_count": 2
          },
          "conditions": {
            "load_1m": 3.0
          }
        }
        "#);
        let coloured = text(&answer, Style::Colour);
        assert!(
            coloured.contains("\u{1b}[33mpoor    \u{1b}[0m load"),
            "{coloured}"
        );
        insta::assert_snapshot!(text(&answer, Style::Plain), @r"
        good     turbo               found
        poor     load                found
                                     stop it
        Fit, with one thing that makes it noisier than it need be.
        ");
    }
}
