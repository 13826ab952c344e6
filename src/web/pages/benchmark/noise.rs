//! The noise card: what can be seen of this series, and what cannot.

use super::Loaded;
use crate::analysis::noise::{EDGE, NoiseCard};

/// The card as its template shows it.
pub(super) struct NoiseView {
    /// Such as `last 87 nights, ci-a`.
    pub(super) note: String,
    /// Name and value.
    pub(super) rows: Vec<(&'static str, String)>,
    /// How it compares with the band's edge.
    pub(super) finding: String,
}

/// `None` with too few nights.
pub(super) fn noise(loaded: &Loaded) -> Option<NoiseView> {
    let card = loaded.noise?;
    let not_available = || "not available".to_owned();
    let rows = vec![
        ("Between nights, s", percent(card.between)),
        (
            "Within the newest night, s",
            card.within.map_or_else(not_available, percent),
        ),
        (
            "Night-to-night memory, \u{3c6}",
            format!("{:.2}", card.correlation),
        ),
        (
            "Weekday effect",
            card.weekly_h.map_or_else(not_available, |h| {
                let is = if h > card.weekly_limit {
                    "real"
                } else {
                    "none"
                };
                format!("{is}, H = {h:.1}, limit {:.1}", card.weekly_limit)
            }),
        ),
        (
            "Seen in one night",
            format!("≥ {}", percent(card.one_night)),
        ),
        (
            "Confirmed in 3 nights",
            format!("≥ {}", percent(card.three_nights)),
        ),
    ];
    Some(NoiseView {
        note: format!(
            "last {} nights, {}",
            card.nights, loaded.choice.machine.name
        ),
        rows,
        finding: finding(&card),
    })
}

fn finding(card: &NoiseCard) -> String {
    let edge = percent(EDGE);
    match card.nights_to_edge {
        Some(nights) if card.one_night <= EDGE => format!(
            "A change of {edge}, the edge of a band, stands out of one night's noise and is \
             confirmed in {nights} nights."
        ),
        Some(nights) => format!(
            "One night cannot show a change of {edge}, the edge of a band: within the noise it \
             takes {nights} nights."
        ),
        None => format!(
            "A change of {edge}, the edge of a band, drowns in this noise: three weeks of nights \
             do not confirm it."
        ),
    }
}

/// Such as `1.6%`: a size, without a sign.
fn percent(part: f64) -> String {
    format!("{:.1}%", part * 100.0)
}
