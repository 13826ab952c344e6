//! Prompts to route, each with the right answer, and the judge of a router's answers.

use ahash::AHashSet;

use super::block::{BLOCK_SIZE, Block, extend, tokens};
use super::fleet::Fleet;
use super::random::{Random, derive};

/// One prompt in this many is unknown to every engine.
const UNKNOWN: u64 = 10;

/// A prompt and what a correct index says about it.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// For each engine that holds its first block: how many leading blocks it holds. In the order
    /// of the engines.
    pub holders: Vec<(usize, u32)>,
}

impl Prompt {
    /// Blocks of the prompt.
    pub fn blocks(&self) -> usize {
        self.tokens.len() / BLOCK_SIZE
    }

    /// Leading blocks that the best engine holds.
    pub fn deepest(&self) -> u32 {
        self.holders
            .iter()
            .map(|&(_, depth)| depth)
            .max()
            .unwrap_or(0)
    }
}

/// Prompts as they come to a router whose engines hold what `fleet` holds where a cycle begins: the
/// next requests of every lane (repeats, further turns, new conversations behind a known prefix),
/// and some that nobody has seen.
pub fn prompts(fleet: &Fleet, count: usize, seed: u64) -> Vec<Prompt> {
    let oracle = Oracle::new(fleet);
    let mut random = Random::new(derive(seed, 0x0070_726F_6D70_7473));
    (0..count)
        .map(|number| {
            let mut unknown = Vec::new();
            let prompt = if random.below(UNKNOWN) == 0 {
                let length = random.between(8, 32);
                extend(
                    &mut unknown,
                    derive(seed, 2_000_000 + number as u64),
                    length as usize,
                );
                &unknown
            } else {
                let lane = &fleet.lanes[random.below(fleet.lanes.len() as u64) as usize];
                &lane.prompts[random.below(lane.prompts.len() as u64) as usize]
            };
            Prompt {
                tokens: tokens(prompt),
                holders: oracle.holders(prompt),
            }
        })
        .collect()
}

/// What each engine holds, as plain sets.
struct Oracle {
    engines: Vec<AHashSet<u64>>,
}

impl Oracle {
    fn new(fleet: &Fleet) -> Self {
        let mut engines = vec![AHashSet::default(); fleet.shape.engines];
        for (number, lane) in fleet.lanes.iter().enumerate() {
            engines[fleet.engine_of(number)].extend(lane.held.iter().copied());
        }
        Self { engines }
    }

    fn holders(&self, prompt: &[Block]) -> Vec<(usize, u32)> {
        self.engines
            .iter()
            .map(|held| {
                prompt
                    .iter()
                    .take_while(|block| held.contains(&block.hash))
                    .count() as u32
            })
            .enumerate()
            .filter(|&(_, depth)| depth > 0)
            .collect()
    }
}

/// What a router answered to one prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Engines and the leading blocks that each is said to hold, in any order.
    pub holders: Vec<(usize, u32)>,
    /// The engine chosen.
    pub chosen: Option<usize>,
}

/// How good answers were.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Prompts asked.
    pub asked: usize,
    /// Answers that named every holder with its exact depth, and chose one of the deepest.
    pub right: usize,
    /// Blocks of all prompts.
    pub blocks: usize,
    /// Blocks that the chosen engine really holds.
    pub hit_blocks: usize,
}

impl Score {
    /// Judges an answer.
    pub fn add(&mut self, prompt: &Prompt, answer: &Answer) {
        let depth_of = |engine: usize| {
            prompt
                .holders
                .iter()
                .find(|holder| holder.0 == engine)
                .map_or(0, |holder| holder.1)
        };
        let mut named = answer.holders.clone();
        named.sort_unstable();
        let chosen = answer.chosen.map_or(0, depth_of);
        self.asked += 1;
        self.right += usize::from(named == prompt.holders && chosen == prompt.deepest());
        self.blocks += prompt.blocks();
        self.hit_blocks += chosen as usize;
    }

    /// Share of right answers, 0 to 1; `None` when nothing was asked.
    pub fn accuracy(&self) -> Option<f64> {
        (self.asked > 0).then(|| self.right as f64 / self.asked as f64)
    }

    /// Share of the prompts' blocks that the chosen engine holds, 0 to 1; `None` without blocks.
    pub fn hit_rate(&self) -> Option<f64> {
        (self.blocks > 0).then(|| self.hit_blocks as f64 / self.blocks as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fleet::tests::SMALL;
    use super::*;

    fn right(prompt: &Prompt) -> Answer {
        let chosen = prompt
            .holders
            .iter()
            .max_by_key(|holder| holder.1)
            .map(|holder| holder.0);
        Answer {
            holders: prompt.holders.clone(),
            chosen,
        }
    }

    fn score(break_it: impl Fn(&mut Answer)) -> Score {
        let mut score = Score::default();
        for prompt in &prompts(&Fleet::new(SMALL, 7), 500, 7) {
            let mut answer = right(prompt);
            break_it(&mut answer);
            score.add(prompt, &answer);
        }
        score
    }

    #[test]
    fn prompts_are_of_all_kinds() {
        let prompts = prompts(&Fleet::new(SMALL, 7), 500, 7);
        let unknown = prompts
            .iter()
            .filter(|prompt| prompt.holders.is_empty())
            .count();
        let whole = prompts
            .iter()
            .filter(|p| p.deepest() as usize == p.blocks())
            .count();
        let partial = prompts.len() - unknown - whole;
        let shared = prompts
            .iter()
            .filter(|prompt| prompt.holders.len() > 1)
            .count();
        assert!(
            unknown > 20 && whole > 100 && partial > 100,
            "{unknown} {whole} {partial}"
        );
        assert!(shared > 100, "{shared}");
    }

    #[test]
    fn right_answers_score_one_and_hit_what_is_held() {
        let score = score(|_| ());
        assert_eq!(score.accuracy(), Some(1.0));
        assert!(
            score
                .hit_rate()
                .is_some_and(|rate| rate > 0.3 && rate < 0.95),
            "{score:?}"
        );
    }

    #[test]
    fn one_block_too_many_is_wrong() {
        let score = score(|answer| {
            answer
                .holders
                .iter_mut()
                .take(1)
                .for_each(|holder| holder.1 += 1);
        });
        assert!(score.accuracy() < Some(0.2), "{score:?}");
    }

    #[test]
    fn a_holder_left_out_is_wrong() {
        let score = score(|answer| answer.holders.truncate(1));
        assert!(score.accuracy() < Some(1.0), "{score:?}");
    }

    #[test]
    fn choosing_by_chance_hits_less() {
        let by_chance = score(|answer| answer.chosen = Some(0));
        assert!(by_chance.hit_rate() < score(|_| ()).hit_rate());
        assert!(by_chance.accuracy() < Some(1.0));
    }
}
