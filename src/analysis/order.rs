//! The order of tables: worst first.

use std::cmp::Ordering;

use bench_verdict::verdict::{Band, Evidence};

use crate::domain::{Judged, Judgement};

/// The place of a band in a table, the worst first; bands that say nothing come last.
pub fn band_rank(band: Band) -> u8 {
    match band {
        Band::Critical => 0,
        Band::Warning => 1,
        Band::Info => 2,
        Band::Improved => 3,
        Band::Undefined => 4,
        Band::Warming => 5,
        Band::None => 6,
    }
}

/// The place of an evidence in a table, the surest first.
pub fn evidence_rank(evidence: Evidence) -> u8 {
    match evidence {
        Evidence::Confirmed => 0,
        Evidence::Exact => 1,
        Evidence::Likely => 2,
        Evidence::Inconclusive => 3,
        Evidence::Incomparable => 4,
        Evidence::Noise => 5,
    }
}

/// Whether a measurement left its band: worse or better by 5% or more, or from zero.
pub fn left_band(judgement: &Judgement) -> bool {
    is_worse(judgement.band) || judgement.band == Band::Improved
}

/// Whether a band says worse.
pub fn is_worse(band: Band) -> bool {
    matches!(band, Band::Critical | Band::Warning | Band::Info)
}

/// Whether an evidence says that the change is real.
pub fn is_certain(evidence: Evidence) -> bool {
    matches!(evidence, Evidence::Confirmed | Evidence::Exact)
}

/// Worst band first; then the surest; then the largest change; then by name.
///
/// A change that cannot be told (from a baseline of zero) is larger than any other.
pub fn worst_first(a: &Judged, b: &Judged) -> Ordering {
    let rank = |j: &Judgement| (band_rank(j.band), certainty_rank(j.evidence));
    let size = |j: &Judgement| j.change.map_or(f64::INFINITY, f64::abs);
    rank(&a.judgement)
        .cmp(&rank(&b.judgement))
        .then_with(|| size(&b.judgement).total_cmp(&size(&a.judgement)))
        .then_with(|| a.series.key.cmp(&b.series.key))
}

/// As [`evidence_rank`], but what is certain in two ways is equally certain.
fn certainty_rank(evidence: Evidence) -> u8 {
    if is_certain(evidence) {
        0
    } else {
        evidence_rank(evidence)
    }
}
