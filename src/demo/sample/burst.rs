//! The queue of a made-up burst: five spikes upon a steady stream, and how each drains.

use bench_report::report::Curve;

use super::random::Random;
use super::{SampleSeries, five_digits};

/// Points of a spike.
const STEPS: u32 = 24;

/// What the night's figures say of its bursts, as a curve; none where they are not among `series`.
pub(super) fn queue_depth(
    series: &[(usize, &SampleSeries)],
    values: &[f64],
    random: &mut Random,
) -> Option<Curve> {
    let of = |metric: &str| {
        let (index, _) = series.iter().find(|(_, one)| one.metric == metric)?;
        values.get(*index).copied()
    };
    let (deepest, recovery_ms) = (of("queue_depth_max")?, of("recovery_time")? / 1e6);
    let mut points = vec![[0.0, 1.0]];
    let worst = random.bits() % 5;
    for spike in 0..5 {
        // The deepest spike is what the metric says; the others stay below it.
        let part = if spike == worst {
            1.0
        } else {
            0.97 - 0.05 * random.unit()
        };
        let (top, width) = (deepest * part, recovery_ms * part);
        let start = 1_000.0 * spike as f64 + 500.0;
        points.extend((0..9).map(|quiet| [start - 450.0 + 50.0 * f64::from(quiet), 1.0]));
        points.push([start - 0.1, 1.0]);
        for step in 0..=STEPS {
            let done = f64::from(step) / f64::from(STEPS);
            // The fuller the memory of the last events, the faster the next are taken in.
            let left = top * (1.0 - done.powf(1.35)) * (1.0 + 0.004 * random.normal());
            let depth = if step == 0 { top } else { left.clamp(1.0, top) };
            points.push([five_digits(start + width * done), depth.round()]);
        }
        points.extend((1..10).map(|quiet| [start + 50.0 * f64::from(quiet), 1.0]));
    }
    points.push([5_000.0, 0.0]);
    Some(Curve {
        name: "queue_depth".to_owned(),
        x: "ms".to_owned(),
        y: "events".to_owned(),
        points,
    })
}
