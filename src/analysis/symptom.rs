//! From a series that got worse to where one looks first: the rows of `/help`'s table.

use super::order::{is_certain, is_worse};
use crate::domain::Judged;

/// A sort of trouble, as it is seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symptom {
    /// Time waited for locks; throughput that stops growing with cores or workers.
    LockWait,
    /// More or larger allocations, more memory.
    Allocations,
    /// Time spent on hashing; work that grows faster than the prefix.
    HashTime,
    /// Events that wait on their way: queues, recovery, what a decision sees late.
    Waiting,
}

impl Symptom {
    /// The row's name in a URL.
    pub fn anchor(self) -> &'static str {
        match self {
            Self::LockWait => "lock-wait",
            Self::Allocations => "allocations",
            Self::HashTime => "hash-time",
            Self::Waiting => "network",
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::LockWait => "lock wait",
            Self::Allocations => "allocations",
            Self::HashTime => "hash time",
            Self::Waiting => "waiting and network",
        }
    }

    /// What a worse series of this metric points at; none where it may be anything.
    pub fn of(benchmark: &str, metric: &str) -> Option<Self> {
        let has = |part: &str| metric.contains(part);
        if has("lock_wait") {
            Some(Self::LockWait)
        } else if has("hash") {
            Some(Self::HashTime)
        } else if has("decoded") {
            // Counted on the wire: another workload, no allocation.
            None
        } else if ["alloc", "bytes", "heap", "memory", "over_live"]
            .into_iter()
            .any(has)
        {
            Some(Self::Allocations)
        } else if ["queue", "recovery", "visible", "loss"]
            .into_iter()
            .any(has)
            || benchmark.ends_with("EndToEnd")
        {
            Some(Self::Waiting)
        } else if benchmark.ends_with("Concurrency") && metric == "events_per_second" {
            Some(Self::LockWait)
        } else {
            None
        }
    }
}

/// The symptoms of what surely or likely got worse, each with how many series show it, the commonest
/// first.
pub fn symptoms<'a>(rows: impl IntoIterator<Item = &'a Judged>) -> Vec<(Symptom, usize)> {
    let mut counts: Vec<(Symptom, usize)> = Vec::new();
    for row in rows {
        let judged = &row.judgement;
        let is_likely = judged.evidence == bench_verdict::verdict::Evidence::Likely;
        if !is_worse(judged.band) || !(is_certain(judged.evidence) || is_likely) {
            continue;
        }
        let key = &row.series.key;
        let Some(symptom) = Symptom::of(&key.benchmark, &key.metric) else {
            continue;
        };
        match counts.iter_mut().find(|(known, _)| *known == symptom) {
            Some((_, count)) => *count += 1,
            None => counts.push((symptom, 1)),
        }
    }
    counts.sort_by_key(|(symptom, count)| (std::cmp::Reverse(*count), *symptom));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_points_at_one_trouble_or_at_none() {
        for (benchmark, metric, wanted) in [
            (
                "KVEventConcurrency",
                "lock_wait_per_op",
                Some(Symptom::LockWait),
            ),
            (
                "KVEventConcurrency",
                "events_per_second",
                Some(Symptom::LockWait),
            ),
            ("KVEventThroughput", "events_per_second", None),
            ("KVEventLargePrefix", "hash_time", Some(Symptom::HashTime)),
            (
                "KVEventMemoryUsage",
                "bytes_per_item",
                Some(Symptom::Allocations),
            ),
            (
                "KVEventProcessingLatency",
                "allocs_per_op",
                Some(Symptom::Allocations),
            ),
            ("KVEventBurstLoad", "recovery_time", Some(Symptom::Waiting)),
            ("KVEventEndToEnd", "latency_p99", Some(Symptom::Waiting)),
            ("KVEventEndToEnd", "loss_rate", Some(Symptom::Waiting)),
            ("KVEventLargePrefix", "store_bytes_decoded", None),
            ("KVEventProcessingLatency", "latency_p99", None),
        ] {
            assert_eq!(
                Symptom::of(benchmark, metric),
                wanted,
                "{benchmark} {metric}"
            );
        }
    }
}
