//! How much a report may hold. Lengths of lists are checked while they are read, so that a hostile
//! report is refused before it has filled the memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Params;

/// Bytes of a report as it travels.
pub const WIRE_BYTES: usize = 32 << 20;
/// Bytes of a report after decompression.
pub const DECODED_BYTES: usize = 64 << 20;
/// Benchmarks, and benchmarks that are expected.
pub const BENCHMARKS: usize = 2_000;
/// Metrics of a benchmark.
pub const METRICS: usize = 100;
/// Samples of a metric, and rounds of a pair.
pub const SAMPLES: usize = 10_000;
/// Params of a benchmark.
pub const PARAMS: usize = 32;
/// Keys of the environment.
pub const ENVIRONMENT_KEYS: usize = 64;
/// Points of a curve.
pub const POINTS: usize = 10_000;
/// Curves of a benchmark.
pub const CURVES: usize = 32;
/// Histograms of a benchmark.
pub const HISTOGRAMS: usize = 8;
/// Bytes of a histogram's encoding, without base64.
pub const HISTOGRAM_BYTES: usize = 64 << 10;
/// Files of a run.
pub const ARTIFACTS: usize = 20;
/// Bytes of a file, without base64.
pub const ARTIFACT_BYTES: usize = 8 << 20;
/// Bytes of a name.
pub const NAME_BYTES: usize = 200;
/// Bytes of a text.
pub const TEXT_BYTES: usize = 4 << 10;
/// Commits in the range of a run.
pub const COMMITS: usize = 1_000;
/// Folders that a commit changes.
pub const TOUCHES: usize = 20;
/// Disturbances noted of a benchmark.
pub const DISTURBANCES: usize = 100;
/// Core counts asked for.
pub const CPUS: usize = 64;

/// A list of at most `MAX` elements.
pub(super) fn list<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct List<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                if list.len() == MAX {
                    return Err(de::Error::custom(format_args!(
                        "more than {MAX} of them, which is the limit: send fewer"
                    )));
                }
                list.push(element);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(List::<T, MAX>(PhantomData))
}

/// Params: at most [`PARAMS`] of them, none of them twice.
pub(super) fn params<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Params, D::Error> {
    struct Map;

    impl<'de> Visitor<'de> for Map {
        type Value = Params;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {PARAMS} params, each a text")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Params, A::Error> {
            let mut params = Params::new();
            while let Some((key, value)) = entries.next_entry::<String, String>()? {
                if params.len() == PARAMS {
                    return Err(de::Error::custom(format_args!(
                        "more than {PARAMS} params, which is the limit"
                    )));
                }
                if params.contains_key(&key) {
                    return Err(de::Error::custom(format_args!(
                        "the param {key:?} is given twice"
                    )));
                }
                params.insert(key, value);
            }
            Ok(params)
        }
    }

    deserializer.deserialize_map(Map)
}
