//! A Chrome trace, which Perfetto and chrome://tracing read: a process a benchmark, a row a thread.
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use bench_report::metric::format_count;
use bench_report::report::limits::ARTIFACT_BYTES;
use serde::Serialize;

use crate::measure::spans::Recorded;

/// Bytes of one event at most, with the names that there are.
const EVENT_BYTES: usize = 128;

/// A trace on its way.
#[derive(Debug, Default)]
pub(super) struct Trace {
    events: Vec<Event>,
    dropped: u64,
}

/// A trace that is done.
#[derive(Debug)]
pub struct Written {
    /// The trace.
    pub json: String,
    /// What it holds, in words.
    pub note: String,
}

#[derive(Debug, Serialize)]
struct Event {
    name: String,
    ph: &'static str,
    pid: usize,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Name>,
}

#[derive(Debug, Serialize)]
struct Name {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    display_time_unit: &'static str,
    trace_events: &'a [Event],
}

/// Spans that one of so many benchmarks may have, so that all together stay within a report's limit.
pub(super) fn room(benchmarks: usize) -> usize {
    ARTIFACT_BYTES / EVENT_BYTES / benchmarks.max(1)
}

impl Trace {
    /// Adds what one benchmark recorded.
    pub(super) fn add(&mut self, number: usize, benchmark: &str, recorded: Recorded) {
        let pid = number + 1;
        self.dropped += recorded.dropped;
        self.events.push(Event {
            name: "process_name".to_owned(),
            ph: "M",
            pid,
            tid: 0,
            ts: None,
            dur: None,
            args: Some(Name {
                name: benchmark.to_owned(),
            }),
        });
        // Microseconds to the nanosecond: more digits are noise of binary fractions.
        let us = |ns: u64| ns as f64 / 1e3;
        self.events
            .extend(recorded.spans.into_iter().map(|span| Event {
                name: span.name.to_owned(),
                ph: "X",
                pid,
                tid: span.thread,
                ts: Some(us(span.start_ns)),
                dur: Some(us(span.ns)),
                args: None,
            }));
    }

    /// The file.
    pub(super) fn finish(mut self) -> Written {
        // A little is kept for what holds the events together.
        self.events.truncate((ARTIFACT_BYTES - 1_000) / EVENT_BYTES);
        let file = File {
            display_time_unit: "ns",
            trace_events: &self.events,
        };
        let json = serde_json::to_string(&file).unwrap_or_default();
        let count = format_count(self.events.len() as u64);
        let note = match self.dropped {
            0 => format!("{count} events; open it in ui.perfetto.dev or chrome://tracing"),
            dropped => format!(
                "{count} events, {} later ones left out; open it in ui.perfetto.dev or chrome://tracing",
                format_count(dropped)
            ),
        };
        Written { json, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::spans::Span;

    #[test]
    fn a_trace_reads_as_chrome_wants_it() {
        let mut trace = Trace::default();
        let span = Span {
            name: "fill the index",
            thread: 2,
            start_ns: 1_500,
            ns: 250,
        };
        trace.add(
            0,
            "KVEvent cpu=1",
            Recorded {
                spans: vec![span],
                dropped: 3,
            },
        );
        let written = trace.finish();
        insta::assert_snapshot!(written.json, @r#"{"displayTimeUnit":"ns","traceEvents":[{"name":"process_name","ph":"M","pid":1,"tid":0,"args":{"name":"KVEvent cpu=1"}},{"name":"fill the index","ph":"X","pid":1,"tid":2,"ts":1.5,"dur":0.25}]}"#);
        assert!(written.note.contains("3 later ones left out"));
    }

    #[test]
    fn a_full_trace_stays_within_the_limit_of_a_report() {
        let mut trace = Trace::default();
        let span = Span {
            name: "wait for the writer lock",
            thread: 4_000_000,
            start_ns: 99_999_999_999,
            ns: 99_999_999_999,
        };
        let spans = vec![span; room(1)];
        trace.add(0, "KVEvent cpu=1", Recorded { spans, dropped: 0 });
        let written = trace.finish();
        assert!(
            written.json.len() <= ARTIFACT_BYTES,
            "{}",
            written.json.len()
        );
        assert!(serde_json::from_str::<serde_json::Value>(&written.json).is_ok());
    }
}
