//! Events as an engine publishes them: msgpack, array form, one event a batch.
//!
//! The runner encodes its events itself rather than by the indexer's encoder: the bytes that are
//! measured must not change when the indexer does.

use super::block::{BLOCK_SIZE, Block};

/// The `ts` of every batch: fixed, so that the same seed gives the same bytes.
const TIME: f64 = 1_750_000_000.0;

/// Encoded batches, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batches {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Batches {
    /// How many batches (and events: each holds one).
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all batches together.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Batch number `index`, counted round and round.
    #[inline]
    pub fn get(&self, index: usize) -> &[u8] {
        let index = if index < self.ends.len() {
            index
        } else {
            index % self.ends.len()
        };
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        &self.bytes[start..self.ends[index] as usize]
    }

    /// All batches in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Appends the event that `blocks`, a chain, were stored.
    pub fn stored(&mut self, blocks: &[Block]) {
        let Some(first) = blocks.first() else { return };
        self.open(5);
        self.text("BlockStored");
        self.array(blocks.len());
        for block in blocks {
            self.number(block.hash);
        }
        match first.parent {
            Some(parent) => self.number(parent),
            None => self.bytes.push(0xc0),
        }
        self.array(blocks.len() * BLOCK_SIZE);
        let mut tokens = Vec::with_capacity(BLOCK_SIZE);
        for block in blocks {
            tokens.clear();
            block.tokens(&mut tokens);
            for &token in &tokens {
                self.number(u64::from(token));
            }
        }
        self.number(BLOCK_SIZE as u64);
        self.close();
    }

    /// Appends the event that blocks were removed.
    pub fn removed(&mut self, hashes: &[u64]) {
        if hashes.is_empty() {
            return;
        }
        self.open(2);
        self.text("BlockRemoved");
        self.array(hashes.len());
        for &hash in hashes {
            self.number(hash);
        }
        self.close();
    }

    /// `[ts, [[…fields]]]` up to the fields of the only event. An engine without data parallelism
    /// leaves the rank off.
    fn open(&mut self, fields: usize) {
        self.array(2);
        self.bytes.push(0xcb);
        self.bytes.extend_from_slice(&TIME.to_be_bytes());
        self.array(1);
        self.array(fields);
    }

    fn close(&mut self) {
        self.ends
            .push(u32::try_from(self.bytes.len()).expect("a workload is far below 4 GiB"));
    }

    fn array(&mut self, len: usize) {
        match len {
            0..=15 => self.bytes.push(0x90 | len as u8),
            16..=0xffff => {
                self.bytes.push(0xdc);
                self.bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                self.bytes.push(0xdd);
                self.bytes.extend_from_slice(&(len as u32).to_be_bytes());
            }
        }
    }

    fn number(&mut self, value: u64) {
        match value {
            0..=0x7f => self.bytes.push(value as u8),
            0x80..=0xff => self.bytes.extend_from_slice(&[0xcc, value as u8]),
            0x100..=0xffff => {
                self.bytes.push(0xcd);
                self.bytes.extend_from_slice(&(value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.bytes.push(0xce);
                self.bytes.extend_from_slice(&(value as u32).to_be_bytes());
            }
            _ => {
                self.bytes.push(0xcf);
                self.bytes.extend_from_slice(&value.to_be_bytes());
            }
        }
    }

    /// A string of at most 31 bytes: the names of events are.
    fn text(&mut self, text: &str) {
        self.bytes.push(0xa0 | text.len() as u8);
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::extend;
    use super::*;

    #[test]
    fn a_removal_reads_as_msgpack_says() {
        let mut batches = Batches::default();
        batches.removed(&[1, 300, u64::MAX]);
        let mut expected = vec![0x92, 0xcb];
        expected.extend_from_slice(&TIME.to_be_bytes());
        expected.extend_from_slice(&[0x91, 0x92, 0xac]);
        expected.extend_from_slice(b"BlockRemoved");
        expected.extend_from_slice(&[0x93, 0x01, 0xcd, 0x01, 0x2c, 0xcf]);
        expected.extend_from_slice(&[0xff; 8]);
        assert_eq!(batches.get(0), expected);
    }

    #[test]
    fn batches_are_counted_round_and_round() {
        let mut batches = Batches::default();
        batches.removed(&[1]);
        batches.removed(&[2]);
        assert_eq!(batches.len(), 2);
        assert_eq!(batches.get(2), batches.get(0));
        assert_eq!(batches.get(5), batches.get(1));
    }

    #[test]
    fn nothing_stored_is_no_event() {
        let mut batches = Batches::default();
        batches.stored(&[]);
        batches.removed(&[]);
        assert!(batches.is_empty());
    }

    #[test]
    fn an_event_of_eight_blocks_is_about_as_long_as_an_engines() {
        let mut prompt = Vec::new();
        extend(&mut prompt, 5, 8);
        let mut batches = Batches::default();
        batches.stored(&prompt);
        // 8 hashes of 9 bytes, 128 tokens of mostly 3, names and frame.
        assert!(
            (430..500).contains(&batches.byte_count()),
            "{}",
            batches.byte_count()
        );
    }
}
