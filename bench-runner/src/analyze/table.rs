//! The answer for people: a small chart of each series and what happened to it, oldest first.

use std::io::{self, Write};

use bench_verdict::analyze::ChangeKind;
use bench_verdict::band::Band;
use bench_verdict::verdict::Counts;
use bench_verdict::words::percent;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::answer::{Answer, SeriesAnswer};
use super::read::Series;
use crate::output;

/// At most so many columns of chart: what it spans stands beside it.
const WIDTH: usize = 56;

/// From the lowest to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Writes the answer about these series.
pub fn write(out: &mut impl Write, series: &[Series], answer: &Answer) -> io::Result<()> {
    for (series, said) in series.iter().zip(&answer.series) {
        heading(out, series)?;
        chart(out, series, said)?;
        events(out, said)?;
        writeln!(out)?;
    }
    legend(out, answer)
}

fn heading(out: &mut impl Write, series: &Series) -> io::Result<()> {
    let (Some(first), Some(last)) = (series.nights.first(), series.nights.last()) else {
        return writeln!(out, "{}: no nights", series.id);
    };
    let nights = counted(series.nights.len(), "night");
    let better = match series.better {
        bench_report::metric::Direction::Lower => "lower",
        bench_report::metric::Direction::Higher => "higher",
    };
    let (from, to) = (date(first.time_ms), date(last.time_ms));
    let about = format!("{nights}, {from} to {to}, {better} is better");
    let line = format!("{}: {about}", series.id);
    if line.chars().count() > output::WIDTH {
        return writeln!(out, "{}:\n  {about}", series.id);
    }
    writeln!(out, "{line}")
}

/// One column for each night, or for as many as must share one: their median. Below it, what
/// happened in those nights.
fn chart(out: &mut impl Write, series: &Series, said: &SeriesAnswer) -> io::Result<()> {
    let nights = &series.nights;
    let per_column = nights.len().div_ceil(WIDTH).max(1);
    let levels: Vec<f64> = nights
        .chunks(per_column)
        .filter_map(|chunk| {
            let values: Vec<f64> = chunk.iter().map(|night| night.value).collect();
            bench_verdict::stats::order::median(&values)
        })
        .collect();
    let lowest = levels.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = levels.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bars: String = levels
        .iter()
        .map(|level| {
            let share = if highest > lowest {
                (level - lowest) / (highest - lowest)
            } else {
                0.5
            };
            BARS[((share * 7.0).round() as usize).min(7)]
        })
        .collect();
    let mut marks = vec![' '; levels.len()];
    let mut mark = |index: usize, sign: char| {
        if let Some(place) = marks.get_mut(index / per_column) {
            *place = sign;
        }
    };
    for point in &said.creep {
        mark(point.index, '~');
    }
    for point in &said.change_points {
        mark(
            point.index,
            if point.kind == ChangeKind::Step {
                '|'
            } else {
                'E'
            },
        );
    }
    for alarm in &said.alarms {
        mark(alarm.index, if alarm.change > 0.0 { '!' } else { '+' });
    }
    let marks: String = marks.into_iter().collect();
    writeln!(out, "  {bars}  {} to {}", shown(lowest), shown(highest))?;
    if !marks.trim().is_empty() {
        writeln!(out, "  {}", marks.trim_end())?;
    }
    Ok(())
}

fn events(out: &mut impl Write, said: &SeriesAnswer) -> io::Result<()> {
    let mut lines: Vec<(usize, u8, String)> = Vec::new();
    for point in &said.change_points {
        let text = match point.kind {
            ChangeKind::Step => format!("step {}", percent(point.change)),
            ChangeKind::Environment => {
                format!(
                    "another environment, not compared ({} apart)",
                    percent(point.change)
                )
            }
        };
        lines.push((point.index, 0, format!("{}  {text}", day(point.time))));
    }
    for point in &said.second_opinion {
        let here = |c: &&super::answer::ChangePoint| c.index.abs_diff(point.index) <= 3;
        let text = match said.change_points.iter().find(here) {
            Some(_) => "E-divisive sees it too".to_owned(),
            None => format!("E-divisive alone sees a change, {}", percent(point.change)),
        };
        lines.push((point.index, 3, format!("{}  {text}", day(point.time))));
    }
    for alarm in &said.alarms {
        let nights = alarm.index - alarm.change_index;
        let late = match nights {
            0 => "on its first night".to_owned(),
            nights => format!("after {}", counted(nights, "night")),
        };
        let what = if alarm.change > 0.0 {
            "worse"
        } else {
            "better"
        };
        let text = format!("alarm {} ({what}), raised {late}", percent(alarm.change));
        lines.push((alarm.index, 1, format!("{}  {text}", day(alarm.time))));
    }
    for point in &said.creep {
        let text = format!("creep {} since the accepted level", percent(point.change));
        lines.push((point.index, 2, format!("{}  {text}", day(point.time))));
    }
    lines.sort();
    for (index, _, line) in &lines {
        writeln!(out, "  night {index:>4}  {line}")?;
    }
    if said.change_points.is_empty() && said.alarms.is_empty() && said.creep.is_empty() {
        writeln!(out, "  no change of the level that the data can show")?;
    }
    let counts = Counts::of(said.bands.iter().copied());
    let bands = [
        (counts.critical, "critical"),
        (counts.warning, "warning"),
        (counts.info, "info"),
        (counts.none, "none"),
        (counts.improved, "improved"),
        (counts.warming, "warming up"),
        (counts.undefined, "undefined"),
    ];
    let bands: Vec<String> = bands
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, band)| format!("{count} {band}"))
        .collect();
    writeln!(out, "  nights by band: {}", bands.join(", "))?;
    if let Some(last) = said.bands.last().filter(|band| is_worse(band)) {
        let word = last.word();
        writeln!(
            out,
            "  the last night is {word}, against the 7 days before it"
        )?;
    }
    Ok(())
}

fn legend(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let count = |of: fn(&SeriesAnswer) -> usize| answer.series.iter().map(of).sum::<usize>();
    let nights: usize = count(|said| said.bands.len());
    let bad = answer
        .series
        .iter()
        .filter(|said| said.bands.last().is_some_and(is_worse))
        .count();
    let steps = count(|said| {
        let steps = said.change_points.iter();
        steps.filter(|point| point.kind == ChangeKind::Step).count()
    });
    let counts = format!(
        "{} series, {}: {}, {}, {}; {bad} of the series worse on the last night than in the 7 \
         days before it",
        answer.series.len(),
        counted(nights, "night"),
        counted(steps, "step"),
        counted(count(|said| said.alarms.len()), "alarm"),
        counted(count(|said| said.creep.len()), "creep"),
    );
    write!(out, "{}", output::hanging("", &counts))?;
    writeln!(
        out,
        "A positive change is always worse.\n\
         \u{20} |  a step, seen from today\n\
         \u{20} !  an alarm, +  an improvement, as the nightly job would have raised them\n\
         \u{20} ~  creep: slow change since the level that was accepted last\n\
         \u{20} E  another environment: nothing is compared across it\n\
         E-divisive: a second opinion on steps (window 50, p 0.001), decides nothing."
    )
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn is_worse(band: &Band) -> bool {
    band.severity() > 0
}

fn shown(value: f64) -> String {
    bench_verdict::words::plain(value)
}

fn date(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms)
        .map(day)
        .unwrap_or_default()
}

fn day(time: Timestamp) -> String {
    Offset::UTC.to_datetime(time).date().to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use bench_report::metric::Direction;
    use bench_verdict::history::Night;

    use super::*;
    use crate::analyze::answer;

    fn told(values: &[f64], epochs: &[u64]) -> String {
        let nights = (0..)
            .zip(values.iter().zip(epochs))
            .map(|(day, (&value, &epoch))| Night {
                time_ms: 1_767_225_600_000 + day * 86_400_000,
                value,
                epoch,
            });
        let series = [Series {
            id: "KVEventThroughput/cpu=2 latency_p99".to_owned(),
            better: Direction::Lower,
            nights: nights.collect(),
        }];
        let mut out = Vec::new();
        write(&mut out, &series, &answer(&series)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_step_and_a_new_machine_are_told_with_their_dates() {
        let mut values: Vec<f64> = (0..40).map(|night| 100.0 + f64::from(night % 3)).collect();
        values.extend((0..20).map(|night| 120.0 + f64::from(night % 3)));
        values.extend((0..20).map(|night| 60.0 + f64::from(night % 3)));
        let epochs: Vec<u64> = (0..80).map(|night| u64::from(night >= 60)).collect();
        insta::assert_snapshot!(told(&values, &epochs), @r"
        KVEventThroughput/cpu=2 latency_p99:
          80 nights, 2026-01-01 to 2026-03-21, lower is better
          ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆██████████▁▁▁▁▁▁▁▁▁▁  60.5 to 121.5
                              !         E
          night   40  2026-02-10  step +19.8%
          night   40  2026-02-10  E-divisive sees it too
          night   41  2026-02-11  alarm +19.3% (worse), raised after 1 night
          night   60  2026-03-02  another environment, not compared (−49.6% apart)
          nights by band: 3 warning, 3 info, 68 none, 6 warming up

        1 series, 80 nights: 1 step, 1 alarm, 0 creeps; 0 of the series worse on the
        last night than in the 7 days before it
        A positive change is always worse.
          |  a step, seen from today
          !  an alarm, +  an improvement, as the nightly job would have raised them
          ~  creep: slow change since the level that was accepted last
          E  another environment: nothing is compared across it
        E-divisive: a second opinion on steps (window 50, p 0.001), decides nothing.
        ");
    }

    #[test]
    fn one_night_and_a_quiet_series_are_told_too() {
        insta::assert_snapshot!(told(&[5.0], &[0]), @r"
        KVEventThroughput/cpu=2 latency_p99:
          1 night, 2026-01-01 to 2026-01-01, lower is better
          ▅  5 to 5
          no change of the level that the data can show
          nights by band: 1 warming up

        1 series, 1 night: 0 steps, 0 alarms, 0 creeps; 0 of the series worse on the
        last night than in the 7 days before it
        A positive change is always worse.
          |  a step, seen from today
          !  an alarm, +  an improvement, as the nightly job would have raised them
          ~  creep: slow change since the level that was accepted last
          E  another environment: nothing is compared across it
        E-divisive: a second opinion on steps (window 50, p 0.001), decides nothing.
        ");
    }
}
