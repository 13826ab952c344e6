//! Series of a night, followed through their histories without the pairs that came and with them.

use std::sync::Arc;

use bench_verdict::regression::What;

use super::follow::{Beside, Followed, follow_all};
use crate::domain::alert::{By, SeriesNews};
use crate::domain::{Millis, Point, RunId, Series};

/// A series' history with what was said beside it, before pairs came and since.
pub type Twice = (Arc<Series>, Vec<Point>, Beside, Beside);

/// What following a series comes to, without new pairs and with them.
#[derive(Debug, Clone)]
pub struct Both {
    /// As if they had not come.
    pub without: Followed,
    /// As it is now.
    pub with: Followed,
}

/// Follows them, on all processors.
pub fn both(nights: Vec<Twice>) -> Vec<Both> {
    let mut all = Vec::with_capacity(2 * nights.len());
    for (series, points, before, after) in nights {
        all.push((series.clone(), points.clone(), before));
        all.push((series, points, after));
    }
    let mut followed = follow_all(&all).into_iter();
    let mut both = Vec::new();
    while let (Some(without), Some(with)) = (followed.next(), followed.next()) {
        both.push(Both { without, with });
    }
    both
}

impl Both {
    /// What pairs have opened on a night, old and new. None where more than that night is judged
    /// otherwise, where other news changed, or where what was opened before is so no more.
    pub fn opened_on(&self, (run, tonight): (RunId, Millis)) -> Option<Vec<SeriesNews>> {
        let is_tonight =
            |one: &&SeriesNews| one.news.at_ms == tonight.0 && one.news.what == What::Opened;
        let by_pairs = |one: &&SeriesNews| is_tonight(one) && one.news.regression.by == By::Pairs;
        let others = |followed: &Followed| -> Vec<SeriesNews> {
            let news = followed.news.iter().filter(|one| !by_pairs(one));
            news.copied().collect()
        };
        let of_pairs = |followed: &Followed| -> Vec<SeriesNews> {
            followed.news.iter().filter(by_pairs).copied().collect()
        };
        let (before, after) = (of_pairs(&self.without), of_pairs(&self.with));
        let rest = others(&self.with);
        let opened_otherwise = rest.iter().any(|one| is_tonight(&one));
        let is_bounded = self.with.changes.iter().all(|(of, _)| *of == run)
            && rest == others(&self.without)
            && after.len() >= before.len()
            && (after.is_empty() || !opened_otherwise);
        is_bounded.then_some(after)
    }
}
