//! The spool's content, oldest first, with bounded retries.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::server::{Judge, Server, ServerError, Stored};
use super::spool::{Spool, SpoolError};

/// How often a report is sent before it waits for the next upload.
pub const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; it doubles each time.
pub const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// A server that asks for more patience than this is left for the next upload.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where reports go to.
pub trait Receiver {
    /// Takes a report's JSON.
    fn send_run(&self, json: &[u8], judge: Judge) -> Result<Stored, ServerError>;
}

impl Receiver for Server {
    fn send_run(&self, json: &[u8], judge: Judge) -> Result<Stored, ServerError> {
        Server::send_run(self, json, judge)
    }
}

/// How what is delivered is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judging {
    /// Each as it is stored.
    Each,
    /// All together, with the last.
    Together,
}

impl Judging {
    fn of(self, is_last: bool) -> Judge {
        match (self, is_last) {
            (Self::Each, _) => Judge::Now,
            (Self::Together, false) => Judge::Later,
            (Self::Together, true) => Judge::All,
        }
    }
}

/// What became of the spool's content.
#[derive(Debug, Default)]
pub struct Delivery {
    /// What the server stored, in the order of delivery.
    pub stored: Vec<(PathBuf, Stored)>,
    /// What it will never take, and where that is kept now.
    pub refused: Vec<(PathBuf, ServerError)>,
    /// Why delivery stopped, if it did before the end.
    pub stopped: Option<ServerError>,
    /// How many still wait.
    pub waiting: usize,
}

/// Delivers what waits, oldest first. A report that cannot be sent now stops delivery, so that none
/// overtakes another; one that will never be taken is set aside, and the next is tried. `pause` is
/// called with how long to wait between attempts.
pub fn deliver(
    spool: &Spool,
    receiver: &impl Receiver,
    judging: Judging,
    mut pause: impl FnMut(Duration),
) -> Result<Delivery, SpoolError> {
    let mut delivery = Delivery::default();
    let waiting = spool.waiting()?;
    for (place, path) in waiting.iter().enumerate() {
        // Another upload may have delivered it meanwhile.
        let Ok(json) = fs::read(path) else { continue };
        let judge = judging.of(place + 1 == waiting.len());
        match send(receiver, &json, judge, &mut pause) {
            Ok(stored) => {
                spool.delivered(path)?;
                delivery.stored.push((path.clone(), stored));
            }
            Err(error) if error.may_pass() => {
                delivery.stopped = Some(error);
                delivery.waiting = waiting.len() - place;
                break;
            }
            Err(error) => delivery.refused.push((spool.set_aside(path)?, error)),
        }
    }
    Ok(delivery)
}

fn send(
    receiver: &impl Receiver,
    json: &[u8],
    judge: Judge,
    pause: &mut impl FnMut(Duration),
) -> Result<Stored, ServerError> {
    let mut back_off = FIRST_PAUSE;
    for attempt in 1.. {
        let error = match receiver.send_run(json, judge) {
            Ok(stored) => return Ok(stored),
            Err(error) => error,
        };
        let asked = match &error {
            ServerError::Busy { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        if attempt == ATTEMPTS || !error.may_pass() || asked > LONGEST_PAUSE {
            return Err(error);
        }
        pause(back_off.max(asked));
        back_off *= 2;
    }
    unreachable!("the loop ends with the last attempt")
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test may fail where its own files cannot be written"
)]
mod tests {
    use std::cell::RefCell;

    use super::super::spool::tests::report;
    use super::*;

    /// A server that answers as told and keeps what it took.
    struct Double<F> {
        taken: RefCell<Vec<String>>,
        judged: RefCell<Vec<Judge>>,
        asked: RefCell<u32>,
        answer: F,
    }

    impl<F: Fn(u32) -> Option<ServerError>> Receiver for Double<F> {
        fn send_run(&self, json: &[u8], judge: Judge) -> Result<Stored, ServerError> {
            *self.asked.borrow_mut() += 1;
            if let Some(error) = (self.answer)(*self.asked.borrow()) {
                return Err(error);
            }
            let json: serde_json::Value = serde_json::from_slice(json).unwrap();
            self.taken
                .borrow_mut()
                .push(json["started_at"].as_str().unwrap()[..10].to_owned());
            self.judged.borrow_mut().push(judge);
            Ok(Stored {
                run_id: 1,
                url: String::new(),
                verdict: None,
            })
        }
    }

    fn double<F: Fn(u32) -> Option<ServerError>>(answer: F) -> Double<F> {
        Double {
            taken: RefCell::default(),
            judged: RefCell::default(),
            asked: RefCell::new(0),
            answer,
        }
    }

    fn busy(retry_after: Option<u64>) -> ServerError {
        ServerError::Busy {
            address: "http://test".to_owned(),
            status: 503,
            detail: None,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    fn refused() -> ServerError {
        let (address, detail) = ("http://test".to_owned(), "no".to_owned());
        ServerError::Refused {
            address,
            status: 422,
            detail,
        }
    }

    fn spool(days: &[u32]) -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(Some(folder.path().to_owned())).unwrap();
        for &day in days {
            spool.put(&report(day)).unwrap();
        }
        (folder, spool)
    }

    #[test]
    fn the_oldest_goes_first_and_what_is_delivered_waits_no_more() {
        let (_folder, spool) = spool(&[9, 2, 5]);
        let server = double(|_| None);
        let delivery = deliver(&spool, &server, Judging::Each, |_| ()).unwrap();
        assert_eq!(
            *server.taken.borrow(),
            ["2026-01-02", "2026-01-05", "2026-01-09"]
        );
        assert_eq!((delivery.stored.len(), delivery.waiting), (3, 0));
        assert!(spool.waiting().unwrap().is_empty());
    }

    #[test]
    fn old_nights_are_judged_together_with_the_last() {
        let (_folder, spool) = spool(&[9, 2, 5]);
        let server = double(|_| None);
        deliver(&spool, &server, Judging::Together, |_| ()).unwrap();
        let expected = [Judge::Later, Judge::Later, Judge::All];
        assert_eq!(*server.judged.borrow(), expected);
    }

    #[test]
    fn a_server_that_is_away_loses_nothing_and_is_asked_a_bounded_number_of_times() {
        let (_folder, spool) = spool(&[1, 2]);
        let server = double(|_| Some(busy(None)));
        let mut pauses = Vec::new();
        let delivery = deliver(&spool, &server, Judging::Each, |pause| pauses.push(pause)).unwrap();
        assert_eq!(*server.asked.borrow(), ATTEMPTS);
        assert_eq!(pauses, [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]);
        assert_eq!(delivery.waiting, 2);
        assert!(delivery.stopped.is_some());
        assert_eq!(spool.waiting().unwrap().len(), 2);
    }

    #[test]
    fn a_server_that_comes_back_gets_everything() {
        let (_folder, spool) = spool(&[1, 2]);
        let server = double(|asked| (asked == 1).then(|| busy(Some(2))));
        let mut pauses = Vec::new();
        deliver(&spool, &server, Judging::Each, |pause| pauses.push(pause)).unwrap();
        assert_eq!(pauses, [Duration::from_secs(2)]);
        assert_eq!(server.taken.borrow().len(), 2);
    }

    #[test]
    fn a_server_that_asks_for_an_hour_is_left_for_the_next_upload() {
        let (_folder, spool) = spool(&[1]);
        let server = double(|_| Some(busy(Some(3_600))));
        deliver(&spool, &server, Judging::Each, |_| {
            panic!("nobody waits for an hour")
        })
        .unwrap();
        assert_eq!(*server.asked.borrow(), 1);
    }

    #[test]
    fn what_is_refused_is_set_aside_and_the_next_goes_on() {
        let (_folder, spool) = spool(&[1, 2]);
        let server = double(|asked| (asked == 1).then(refused));
        let delivery = deliver(&spool, &server, Judging::Each, |_| ()).unwrap();
        assert_eq!(*server.taken.borrow(), ["2026-01-02"]);
        assert_eq!(delivery.refused.len(), 1);
        assert!(delivery.refused[0].0.is_file());
    }
}
