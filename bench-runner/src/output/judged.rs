//! What a judgement is called in a table, and what it means.

use bench_verdict::band::Band;
use bench_verdict::verdict::Evidence;
use bench_verdict::words::evidence_word;

use super::style::Meaning;

/// The band where it is sure, and why it is not where it is not: noise has no band.
pub(crate) fn judged(evidence: Evidence, band: Band) -> (&'static str, Option<Meaning>) {
    match evidence {
        Evidence::Exact | Evidence::Confirmed => (band.word(), meaning(band)),
        Evidence::Noise => (evidence_word(evidence), Some(Meaning::Dim)),
        _ => (evidence_word(evidence), Some(Meaning::Doubt)),
    }
}

/// What a band means where nothing doubts it.
pub(crate) fn meaning(band: Band) -> Option<Meaning> {
    match band {
        Band::Improved => Some(Meaning::Good),
        Band::Info => Some(Meaning::Doubt),
        Band::Warning | Band::Critical => Some(Meaning::Bad),
        Band::None | Band::Undefined | Band::Warming => None,
    }
}
