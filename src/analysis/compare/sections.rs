//! The rows of a comparison as a page groups them.

use bench_verdict::verdict::{Band, Evidence};

use super::Row;

/// What a group of rows has in common. In the order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Deterministic, and changed.
    Counts,
    /// Surely worse.
    Slower,
    /// Worse, by one look.
    SlowerLikely,
    /// Better, surely or likely.
    Faster,
    /// Measured in another environment.
    Incomparable,
    /// Too few samples, or too noisy ones, to decide.
    Inconclusive,
    /// Left the band inside the noise.
    Noise,
    /// Inside the band; a change that is likely or sure may still be there.
    Unchanged,
}

impl Section {
    /// All of them, in the order of a page.
    pub const ALL: [Section; 8] = [
        Section::Counts,
        Section::Slower,
        Section::SlowerLikely,
        Section::Faster,
        Section::Incomparable,
        Section::Inconclusive,
        Section::Noise,
        Section::Unchanged,
    ];

    /// Where a row belongs.
    pub fn of(row: &Row) -> Section {
        let is_sure = row.is_sure();
        match row.evidence {
            Evidence::Exact if row.old.median != row.new.median => Section::Counts,
            Evidence::Incomparable => Section::Incomparable,
            Evidence::Inconclusive => Section::Inconclusive,
            Evidence::Noise if row.band == Band::None => Section::Unchanged,
            Evidence::Noise => Section::Noise,
            _ if row.is_slower() && is_sure => Section::Slower,
            _ if row.is_slower() => Section::SlowerLikely,
            _ if row.is_faster() => Section::Faster,
            _ => Section::Unchanged,
        }
    }

    /// Whether its rows deserve a line before anybody asks.
    pub fn is_news(self) -> bool {
        self != Section::Unchanged
    }
}
