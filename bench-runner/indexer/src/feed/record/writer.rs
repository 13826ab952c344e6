//! Writing a recording, beside applying it.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::crc::crc32;
use super::{
    KIND_BATCH, KIND_CLEAR, KIND_END, KIND_LOST, KIND_START, KIND_STREAM, MAGIC, MAX_STREAMS,
    RecordError, RecordedStream, VERSION,
};
use crate::DecodeError;
use crate::feed::sink::{Delivered, Sink};
use crate::feed::tracker::{Batch, Origin};

/// What a crash of the program may cost.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Writes a recording. Shared between the streams that are recorded together.
#[derive(Debug)]
pub struct Recorder<W: Write> {
    out: W,
    body: Vec<u8>,
    start: Instant,
    flushed: Instant,
    records: u64,
    streams: usize,
    failed: Option<io::Error>,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording. Give it a buffered writer: records are small.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(out: W) -> Result<Self, RecordError> {
        let mut recorder = Recorder {
            out,
            body: Vec::new(),
            start: Instant::now(),
            flushed: Instant::now(),
            records: 0,
            streams: 0,
            failed: None,
        };
        recorder.out.write_all(&MAGIC)?;
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        recorder.body.push(KIND_START);
        recorder.body.extend(VERSION.to_le_bytes());
        recorder.body.extend((time.as_nanos() as u64).to_le_bytes());
        recorder.write()?;
        Ok(recorder)
    }

    /// Adds a stream; gives its number.
    ///
    /// # Errors
    /// When it cannot be written, or there are too many.
    pub fn stream(&mut self, stream: &RecordedStream) -> Result<u16, RecordError> {
        if self.streams >= MAX_STREAMS {
            return Err(RecordError::TooManyStreams);
        }
        let number = self.streams as u16;
        self.streams += 1;
        self.body.push(KIND_STREAM);
        self.body.extend(number.to_le_bytes());
        self.body.extend(stream.rank.to_le_bytes());
        for text in [&stream.worker, &stream.model] {
            let text = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
            self.body.extend((text.len() as u16).to_le_bytes());
            self.body.extend(text);
        }
        self.write()?;
        Ok(number)
    }

    /// Adds an applied batch. As for everything that happens on a stream, an error is kept for
    /// [`Recorder::finish`]: a full disk must not stop the feed.
    pub fn batch(&mut self, stream: u16, batch: &Batch) {
        self.open(KIND_BATCH, stream);
        self.body.extend(batch.seq.to_le_bytes());
        self.body.push(u8::from(batch.origin == Origin::Replay));
        self.body.extend(&batch.payload[..]);
        self.note();
    }

    /// Adds that a stream's worker was cleared from outside its events.
    pub fn clear(&mut self, stream: u16) {
        self.open(KIND_CLEAR, stream);
        self.note();
    }

    /// Adds that batches were given up.
    pub fn lost(&mut self, stream: u16, batches: &Range<u64>) {
        self.open(KIND_LOST, stream);
        self.body.extend(batches.start.to_le_bytes());
        self.body.extend(batches.end.to_le_bytes());
        self.note();
    }

    /// Closes the recording; gives the number of records before the last.
    ///
    /// # Errors
    /// When it cannot be written, now or earlier: then it ends where that began.
    pub fn finish(&mut self) -> Result<u64, RecordError> {
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        let records = self.records;
        self.body.push(KIND_END);
        self.body.extend(records.to_le_bytes());
        self.write()?;
        self.out.flush()?;
        Ok(records)
    }

    fn open(&mut self, kind: u8, stream: u16) {
        let at = self.start.elapsed().as_nanos() as u64;
        self.body.push(kind);
        self.body.extend(stream.to_le_bytes());
        self.body.extend(at.to_le_bytes());
    }

    fn note(&mut self) {
        if self.failed.is_some() {
            self.body.clear();
        } else if let Err(error) = self.write() {
            tracing::error!(%error, "recording stopped");
            self.failed = Some(error);
        }
    }

    /// Writes the record whose body is ready.
    fn write(&mut self) -> io::Result<()> {
        let crc = crc32(&self.body);
        self.out
            .write_all(&(self.body.len() as u32).to_le_bytes())?;
        self.out.write_all(&crc.to_le_bytes())?;
        self.out.write_all(&self.body)?;
        self.body.clear();
        self.records += 1;
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.out.flush()?;
            self.flushed = Instant::now();
        }
        Ok(())
    }
}

/// A sink that records what it passes on.
#[derive(Debug)]
pub struct RecordingSink<S, W: Write> {
    inner: S,
    recorder: Arc<Mutex<Recorder<W>>>,
    stream: u16,
}

impl<S, W: Write> RecordingSink<S, W> {
    /// Records what goes to `inner`, as a stream of its own.
    ///
    /// # Errors
    /// When the recording cannot be written, or has too many streams.
    pub fn new(
        inner: S,
        recorder: &Arc<Mutex<Recorder<W>>>,
        stream: &RecordedStream,
    ) -> Result<Self, RecordError> {
        let number = lock(recorder).stream(stream)?;
        Ok(RecordingSink {
            inner,
            recorder: recorder.clone(),
            stream: number,
        })
    }
}

fn lock<W: Write>(recorder: &Mutex<Recorder<W>>) -> std::sync::MutexGuard<'_, Recorder<W>> {
    recorder.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Sink, W: Write + Send> Sink for RecordingSink<S, W> {
    fn apply(&mut self, batch: &Batch) -> Result<Delivered, DecodeError> {
        // What cannot be decoded is recorded too: it is what happened.
        lock(&self.recorder).batch(self.stream, batch);
        self.inner.apply(batch)
    }

    fn clear(&mut self) {
        lock(&self.recorder).clear(self.stream);
        self.inner.clear();
    }

    fn lost(&mut self, batches: Range<u64>) {
        lock(&self.recorder).lost(self.stream, &batches);
        self.inner.lost(batches);
    }
}
