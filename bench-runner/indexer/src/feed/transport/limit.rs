//! How long a message may be, judged by what its frames announce.
//!
//! ZMTP 3 is a greeting of 64 bytes, then frames: a byte of flags, a length of one byte or eight, and
//! as much content. Frames with the flag MORE are parts of one message, which whoever reads keeps until
//! the last one is there.

use thiserror::Error;

const GREETING: u64 = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// What a frame costs its reader beside its content, in bytes: many empty ones are long, too.
const FRAME_COST: u64 = 64;

/// A peer's announcement of a message that is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a message of {announced} bytes or more is announced; the most is {longest}")]
pub(super) struct TooLong {
    announced: u64,
    longest: u64,
}

/// Follows what comes from one peer.
#[derive(Debug)]
pub(super) struct MessageLimit {
    longest: u64,
    /// Of the message so far, with the frame announced last.
    length: u64,
    at: At,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// In a greeting, or in a frame's content: so many bytes to come.
    Content(u64),
    Flags,
    Length {
        flags: u8,
        read: u32,
        value: u64,
    },
}

impl MessageLimit {
    /// A limit of so many bytes, from a connection's first byte on.
    pub(super) fn new(longest: usize) -> Self {
        Self {
            longest: longest as u64,
            length: 0,
            at: At::Content(GREETING),
        }
    }

    /// Looks at what came. On an error none of it may be passed on.
    pub(super) fn check(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        loop {
            match self.at {
                At::Content(left) => {
                    let here = left.min(bytes.len() as u64);
                    bytes = &bytes[here as usize..];
                    if here < left {
                        self.at = At::Content(left - here);
                        return Ok(());
                    }
                    self.at = At::Flags;
                }
                At::Flags => {
                    let Some(flags) = bytes.split_off_first() else {
                        return Ok(());
                    };
                    self.at = At::Length {
                        flags: *flags,
                        read: 0,
                        value: 0,
                    };
                }
                At::Length { flags, read, value } => {
                    let Some(byte) = bytes.split_off_first() else {
                        return Ok(());
                    };
                    let value = value << 8 | u64::from(*byte);
                    let is_whole = flags & LONG == 0 || read == 7;
                    self.at = match is_whole {
                        true => At::Content(self.frame(flags, value)?),
                        false => At::Length {
                            flags,
                            read: read + 1,
                            value,
                        },
                    };
                }
            }
        }
    }

    /// Counts a frame that is announced; gives its length.
    fn frame(&mut self, flags: u8, length: u64) -> Result<u64, TooLong> {
        let cost = length.saturating_add(FRAME_COST);
        let announced = self.length.saturating_add(cost);
        if announced > self.longest.saturating_add(FRAME_COST) {
            return Err(TooLong {
                announced,
                longest: self.longest,
            });
        }
        // A command stands for itself, between messages.
        self.length = match flags & (MORE | COMMAND) {
            MORE => announced,
            _ => 0,
        };
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONGEST: usize = 1000;

    fn frame(flags: u8, content: usize) -> Vec<u8> {
        let mut out = match content {
            0..=255 => vec![flags, content as u8],
            _ => {
                let mut out = vec![flags | LONG];
                out.extend((content as u64).to_be_bytes());
                out
            }
        };
        out.resize(out.len() + content, 0xff);
        out
    }

    fn check(frames: &[Vec<u8>]) -> Result<(), TooLong> {
        let mut bytes = vec![0xff; GREETING as usize];
        bytes.extend(frames.concat());
        MessageLimit::new(LONGEST).check(&bytes)
    }

    #[test]
    fn a_message_as_long_as_may_be_passes_and_one_byte_more_does_not() {
        let longest = frame(0, LONGEST);
        assert_eq!(check(&[longest.clone(), frame(0, 3), longest]), Ok(()));
        assert!(check(&[frame(0, 3), frame(0, LONGEST + 1)]).is_err());
    }

    #[test]
    fn an_announcement_is_enough() {
        let mut huge = vec![LONG];
        huge.extend(u64::MAX.to_be_bytes());
        assert!(check(&[huge]).is_err());
    }

    #[test]
    fn the_parts_of_a_message_count_together_and_empty_ones_too() {
        let part = frame(MORE, 400);
        assert_eq!(check(&[part.clone(), frame(0, 400)]), Ok(()));
        assert!(check(&[part.clone(), part, frame(0, 400)]).is_err());
        assert!(check(&vec![frame(MORE, 0); 100]).is_err());
    }

    proptest! {
        #[test]
        fn how_the_bytes_arrive_changes_nothing(
            frames in proptest::collection::vec((0u8..8, 0usize..700), 1..12),
            cut in 1usize..40,
        ) {
            let frames: Vec<_> = frames.iter().map(|&(flags, length)| {
                let flags = flags & !LONG;
                frame(flags, length)
            }).collect();
            let mut bytes = vec![0xff; GREETING as usize];
            bytes.extend(frames.concat());
            let mut limit = MessageLimit::new(LONGEST);
            let piecewise = bytes.chunks(cut).try_for_each(|piece| limit.check(piece));
            prop_assert_eq!(piecewise, check(&frames));
        }
    }
}
