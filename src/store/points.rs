//! Trends.

use crate::domain::{Millis, Point, RunId, RunKind, SeriesId};

use super::heads::RunHead;
use super::track::{Entry, Packed};
use super::{Store, StoreError};

impl Store {
    /// The points of a series with `from <= time <= to`, in the order of time; of all branches
    /// where `branch` is absent. Sides of pairs and canaries are no points: they measure on
    /// purpose what main is not.
    pub async fn points(
        &self,
        series: SeriesId,
        from: Millis,
        to: Millis,
        branch: Option<&str>,
    ) -> Result<Vec<Point>, StoreError> {
        let track = self.track(series).await?;
        let start = track.partition_point(|e| e.time < from);
        let end = track.partition_point(|e| e.time <= to);
        let entries = track.get(start..end).unwrap_or_default();
        let runs: Vec<RunId> = entries.iter().map(|entry| entry.run).collect();
        let heads = self.heads(&runs).await?;
        let shown = |head: &RunHead| {
            !matches!(head.kind, RunKind::Ab | RunKind::Aa | RunKind::Canary)
                && branch.is_none_or(|b| head.branch.as_deref() == Some(b))
        };
        let mut points = Vec::with_capacity(entries.len());
        for (entry, head) in entries.iter().zip(heads) {
            if shown(&head) {
                points.push(point(entry, &head));
            }
        }
        Ok(points)
    }

    /// For each series, its last `nights` points that may form a baseline, at `before_or_at` or
    /// earlier, oldest first.
    pub async fn recent_points(
        &self,
        series: &[SeriesId],
        before_or_at: Millis,
        nights: u32,
    ) -> Result<Vec<(SeriesId, Vec<Point>)>, StoreError> {
        let nights = usize::try_from(nights).unwrap_or(usize::MAX);
        let mut out = Vec::with_capacity(series.len());
        for &id in series {
            let track = self.track(id).await?;
            let end = track.partition_point(|e| e.time <= before_or_at);
            let mut points = Vec::with_capacity(nights);
            for entry in track.get(..end).unwrap_or_default().iter().rev() {
                if points.len() == nights {
                    break;
                }
                let head = self.head(entry.run).await?;
                if head.of.forms_baseline {
                    points.push(point(entry, &head));
                }
            }
            points.reverse();
            out.push((id, points));
        }
        Ok(out)
    }
}

pub(super) fn point(packed: &Packed, head: &RunHead) -> Point {
    let entry = Entry::from(*packed);
    Point {
        run: entry.run,
        time: entry.time,
        value: entry.value,
        sample_count: entry.sample_count,
        of: head.of.clone(),
        judgement: entry.judgement,
    }
}
