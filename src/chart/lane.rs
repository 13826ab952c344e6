//! The events above a trend: where each one's line, glyph and label stand.

use super::canvas::{Anchor, Canvas, Frame};
use super::label::{Span, text_width};
use super::role::Role;
use crate::analysis::history::EventKind;

/// The baselines of the lane's two rows of text.
pub const ROWS: [f64; 2] = [16.0, 30.0];

/// From an event's line to its text.
const BESIDE: f64 = 9.0;
/// Between two texts, and between a text and another event's line.
const AIR: f64 = 4.0;

/// An event to place.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Pixels from the left.
    pub x: f64,
    /// What it is.
    pub kind: EventKind,
    /// Its label, from long to short; the first that fits is used.
    pub labels: Vec<String>,
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Pixels from the left.
    pub x: f64,
    /// What it is.
    pub kind: EventKind,
    /// Its row, 0 above 1.
    pub row: usize,
    /// Position, anchor and text of the label; none when nothing fits.
    pub label: Option<(f64, Anchor, String)>,
}

/// Places events, given in the order of time: change points first, then epochs, then notes. A label
/// goes right of its line, or left of it near the right edge or another event; in the upper row, or
/// else the lower one; or else its shorter form; or else none, for the line itself is never dropped.
pub fn place(wishes: &[Wish], frame: Frame) -> Vec<Placed> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|i| match wishes[*i].kind {
        EventKind::ChangePoint => 0,
        EventKind::Epoch => 1,
        EventKind::Annotation => 2,
    });
    let mut taken: [Vec<Span>; 2] = [Vec::new(), Vec::new()];
    let mut placed: Vec<Option<Placed>> = vec![None; wishes.len()];
    for index in order {
        let wish = &wishes[index];
        let others: Vec<f64> = wishes
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != index)
            .map(|(_, w)| w.x)
            .collect();
        let found = wish
            .labels
            .iter()
            .find_map(|text| fit(wish.x, text, &others, &taken, frame));
        let (row, label) = match found {
            Some((row, span, anchor, text)) => {
                taken[row].push(span);
                let x = if anchor == Anchor::Start {
                    span.from
                } else {
                    span.to
                };
                (row, Some((x, anchor, text)))
            }
            None => (0, None),
        };
        placed[index] = Some(Placed {
            x: wish.x,
            kind: wish.kind,
            row,
            label,
        });
    }
    placed.into_iter().flatten().collect()
}

/// The glyph on an event's line: a wedge on a change point, a double bar on an epoch, a ring on a
/// note.
pub fn glyph(canvas: &Canvas<'_>, kind: EventKind, x: f64, row: f64) {
    match kind {
        EventKind::ChangePoint => canvas.polygon(
            Role::Wedge,
            [(x - 4.0, row - 8.0), (x + 4.0, row - 8.0), (x, row - 1.0)],
        ),
        EventKind::Epoch => {
            for side in [x - 3.0, x + 3.0] {
                canvas.path(Role::Glyph, [(side, row - 8.0), (side, row)]);
            }
        }
        EventKind::Annotation => canvas.circle(Role::Glyph, (x, row - 4.0), 3.2),
    }
}

fn fit(
    x: f64,
    text: &str,
    others: &[f64],
    taken: &[Vec<Span>; 2],
    frame: Frame,
) -> Option<(usize, Span, Anchor, String)> {
    let width = text_width(text);
    for (row, spans) in taken.iter().enumerate() {
        for anchor in [Anchor::Start, Anchor::End] {
            let span = match anchor {
                Anchor::Start => Span {
                    from: x + BESIDE,
                    to: x + BESIDE + width,
                },
                _ => Span {
                    from: x - BESIDE - width,
                    to: x - BESIDE,
                },
            };
            let inside = span.from >= frame.left && span.to <= frame.right;
            // A line of another event that starts in the upper row crosses both.
            let crossed = others
                .iter()
                .any(|o| *o > span.from - 2.0 * AIR && *o < span.to + 2.0 * AIR);
            if inside && !crossed && !spans.iter().any(|s| s.meets(span, AIR)) {
                return Some((row, span, anchor, text.to_owned()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Frame = Frame {
        left: 40.0,
        top: 34.0,
        right: 1132.0,
        bottom: 318.0,
    };

    fn step(x: f64, label: &str) -> Wish {
        Wish {
            x,
            kind: EventKind::ChangePoint,
            labels: vec![format!("step {label}"), label.to_owned()],
        }
    }

    fn texts(placed: &[Placed]) -> Vec<(usize, Anchor, &str)> {
        placed
            .iter()
            .filter_map(|p| p.label.as_ref().map(|l| (p.row, l.1, l.2.as_str())))
            .collect()
    }

    #[test]
    fn a_label_goes_left_of_its_line_near_the_right_edge() {
        let placed = place(&[step(500.0, "−6.6%"), step(1113.0, "+28.6%")], FRAME);
        assert_eq!(
            texts(&placed),
            [
                (0, Anchor::Start, "step −6.6%"),
                (0, Anchor::End, "step +28.6%")
            ]
        );
    }

    #[test]
    fn labels_between_two_near_events_turn_away_from_each_other() {
        let placed = place(&[step(500.0, "+8.0%"), step(540.0, "−7.4%")], FRAME);
        assert_eq!(
            texts(&placed),
            [
                (0, Anchor::End, "step +8.0%"),
                (0, Anchor::Start, "step −7.4%")
            ]
        );
    }

    #[test]
    fn an_event_without_room_keeps_its_line_and_loses_its_label() {
        let wishes: Vec<_> = (0..40)
            .map(|i| step(60.0 + f64::from(i) * 20.0, "+9.9%"))
            .collect();
        let placed = place(&wishes, FRAME);
        assert_eq!(placed.len(), 40);
        assert!(texts(&placed).len() < 40);
    }

    proptest! {
        #[test]
        fn labels_never_meet_or_leave_the_frame(
            mut xs in prop::collection::vec(40.0..1132.0f64, 0..14),
            kinds in prop::collection::vec(0..3u8, 14),
        ) {
            xs.sort_by(f64::total_cmp);
            let wishes: Vec<_> = xs.iter().zip(&kinds).map(|(x, k)| Wish {
                x: *x,
                kind: match k { 0 => EventKind::ChangePoint, 1 => EventKind::Epoch, _ => EventKind::Annotation },
                labels: vec!["note: something longer (a.k.)".to_owned(), "note".to_owned()],
            }).collect();
            let placed = place(&wishes, FRAME);
            let mut spans: [Vec<Span>; 2] = Default::default();
            for p in &placed {
                if let Some((x, anchor, text)) = &p.label {
                    let w = text_width(text);
                    let span = if *anchor == Anchor::Start { Span { from: *x, to: x + w } } else { Span { from: x - w, to: *x } };
                    prop_assert!(span.from >= FRAME.left && span.to <= FRAME.right);
                    for other in &spans[p.row] {
                        prop_assert!(!other.meets(span, 0.0));
                    }
                    spans[p.row].push(span);
                }
            }
        }
    }
}
