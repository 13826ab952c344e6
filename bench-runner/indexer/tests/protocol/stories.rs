//! What a lookup may answer while a writer is at work.

use crate::events::{Adapter, Event, Removal, Stored};
use crate::hashes::EngineHash;
use crate::index::types::{MediumId, Options, Query, WorkerId};
use crate::index::{Index, Matches};
use crate::sync::{Check, without};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// An index with blocks of one token, and two workers that have their seats.
struct Scene {
    index: Index,
    a: WorkerId,
    b: WorkerId,
}

impl Scene {
    fn new() -> Self {
        let index = Index::new(Options {
            block_size: 1,
            seed: Some(5),
            ..Options::default()
        });
        let worker = |name| index.worker(name, "m", 0).unwrap();
        let scene = Self {
            a: worker("a"),
            b: worker("b"),
            index,
        };
        // Seats and their table are given out before the story begins.
        for worker in [scene.a, scene.b] {
            scene.store(worker, &[90], None, &[90], Adapter::None, None);
            scene.remove(worker, &[90], None);
        }
        scene
    }

    fn store(
        &self,
        worker: WorkerId,
        names: &[u64],
        parent: Option<u64>,
        tokens: &[u32],
        adapter: Adapter<'_>,
        medium: Option<&str>,
    ) {
        let mut stored = Stored::new(names, parent.map(EngineHash::Int), tokens)
            .block_size(1)
            .adapter(adapter);
        stored.medium = medium;
        let applied = self.index.apply(worker, &Event::Stored(stored));
        assert_eq!(applied.refused + applied.orphaned, 0);
    }

    fn remove(&self, worker: WorkerId, names: &[u64], medium: Option<&str>) {
        let mut removal = Removal::new(names);
        removal.medium = medium;
        self.index.apply(worker, &Event::Removed(removal));
    }

    /// How far a and b hold these tokens, by one lookup.
    fn depths(&self, tokens: &[u32]) -> (u32, u32) {
        let mut matches = Matches::new();
        let scope = self.index.scope("m", Adapter::None);
        self.index.lookup(&Query::new(scope, tokens), &mut matches);
        (matches.depth_of(self.a), matches.depth_of(self.b))
    }
}

/// How long a story is told, where nobody asked for all of it.
const TIME: Duration = Duration::from_secs(5);

/// Runs writer and reader through every interleaving with at most so many preemptions; through
/// those that come first, depth first, where they take longer than [`TIME`].
fn explore(preemptions: usize, set: fn(&Scene), write: fn(&Scene), read: fn(&Scene)) {
    let asked = std::env::var("KV_INDEXER_PREEMPTIONS");
    let asked = asked.ok().and_then(|n| n.parse::<usize>().ok());
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(asked.map_or(preemptions, |asked| asked.max(preemptions)));
    model.max_duration = asked.is_none().then_some(TIME);
    model.checkpoint_interval = 50;
    model.max_branches = 100_000;
    let told = Arc::new(AtomicUsize::new(0));
    let telling = Arc::clone(&told);
    model.check(move || {
        telling.fetch_add(1, Relaxed);
        let director = spawn(move || {
            let scene = Arc::new(Scene::new());
            set(&scene);
            let writer = Arc::clone(&scene);
            let writer = spawn(move || write(&writer));
            let answer = catch_unwind(AssertUnwindSafe(|| read(&scene)));
            // Even a wrong answer waits for the writer: the index is dropped by one who sees all of it.
            writer.join().unwrap();
            if let Err(wrong) = answer {
                resume_unwind(wrong);
            }
        });
        director.join().unwrap();
    });
    let told = told.load(Relaxed);
    println!("{told} interleavings");
    assert!(
        told > 1,
        "the threads did not get in each other's way: {told} interleavings"
    );
}

/// A thread with room for an index: loom's own first thread has some kilobytes.
fn spawn(run: impl FnOnce() + Send + 'static) -> loom::thread::JoinHandle<()> {
    const STACK_WORDS: usize = 1 << 16;
    let thread = loom::thread::Builder::new().stack_size(STACK_WORDS);
    thread.spawn(run).unwrap()
}

/// Whether the story fails without the check.
fn fails_without(check: Check, story: impl Fn()) -> bool {
    without(check, || catch_unwind(AssertUnwindSafe(story)).is_err())
}

/// The memory of a's block is used again for b's, of another adapter, while a lookup for the old
/// one is on its way to it.
fn reuse() {
    explore(
        2,
        |scene| {
            scene.store(scene.a, &[1], None, &[7], Adapter::None, None);
            // The other segment of the chunk is in use: the next one comes out of quarantine.
            scene.store(scene.b, &[50], None, &[50], Adapter::None, None);
        },
        |scene| {
            scene.remove(scene.a, &[1], None);
            scene.store(scene.b, &[2], None, &[7], Adapter::Id(9), None);
        },
        |scene| {
            let (a, b) = scene.depths(&[7]);
            assert!(
                a <= 1 && b == 0,
                "b never held the prompt, and was given {b}"
            );
        },
    );
}

/// A holder of one block of two gets the second, and loses it again.
fn back_and_forth() {
    explore(
        3,
        |scene| {
            for worker in [scene.a, scene.b] {
                scene.store(worker, &[1, 2], None, &[7, 8], Adapter::None, None);
            }
            scene.remove(scene.a, &[2], None);
        },
        |scene| {
            scene.store(scene.a, &[2], Some(1), &[8], Adapter::None, None);
            scene.remove(scene.a, &[2], None);
        },
        |scene| {
            let (a, _) = scene.depths(&[7, 8]);
            assert!(a >= 1, "a held the first block all the time");
        },
    );
}

/// One worker adds a block to a segment that another holds all of.
fn append() {
    explore(
        2,
        |scene| {
            for worker in [scene.a, scene.b] {
                scene.store(worker, &[1, 2], None, &[7, 8], Adapter::None, None);
            }
        },
        |scene| scene.store(scene.b, &[3], Some(2), &[9], Adapter::None, None),
        |scene| {
            let (a, b) = scene.depths(&[7, 8, 9]);
            assert_eq!(a, 2, "a's blocks did not change");
            assert!(b == 2 || b == 3);
        },
    );
}

/// A block moves from one medium to another, stored there before it is removed here.
fn move_between_media() {
    explore(
        2,
        |scene| {
            scene.store(scene.a, &[1], None, &[7], Adapter::None, None);
            scene.store(scene.a, &[1], None, &[7], Adapter::None, Some("cpu"));
            scene.remove(scene.a, &[1], None);
        },
        |scene| {
            scene.store(scene.a, &[1], None, &[7], Adapter::None, None);
            scene.remove(scene.a, &[1], Some("cpu"));
        },
        |scene| {
            let (a, _) = scene.depths(&[7]);
            assert_eq!(a, 1, "a held the block all the time, here or there");
        },
    );
}

/// A branch is added to and taken from the child table, which is rewritten on the way.
fn branches() {
    explore(
        2,
        |scene| {
            scene.store(scene.a, &[1, 2], None, &[7, 8], Adapter::None, None);
            // Five entries: with two more the smallest table, of eight, is rewritten.
            for token in 20..24 {
                let name = u64::from(token);
                scene.store(scene.b, &[name], None, &[token], Adapter::None, None);
            }
        },
        |scene| {
            scene.store(scene.b, &[30], None, &[30], Adapter::None, None);
            scene.store(scene.b, &[31], None, &[31], Adapter::None, None);
        },
        |scene| {
            let (a, b) = scene.depths(&[7, 8]);
            assert_eq!(
                (a, b),
                (2, 0),
                "entries that nobody touches are always found"
            );
        },
    );
}

/// The child table is rewritten until the first of its tables is used again, while a lookup is on its
/// way through that one.
fn tables_used_again() {
    /// A chain of its own that leaves memory for so many segments behind.
    const SPARE: u32 = 40;
    explore(
        1,
        |scene| {
            let chain: Vec<u32> = (100..100 + SPARE * 8).collect();
            let names: Vec<u64> = chain.iter().copied().map(u64::from).collect();
            scene.store(scene.b, &names, None, &chain, Adapter::None, None);
            scene.remove(scene.b, &names, None);
            // One of the next two segments ends the quarantine: none ends during the story, and
            // nothing but the tables can move the epoch.
            scene.store(scene.a, &[1, 2], None, &[7, 8], Adapter::None, None);
            scene.store(scene.b, &[50], None, &[50], Adapter::None, None);
        },
        |scene| {
            // Every branch that comes and goes leaves a tombstone; six of eight slots and the table
            // is rewritten in its size: into a new one first, then into the first again.
            for token in 20..20 + SPARE - 3 {
                let name = u64::from(token);
                scene.store(scene.b, &[name], None, &[token], Adapter::None, None);
                scene.remove(scene.b, &[name], None);
            }
        },
        |scene| {
            let (a, b) = scene.depths(&[7, 8]);
            assert_eq!(
                (a, b),
                (2, 0),
                "entries that nobody touches are always found"
            );
        },
    );
}

#[test]
fn memory_used_again_is_never_taken_for_what_it_was() {
    reuse();
}

#[test]
fn without_the_epoch_memory_used_again_gives_a_wrong_answer() {
    assert!(fails_without(Check::Epoch, reuse));
}

#[test]
fn a_holder_is_never_lost_between_all_and_some() {
    back_and_forth();
}

#[test]
fn without_the_version_a_holder_is_lost_between_all_and_some() {
    assert!(fails_without(Check::Version, back_and_forth));
}

#[test]
fn appending_for_one_holder_gives_nothing_to_another() {
    append();
}

#[test]
fn a_block_that_moves_between_media_is_never_missed() {
    move_between_media();
}

#[test]
fn without_the_second_reading_a_moving_block_is_missed() {
    assert!(fails_without(Check::Planes, move_between_media));
}

#[test]
fn a_rewritten_child_table_keeps_its_entries() {
    branches();
}

#[test]
fn a_child_table_used_again_keeps_its_entries() {
    tables_used_again();
}

#[test]
fn without_the_epoch_a_child_table_used_again_loses_an_entry() {
    assert!(fails_without(Check::Tables, tables_used_again));
}
