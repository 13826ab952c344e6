//! KVEventEndToEnd: from an engine's socket to an answer, over ZeroMQ on the loopback.

mod rig;
mod stream;

use std::sync::Arc;

use bench_report::metric::{Op, Params, Unit};

use super::rates::{LEAST_TIME, MAX, QUANTILES, STEADY, cpu_percent};
use super::sample::number;
use super::{BenchmarkInfo, Context, Goal, MetricInfo, ParamInfo, Sample, SampleError, Variant};
use crate::measure::looping::Budget;
use rig::{Measured, Pace, Rig};
use stream::EngineStream;

/// What it is.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventEndToEnd",
    title: "end to end over ZeroMQ",
    description: "One engine publishes over ZeroMQ on the loopback, one event a batch, in vLLM's shape; \
        a feed on a thread of its own receives, decodes, hashes and applies to an index in steady \
        state. With rate=2000 and rate=10000, events are due at equal distances whether or not the \
        feed is ready (open loop), and latency runs from the moment an event was due until a lookup \
        of its whole prompt has answered with the new blocks: publishing, both sockets and the \
        lookup included. cpu_percent is the feed's thread alone, receiving, decoding, applying and \
        looking up, in percent of one core. With rate=max the publisher is held back only by a \
        window of 4,096 events under way, so that nothing is dropped, and events_per_second is what \
        one feed sustains. loss_rate is the share of events that did not come live and had to be \
        replayed.",
    params: &[ParamInfo {
        name: "rate",
        about: "events a second that are published; max: as fast as they are taken",
    }],
    variants: &[
        Variant {
            params: &[("rate", "max")],
            per_cpu: false,
        },
        Variant {
            params: &[("rate", "2000")],
            per_cpu: false,
        },
        Variant {
            params: &[("rate", "10000")],
            per_cpu: false,
        },
    ],
    metrics: &[
        MetricInfo::rate("events_per_second", "events applied a second, without loss")
            .goals(&[Goal::new(Op::Greater, 10_000.0)])
            .when(MAX),
        MetricInfo::time("latency_p50", "median time from due to seen by a lookup")
            .floor(1_000.0)
            .when(STEADY),
        MetricInfo::time(
            "latency_p90",
            "time from due to seen that 90 in 100 do not exceed",
        )
        .floor(1_000.0)
        .when(STEADY),
        MetricInfo::time(
            "latency_p99",
            "time from due to seen that 99 in 100 do not exceed",
        )
        .floor(1_000.0)
        .when(STEADY),
        cpu_percent("processor time of the feed over wall time, of one core"),
        MetricInfo::ratio(
            "network_mb_per_second",
            Unit::MegabytesPerSecond,
            "bytes of messages on the wire a second, frames included",
        )
        .higher()
        .floor(0.001),
        MetricInfo::ratio(
            "loss_rate",
            Unit::Percent,
            "share of events that had to be replayed",
        )
        .floor(0.001)
        .goals(&[Goal::new(Op::Less, 0.1)]),
    ],
};

/// Takes one sample.
pub fn sample(params: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let stream = Arc::new(EngineStream::of(context.workloads.fleet())?);
    let pace = match params.get("rate").map(String::as_str) {
        Some("max") => Pace::Max,
        _ => Pace::Steady(number(INFO.name, "rate", params)? as u64),
    };
    let budget = match (pace, context.budget) {
        (Pace::Steady(_), Budget::Time(time)) => Budget::Time(time.max(LEAST_TIME)),
        (_, budget) => budget,
    };
    let measured = Rig::start(&stream, context)?.measure(pace, budget, context)?;
    context.go_on()?;
    Ok(put(pace, measured))
}

fn put(pace: Pace, measured: Measured) -> Sample {
    let seconds = measured.ns.max(1) as f64 / 1e9;
    let events = measured.events.max(1) as f64;
    let mut sample = Sample {
        iterations: measured.events,
        ..Sample::default()
    };
    match pace {
        Pace::Max => sample.put("events_per_second", events / seconds),
        Pace::Steady(_) => {
            sample.put(
                "cpu_percent",
                100.0 * measured.cpu_ns as f64 / measured.ns.max(1) as f64,
            );
            sample.put_latencies("latency", measured.latencies, &QUANTILES);
        }
    }
    sample.put(
        "network_mb_per_second",
        measured.wire_bytes as f64 / 1e6 / seconds,
    );
    sample.put("loss_rate", 100.0 * measured.replayed as f64 / events);
    sample
}
