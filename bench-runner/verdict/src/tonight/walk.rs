//! A whole history, night by night.

use super::settle::{self, Settled};
use super::{State, Tonight, detector_before, judge, see};
use crate::evidence::Thresholds;
use crate::evidence::detector::Detector;
use crate::history::History;

/// A whole history followed night by night: gives of each night what [`super::tonight`] would, at a
/// small part of its cost, for what is judged by the nights before is kept from one to the next.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    history: &'a History,
    thresholds: Thresholds,
    detector: Detector<'a>,
    state: State,
    next: usize,
}

impl<'a> Walk<'a> {
    /// Starts before the first night.
    pub fn new(history: &'a History, thresholds: Thresholds) -> Walk<'a> {
        Walk {
            history,
            thresholds,
            detector: Detector::new(history, thresholds),
            state: State::default(),
            next: 0,
        }
    }

    /// What the nights so far have left.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes the level of the nights from here on as the accepted one.
    pub fn accept(&mut self, now_ms: i64) {
        self.state.accept(now_ms);
    }

    /// Goes past the next night: what it leaves behind is the same, and nothing is said of it.
    pub fn pass(&mut self) {
        let last = self.next;
        if last >= self.history.len() {
            return;
        }
        self.next += 1;
        self.state.forget(self.history, last, &self.thresholds);
        let (history, thresholds) = (self.history, &self.thresholds);
        see(
            history,
            last,
            &mut self.detector,
            &mut self.state,
            thresholds,
        );
    }

    /// Takes in what pairs of the night before the next one came to; `told` is what was said of it.
    pub fn settle(&mut self, settled: &Settled, told: &mut Tonight) {
        let Some(last) = self.next.checked_sub(1) else {
            return;
        };
        let (history, thresholds) = (self.history, &self.thresholds);
        settle::settle(history, last, &mut self.state, told, settled, thresholds);
        self.detector = detector_before(history, self.next, &self.state, thresholds);
    }
}

impl Iterator for Walk<'_> {
    type Item = Tonight;

    /// Judges the next night.
    fn next(&mut self) -> Option<Tonight> {
        let last = self.next;
        if last >= self.history.len() {
            return None;
        }
        self.next += 1;
        self.state.forget(self.history, last, &self.thresholds);
        let (history, thresholds) = (self.history, &self.thresholds);
        Some(judge(
            history,
            last,
            &mut self.detector,
            &mut self.state,
            thresholds,
        ))
    }
}

/// The state after a whole history, night by night: what [`super::tonight`] would have left.
pub fn replay(history: &History, thresholds: &Thresholds) -> State {
    let mut walk = Walk::new(history, *thresholds);
    for _ in history.nights() {
        walk.pass();
    }
    walk.state
}
