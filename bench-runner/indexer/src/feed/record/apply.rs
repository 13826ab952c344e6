//! A recording applied to an index: what the recorded feed did, as fast as it can be done.

use std::io::Read;
use std::sync::Arc;

use super::{Reader, RecordError, What};
use crate::Index;
use crate::feed::report::Counters;
use crate::feed::sink::{IndexSink, Sink as _};
use crate::feed::tracker::{Batch, Origin};

/// Applies all that is left of a recording; gives the counts of all its streams together.
///
/// Gaps, duplicates and drops are not in a recording and stay 0: it holds what was applied.
///
/// # Errors
/// When the recording is damaged, or the index takes no more workers.
pub fn apply_all<R: Read>(
    reader: &mut Reader<R>,
    index: &Arc<Index>,
) -> Result<Counters, RecordError> {
    let mut counters = Counters::default();
    let mut sinks: Vec<IndexSink> = Vec::new();
    while let Some(record) = reader.next() {
        let record = record?;
        for stream in &reader.streams()[sinks.len()..] {
            let sink = IndexSink::new(index.clone(), &stream.worker, &stream.model, stream.rank)?;
            sinks.push(sink);
        }
        // The reader refuses records of streams that were not named.
        let Some(sink) = sinks.get_mut(record.stream) else {
            continue;
        };
        match record.what {
            What::Batch {
                seq,
                origin,
                payload,
            } => {
                let batch = Batch {
                    seq,
                    payload,
                    origin,
                };
                counters.sequence.replayed_batches += u64::from(origin == Origin::Replay);
                match sink.apply(&batch) {
                    Ok(delivered) => counters.add_delivered(&delivered, batch.payload.len()),
                    Err(error) => counters.add_decode_error(error.kind()),
                }
            }
            What::Clear => {
                counters.sequence.restarts += 1;
                sink.clear();
            }
            What::Lost(batches) => {
                let lost = batches.end.saturating_sub(batches.start);
                let total = &mut counters.sequence.lost_batches;
                *total = total.saturating_add(lost);
            }
        }
    }
    Ok(counters)
}
