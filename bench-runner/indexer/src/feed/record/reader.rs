//! Reading a recording, one record after the other.

use std::io::{self, Read};

use bytes::Bytes;

use super::crc::crc32;
use super::{
    KIND_BATCH, KIND_CLEAR, KIND_END, KIND_LOST, KIND_START, KIND_STREAM, MAGIC, MAX_BODY,
    MAX_STREAMS, Record, RecordError, RecordedStream, VERSION, What,
};
use crate::feed::tracker::Origin;

/// How a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// It was closed; nothing is missing.
    Closed,
    /// It ends behind a whole record and was not closed: whoever wrote it was killed.
    Open,
    /// It ends inside a record, or its last record is damaged.
    CutOff {
        /// Where the record begins that is left out.
        at: u64,
    },
}

/// Reads a recording. It is an iterator over what happened; after it has ended, [`Reader::tail`]
/// says how the file ended.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    at: u64,
    streams: Vec<RecordedStream>,
    start_unix_ns: u64,
    tail: Option<Tail>,
}

impl<R: Read> Reader<R> {
    /// Begins to read. Give it a buffered reader.
    ///
    /// # Errors
    /// When the file is no recording or a newer one, or cannot be read.
    pub fn new(input: R) -> Result<Self, RecordError> {
        let mut reader = Reader {
            input,
            at: 0,
            streams: Vec::new(),
            start_unix_ns: 0,
            tail: None,
        };
        let mut magic = [0; MAGIC.len()];
        if reader.fill(&mut magic)? != MAGIC.len() || magic != MAGIC {
            return Err(RecordError::NotARecording);
        }
        match reader.body()? {
            Some((_, body)) => reader.start(&body)?,
            None => reader.tail = reader.tail.or(Some(Tail::Open)),
        }
        Ok(reader)
    }

    /// The streams that have been named so far.
    pub fn streams(&self) -> &[RecordedStream] {
        &self.streams
    }

    /// When the recording began, in ns since the Unix epoch.
    pub fn start_unix_ns(&self) -> u64 {
        self.start_unix_ns
    }

    /// How the file ended; `None` while it has not.
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    fn start(&mut self, body: &[u8]) -> Result<(), RecordError> {
        let mut fields = Fields { body };
        let damaged = RecordError::Damaged {
            at: MAGIC.len() as u64,
            what: "the first record is not a start",
        };
        let (Some(KIND_START), Some(version)) = (fields.u8(), fields.u16()) else {
            return Err(damaged);
        };
        if version > VERSION {
            return Err(RecordError::Version(version));
        }
        self.start_unix_ns = fields.u64().ok_or(damaged)?;
        Ok(())
    }

    /// Reads as much as there is.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.at += filled as u64;
        Ok(filled)
    }

    /// The next body and where its record begins; `None` at the end.
    fn body(&mut self) -> Result<Option<(u64, Vec<u8>)>, RecordError> {
        let at = self.at;
        let mut head = [0; 8];
        match self.fill(&mut head)? {
            0 => {
                self.tail = Some(Tail::Open);
                return Ok(None);
            }
            8 => {}
            _ => return self.cut_off(at),
        }
        let mut fields = Fields { body: &head };
        let (length, crc) = (fields.u32().unwrap_or(0), fields.u32().unwrap_or(0));
        if length == 0 || length > MAX_BODY {
            return self.damaged(at, "a length that no record has");
        }
        // By and by, so that a damaged length costs no more memory than there is file.
        let mut body = Vec::new();
        let read = (&mut self.input)
            .take(u64::from(length))
            .read_to_end(&mut body)?;
        self.at += read as u64;
        if read < length as usize {
            return self.cut_off(at);
        }
        if crc32(&body) != crc {
            return self.damaged(at, "the checksum does not match");
        }
        Ok(Some((at, body)))
    }

    fn cut_off(&mut self, at: u64) -> Result<Option<(u64, Vec<u8>)>, RecordError> {
        self.tail = Some(Tail::CutOff { at });
        Ok(None)
    }

    /// Damage at the very end is a record that was not written to its end.
    fn damaged(
        &mut self,
        at: u64,
        what: &'static str,
    ) -> Result<Option<(u64, Vec<u8>)>, RecordError> {
        if self.fill(&mut [0])? == 0 {
            return self.cut_off(at);
        }
        Err(RecordError::Damaged { at, what })
    }

    /// The next thing that happened; `None` at the end.
    fn record(&mut self) -> Result<Option<Record>, RecordError> {
        while self.tail.is_none() {
            let Some((at, body)) = self.body()? else {
                break;
            };
            let body = Bytes::from(body);
            let short = || RecordError::Damaged {
                at,
                what: "a record is shorter than its kind",
            };
            let mut fields = Fields { body: &body };
            let kind = fields.u8().ok_or_else(short)?;
            match kind {
                KIND_STREAM => {
                    let stream = fields.stream(self.streams.len()).ok_or_else(short)?;
                    self.streams.push(stream);
                    if self.streams.len() > MAX_STREAMS {
                        return Err(RecordError::TooManyStreams);
                    }
                }
                KIND_BATCH | KIND_CLEAR | KIND_LOST => {
                    let record = fields.record(kind, &body).ok_or_else(short)?;
                    if record.stream >= self.streams.len() {
                        let what = "a record of a stream that was not named";
                        return Err(RecordError::Damaged { at, what });
                    }
                    return Ok(Some(record));
                }
                KIND_END => self.tail = Some(Tail::Closed),
                _ => {}
            }
        }
        Ok(None)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.record().transpose();
        if let Some(Err(_)) = next {
            // Behind an error nothing can be trusted.
            self.tail = Some(Tail::CutOff { at: self.at });
        }
        next
    }
}

/// The rest of a body.
struct Fields<'a> {
    body: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.body.split_first_chunk()?;
        self.body = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u16()?);
        let (text, rest) = self.body.split_at_checked(length)?;
        self.body = rest;
        // A name cut inside a character by its length limit is still a name.
        Some(String::from_utf8_lossy(text).into_owned())
    }

    fn stream(&mut self, expected: usize) -> Option<RecordedStream> {
        let number = self.u16()?;
        let rank = self.u32()?;
        let stream = RecordedStream {
            worker: self.text()?,
            model: self.text()?,
            rank,
        };
        (usize::from(number) == expected).then_some(stream)
    }

    fn record(&mut self, kind: u8, body: &Bytes) -> Option<Record> {
        let (stream, at_ns) = (usize::from(self.u16()?), self.u64()?);
        let what = match kind {
            KIND_BATCH => What::Batch {
                seq: self.u64()?,
                origin: if self.u8()? == 0 {
                    Origin::Live
                } else {
                    Origin::Replay
                },
                payload: body.slice_ref(self.body),
            },
            KIND_LOST => What::Lost(self.u64()?..self.u64()?),
            _ => What::Clear,
        };
        Some(Record {
            stream,
            at_ns,
            what,
        })
    }
}
