#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::feed::tracker::Batch;

fn stream(worker: &str) -> RecordedStream {
    RecordedStream {
        worker: worker.to_owned(),
        model: "llama".to_owned(),
        rank: 3,
    }
}

fn batch(seq: u64, payload: &'static [u8]) -> Batch {
    Batch {
        seq,
        payload: Bytes::from_static(payload),
        origin: Origin::Replay,
    }
}

/// A recording of two streams, with or without its end.
fn recording(closed: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut recorder = Recorder::new(&mut file).unwrap();
    assert_eq!(recorder.stream(&stream("a")).unwrap(), 0);
    recorder.batch(0, &batch(0, b"one"));
    assert_eq!(recorder.stream(&stream("b")).unwrap(), 1);
    recorder.lost(1, &(4..9));
    recorder.batch(1, &batch(9, b""));
    recorder.clear(0);
    if closed {
        assert_eq!(recorder.finish().unwrap(), 7);
    }
    file
}

fn read(file: &[u8]) -> (Vec<Record>, Option<Tail>, Option<RecordError>) {
    let mut reader = match Reader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), None, Some(error)),
    };
    let mut records = Vec::new();
    for record in &mut reader {
        match record {
            Ok(record) => records.push(record),
            Err(error) => return (records, None, Some(error)),
        }
    }
    (records, reader.tail(), None)
}

#[test]
fn what_is_written_is_read_again() {
    let file = recording(true);
    let (records, tail, error) = read(&file);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(tail, Some(Tail::Closed));
    let told: Vec<(usize, What)> = records
        .into_iter()
        .map(|record| (record.stream, record.what))
        .collect();
    let applied = |seq, payload| What::Batch {
        seq,
        origin: Origin::Replay,
        payload: Bytes::from_static(payload),
    };
    assert_eq!(
        told,
        [
            (0, applied(0, b"one")),
            (1, What::Lost(4..9)),
            (1, applied(9, b"")),
            (0, What::Clear),
        ]
    );
    let mut reader = Reader::new(&file[..]).unwrap();
    assert_eq!(reader.by_ref().count(), 4);
    assert_eq!(reader.streams(), [stream("a"), stream("b")]);
    assert!(reader.start_unix_ns() > 1_700_000_000_000_000_000);
}

#[test]
fn a_recording_that_was_not_closed_says_so() {
    let (records, tail, error) = read(&recording(false));
    assert!(error.is_none(), "{error:?}");
    assert_eq!((records.len(), tail), (4, Some(Tail::Open)));
}

#[test]
fn a_file_cut_off_anywhere_gives_what_is_whole_and_says_so() {
    let file = recording(true);
    let (whole, _, _) = read(&file);
    for length in MAGIC.len()..file.len() {
        let (records, tail, error) = read(&file[..length]);
        assert!(error.is_none(), "{length}: {error:?}");
        assert!(whole.starts_with(&records), "{length}");
        assert_ne!(tail, Some(Tail::Closed), "{length}");
        assert!(tail.is_some(), "{length}");
    }
    for length in 0..MAGIC.len() {
        assert!(matches!(
            read(&file[..length]).2,
            Some(RecordError::NotARecording)
        ));
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let file = recording(true);
    let (whole, _, _) = read(&file);
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            let (records, tail, error) = read(&damaged);
            assert!(whole.starts_with(&records), "byte {at}, bit {bit}");
            assert!(
                error.is_some() || matches!(tail, Some(Tail::CutOff { .. })),
                "byte {at}, bit {bit}: {tail:?}"
            );
        }
    }
}

#[test]
fn a_newer_version_is_refused() {
    let mut body = vec![KIND_START];
    body.extend(2_u16.to_le_bytes());
    body.extend(0_u64.to_le_bytes());
    let mut file = MAGIC.to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(crc::crc32(&body).to_le_bytes());
    file.extend(body);
    assert!(matches!(read(&file).2, Some(RecordError::Version(2))));
}

#[test]
fn a_full_disk_stops_the_recording_and_not_the_feed() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut recorder = Recorder::new(Full(100)).unwrap();
    recorder.stream(&stream("a")).unwrap();
    for seq in 0..10 {
        recorder.batch(0, &batch(seq, b"payload"));
    }
    assert!(matches!(recorder.finish(), Err(RecordError::Io(_))));
}
