//! Enums that are one word each on the wire.

/// Gives an enum its words: `ALL`, `as_str`, `parse` and `Display`. The words must be those of the
/// enum's serde representation; the tests hold them together.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word),+
                }
            }

            /// The value that this word names, if any.
            pub fn parse(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::metric::{Direction, Kind, Op};
    use crate::report::{ArtifactKind, Purpose, RunKind, Side, Status};

    #[test]
    fn each_word_is_the_one_on_the_wire_and_is_read_back() {
        macro_rules! check {
            ($($name:ident),+) => {$(
                for value in $name::ALL {
                    assert_eq!(serde_json::to_value(value).unwrap(), value.as_str());
                    assert_eq!($name::parse(value.as_str()), Some(*value));
                    assert_eq!(value.to_string(), value.as_str());
                }
                assert_eq!($name::parse("Nightly run"), None);
            )+};
        }
        check!(
            Direction,
            Kind,
            Op,
            RunKind,
            Status,
            Side,
            Purpose,
            ArtifactKind
        );
    }
}
