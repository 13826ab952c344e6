//! KVEventBurstLoad: 10,000 events in 5 seconds, most of them in spikes.

use bench_report::metric::{Params, Unit};
use bench_report::report::Curve;

use super::subject::{Errors, Subject};
use super::{BenchmarkInfo, Context, MetricInfo, ParamInfo, Sample, SampleError, Variant};
use crate::measure::clock::Monotonic;
use crate::measure::open_loop::{self, Served};
use crate::measure::{cpu, parallel};
use crate::workload::arrivals::Bursts;

/// Points of the queue's course are drawn at most so close together, ms: the deepest of each
/// interval is kept.
const CURVE_STEP_MS: f64 = 0.1;
/// Points of the queue's course at most.
const CURVE_POINTS: usize = 4_000;

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventBurstLoad",
    title: "burst load",
    description: "10,000 events arrive over 5 seconds: a steady 400 a second, and each second a spike of \
        1,600 within a tenth of a millisecond, faster than any index takes them in. One pinned \
        worker applies them in order from msgpack bytes to an index in steady state and sleeps \
        when nothing waits. The arrival times are fixed beforehand and an event waits from its own \
        on (open loop), so that a stall cannot hide waiting. peak_throughput: the events of the \
        best spike over the time from its beginning until the queue was empty. recovery_time: from \
        the end of a spike's arrivals until the queue was empty, the longest of the five. \
        queue_depth: events that had arrived and were not done. The pattern is the same whatever \
        --benchtime says.",
    params: &[ParamInfo {
        name: "events",
        about: "events in all",
    }],
    variants: &[Variant {
        params: &[("events", "10000")],
        per_cpu: false,
    }],
    metrics: &[
        MetricInfo::rate("peak_throughput", "events a second of the best spike"),
        MetricInfo::time(
            "recovery_time",
            "longest time until a spike's queue was empty",
        )
        .floor(1_000.0),
        MetricInfo::ratio(
            "queue_depth_max",
            Unit::Events,
            "most events that were waiting or in work",
        )
        .floor(1.0),
        MetricInfo::time("latency_p50", "median time from arrival to applied").floor(1.0),
        MetricInfo::time(
            "latency_p99",
            "time from arrival to applied that 99 in 100 do not exceed",
        )
        .floor(1.0),
    ],
};

/// Takes one sample.
pub fn sample(_params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let fleet = context.workloads.fleet();
    let subject = Subject::filled(fleet)?;
    let bursts = Bursts::SUITE;
    let due = bursts.arrivals();
    let (served, errors) = parallel::run_one(context.cpus, || {
        cpu::sleep_exactly();
        let (mut replay, mut errors) = (fleet.share(0, 1), Errors::default());
        let stop = || context.stop.is_asked();
        let served = open_loop::serve(&Monotonic::new(), &due, stop, |_| {
            let (engine, bytes) = replay.event();
            errors.note(&subject.apply(engine, bytes));
        });
        (served, errors)
    })?;
    context.go_on()?;
    if errors.total() > 0 {
        return Err(SampleError::Refused(format!("{errors:?}")));
    }
    let spikes = spikes(&served, bursts);
    let depth = served.queue_depth();
    let mut sample = Sample {
        iterations: due.len() as u64,
        ..Sample::default()
    };
    sample.put(
        "peak_throughput",
        spikes.iter().map(|spike| spike.throughput).reduce(f64::max),
    );
    sample.put(
        "recovery_time",
        spikes
            .iter()
            .map(|spike| spike.recovery_ns)
            .reduce(f64::max),
    );
    sample.put(
        "queue_depth_max",
        depth
            .iter()
            .map(|&(_, depth)| depth as f64)
            .reduce(f64::max),
    );
    sample.curves.push(curve(&depth));
    let names = [("latency_p50", 0.5), ("latency_p99", 0.99)];
    sample.put_latencies("latency", served.latencies(), &names);
    Ok(sample)
}

struct Spike {
    throughput: f64,
    recovery_ns: f64,
}

fn spikes(served: &Served<'_>, bursts: Bursts) -> Vec<Spike> {
    (0..bursts.spikes)
        .filter_map(|number| {
            let start = bursts.spike_start(number);
            let last_arrival = start + bursts.spike_ns;
            let empty = served.empty_after(last_arrival.min(*served.due.last()?))?;
            let events = served
                .due
                .iter()
                .filter(|&&at| at >= start && at <= empty)
                .count();
            Some(Spike {
                throughput: events as f64 * 1e9 / (empty - start).max(1) as f64,
                recovery_ns: empty.saturating_sub(last_arrival) as f64,
            })
        })
        .collect()
}

/// The queue's course: of each interval the deepest point, and where it is empty again.
fn curve(depths: &[(u64, u64)]) -> Curve {
    let mut points: Vec<[f64; 2]> = Vec::new();
    for &(at, depth) in depths {
        let (at, depth) = (at as f64 / 1e6, depth as f64);
        match points.last_mut() {
            // What follows within the interval is kept only if it is deeper.
            Some(last) if at - last[0] < CURVE_STEP_MS && last[1] > 0.0 && depth > 0.0 => {
                last[1] = last[1].max(depth);
            }
            _ => points.push([at, depth]),
        }
    }
    if points.len() > CURVE_POINTS {
        points = thinned(&points);
    }
    Curve {
        name: "queue_depth".to_owned(),
        x: "ms".to_owned(),
        y: "events".to_owned(),
        points,
    }
}

/// The deepest point of each of [`CURVE_POINTS`] runs of points.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    points
        .chunks(points.len().div_ceil(CURVE_POINTS))
        .filter_map(|run| {
            run.iter()
                .copied()
                .max_by(|one, other| one[1].total_cmp(&other[1]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::clock::Manual;

    /// Three spikes of ten events at once, each event served in `cost` ns.
    fn served(due: &[u64], cost: u64) -> Served<'_> {
        let clock = Manual::default();
        open_loop::serve(&clock, due, || false, |_| clock.advance(cost))
    }

    const BURSTS: Bursts = Bursts {
        base_rate: 0,
        spikes: 3,
        spike_events: 10,
        spike_ns: 10,
    };

    #[test]
    fn a_spike_recovers_when_its_queue_is_empty() {
        let due = BURSTS.arrivals();
        let spikes = spikes(&served(&due, 100), BURSTS);
        assert_eq!(spikes.len(), 3);
        // Ten events of 100 ns: empty 1,000 ns after the beginning, 990 after the last arrival.
        assert_eq!(spikes[0].recovery_ns, 990.0);
        assert_eq!(spikes[0].throughput, 10.0 * 1e9 / 1_000.0);
    }

    #[test]
    fn a_slower_index_has_a_longer_recovery_and_a_lower_peak() {
        let due = BURSTS.arrivals();
        let (fast, slow) = (
            spikes(&served(&due, 100), BURSTS),
            spikes(&served(&due, 200), BURSTS),
        );
        assert!(slow[2].recovery_ns > fast[2].recovery_ns);
        assert!(slow[2].throughput < fast[2].throughput);
    }

    #[test]
    fn the_curve_keeps_the_deepest_points_and_the_empty_ones() {
        let due = BURSTS.arrivals();
        let curve = curve(&served(&due, 100).queue_depth());
        let deepest = curve
            .points
            .iter()
            .map(|point| point[1])
            .fold(0.0, f64::max);
        assert_eq!(deepest, 10.0);
        assert_eq!(curve.points.last().map(|point| point[1]), Some(0.0));
        assert!(curve.points.is_sorted_by(|one, next| one[0] <= next[0]));
    }

    #[test]
    fn a_long_course_is_thinned_to_the_limit() {
        let depths: Vec<(u64, u64)> = (0..100_000).map(|n| (n * 1_000_000, n % 7)).collect();
        assert!(curve(&depths).points.len() <= CURVE_POINTS);
    }
}
