//! How large a trend is drawn.

use crate::chart::canvas::Frame;

/// How large a trend is drawn. A wide one is always accompanied by a narrow one, and a style sheet
/// shows one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 1200 x 340.
    Wide,
    /// 358 x 270, for screens of 390.
    Narrow,
    /// 576 x 236, one of a few.
    Half,
    /// 232 x 118, one of many.
    Small,
}

impl Size {
    pub(super) fn pixels(self) -> (u32, u32) {
        match self {
            Self::Wide => (1200, 340),
            Self::Narrow => (358, 270),
            Self::Half => (576, 236),
            Self::Small => (232, 118),
        }
    }

    pub(super) fn classes(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
            Self::Half => "half",
            Self::Small => "x232",
        }
    }

    pub(super) fn frame(self) -> Frame {
        match self {
            Self::Wide => Frame {
                left: 40.0,
                top: 34.0,
                right: 1132.0,
                bottom: 318.0,
            },
            Self::Narrow => Frame {
                left: 36.0,
                top: 34.0,
                right: 296.0,
                bottom: 248.0,
            },
            Self::Half => Frame {
                left: 40.0,
                top: 34.0,
                right: 514.0,
                bottom: 214.0,
            },
            Self::Small => Frame {
                left: 40.0,
                top: 18.0,
                right: 223.0,
                bottom: 96.0,
            },
        }
    }

    pub(super) fn most_ticks(self) -> usize {
        match self {
            Self::Small => 3,
            _ => 5,
        }
    }
}
