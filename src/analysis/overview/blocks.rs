//! Makes the blocks of the overview.

use super::headline::{Subject, headline};
use super::movers::movers;
use super::{Block, BlockInputs, Counts, NIGHTS_SHOWN, Night};
use crate::analysis::{order, targets, verdict};
use crate::domain::{JudgedRun, Millis};

/// One block an environment: real machines before sample data, then the worst first. A machine
/// without a run has none, nor has one that another of the same name has taken over from.
pub fn blocks(inputs: &[BlockInputs], now: Millis) -> Vec<Block> {
    let current = |input: &&BlockInputs| !inputs.iter().any(|other| other.supersedes(input));
    let mut blocks: Vec<Block> = inputs
        .iter()
        .filter(current)
        .filter_map(|i| block(i, now))
        .collect();
    blocks.sort_by_key(|block| {
        (
            block.environment.is_sample,
            verdict::status_rank(&block.gate.status),
            block
                .headline
                .mark
                .map_or(u8::MAX, |mark| order::band_rank(mark.0)),
            std::cmp::Reverse(block.run.started_at),
        )
    });
    blocks
}

impl BlockInputs {
    /// Whether this is the machine that goes by the other's name now.
    fn supersedes(&self, other: &BlockInputs) -> bool {
        let (own, its) = (&self.environment, &other.environment);
        own.id != its.id
            && own.name == its.name
            && own.is_sample == its.is_sample
            && (own.last_seen, own.id) > (its.last_seen, its.id)
    }
}

fn block(inputs: &BlockInputs, now: Millis) -> Option<Block> {
    let tonight = inputs.tonight.as_ref()?;
    let gate = verdict::gate(tonight);
    let (movers, movers_total) = movers(tonight, inputs);
    let headline = headline(&Subject {
        environment: &inputs.environment,
        night: tonight,
        gate: &gate,
        movers: &movers,
        now,
    });
    Some(Block {
        environment: inputs.environment.clone(),
        run: tonight.run.clone(),
        headline,
        gate,
        counts: Counts::of_rows(&tonight.rows),
        nights: std::iter::once(night(tonight))
            .chain(inputs.earlier.iter().cloned())
            .take(NIGHTS_SHOWN)
            .collect(),
        targets: targets::rows(tonight),
        red_flags: targets::red_flags(tonight),
        movers,
        movers_total,
    })
}

/// What the list of nights says of one.
pub fn night(judged: &JudgedRun) -> Night {
    Night {
        run: judged.run.clone(),
        status: verdict::gate(judged).status,
        counts: Counts::of_rows(&judged.rows),
    }
}
