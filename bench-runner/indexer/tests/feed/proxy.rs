//! A faulty network between a publisher and a subscriber: it drops, repeats, delays and holds back
//! messages, loses replayed ones, leaves replays unanswered, and breaks connections. Its choices
//! are drawn from a seed; only the interleaving of tasks is the machine's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use zeromq::{
    DealerSocket, PubSocket, RouterSocket, Socket, SocketRecv, SocketSend, SubSocket, ZmqMessage,
};

use crate::engine::Rng;

/// What goes wrong, in a thousand messages or replays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    pub(crate) drop: u64,
    pub(crate) repeat: u64,
    pub(crate) delay: u64,
    pub(crate) replay_drop: u64,
    pub(crate) replay_ignore: u64,
}

/// Whether faults happen, and whether the live direction is held up.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    pub(crate) calm: AtomicBool,
    paused: AtomicBool,
    resumed: Notify,
}

impl Switches {
    pub(crate) fn pause(&self) {
        self.paused.store(true, Ordering::SeqCst);
    }

    pub(crate) fn resume(&self) {
        self.paused.store(false, Ordering::SeqCst);
        self.resumed.notify_waiters();
    }

    async fn wait_while_paused(&self) {
        loop {
            let resumed = self.resumed.notified();
            if !self.paused.load(Ordering::SeqCst) {
                return;
            }
            resumed.await;
        }
    }
}

/// A running proxy. It is put between one publisher and its subscribers.
pub(crate) struct Proxy {
    pub(crate) endpoint: String,
    pub(crate) replay_endpoint: String,
    tasks: Vec<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Proxy {
    /// Puts a proxy before the publisher at `upstream` (live, replay), bound to `at` or anywhere.
    /// It comes back once the publisher is known to send to it.
    pub(crate) async fn start(
        seed: u64,
        upstream: (&str, &str),
        at: Option<(&str, &str)>,
        faults: Faults,
        switches: &Arc<Switches>,
    ) -> Proxy {
        let (live, replay) = at.unwrap_or(("tcp://127.0.0.1:0", "tcp://127.0.0.1:0"));
        let mut down = PubSocket::new();
        let endpoint = down.bind(live).await.unwrap().to_string();
        let mut router = RouterSocket::new();
        let replay_endpoint = router.bind(replay).await.unwrap().to_string();
        let mut up = SubSocket::new();
        up.subscribe("").await.unwrap();
        up.connect(upstream.0).await.unwrap();
        let (stop_live, live_stopped) = oneshot::channel();
        let (stop_replay, replay_stopped) = oneshot::channel();
        let live = tokio::spawn(pass_live(
            up,
            down,
            Choices::new(seed, faults, switches),
            live_stopped,
        ));
        let replays = tokio::spawn(pass_replays(
            upstream.1.to_owned(),
            router,
            Choices::new(!seed, faults, switches),
            replay_stopped,
        ));
        Proxy {
            endpoint,
            replay_endpoint,
            tasks: vec![(stop_live, live), (stop_replay, replays)],
        }
    }

    /// Breaks all connections through the proxy, and frees its endpoints.
    pub(crate) async fn stop(self) {
        for (stop, task) in self.tasks {
            let _ = stop.send(());
            task.await.unwrap();
        }
    }
}

struct Choices {
    rng: Rng,
    faults: Faults,
    switches: Arc<Switches>,
}

impl Choices {
    fn new(seed: u64, faults: Faults, switches: &Arc<Switches>) -> Choices {
        Choices {
            rng: Rng(seed),
            faults,
            switches: switches.clone(),
        }
    }

    fn happens(&mut self, chance: impl Fn(&Faults) -> u64) -> bool {
        let drawn = self.rng.below(1000) < chance(&self.faults);
        drawn && !self.switches.calm.load(Ordering::SeqCst)
    }
}

async fn pass_live(
    mut up: SubSocket,
    mut down: PubSocket,
    mut choices: Choices,
    mut stopped: oneshot::Receiver<()>,
) {
    // Messages that are overtaken by so many later ones.
    let mut delayed: VecDeque<(u64, ZmqMessage)> = VecDeque::new();
    loop {
        let received = tokio::select! {
            _ = &mut stopped => break,
            received = up.recv() => received,
            // Nothing follows that could overtake them: let them go.
            () = tokio::time::sleep(Duration::from_millis(20)), if !delayed.is_empty() => {
                for (_, message) in delayed.drain(..) {
                    down.send(message).await.unwrap();
                }
                continue;
            }
        };
        let Ok(message) = received else {
            break;
        };
        tokio::select! {
            _ = &mut stopped => break,
            () = choices.switches.wait_while_paused() => {}
        }
        for (left, _) in &mut delayed {
            *left = left.saturating_sub(1);
        }
        while let Some((_, message)) = delayed.pop_front_if(|(left, _)| *left == 0) {
            down.send(message).await.unwrap();
        }
        if choices.happens(|faults| faults.drop) {
            continue;
        }
        if choices.happens(|faults| faults.repeat) {
            down.send(message.clone()).await.unwrap();
        }
        if choices.happens(|faults| faults.delay) {
            let by = 1 + choices.rng.below(20);
            delayed.push_back((by, message));
        } else {
            down.send(message).await.unwrap();
        }
    }
    down.close().await;
}

async fn pass_replays(
    upstream: String,
    mut router: RouterSocket,
    mut choices: Choices,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let request = tokio::select! {
            _ = &mut stopped => break,
            request = router.recv() => request.unwrap(),
        };
        if choices.happens(|faults| faults.replay_ignore) {
            continue;
        }
        let answering = answer(&upstream, &mut router, &request, &mut choices);
        tokio::select! {
            _ = &mut stopped => break,
            () = answering => {}
        }
    }
    router.close().await;
}

async fn answer(
    upstream: &str,
    router: &mut RouterSocket,
    request: &ZmqMessage,
    choices: &mut Choices,
) {
    let identity = request.get(0).unwrap().clone();
    let mut question = ZmqMessage::from(request.get(1).unwrap().clone());
    question.push_back(request.get(2).unwrap().clone());
    let mut dealer = DealerSocket::new();
    dealer.connect(upstream).await.unwrap();
    dealer.send(question).await.unwrap();
    loop {
        let mut message = dealer.recv().await.unwrap();
        let ended = message.get(1).unwrap()[..] == u64::MAX.to_be_bytes();
        if !ended && choices.happens(|faults| faults.replay_drop) {
            continue;
        }
        message.push_front(identity.clone());
        // The subscriber may have given up on this replay.
        if router.send(message).await.is_err() || ended {
            return;
        }
    }
}
