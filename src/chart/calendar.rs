//! Time axes: days, Mondays, months, quarters, years; all in UTC.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::Offset;

use super::label::text_width;
use crate::domain::Millis;
use crate::domain::time::DAY_MS;

/// A tick of a time axis.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeTick {
    /// When.
    pub at: Millis,
    /// What stands beneath it; a minor tick has none.
    pub text: Option<String>,
}

/// What labelled ticks stand at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Days,
    Mondays,
    Months,
    Quarters,
    Years,
    Decades,
}

const STEPS: [Step; 6] = [
    Step::Days,
    Step::Mondays,
    Step::Months,
    Step::Quarters,
    Step::Years,
    Step::Decades,
];

/// More ticks than this on one axis help nobody.
const MOST_TICKS: usize = 400;

/// The ticks between two instants on an axis of `width` pixels: days up to ten of them, Mondays up
/// to 92 days, months up to two years, quarters up to six, years beyond; coarser where labels would
/// touch. Months have minor ticks at Mondays up to 200 days, quarters at months, years at quarters.
pub fn time_ticks(from: Millis, to: Millis, width: f64) -> Vec<TimeTick> {
    let days = (to.0.saturating_sub(from.0)) as f64 / DAY_MS as f64;
    if days <= 0.0 {
        return Vec::new();
    }
    let first = match days {
        d if d <= 10.0 => 0,
        d if d <= 92.0 => 1,
        d if d <= 750.0 => 2,
        d if d <= 6.1 * 365.25 => 3,
        _ => 4,
    };
    let px_per_day = width / days;
    for step in &STEPS[first..] {
        let labelled = starts(*step, from, to);
        if labelled.len() > MOST_TICKS {
            continue;
        }
        let widest = labelled
            .iter()
            .map(|d| text_width(&label(*step, *d)))
            .fold(0.0, f64::max);
        let nearest = labelled
            .windows(2)
            .map(|w| days_between(w[0], w[1]) * px_per_day)
            .fold(f64::INFINITY, f64::min);
        if nearest < widest + 8.0 {
            continue;
        }
        let mut ticks: Vec<_> = labelled
            .iter()
            .map(|d| TimeTick {
                at: instant(*d),
                text: Some(label(*step, *d)),
            })
            .collect();
        if let Some(minor) = minor(*step, days) {
            let extra = starts(minor, from, to);
            if extra.len() <= MOST_TICKS && px_per_day * days / extra.len().max(1) as f64 >= 5.0 {
                ticks.extend(
                    extra
                        .into_iter()
                        .filter(|d| !labelled.contains(d))
                        .map(|d| TimeTick {
                            at: instant(d),
                            text: None,
                        }),
                );
                ticks.sort_by_key(|t| t.at);
            }
        }
        return ticks;
    }
    Vec::new()
}

fn minor(step: Step, days: f64) -> Option<Step> {
    match step {
        Step::Months if days <= 200.0 => Some(Step::Mondays),
        Step::Quarters => Some(Step::Months),
        Step::Years => Some(Step::Quarters),
        Step::Decades => Some(Step::Years),
        _ => None,
    }
}

fn label(step: Step, date: Date) -> String {
    match step {
        Step::Days | Step::Mondays => date.strftime("%-d %b").to_string(),
        Step::Months | Step::Quarters if date.month() != 1 => date.strftime("%b").to_string(),
        _ => date.year().to_string(),
    }
}

/// The first days of all steps within the span.
fn starts(step: Step, from: Millis, to: Millis) -> Vec<Date> {
    let start = Offset::UTC.to_datetime(from.timestamp()).date();
    let end = Offset::UTC.to_datetime(to.timestamp()).date();
    let (first, pace) = match step {
        Step::Days => (start, 1.day()),
        Step::Mondays => {
            let back = i64::from(start.weekday().since(Weekday::Monday));
            (start.saturating_sub(back.days()), 1.week())
        }
        Step::Months => (start.first_of_month(), 1.month()),
        Step::Quarters => {
            let back = i64::from((start.month() - 1) % 3);
            (
                start.first_of_month().saturating_sub(back.months()),
                3.months(),
            )
        }
        Step::Years => (start.first_of_year(), 1.year()),
        Step::Decades => {
            let back = i64::from(start.year().rem_euclid(10));
            (
                start.first_of_year().saturating_sub(back.years()),
                10.years(),
            )
        }
    };
    first
        .series(pace)
        .take_while(|d| *d <= end)
        .filter(|d| instant(*d) >= from && instant(*d) <= to)
        .take(MOST_TICKS + 1)
        .collect()
}

fn instant(date: Date) -> Millis {
    Offset::UTC
        .to_timestamp(date.at(0, 0, 0, 0))
        .map_or(Millis(i64::MIN), Millis::from)
}

fn days_between(a: Date, b: Date) -> f64 {
    a.duration_until(b).as_secs_f64() / 86_400.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        crate::text::parse_iso_day(text).expect("the tests write dates")
    }

    #[track_caller]
    fn check(from: &str, to: &str, width: f64, expected: &str) {
        let ticks = time_ticks(at(from), at(to), width);
        let texts: Vec<_> = ticks
            .iter()
            .map(|t| t.text.clone().unwrap_or_else(|| "'".to_owned()))
            .collect();
        assert_eq!(texts.join(" "), expected);
    }

    #[test]
    fn a_week_has_days() {
        check(
            "2026-11-18",
            "2026-11-24",
            1092.0,
            "18 Nov 19 Nov 20 Nov 21 Nov 22 Nov 23 Nov 24 Nov",
        );
    }

    #[test]
    fn ninety_days_have_mondays_where_there_is_room() {
        check(
            "2026-08-27",
            "2026-11-24",
            1092.0,
            "31 Aug 7 Sep 14 Sep 21 Sep 28 Sep 5 Oct 12 Oct 19 Oct 26 Oct 2 Nov 9 Nov 16 Nov 23 Nov",
        );
    }

    #[test]
    fn ninety_days_on_a_narrow_screen_have_months_and_weeks() {
        check(
            "2026-08-27",
            "2026-11-24",
            260.0,
            "' Sep ' ' ' ' Oct ' ' ' ' Nov ' ' ' '",
        );
    }

    #[test]
    fn a_year_has_months_and_names_the_year_in_january() {
        check(
            "2025-11-24",
            "2026-11-24",
            1092.0,
            "Dec 2026 Feb Mar Apr May Jun Jul Aug Sep Oct Nov",
        );
    }

    #[test]
    fn five_years_have_quarters_or_years() {
        check(
            "2022-11-24",
            "2024-12-31",
            1092.0,
            "' 2023 ' ' Apr ' ' Jul ' ' Oct ' ' 2024 ' ' Apr ' ' Jul ' ' Oct ' '",
        );
        check(
            "2021-11-24",
            "2026-11-24",
            260.0,
            "2022 ' ' ' 2023 ' ' ' 2024 ' ' ' 2025 ' ' ' 2026 ' ' '",
        );
    }

    #[test]
    fn an_empty_span_has_no_ticks() {
        check("2026-11-24", "2026-11-24", 1092.0, "");
    }

    #[test]
    fn centuries_end() {
        assert!(time_ticks(Millis(i64::MIN), Millis(i64::MAX), 1092.0).len() <= 2 * MOST_TICKS);
    }
}
