//! Where nights lie along the x axis: by date, one step a run, or one step a commit.

use super::plot::XScale;
use crate::domain::{Millis, Point};

/// The x axis of one chart, or of several that are read together.
#[derive(Debug, Clone, PartialEq)]
pub struct Along {
    /// How it counts.
    pub scale: XScale,
    /// The nights on it, in the order of time, each once; none where it counts by date.
    times: Vec<Millis>,
    /// Where each of them lies.
    places: Vec<f64>,
    /// The first place of each commit, and its hash; only where it counts by commits.
    pub commits: Vec<(f64, String)>,
    /// First and last instant, where it counts by date.
    span: (Millis, Millis),
}

impl Along {
    /// The axis of these nights. They need no order and may repeat: charts that share an axis share
    /// their nights.
    pub fn of<'p>(
        points: impl Iterator<Item = &'p Point>,
        span: (Millis, Millis),
        scale: XScale,
    ) -> Self {
        if scale == XScale::Date {
            // An instant lies where it is.
            return Self {
                scale,
                times: Vec::new(),
                places: Vec::new(),
                commits: Vec::new(),
                span,
            };
        }
        let mut nights: Vec<(Millis, &str)> = points.map(|p| (p.time, &*p.of.commit)).collect();
        nights.sort_unstable();
        nights.dedup_by_key(|night| night.0);
        let mut commits = Vec::new();
        let places = match scale {
            XScale::Date | XScale::Evenly => (0..nights.len()).map(|i| i as f64).collect(),
            XScale::Commit => {
                let mut places = Vec::with_capacity(nights.len());
                for (step, of_commit) in nights.chunk_by(|a, b| a.1 == b.1).enumerate() {
                    let (first, runs) = (step as f64, of_commit.len() as f64);
                    commits.push((first, of_commit[0].1.to_owned()));
                    // Several runs of one commit share its step.
                    places.extend((0..of_commit.len()).map(|i| first + i as f64 / runs));
                }
                places
            }
        };
        Self {
            scale,
            times: nights.into_iter().map(|night| night.0).collect(),
            places,
            commits,
            span,
        }
    }

    /// Where an instant lies: by date its milliseconds, else between the nights around it.
    pub fn at(&self, time: Millis) -> f64 {
        if self.scale == XScale::Date {
            return time.0 as f64;
        }
        let after = self.times.partition_point(|t| *t <= time);
        let night = |i: usize| Some((self.times.get(i)?.0, *self.places.get(i)?));
        match (after.checked_sub(1).and_then(night), night(after)) {
            (None, None) => 0.0,
            (None, Some((_, place))) | (Some((_, place)), None) => place,
            (Some((from, a)), Some((to, b))) => {
                let part = (time.0 - from) as f64 / (to - from).max(1) as f64;
                a + (b - a) * part
            }
        }
    }

    /// The ends of the axis; never equal.
    pub fn range(&self) -> (f64, f64) {
        let (from, to) = match self.scale {
            XScale::Date => (self.span.0.0 as f64, self.span.1.0 as f64),
            _ => (
                self.places.first().copied().unwrap_or_default(),
                self.places.last().copied().unwrap_or_default(),
            ),
        };
        if to > from {
            (from, to)
        } else {
            (from - 0.5, from + 0.5)
        }
    }

    /// The first and last night on it, or the ends of the time it shows.
    pub fn span(&self) -> (Millis, Millis) {
        match (self.scale, self.times.first(), self.times.last()) {
            (XScale::Evenly | XScale::Commit, Some(first), Some(last)) => (*first, *last),
            _ => self.span,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chart::fixtures::{TONIGHT, night};
    use bench_verdict::verdict::{Band, Evidence};

    fn of_commits(commits: &[&str]) -> Vec<Point> {
        let last = commits.len() as i64 - 1;
        (0..)
            .zip(commits)
            .map(|(i, commit)| {
                let mut point = night(last - i, 1.0, Band::None, Evidence::Noise);
                Arc::make_mut(&mut point.of).commit = (*commit).into();
                point
            })
            .collect()
    }

    #[test]
    fn runs_of_one_commit_share_its_step() {
        let points = of_commits(&["aa", "bb", "bb", "cc", "aa"]);
        let axis = Along::of(points.iter(), (Millis(0), TONIGHT), XScale::Commit);
        let places: Vec<f64> = points.iter().map(|p| axis.at(p.time)).collect();
        assert_eq!(places, [0.0, 1.0, 1.5, 2.0, 3.0]);
        assert_eq!(axis.range(), (0.0, 3.0));
        let hashes: Vec<&str> = axis.commits.iter().map(|c| c.1.as_str()).collect();
        assert_eq!(hashes, ["aa", "bb", "cc", "aa"]);
    }

    #[test]
    fn charts_that_share_an_axis_agree_where_a_night_lies() {
        let points = of_commits(&["aa", "bb", "cc", "dd"]);
        let axis = Along::of(
            points[1..].iter().chain(&points[..3]),
            (Millis(0), TONIGHT),
            XScale::Evenly,
        );
        assert_eq!(axis.at(points[0].time), 0.0);
        assert_eq!(axis.at(points[3].time), 3.0);
        let between = Millis(i64::midpoint(points[0].time.0, points[1].time.0));
        assert_eq!(axis.at(between), 0.5);
    }

    #[test]
    fn an_axis_of_nothing_and_of_one_night_has_a_width() {
        for count in [0, 1] {
            let points = of_commits(&["aa"][..count]);
            for scale in [XScale::Date, XScale::Evenly, XScale::Commit] {
                let axis = Along::of(points.iter(), (TONIGHT, TONIGHT), scale);
                let (from, to) = axis.range();
                assert!(to > from, "{scale:?} of {count}");
            }
        }
    }
}
