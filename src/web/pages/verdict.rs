//! How a verdict is written into HTML: shape, fill and word.

use bench_verdict::verdict::{Band, Evidence};

use crate::chart::role::{band_class, evidence_class, symbol};

/// A mark with its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictView {
    /// Class of the band: its colour.
    pub band: &'static str,
    /// Class of the evidence: the mark's fill. Empty where a band takes none.
    pub fill: &'static str,
    /// Symbol that draws the shape.
    pub symbol: &'static str,
    /// The band as a word.
    pub word: &'static str,
    /// The evidence as a word; empty where a band takes none.
    pub evidence: &'static str,
}

impl VerdictView {
    /// The view of a verdict. Bands that say nothing happened take no evidence.
    pub fn new(band: Band, evidence: Evidence) -> Self {
        let quiet = matches!(band, Band::None | Band::Warming | Band::Undefined);
        let comparable = evidence != Evidence::Incomparable;
        Self {
            band: band_class(band),
            fill: if quiet { "" } else { evidence_class(evidence) },
            symbol: symbol(band),
            word: band_word(band),
            evidence: if quiet && comparable {
                ""
            } else {
                evidence_word(evidence)
            },
        }
    }
}

/// A band in running text.
pub fn band_word(band: Band) -> &'static str {
    match band {
        Band::Warming => "warming up",
        other => band_class(other),
    }
}

/// An evidence in running text.
pub fn evidence_word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Exact => "exact",
        other => evidence_class(other),
    }
}

/// The class that colours a change: that of the band, and none where nothing happened.
pub fn change_class(band: Band) -> &'static str {
    match band {
        Band::None | Band::Warming | Band::Undefined => "",
        other => band_class(other),
    }
}

/// The class that colours what the gate answered. Green is not for "passed".
pub fn status_class(status: &str) -> &'static str {
    match status {
        "fail" => "critical",
        "pass" => "",
        _ => "warning",
    }
}

/// What the gate answered, as a verb: `gate fails`.
pub fn status_verb(status: &str) -> &str {
    match status {
        "fail" => "fails",
        "pass" => "passes",
        other => other,
    }
}
