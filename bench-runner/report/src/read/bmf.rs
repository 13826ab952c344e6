//! Bencher Metric Format: `{"benchmark": {"measure": {"value": 1.0, "lower_value": …, "upper_value": …}}}`,
//! as <https://bencher.dev/docs/reference/bencher-metric-format/> describes it. The bounds are no
//! samples and are left out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ReadError;
use super::collect::{Draft, Facts, add_sample_as};
use super::units::{Foreign, foreign};
use crate::metric::{Direction, Unit};
use crate::report::Params;

/// A measure's value.
#[derive(Deserialize)]
struct Value {
    value: f64,
}

/// Reads a text of one run.
pub(super) fn read(text: &str) -> Result<Vec<Draft>, ReadError> {
    let benchmarks: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(text)?;
    let facts = Facts {
        suite: "bencher".to_owned(),
        runner: "bencher",
        ..Facts::default()
    };
    let mut draft = Draft {
        facts,
        ..Draft::default()
    };
    for (name, measures) in &benchmarks {
        for (measure, value) in measures {
            let benchmark = draft.results.benchmark(name, &Params::new());
            add_sample_as(benchmark, measure, measure_is(measure, ""), value.value);
        }
    }
    if draft.results.is_empty() {
        return Err(ReadError::Nothing {
            expected: "`{\"benchmark\": {\"latency\": {\"value\": 1.0}}}`",
        });
    }
    Ok(vec![draft])
}

/// Bencher's built-in measures have units of their own:
/// <https://bencher.dev/docs/explanation/thresholds/#measures>. Of others the unit is told by
/// `units`, such as `microseconds (us)`, or by the name where there are none.
pub(super) fn measure_is(measure: &str, units: &str) -> Foreign {
    let of = |unit: Unit, better| Foreign {
        unit,
        kind: unit.kind(),
        better,
    };
    match measure.to_lowercase().as_str() {
        "latency" => of(Unit::Nanoseconds, Direction::Lower),
        "throughput" => of(Unit::PerSecond, Direction::Higher),
        "build-time" => of(Unit::Seconds, Direction::Lower),
        "file-size" => of(Unit::Bytes, Direction::Lower),
        _ => {
            let short = units.rsplit_once('(').map(|(_, short)| short);
            let units = short.map_or(units, |short| short.trim_end_matches(')'));
            foreign(if units.is_empty() { measure } else { units })
        }
    }
}
