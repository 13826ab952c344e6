//! `aa`: this program against itself, and what noise looks like here.

use bench_report::metric::format_change;
use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _};
use super::pairs::{Measured, RoundArgs, measure};
use crate::ab::answer::{Answer, Within};
use crate::ab::rounds::Row;
use crate::ab::side::{Program, Side};
use crate::output::{Style, hanging, with_itself};

/// So many of all series are to lie within their own 95% interval. It is less than 95%, because that
/// is what they do on average, and because series of one benchmark go astray together.
const LEAST_WITHIN: f64 = 0.9;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  bench-runner aa --bench 'Concurrency concurrency=10'
  bench-runner aa --rounds 10                       every benchmark, ten pairs each
  bench-runner aa --bench RoutingDecision --json    the same figures for programs

All rounds are made: what ends early, when it looks well, says less than its interval promises. For each
series: how far the sides of a single pair differ by noise alone, how far all pairs together do, with
the 95% interval, and the smallest change that so many pairs could see. Ends with 3 where fewer than
nine in ten series lie within their own interval: then something on this machine favours a side.")]
pub(super) struct Args {
    #[command(flatten)]
    rounds: RoundArgs,
    /// As JSON, alone on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let path = std::env::current_exe().or_usage()?;
    let program = Program::Runner {
        path,
        options: args.rounds.options(),
    };
    let side = |name: &str| Side {
        name: name.to_owned(),
        program: program.clone(),
        slowed: None,
    };
    let measured = measure(&side("A"), &side("A again"), &args.rounds, false)?;
    let rows = measured.pairs.rows(&args.rounds.budget(true));
    let steady = steady(&rows);
    let outcome = ExitCode::worst([measured.outcome(&rows, args.rounds.threshold), steady]);
    if args.json {
        let (series, of) = within(&rows);
        let answer = Answer {
            within: Some(Within { series, of }),
            status: outcome.status(),
            exit_code: outcome,
            ..measured.answer(&rows, args.rounds.threshold)
        };
        println!("{}", serde_json::to_string_pretty(&answer).or_usage()?);
    } else {
        let table = with_itself(&rows, Style::of(&std::io::stdout()));
        print!("{table}{}", closing(&measured, &rows));
    }
    Ok(outcome)
}

/// Of the series that have an interval or differ, how many are within, and how many there are.
fn within(rows: &[Row]) -> (usize, usize) {
    let beyond = rows.iter().filter_map(Row::is_beyond_its_interval);
    beyond.fold((0, 0), |(within, all), beyond| {
        (within + usize::from(!beyond), all + 1)
    })
}

fn steady(rows: &[Row]) -> ExitCode {
    let (within, all) = within(rows);
    if (within as f64) < LEAST_WITHIN * all as f64 {
        ExitCode::Inconclusive
    } else {
        ExitCode::Fine
    }
}

fn closing(measured: &Measured, rows: &[Row]) -> String {
    let (within, all) = within(rows);
    let share = format_change(within as f64 / all.max(1) as f64);
    let share = share.trim_start_matches('+');
    let judged = match (all, steady(rows)) {
        (0, _) => "no series has an interval: it takes 4 pairs or more".to_owned(),
        (_, ExitCode::Fine) => format!(
            "{within} of {all} series ({share}) lie within their own 95% interval, as noise alone has it"
        ),
        _ => format!(
            "only {within} of {all} series ({share}) lie within their own 95% interval: something on this machine favours a side"
        ),
    };
    hanging(
        "",
        &format!("{} pairs; + is worse; {judged}.", measured.pairs.rounds),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::ab::rounds::tests::noise;

    #[test]
    fn so_many_within_are_fine_and_fewer_are_not() {
        // Nine with noise alone, and as many more as are shifted by 5%.
        let rows = |shifted: usize| {
            let rows = (0..9).map(|seed| noise(seed, 1.0));
            let rows = rows.chain((0..shifted as u64).map(|seed| noise(seed, 1.05)));
            rows.collect::<Vec<Row>>()
        };
        let (most, all) = within(&rows(0));
        assert!(most >= 8 && all == 9, "{most}");
        assert_eq!(within(&rows(4)), (most, 13));
        assert_eq!(steady(&rows(4)), ExitCode::Inconclusive);
        assert_eq!(steady(&[]), ExitCode::Fine);
    }
}
