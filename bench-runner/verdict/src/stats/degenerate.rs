//! Every statistic on every kind of sample that is no ordinary one: too small, constant, tied, zero,
//! negative, huge, tiny. What a sample of those sizes cannot say is absent; what is said is a number.

use super::random::Random;
use super::sample::Sample;
use super::{
    autocorrelation, bootstrap, geomean, hodges_lehmann, kruskal_wallis, mann_whitney, noise,
    order, paired, robust, running, segment, signed_rank, summary, theil_sen,
};

/// By name, so that a failure says which.
pub(crate) fn samples() -> Vec<(&'static str, Vec<f64>)> {
    let mut random = Random::new(3);
    let mut some = |count: usize, level: f64| -> Vec<f64> {
        (0..count)
            .map(|_| level * (1.0 + 0.1 * random.unit()))
            .collect()
    };
    vec![
        ("nothing", Vec::new()),
        ("one", vec![3.0]),
        ("one zero", vec![0.0]),
        ("two", vec![3.0, 4.0]),
        ("two equal", vec![3.0; 2]),
        ("three", vec![5.0, 3.0, 4.0]),
        ("equal", vec![7.0; 12]),
        ("zeros of both signs", [0.0, -0.0].repeat(6)),
        ("ties", [1.0, 2.0, 2.0, 3.0].repeat(5)),
        ("two states", [[1.0; 9].as_slice(), &[2.0; 9]].concat()),
        ("negative", some(12, -5.0)),
        ("both signs", [some(6, -5.0), some(6, 5.0)].concat()),
        ("huge", some(12, 1e300)),
        (
            "huge of both signs",
            [some(6, -1e300), some(6, 1e300)].concat(),
        ),
        ("tiny", some(12, 1e-300)),
        ("smallest", vec![5e-324; 12]),
        ("far apart", [some(6, 1e-300), some(6, 1e300)].concat()),
        ("many", some(120, 1e3)),
    ]
}

#[track_caller]
fn is_number(name: &str, what: &str, numbers: impl IntoIterator<Item = f64>) {
    for number in numbers {
        assert!(!number.is_nan(), "{what} of {name}");
    }
}

#[test]
fn every_statistic_of_every_odd_sample_is_a_number_or_absent() {
    for (name, values) in samples() {
        let n = values.len();
        let some = |what: &str, found: Option<f64>, least: usize| {
            assert_eq!(found.is_some(), n >= least, "{what} of {name}");
            is_number(name, what, found);
        };
        some("median", order::median(&values), 1);
        some("centre", hodges_lehmann::centre(&values), 1);
        some(
            "scale",
            robust::scale(&values, 0.0).map(|scale| scale.unit),
            1,
        );
        let noise = noise::Noise::estimate(&values, 0.0);
        some(
            "deviation of noise",
            noise.map(|noise| noise.deviation()),
            1,
        );
        let interval = bootstrap::interval_of_mean(&values, 0.05, 7);
        some(
            "bootstrap",
            interval.map(|[low, _]| low),
            bootstrap::MIN_VALUES,
        );
        let ranked = signed_rank::centre_interval(&values, 0.05);
        some("signed rank", ranked.map(|ranked| ranked.centre), 1);
        let ends = ranked.and_then(|ranked| ranked.interval);
        some(
            "its interval",
            ends.map(|[low, _]| low),
            signed_rank::values_needed(0.05),
        );
        is_number(name, "correlation", [autocorrelation::shrunk(&values)]);
        is_number(name, "running median", running::running_median(&values, 5));
        let cuts = segment::segment(&values, 5, 1.0);
        assert!(
            cuts.iter().all(|cut| (5..=n - 5).contains(cut)),
            "{name}: {cuts:?}"
        );
        let positive = n > 0 && values.iter().all(|value| *value > 0.0);
        assert_eq!(
            geomean::geomean(&values).is_some(),
            positive,
            "geomean of {name}"
        );
        is_number(name, "geomean", geomean::geomean(&values));
        let x: Vec<f64> = (0..n).map(|at| at as f64).collect();
        let slope = theil_sen::slope(&x, &values, 0.95);
        some(
            "slope",
            slope.map(|slope| slope.slope),
            theil_sen::LEAST_POINTS,
        );
    }
}

#[test]
fn every_comparison_of_every_two_odd_samples_is_a_number_or_absent() {
    let all = samples();
    for (name, first) in &all {
        for (other, second) in &all {
            let names = format!("{name} and {other}");
            let both = !first.is_empty() && !second.is_empty();
            let shift = hodges_lehmann::shift_interval(first, second, 0.05);
            assert_eq!(shift.is_some(), both, "{names}");
            is_number(&names, "shift", shift.map(|shift| shift.centre));
            let ends = shift.and_then(|shift| shift.interval);
            is_number(&names, "interval", ends.into_iter().flatten());
            let groups = [(0, first), (1, second)];
            let mut ranked: Vec<(f64, u8)> = groups
                .iter()
                .flat_map(|(group, values)| values.iter().map(|value| (*value, *group)))
                .collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
            is_number(&names, "H", [kruskal_wallis::kruskal_wallis::<2>(&ranked)]);
            let has_ratios = first.len() == second.len()
                && both
                && first.iter().chain(second).all(|value| *value > 0.0);
            let pairs = paired::Pairs::new(first, second);
            assert_eq!(pairs.is_some(), has_ratios, "{names}");
            is_number(
                &names,
                "ratio",
                pairs.map(|pairs| pairs.ratio(0.05).log_ratio),
            );
            let (Ok(first), Ok(second)) = (Sample::new(first), Sample::new(second)) else {
                assert!(!both, "{names}");
                continue;
            };
            let test = mann_whitney::mann_whitney(&first, &second);
            assert!((0.0..=1.0).contains(&test.p), "{names}: {test:?}");
            let back = mann_whitney::mann_whitney(&second, &first);
            assert!(
                (test.p - back.p).abs() < 1e-12,
                "{names}: {test:?} {back:?}"
            );
            let summary = summary::summary(&first);
            is_number(&names, "spread", summary.spread());
        }
    }
}

#[test]
fn what_is_not_finite_is_refused_before_any_statistic_sees_it() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for at in 0..3 {
            let mut values = [1.0, 2.0, 3.0];
            values[at] = wrong;
            assert!(Sample::new(&values).is_err());
            assert_eq!(paired::Pairs::new(&values, &[1.0; 3]), None);
            assert_eq!(paired::Pairs::new(&[1.0; 3], &values), None);
        }
        let mut values = [1.0; 9];
        values[4] = wrong;
        assert_eq!(theil_sen::slope(&[0.0; 9], &values, 0.95), None);
    }
}
