//! What a feed says at its end.

use kv_indexer::Index;
use kv_indexer::feed::Counters;
use serde::Serialize;

/// The counts that scripts read. Names and order are promised.
#[derive(Debug, Serialize)]
pub(super) struct Counts {
    batches: u64,
    events: u64,
    stored_blocks: u64,
    removed_blocks: u64,
    cleared: u64,
    gaps: u64,
    replayed_batches: u64,
    lost_batches: u64,
    restarts: u64,
    orphans: u64,
    decode_errors: u64,
    dropped: u64,
    blocks: u64,
}

impl Counts {
    pub(super) fn new(counters: &Counters, index: &Index) -> Counts {
        Counts {
            batches: counters.batches,
            events: counters.events,
            stored_blocks: counters.stored_blocks,
            removed_blocks: counters.removed_blocks,
            cleared: counters.cleared,
            gaps: counters.sequence.gaps,
            replayed_batches: counters.sequence.replayed_batches,
            lost_batches: counters.sequence.lost_batches,
            restarts: counters.sequence.restarts,
            orphans: counters.orphans,
            decode_errors: counters.decode_error_count(),
            dropped: counters.dropped,
            blocks: index.stats().distinct_blocks,
        }
    }

    /// Prints them as one line of JSON, or as lines to read.
    pub(super) fn print(&self, json: bool) {
        // Plain numbers under plain names always serialise.
        let line = serde_json::to_string(self).unwrap_or_default();
        if json {
            println!("{line}");
            return;
        }
        for pair in line.trim_matches(['{', '}']).split(',') {
            if let Some((name, count)) = pair.split_once(':') {
                println!("{:16} {count:>12}", name.trim_matches('"'));
            }
        }
    }
}

/// Says what a person should know beside the counts.
pub(super) fn warn(counters: &Counters, block_size: u32) {
    for (kind, count) in &counters.decode_errors {
        eprintln!("bench-runner: {count} messages could not be decoded: {kind}");
    }
    if counters.refused > 0 {
        eprintln!(
            "bench-runner: {} blocks were refused; is the engines' block size {block_size}? see \
             --block-size",
            counters.refused
        );
    }
    if counters.unknown_events > 0 {
        eprintln!(
            "bench-runner: {} events of unknown kinds were passed over",
            counters.unknown_events
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_promised_names_in_the_promised_order() {
        let counts = Counts::new(&Counters::default(), &Index::with_seed(1));
        let json = serde_json::to_string(&counts).unwrap_or_default();
        insta::assert_snapshot!(json, @r#"{"batches":0,"events":0,"stored_blocks":0,"removed_blocks":0,"cleared":0,"gaps":0,"replayed_batches":0,"lost_batches":0,"restarts":0,"orphans":0,"decode_errors":0,"dropped":0,"blocks":0}"#);
    }
}
