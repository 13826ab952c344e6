//! The guide's absolute rules and its four red flags, each a function of plain inputs.
//!
//! A rule that is not met fails the gate whatever the baseline says; a red flag is shown and fails
//! nothing. Limits and wording of both come from the performance testing guide ("Alerting
//! Thresholds", "Red Flags").

use bench_report::metric::{Op, Target};

use crate::verdict::RuleResult;

/// Alert when the p99 latency exceeds 2 ms.
pub const P99_LATENCY_MAX_NS: f64 = 2e6;
/// Alert when throughput falls below 8,000 events per second.
pub const THROUGHPUT_MIN_PER_SECOND: f64 = 8_000.0;
/// Alert when more than 0.5% of the events fail.
pub const ERROR_RATE_MAX: f64 = 0.005;
/// Alert when more than 80% of the memory limit is in use.
pub const MEMORY_SHARE_MAX: f64 = 0.80;

/// Flag a p99 of more than ten times the median.
pub const RED_P99_OVER_P50: f64 = 10.0;
/// Flag more than 80% processor use at the target throughput.
pub const RED_CPU_SHARE: f64 = 0.80;
/// Flag more than 0.1% errors.
pub const RED_ERROR_RATE: f64 = 0.001;
/// Flag memory per event that grows with the load by more than this power of it: 26% a decade,
/// which fixed costs spread over more events never do.
pub const RED_MEMORY_GROWTH: f64 = 0.1;

/// The 99th percentile of the time that an event takes, in nanoseconds.
pub fn p99_latency(of: &str, nanoseconds: f64) -> RuleResult {
    rule(
        format!("p99 latency of {of}"),
        nanoseconds,
        Op::AtMost,
        P99_LATENCY_MAX_NS,
        "ns",
    )
}

/// Events per second.
pub fn throughput(of: &str, events_per_second: f64) -> RuleResult {
    let name = format!("throughput of {of}");
    rule(
        name,
        events_per_second,
        Op::AtLeast,
        THROUGHPUT_MIN_PER_SECOND,
        "1/s",
    )
}

/// The share of events that failed, 0 to 1.
pub fn error_rate(of: &str, share: f64) -> RuleResult {
    rule(
        format!("error rate of {of}"),
        share,
        Op::AtMost,
        ERROR_RATE_MAX,
        "1",
    )
}

/// Memory in use against the limit that the process runs under. None where there is no limit:
/// then there is no rule to meet.
pub fn memory_use(of: &str, used_bytes: f64, limit_bytes: Option<f64>) -> Option<RuleResult> {
    let limit = limit_bytes.filter(|limit| *limit > 0.0)?;
    let name = format!("memory of {of}");
    Some(rule(
        name,
        used_bytes,
        Op::AtMost,
        MEMORY_SHARE_MAX * limit,
        "B",
    ))
}

fn rule(name: String, value: f64, op: Op, limit: f64, unit: &str) -> RuleResult {
    let met = Target { op, value: limit }.is_met_by(value);
    RuleResult {
        name,
        op,
        limit,
        value,
        unit: unit.to_owned(),
        met,
    }
}

/// A tail far from the middle: stalls, locks or collection pauses hide in an average.
pub fn red_flag_tail(of: &str, p50: f64, p99: f64) -> Option<String> {
    let times = p99 / p50;
    (p50 > 0.0 && times > RED_P99_OVER_P50)
        .then(|| format!("{of}: p99 is {times:.1} times p50 (more than 10 is a red flag)"))
}

/// Memory per event that grows with the load. `by_load` holds (load, memory per event), in any
/// order; three different loads at least, else nothing can be said. The growth is the median of
/// the slopes between all pairs on logarithmic scales (Theil and Sen), so that one odd point
/// raises no flag.
pub fn red_flag_memory_growth(of: &str, by_load: &[(f64, f64)]) -> Option<String> {
    let points: Vec<(f64, f64)> = by_load
        .iter()
        .filter(|(load, memory)| *load > 0.0 && *memory > 0.0)
        .map(|(load, memory)| (load.ln(), memory.ln()))
        .collect();
    let mut loads: Vec<f64> = points.iter().map(|point| point.0).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    if loads.len() < 3 {
        return None;
    }
    let mut slopes = Vec::new();
    for (index, a) in points.iter().enumerate() {
        for b in points.iter().skip(index + 1).filter(|b| b.0 != a.0) {
            slopes.push((b.1 - a.1) / (b.0 - a.0));
        }
    }
    let slope = crate::stats::order::median(&slopes)?;
    (slope > RED_MEMORY_GROWTH).then(|| {
        let decade = 100.0 * (10_f64.powf(slope) - 1.0);
        format!("{of}: memory per event grows by {decade:.0}% for each tenfold load")
    })
}

/// Little headroom left at the throughput that the system must sustain. `share` is processor time
/// over wall time over cores, 0 to 1.
pub fn red_flag_cpu(of: &str, share: f64) -> Option<String> {
    (share > RED_CPU_SHARE).then(|| {
        format!(
            "{of}: {:.0}% CPU at the target throughput (more than 80%)",
            100.0 * share
        )
    })
}

/// Errors, well before the rule of 0.5% fails the gate.
pub fn red_flag_errors(of: &str, share: f64) -> Option<String> {
    (share > RED_ERROR_RATE).then(|| {
        format!(
            "{of}: {:.2}% of the events fail (more than 0.1%)",
            100.0 * share
        )
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_at_their_limit_and_not_beyond() {
        assert!(p99_latency("x", 2e6).met);
        assert!(!p99_latency("x", 2.000001e6).met);
        assert!(throughput("x", 8_000.0).met);
        assert!(!throughput("x", 7_999.9).met);
        assert!(error_rate("x", 0.005).met);
        assert!(!error_rate("x", 0.0051).met);
        assert!(memory_use("x", 80.0, Some(100.0)).unwrap().met);
        assert!(!memory_use("x", 80.1, Some(100.0)).unwrap().met);
    }

    #[test]
    fn without_a_memory_limit_there_is_no_memory_rule() {
        assert_eq!(memory_use("x", 1e12, None), None);
        assert_eq!(memory_use("x", 1e12, Some(0.0)), None);
    }

    #[test]
    fn a_value_that_is_not_a_number_meets_no_rule() {
        assert!(!throughput("x", f64::NAN).met);
        assert!(!p99_latency("x", f64::NAN).met);
    }

    #[test]
    fn red_flags_rise_beyond_their_limit_only() {
        assert_eq!(red_flag_tail("x", 100.0, 1_000.0), None);
        assert!(
            red_flag_tail("x", 100.0, 1_001.0)
                .unwrap()
                .contains("10.0 times")
        );
        assert_eq!(red_flag_tail("x", 0.0, 5.0), None);
        assert_eq!(red_flag_cpu("x", 0.8), None);
        assert!(red_flag_cpu("x", 0.93).unwrap().contains("93% CPU"));
        assert_eq!(red_flag_errors("x", 0.001), None);
        assert!(red_flag_errors("x", 0.002).unwrap().contains("0.20%"));
    }

    #[test]
    fn memory_growth_is_seen_and_spread_costs_are_not() {
        let linear = [(1e3, 100.0), (1e4, 1_000.0), (1e5, 10_000.0)];
        assert!(
            red_flag_memory_growth("x", &linear)
                .unwrap()
                .contains("900%")
        );
        assert_eq!(
            red_flag_memory_growth("x", &[(1e3, 300.0), (1e4, 120.0), (1e5, 101.0)]),
            None
        );
        assert_eq!(
            red_flag_memory_growth("x", &[(1e3, 100.0), (1e4, 104.0), (1e5, 99.0)]),
            None
        );
        assert_eq!(
            red_flag_memory_growth("x", &[(1e3, 100.0), (1e5, 900.0)]),
            None
        );
        assert_eq!(red_flag_memory_growth("x", &[]), None);
    }
}
