//! The fair workload: what every index under comparison is fed, and what it must answer.
//!
//! Sequence `i` begins with tokens that its group of sequences shares and goes on with its own.
//! Engines name blocks by a chained hash. Everything follows from the sequence's number, so that a
//! workload of any size needs no memory.

/// Tokens in a block.
pub(crate) const BLOCK_SIZE: usize = 16;
/// Blocks in an event.
pub(crate) const EVENT_BLOCKS: usize = 8;
/// What [`Workload::check_value`] gives for the fair workload itself.
pub(crate) const FAIR_CHECK: u64 = 0x61b5_a690_297c_aaa3;
/// The first tokens of the fair workload's first sequence.
pub(crate) const FAIR_TOKENS: [u32; 4] = [8776, 20655, 23121, 1959];

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// Token numbers are below this.
const VOCABULARY: u64 = 32_000;

/// The shape of a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// How many sequences there are.
    pub(crate) sequences: usize,
    /// Sequences that begin alike.
    pub(crate) group: usize,
    /// Sequence `i` is on worker `i % workers`. At least `group`.
    pub(crate) workers: usize,
    /// Blocks of a sequence that its group shares.
    pub(crate) shared: usize,
    /// Blocks behind them.
    pub(crate) own: usize,
    /// Each worker's engine hashes with a seed of its own: no two name a block alike.
    pub(crate) seeded: bool,
}

/// The workload by which indexes are compared: 16,000 events, 128,000 (worker, block) pairs.
pub(crate) const FAIR: Workload = Workload {
    sequences: 2000,
    group: 20,
    workers: 64,
    shared: 32,
    own: 32,
    seeded: false,
};

/// One sequence: what a prompt and the events about it hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    /// The tokens of all blocks.
    pub(crate) tokens: Vec<u32>,
    /// The engine's name for each block.
    pub(crate) names: Vec<u64>,
}

/// One store event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreEvent<'a> {
    /// The worker's number.
    pub(crate) worker: usize,
    /// The engine's name for each block.
    pub(crate) names: &'a [u64],
    /// The name of the block before them.
    pub(crate) parent: Option<u64>,
    /// The tokens of all blocks.
    pub(crate) tokens: &'a [u32],
}

/// The finaliser of SplitMix64.
fn fin(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn tokens(seed: u64, count: usize) -> impl Iterator<Item = u32> {
    let mut state = seed;
    (0..count).map(move |_| {
        state = state.wrapping_add(GOLDEN);
        (fin(state) % VOCABULARY) as u32
    })
}

impl Workload {
    /// Blocks of a sequence.
    pub(crate) fn blocks(&self) -> usize {
        self.shared + self.own
    }

    /// Blocks that differ.
    pub(crate) fn distinct_blocks(&self) -> usize {
        self.sequences.div_ceil(self.group) * self.shared + self.sequences * self.own
    }

    /// (worker, block) pairs.
    pub(crate) fn pairs(&self) -> usize {
        self.sequences * self.blocks()
    }

    /// The worker of a sequence.
    pub(crate) fn worker(&self, sequence: usize) -> usize {
        sequence % self.workers
    }

    /// Writes a sequence over another, without memory of its own.
    pub(crate) fn write(&self, sequence: usize, out: &mut Sequence) {
        self.write_tokens(sequence, &mut out.tokens);
        // The fair workload's names chain from 0.
        let seed = match self.seeded {
            true => fin(self.worker(sequence) as u64 + 1),
            false => 0,
        };
        let mut acc = seed;
        out.names.clear();
        out.names.extend(out.tokens.chunks(BLOCK_SIZE).map(|block| {
            for &token in block {
                acc = fin((acc ^ u64::from(token)).wrapping_add(GOLDEN));
            }
            acc
        }));
    }

    /// Writes a sequence's tokens alone.
    pub(crate) fn write_tokens(&self, sequence: usize, out: &mut Vec<u32>) {
        let i = sequence as u64;
        out.clear();
        out.extend(tokens(
            1000 + i / self.group as u64,
            self.shared * BLOCK_SIZE,
        ));
        out.extend(tokens(1_000_000 + i, self.own * BLOCK_SIZE));
    }

    /// A sequence.
    pub(crate) fn sequence(&self, sequence: usize) -> Sequence {
        let mut out = Sequence::default();
        self.write(sequence, &mut out);
        out
    }

    /// Every sequence.
    pub(crate) fn all(&self) -> Vec<Sequence> {
        (0..self.sequences).map(|i| self.sequence(i)).collect()
    }

    /// Who holds how many leading blocks of a sequence, by worker.
    pub(crate) fn answer(&self, sequence: usize) -> Vec<(usize, u32)> {
        let first = sequence / self.group * self.group;
        let group = first..(first + self.group).min(self.sequences);
        let depth = |other: usize| match other == sequence {
            true => self.blocks() as u32,
            false => self.shared as u32,
        };
        let mut answer: Vec<_> = group
            .map(|other| (self.worker(other), depth(other)))
            .filter(|pair| pair.1 > 0)
            .collect();
        answer.sort_unstable();
        answer
    }

    /// The exclusive or of each sequence's last name plus its number: tells whether two programs
    /// made the same workload.
    pub(crate) fn check_value(&self, sequences: &[Sequence]) -> u64 {
        let last = |(i, sequence): (usize, &Sequence)| {
            let name = sequence.names.last().copied().unwrap_or_default();
            name.wrapping_add(i as u64)
        };
        sequences.iter().enumerate().map(last).fold(0, |a, b| a ^ b)
    }
}

impl Sequence {
    /// The events that store the sequence on a worker: blocks in order, each event behind the one
    /// before it.
    pub(crate) fn stores(&self, worker: usize) -> impl Iterator<Item = StoreEvent<'_>> {
        let parts = self.names.chunks(EVENT_BLOCKS).enumerate();
        parts.map(move |(part, names)| {
            let from = part * EVENT_BLOCKS;
            StoreEvent {
                worker,
                names,
                parent: from.checked_sub(1).map(|before| self.names[before]),
                tokens: &self.tokens[from * BLOCK_SIZE..(from + names.len()) * BLOCK_SIZE],
            }
        })
    }

    /// The names of the events that remove the sequence.
    pub(crate) fn removals(&self) -> impl Iterator<Item = &[u64]> {
        self.names.chunks(EVENT_BLOCKS)
    }
}
