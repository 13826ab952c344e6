//! Subscriber and publisher over real sockets, without faults but those a test asks for.

use std::sync::Arc;
use std::time::Duration;

use kv_indexer::feed::{Publisher, PublisherSettings, Settings, Stream, StreamReport, Subscriber};
use kv_indexer::{Index, WireForm};

use crate::engine::{Engine, MODEL, Naming, Truth};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits that keep tests short; no test asserts a time.
pub(crate) fn hasty() -> Settings {
    Settings {
        quiet_after: Duration::from_millis(50),
        longest_quiet: Duration::from_millis(200),
        first_retry: Duration::from_millis(10),
        longest_retry: Duration::from_millis(100),
        ..Settings::default()
    }
}

fn anywhere(replay: bool) -> PublisherSettings {
    let replay = replay.then(|| "tcp://127.0.0.1:0".to_owned());
    PublisherSettings::new("tcp://127.0.0.1:0", replay)
}

fn stream_of(worker: &str, publisher: &Publisher) -> Stream {
    Stream {
        model: MODEL.to_owned(),
        replay: publisher.replay_endpoint().map(str::to_owned),
        ..Stream::new(worker, publisher.endpoint())
    }
}

fn caught_up(report: &StreamReport, publisher: &Publisher) -> bool {
    report.is_exact() && report.next_seq == publisher.next_seq()
}

#[track_caller]
fn assert_reached(reached: bool, subscriber: &Subscriber) {
    assert!(
        reached,
        "not reached within {PATIENCE:?}: {:#?}",
        subscriber.reports()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_published_is_in_the_index_block_for_block() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let mut publisher = Publisher::bind(&anywhere(true)).await.unwrap();
    let worker = truth.add("a", 0);
    let mut engine = Engine::new(1, worker, WireForm::Array, Naming::Ints);
    let streams = vec![stream_of("a", &publisher)];
    let subscriber = Subscriber::into_index(&index, streams, &hasty()).unwrap();
    for _ in 0..3000 {
        publisher.publish(engine.batch(&mut truth)).await.unwrap();
    }
    let reached = subscriber
        .wait_until(PATIENCE, |r| caught_up(&r[0], &publisher))
        .await;
    assert_reached(reached, &subscriber);
    truth.assert_same(&index);
    let total = subscriber.total();
    assert_eq!(total.batches, 3000);
    assert!(total.stored_blocks > 3000 && total.removed_blocks > 500 && total.cleared > 0);
    assert_eq!(
        (total.sequence.lost_batches, total.decode_error_count()),
        (0, 0)
    );
    assert!(subscriber.reports()[0].lag_seconds.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_lost_on_the_way_are_healed_by_replay_the_last_ones_too() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let mut publisher = Publisher::bind(&anywhere(true)).await.unwrap();
    let worker = truth.add("a", 0);
    let mut engine = Engine::new(2, worker, WireForm::Map, Naming::Bytes);
    let streams = vec![stream_of("a", &publisher)];
    let subscriber = Subscriber::into_index(&index, streams, &hasty()).unwrap();
    publisher.publish(engine.batch(&mut truth)).await.unwrap();
    let reached = subscriber
        .wait_until(PATIENCE, |r| caught_up(&r[0], &publisher))
        .await;
    assert_reached(reached, &subscriber);
    for seq in 1..1000 {
        let payload = engine.batch(&mut truth);
        if seq % 10 == 3 || seq > 990 {
            publisher.lose(payload);
        } else {
            publisher.publish(payload).await.unwrap();
        }
    }
    let reached = subscriber
        .wait_until(PATIENCE, |r| caught_up(&r[0], &publisher))
        .await;
    assert_reached(reached, &subscriber);
    truth.assert_same(&index);
    let total = subscriber.total();
    assert_eq!((total.batches, total.sequence.lost_batches), (1000, 0));
    // Some of what was sent may come by a replay first; what was not sent came by one for sure.
    assert!(total.sequence.replayed_batches >= 108, "{total:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_starts_late_is_waited_for() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", taken.local_addr().unwrap());
    drop(taken);
    let mut stream = Stream::new("a", &endpoint);
    stream.model = MODEL.to_owned();
    let subscriber = Subscriber::into_index(&index, vec![stream], &hasty()).unwrap();
    assert_eq!(subscriber.reports()[0].stale_because(), "not connected yet");
    let settings = PublisherSettings::new(&endpoint, None);
    let mut publisher = Publisher::bind(&settings).await.unwrap();
    let connected = |r: &[StreamReport]| r[0].counters.connections == 1;
    assert_reached(
        subscriber.wait_until(PATIENCE, connected).await,
        &subscriber,
    );
    let worker = truth.add("a", 0);
    let mut engine = Engine::new(3, worker, WireForm::Array, Naming::Ints);
    // Without a replay endpoint nobody can say when the subscription has arrived: the first
    // batches may be missed, and are then counted.
    let mut published = 0;
    while !subscriber
        .wait_until(Duration::from_millis(20), |r| r[0].counters.batches > 0)
        .await
    {
        publisher.publish(engine.batch(&mut truth)).await.unwrap();
        published += 1;
    }
    let all = |r: &[StreamReport]| r[0].next_seq == published;
    assert_reached(subscriber.wait_until(PATIENCE, all).await, &subscriber);
    let report = &subscriber.reports()[0];
    assert_eq!(
        report.counters.batches + report.counters.sequence.lost_batches,
        published
    );
    assert_eq!(
        report.is_exact(),
        report.counters.sequence.lost_batches == 0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_engine_is_cleared_when_it_comes_back_and_others_keep_theirs() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let mut publishers = Vec::new();
    let mut engines = Vec::new();
    let mut streams = Vec::new();
    for (number, name) in ["a", "b"].into_iter().enumerate() {
        let publisher = Publisher::bind(&anywhere(true)).await.unwrap();
        streams.push(stream_of(name, &publisher));
        publishers.push(publisher);
        let worker = truth.add(name, 0);
        engines.push(Engine::new(
            number as u64,
            worker,
            WireForm::Array,
            Naming::Ints,
        ));
    }
    let subscriber = Subscriber::into_index(&index, streams, &hasty()).unwrap();
    for _ in 0..500 {
        for (engine, publisher) in engines.iter_mut().zip(&mut publishers) {
            publisher.publish(engine.batch(&mut truth)).await.unwrap();
        }
    }
    let all = |r: &[StreamReport], p: &[Publisher]| r.iter().zip(p).all(|(r, p)| caught_up(r, p));
    let reached = subscriber
        .wait_until(PATIENCE, |r| all(r, &publishers))
        .await;
    assert_reached(reached, &subscriber);
    truth.assert_same(&index);

    let killed = publishers.remove(0);
    let settings = PublisherSettings::new(
        killed.endpoint(),
        killed.replay_endpoint().map(str::to_owned),
    );
    killed.close().await;
    let away = |r: &[StreamReport]| r[0].stale_because() == "the connection is down";
    assert_reached(subscriber.wait_until(PATIENCE, away).await, &subscriber);

    engines[0].restart(&mut truth);
    publishers.insert(0, Publisher::bind(&settings).await.unwrap());
    for _ in 0..100 {
        publishers[0]
            .publish(engines[0].batch(&mut truth))
            .await
            .unwrap();
    }
    let reached = subscriber
        .wait_until(PATIENCE, |r| all(r, &publishers))
        .await;
    assert_reached(reached, &subscriber);
    truth.assert_same(&index);
    assert_eq!(subscriber.total().sequence.restarts, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_too_small_drops_and_heals() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let mut publisher = Publisher::bind(&anywhere(true)).await.unwrap();
    let worker = truth.add("a", 0);
    let mut engine = Engine::new(4, worker, WireForm::Array, Naming::Ints);
    let mut settings = hasty();
    settings.queue_batches = 2;
    settings.limits.held_batches = 20;
    let streams = vec![stream_of("a", &publisher)];
    let subscriber = Subscriber::into_index(&index, streams, &settings).unwrap();
    let connected = |r: &[StreamReport]| r[0].settled_replays > 0;
    assert_reached(
        subscriber.wait_until(PATIENCE, connected).await,
        &subscriber,
    );
    let payloads: Vec<Vec<u8>> = (0..5000).map(|_| engine.batch(&mut truth)).collect();
    for payload in payloads {
        publisher.publish(payload).await.unwrap();
    }
    let reached = subscriber
        .wait_until(PATIENCE, |r| caught_up(&r[0], &publisher))
        .await;
    assert_reached(reached, &subscriber);
    truth.assert_same(&index);
    assert!(subscriber.total().dropped > 0, "{:?}", subscriber.total());
    assert_eq!(subscriber.total().sequence.lost_batches, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_stays_away_is_dropped_when_that_is_asked_for() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let mut publisher = Publisher::bind(&anywhere(true)).await.unwrap();
    let worker = truth.add("a", 0);
    let mut engine = Engine::new(5, worker, WireForm::Array, Naming::Ints);
    let mut settings = hasty();
    settings.forget_after = Some(Duration::from_millis(50));
    let streams = vec![stream_of("a", &publisher)];
    let subscriber = Subscriber::into_index(&index, streams, &settings).unwrap();
    for _ in 0..50 {
        publisher.publish(engine.batch(&mut truth)).await.unwrap();
    }
    let reached = subscriber
        .wait_until(PATIENCE, |r| caught_up(&r[0], &publisher))
        .await;
    assert_reached(reached, &subscriber);
    assert!(index.stats().held_blocks > 0);
    publisher.close().await;
    assert_reached(
        subscriber
            .wait_until(PATIENCE, |r| r[0].next_seq == 0)
            .await,
        &subscriber,
    );
    assert_eq!(index.stats().held_blocks, 0);
    assert_eq!(subscriber.total().sequence.restarts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payloads_that_cannot_be_decoded_are_counted_by_kind_and_make_the_stream_stale() {
    let index = Arc::new(Index::with_seed(1));
    let mut publisher = Publisher::bind(&anywhere(true)).await.unwrap();
    let streams = vec![stream_of("a", &publisher)];
    let subscriber = Subscriber::into_index(&index, streams, &hasty()).unwrap();
    publisher.publish(vec![0x92, 0xcb]).await.unwrap();
    publisher.publish(vec![0xc1]).await.unwrap();
    let reached = subscriber
        .wait_until(PATIENCE, |r| r[0].next_seq == 2)
        .await;
    assert_reached(reached, &subscriber);
    let total = subscriber.total();
    assert_eq!(total.decode_errors.get("truncated"), Some(&1));
    assert_eq!(total.decode_errors.get("unexpected_type"), Some(&1));
    let stale = subscriber.reports()[0].stale_because();
    assert!(
        stale.contains("2 batches could not be decoded, the first is 0"),
        "{stale}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ipc_endpoints_work_and_a_stale_socket_file_does_not_stop_a_restart() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let folder = std::env::temp_dir().join(format!("kv-feed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let endpoint = |name: &str| format!("ipc://{}", folder.join(name).display());
    let settings = PublisherSettings::new(endpoint("pub"), Some(endpoint("replay")));
    drop(std::os::unix::net::UnixListener::bind(folder.join("pub")).unwrap());
    let mut publisher = Publisher::bind(&settings).await.unwrap();
    let worker = truth.add("a", 0);
    let mut engine = Engine::new(6, worker, WireForm::Array, Naming::Ints);
    let streams = vec![stream_of("a", &publisher)];
    let subscriber = Subscriber::into_index(&index, streams, &hasty()).unwrap();
    for _ in 0..50 {
        publisher.publish(engine.batch(&mut truth)).await.unwrap();
    }
    let reached = subscriber
        .wait_until(PATIENCE, |r| caught_up(&r[0], &publisher))
        .await;
    assert_reached(reached, &subscriber);
    truth.assert_same(&index);
    publisher.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_malformed_endpoint_is_refused_before_anything_starts() {
    let index = Arc::new(Index::with_seed(1));
    let streams = vec![Stream::new("a", "localhost:5557")];
    let error = Subscriber::into_index(&index, streams, &hasty()).unwrap_err();
    assert!(error.to_string().contains("tcp://HOST:PORT"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_applies_what_was_received_and_gives_the_last_reports() {
    let (index, mut truth) = (Arc::new(Index::with_seed(1)), Truth::new());
    let mut publisher = Publisher::bind(&anywhere(true)).await.unwrap();
    let worker = truth.add("a", 0);
    let mut engine = Engine::new(7, worker, WireForm::Array, Naming::Ints);
    let streams = vec![stream_of("a", &publisher)];
    let subscriber = Subscriber::into_index(&index, streams, &hasty()).unwrap();
    publisher.publish(engine.batch(&mut truth)).await.unwrap();
    let reached = subscriber
        .wait_until(PATIENCE, |r| caught_up(&r[0], &publisher))
        .await;
    assert_reached(reached, &subscriber);
    let ended = subscriber.stop().await.unwrap();
    assert_eq!(ended[0].1.counters.batches, 1);
    truth.assert_same(&index);
}
