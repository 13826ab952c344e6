//! KVEventRecorded: a recorded stream of real engines, applied again. What it shows beside the
//! synthetic benchmarks tells whether those are like the traffic that they stand for.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_report::metric::{Params, Unit};
use kv_indexer::feed::record::{Reader, RecordError, RecordedStream, Tail, What};
use kv_indexer::feed::tracker::Batch;
use kv_indexer::feed::{IndexSink, Sink as _};
use kv_indexer::{Decoder, Event, Index, Options};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::subject::KEY;
use super::{BenchmarkInfo, Context, MetricInfo, ParamInfo, Sample, SampleError};
use crate::measure::histogram::Latencies;
use crate::measure::looping::Budget;

/// The param that tells recordings apart.
const PARAM: &str = "recording";
/// The longest part of a file's name that a param keeps.
const MAX_NAME: usize = 40;

/// What it is. No part of the catalogue: it is measured where a recording is given.
pub static INFO: BenchmarkInfo = BenchmarkInfo {
    name: "KVEventRecorded",
    title: "recorded traffic",
    description: "A recording of running engines (feed subscribe --record) is applied to an empty \
        index, batch after batch as it came, restarts included: decode, hash, apply, on one thread \
        and as fast as it goes. A sample is as many whole passes as fit, at least one, each on an \
        index of its own; the file is read before. Series are told apart by the file's name and \
        by what is in it.",
    params: &[ParamInfo {
        name: PARAM,
        about: "name of the recording's file, and the beginning of its content's SHA-256",
    }],
    variants: &[],
    metrics: &[
        MetricInfo::rate("events_per_second", "events applied a second"),
        MetricInfo::time(
            "latency_p50",
            "median time to decode, hash and apply a batch",
        )
        .floor(1.0),
        MetricInfo::time(
            "latency_p99",
            "time to decode, hash and apply a batch that 99 in 100 do not exceed",
        )
        .floor(1.0),
        MetricInfo::count(
            "distinct_blocks",
            Unit::Blocks,
            "blocks that the index holds at the end",
        ),
        MetricInfo::ratio(
            "error_rate_orphaned",
            Unit::Percent,
            "share of stored blocks whose parent block was not held",
        )
        .floor(0.001),
    ],
};

/// A recording, read into memory.
#[derive(Debug)]
pub struct Recording {
    label: String,
    streams: Vec<RecordedStream>,
    steps: Vec<Step>,
    block_size: u32,
    events: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Step {
    stream: usize,
    what: Act,
}

#[derive(Debug)]
enum Act {
    Apply(Batch),
    Clear,
}

/// Why a recording cannot be measured.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        source: RecordError,
    },
    /// There is nothing to measure.
    #[error(
        "{} holds no events: record a stream that has some, with `bench-runner feed subscribe --record`",
        path.display()
    )]
    Empty {
        /// Where.
        path: PathBuf,
    },
}

impl Recording {
    /// Reads a recording whole.
    ///
    /// # Errors
    /// When it cannot be read, or holds no event.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let read = |source| RecordingError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(RecordError::from).map_err(read)?;
        let mut reader = Reader::new(BufReader::new(file)).map_err(read)?;
        let (mut steps, mut content) = (Vec::new(), Sha256::new());
        for record in reader.by_ref() {
            let record = record.map_err(read)?;
            let what = match record.what {
                What::Batch {
                    seq,
                    origin,
                    payload,
                } => {
                    content.update(&payload);
                    Act::Apply(Batch {
                        seq,
                        payload,
                        origin,
                    })
                }
                What::Clear => Act::Clear,
                // What the recorded feed gave up cannot be applied here either.
                What::Lost(_) => continue,
            };
            steps.push(Step {
                stream: record.stream,
                what,
            });
        }
        let (events, block_size) = shape(&steps);
        if events == 0 {
            return Err(RecordingError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            label: label(path, &content.finalize()),
            streams: reader.streams().to_vec(),
            steps,
            block_size,
            events,
            is_closed: reader.tail() == Some(Tail::Closed),
        })
    }

    /// Name and content, as the param says them.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether the recording came to its end; else what was recorded last may be missing.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The params of its series.
    pub fn params(&self) -> Params {
        Params::from([(PARAM.to_owned(), self.label.clone())])
    }

    /// Applies all of it to an index of its own.
    fn pass(&self, latencies: &mut Latencies) -> Result<Pass, SampleError> {
        let index = Arc::new(Index::new(Options {
            block_size: self.block_size,
            seed: Some(KEY),
            ..Options::default()
        }));
        let sink = |stream: &RecordedStream| {
            IndexSink::new(index.clone(), &stream.worker, &stream.model, stream.rank)
        };
        let mut sinks: Vec<IndexSink> = self.streams.iter().map(sink).collect::<Result<_, _>>()?;
        let start = Instant::now();
        let mut last = start;
        for step in &self.steps {
            // The reader refuses records of streams that were not named.
            let Some(sink) = sinks.get_mut(step.stream) else {
                continue;
            };
            match &step.what {
                // A batch that the feed could not read either is passed over, as it was then.
                Act::Apply(batch) => drop(sink.apply(batch)),
                Act::Clear => sink.clear(),
            }
            let now = Instant::now();
            latencies.record((now - last).as_nanos() as u64);
            last = now;
        }
        let stats = index.stats();
        Ok(Pass {
            time: last - start,
            distinct_blocks: stats.distinct_blocks,
            orphans: stats.orphans,
            stored: stats.stored,
        })
    }
}

struct Pass {
    time: Duration,
    distinct_blocks: u64,
    orphans: u64,
    stored: u64,
}

/// How many events there are, and of how many tokens their blocks are.
fn shape(steps: &[Step]) -> (u64, u32) {
    let mut decoder = Decoder::new();
    let (mut events, mut block_size) = (0, None);
    for step in steps {
        let Act::Apply(batch) = &step.what else {
            continue;
        };
        let Ok(batch) = decoder.decode(&batch.payload) else {
            continue;
        };
        for event in batch.events() {
            events += 1;
            if let Event::Stored(stored) = event {
                block_size.get_or_insert(stored.block_size);
            }
        }
    }
    (events, block_size.unwrap_or(kv_indexer::DEFAULT_BLOCK_SIZE))
}

/// The file's name in letters that a param may have, and eight digits of its content's hash.
fn label(path: &Path, content: &[u8]) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name: String = stem
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '_',
        })
        .take(MAX_NAME)
        .collect();
    let digits: String = content[..4].iter().map(|b| format!("{b:02x}")).collect();
    format!("{name}-{digits}")
}

/// Takes one sample.
pub fn sample(_: &Params, context: &Context<'_>) -> Result<Sample, SampleError> {
    let Some(recording) = context.workloads.recording() else {
        return Err(SampleError::UnknownBenchmark(INFO.name.to_owned()));
    };
    let mut latencies = Latencies::new();
    if !context.warmup.is_zero() {
        recording.pass(&mut latencies)?;
    }
    let (mut latencies, mut time, mut events) = (Latencies::new(), Duration::ZERO, 0);
    let last = loop {
        context.go_on()?;
        let pass = recording.pass(&mut latencies)?;
        time += pass.time;
        events += recording.events;
        let is_enough = match context.budget {
            Budget::Time(wanted) => time >= wanted,
            Budget::Count(wanted) => events >= wanted,
        };
        if is_enough {
            break pass;
        }
    };
    let mut sample = Sample {
        iterations: events,
        ..Sample::default()
    };
    let seconds = time.as_secs_f64().max(1e-9);
    sample.put("events_per_second", events as f64 / seconds);
    let names = [("latency_p50", 0.5), ("latency_p99", 0.99)];
    sample.put_latencies("latency", latencies, &names);
    sample.put("distinct_blocks", last.distinct_blocks as f64);
    let blocks = (last.stored + last.orphans).max(1) as f64;
    sample.put("error_rate_orphaned", 100.0 * last.orphans as f64 / blocks);
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_tells_names_and_contents_apart_and_fits_a_param() {
        let of = |path: &str, content: u8| label(Path::new(path), &[content; 32]);
        assert_eq!(
            of("/tmp/monday traffic.kvfeed", 0xab),
            "monday_traffic-abababab"
        );
        assert_ne!(of("a.kvfeed", 1), of("a.kvfeed", 2));
        assert_eq!(of(&"x".repeat(90), 1).len(), MAX_NAME + 9);
    }
}
