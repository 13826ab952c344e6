//! How wide a text is, and how labels keep out of each other's way.
//!
//! The server does not know the reader's font. Widths are those of DejaVu Sans at 11 px, the
//! widest of the usual system fonts, so that what fits here fits everywhere.

/// Width of a text at 11 px, in pixels, at most.
pub fn text_width(text: &str) -> f64 {
    text.chars().map(letter_width).sum()
}

fn letter_width(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' => 3.1,
        ' ' | '.' | ',' | ':' | ';' | '·' | '!' | 'I' => 3.6,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' => 4.6,
        'm' | 'M' | 'W' | '%' | '@' => 10.6,
        'w' | '+' | '−' | '=' | '<' | '>' | '±' | '≤' | '≥' | '×' => 9.3,
        'A'..='Z' => 7.9,
        '0'..='9' => 7.0,
        c if c.is_ascii() => 6.9,
        // Letters of other scripts can be as wide as they are high.
        c if (c as u32) < 0x0250 || c == 'µ' => 7.2,
        _ => 11.0,
    }
}

/// A span on a line that is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Left end.
    pub from: f64,
    /// Right end.
    pub to: f64,
}

impl Span {
    /// Whether two spans come nearer than `air` to each other.
    pub fn meets(self, other: Self, air: f64) -> bool {
        self.from < other.to + air && other.from < self.to + air
    }
}

/// Moves labels along a line until each has `height` for itself, within `from..=to`, each as near
/// to where it wants to be as the others allow. Keeps their order; equal wishes keep the order
/// given. If they do not all fit, they share what there is.
pub fn spread(wanted: &[f64], height: f64, from: f64, to: f64) -> Vec<f64> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let room = (to - from).max(0.0);
    let step = height.min(room / (wanted.len() as f64 - 1.0).max(1.0));
    let mut placed = vec![0.0; wanted.len()];
    // Clusters of labels that touch: where the first one stands, how many, sum of the wishes each
    // shifted to the first one's place. The best place of a cluster is the mean of those.
    let mut clusters: Vec<(f64, usize, f64)> = Vec::new();
    let last_place = |count: usize| (to - step * (count as f64 - 1.0)).max(from);
    for index in &order {
        let wish = wanted[*index].clamp(from, to);
        let mut cluster = (wish, 1, wish);
        while let Some(before) = clusters.last().copied() {
            let end = before.0 + step * before.1 as f64;
            if end <= cluster.0 {
                break;
            }
            clusters.pop();
            let sum = before.2 + cluster.2 - step * (before.1 * cluster.1) as f64;
            let count = before.1 + cluster.1;
            cluster = (
                (sum / count as f64).clamp(from, last_place(count)),
                count,
                sum,
            );
        }
        clusters.push(cluster);
    }
    let mut next = order.iter();
    for (start, count, _) in clusters {
        for (position, index) in next.by_ref().take(count).enumerate() {
            placed[*index] = start + step * position as f64;
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_with_room_stay_where_they_want_to_be() {
        assert_eq!(
            spread(&[100.0, 20.0, 60.0], 12.0, 0.0, 200.0),
            [100.0, 20.0, 60.0]
        );
    }

    #[test]
    fn two_that_want_the_same_place_part_evenly() {
        assert_eq!(spread(&[50.0, 50.0], 12.0, 0.0, 200.0), [44.0, 56.0]);
    }

    #[test]
    fn too_many_share_the_room() {
        assert_eq!(spread(&[5.0, 5.0, 5.0], 12.0, 0.0, 10.0), [0.0, 5.0, 10.0]);
    }

    proptest! {
        #[test]
        fn labels_never_overlap_and_never_leave(
            wanted in prop::collection::vec(-50.0..350.0f64, 1..12),
        ) {
            let placed = spread(&wanted, 12.0, 0.0, 300.0);
            let mut sorted = placed.clone();
            sorted.sort_by(f64::total_cmp);
            prop_assert!(sorted.windows(2).all(|w| w[1] - w[0] >= 12.0 - 1e-9), "{placed:?}");
            prop_assert!(sorted[0] >= -1e-9 && sorted[sorted.len() - 1] <= 300.0 + 1e-9, "{placed:?}");
        }
    }
}
