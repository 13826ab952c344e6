//! Chaos over real sockets: engines that are killed, and a faulty network between them and one
//! subscriber. Each engine publishes 4,800 batches and more, minutes of traffic of a busy engine.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kv_indexer::feed::tracker::Reason;
use kv_indexer::feed::{Publisher, PublisherSettings, Settings, Stream, StreamReport, Subscriber};
use kv_indexer::{Index, WireForm};

use crate::engine::{Engine, MODEL, Naming, Rng, Truth};
use crate::loopback::{PATIENCE, hasty};
use crate::proxy::{Faults, Proxy, Switches};

const QUIET_POINTS: u64 = 6;
const CHUNKS: u64 = 16;
const BATCHES_PER_CHUNK: u64 = 50;

/// One stream under test: the ranks that speak through it, their publisher, the proxy before it.
struct Site {
    name: &'static str,
    ranks: Vec<Engine>,
    buffer_batches: usize,
    publisher: Option<Publisher>,
    proxy: Option<Proxy>,
    at: Option<(String, String)>,
    faults: Faults,
    switches: Arc<Switches>,
    seed: u64,
}

impl Site {
    async fn new(seed: u64, name: &'static str, ranks: Vec<Engine>, buffer: usize) -> Site {
        let mut rng = Rng(seed);
        let mut site = Site {
            name,
            ranks,
            buffer_batches: buffer,
            publisher: None,
            proxy: None,
            at: None,
            faults: Faults {
                drop: rng.below(60),
                repeat: rng.below(60),
                delay: rng.below(60),
                replay_drop: rng.below(30),
                replay_ignore: rng.below(100),
            },
            switches: Arc::default(),
            seed,
        };
        site.start_publisher().await;
        site.start_proxy().await;
        site
    }

    fn publisher(&self) -> &Publisher {
        self.publisher.as_ref().unwrap()
    }

    fn workers(&self) -> Vec<usize> {
        self.ranks.iter().map(|rank| rank.worker).collect()
    }

    fn stream(&self) -> Stream {
        let (endpoint, replay) = self.at.clone().unwrap();
        Stream {
            model: MODEL.to_owned(),
            ..Stream::new(self.name, endpoint).replay(replay)
        }
    }

    async fn start_publisher(&mut self) {
        let anywhere = "tcp://127.0.0.1:0".to_owned();
        let mut settings = PublisherSettings::new(anywhere.clone(), Some(anywhere));
        settings.buffer_batches = self.buffer_batches;
        self.publisher = Some(Publisher::bind(&settings).await.unwrap());
    }

    async fn start_proxy(&mut self) {
        self.seed += 1;
        let publisher = self.publisher();
        let upstream = (publisher.endpoint(), publisher.replay_endpoint().unwrap());
        let at = self
            .at
            .as_ref()
            .map(|(live, replay)| (live.as_str(), replay.as_str()));
        let proxy = Proxy::start(self.seed, upstream, at, self.faults, &self.switches).await;
        self.at = Some((proxy.endpoint.clone(), proxy.replay_endpoint.clone()));
        self.proxy = Some(proxy);
    }

    async fn break_connections(&mut self) {
        self.proxy.take().unwrap().stop().await;
        self.start_proxy().await;
    }

    async fn kill(&mut self, truth: &mut Truth) {
        self.proxy.take().unwrap().stop().await;
        drop(self.publisher.take());
        for rank in &mut self.ranks {
            rank.restart(truth);
        }
        self.start_publisher().await;
        self.start_proxy().await;
    }

    async fn publish(&mut self, truth: &mut Truth) {
        let publisher = self.publisher.as_mut().unwrap();
        let rank = (publisher.next_seq() % self.ranks.len() as u64) as usize;
        publisher
            .publish(self.ranks[rank].batch(truth))
            .await
            .unwrap();
    }

    /// All that was published is applied, or what is missing is said to be lost.
    fn is_quiet(&self, report: &StreamReport) -> bool {
        let is_final = |reason: &Reason| matches!(reason, Reason::Lost { .. } | Reason::Unverified);
        report.next_seq == self.publisher().next_seq() && report.reasons.iter().all(is_final)
    }
}

async fn chaos(sites: &mut [Site], truth: &mut Truth, rng: &mut Rng) {
    for _ in 0..CHUNKS {
        for site in sites.iter_mut() {
            match rng.below(12) {
                0 => site.break_connections().await,
                1 => site.switches.pause(),
                2 if rng.below(3) == 0 => site.kill(truth).await,
                _ => site.switches.resume(),
            }
            for _ in 0..BATCHES_PER_CHUNK {
                site.publish(truth).await;
            }
        }
    }
}

/// Waits for quiet, and compares what is exact with the truth. Gives the number of exact sites.
async fn check_quiet_point(
    sites: &[Site],
    subscriber: &Subscriber,
    index: &Index,
    truth: &Truth,
) -> usize {
    for site in sites {
        site.switches.calm.store(true, Ordering::SeqCst);
        site.switches.resume();
    }
    let quiet = |reports: &[StreamReport]| {
        sites
            .iter()
            .zip(reports)
            .all(|(site, report)| site.is_quiet(report))
    };
    let reached = subscriber.wait_until(PATIENCE, quiet).await;
    let reports = subscriber.reports();
    let published: Vec<u64> = sites
        .iter()
        .map(|site| site.publisher().next_seq())
        .collect();
    assert!(
        reached,
        "no quiet point within {PATIENCE:?} at {published:?}: {reports:#?}"
    );
    let (exact, stale): (Vec<_>, Vec<_>) = sites
        .iter()
        .zip(&reports)
        .partition(|(_, report)| report.is_exact());
    for (_, report) in stale {
        // Why, as a person reads it.
        let why = report.stale_because();
        let is_said = [
            "are lost, the first hole is",
            "a restart is not ruled out yet",
        ];
        assert!(is_said.iter().any(|said| why.contains(said)), "{why}");
    }
    let exact: Vec<&Site> = exact.into_iter().map(|(site, _)| site).collect();
    let workers: Vec<usize> = exact.iter().flat_map(|site| site.workers()).collect();
    truth.assert_same_for(index, &workers);
    if exact.len() == sites.len() {
        truth.assert_same(index);
    }
    for site in sites {
        site.switches.calm.store(false, Ordering::SeqCst);
    }
    exact.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_quiet_point_the_index_is_the_model_or_says_that_it_is_stale() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let mut rank = |name: &str, rank: u32, form, naming| {
        let worker = truth.add(name, rank);
        Engine::new(u64::from(rank) + 10 * worker as u64, worker, form, naming).rank(rank)
    };
    let a = vec![rank("a", 0, WireForm::Array, Naming::Ints)];
    let b = vec![rank("b", 0, WireForm::Map, Naming::Bytes)];
    let both = vec![
        rank("c", 0, WireForm::Array, Naming::Bytes),
        rank("c", 1, WireForm::Map, Naming::Ints),
    ];
    let short = vec![rank("d", 0, WireForm::Array, Naming::Ints)];
    let mut sites = [
        Site::new(100, "a", a, 10_000).await,
        Site::new(200, "b", b, 10_000).await,
        Site::new(300, "c", both, 10_000).await,
        // A buffer that does not reach back far enough after a broken connection.
        Site::new(400, "d", short, 30).await,
    ];
    let settings = Settings {
        replay_timeout: Duration::from_millis(300),
        ..hasty()
    };
    let streams = sites.iter().map(Site::stream).collect();
    let subscriber = Subscriber::into_index(&index, streams, &settings).unwrap();
    let mut rng = Rng(42);
    let mut exact = 0;
    for _ in 0..QUIET_POINTS {
        chaos(&mut sites, &mut truth, &mut rng).await;
        exact += check_quiet_point(&sites, &subscriber, &index, &truth).await;
    }
    let reports = subscriber.reports();
    for report in &reports[..3] {
        assert_eq!(
            report.stale_because(),
            "",
            "with a long buffer nothing is lost: {report:#?}"
        );
        assert_eq!(report.counters.sequence.lost_batches, 0, "{report:#?}");
    }
    // The faults really happened, and the stream with the short buffer said so.
    let total = subscriber.total().sequence;
    assert!(
        total.gaps > 100 && total.replayed_batches > 1000,
        "{total:?}"
    );
    assert!(total.duplicates > 100 && total.restarts > 3, "{total:?}");
    assert!(
        reports[3].counters.sequence.lost_batches > 0,
        "{:#?}",
        reports[3]
    );
    let (least, all) = (3 * QUIET_POINTS as usize, 4 * QUIET_POINTS as usize);
    assert!((least..all).contains(&exact), "{exact} exact");

    // A stale stream is exact again once its engine has started anew.
    sites[3].switches.calm.store(true, Ordering::SeqCst);
    sites[3].kill(&mut truth).await;
    sites[3].publish(&mut truth).await;
    assert_eq!(
        check_quiet_point(&sites, &subscriber, &index, &truth).await,
        sites.len()
    );
    truth.assert_same_block_for_block(&index);
}
