//! An encoder that knows several servers: when one closes, refuses or says nothing it goes on to the next, for ever.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::clip::Clip;
use super::flv::Tags;
use super::rtmp;
use super::wait::eventually;

/// Between two attempts, as encoders that are set to reconnect at once.
pub(crate) const PAUSE: Duration = Duration::from_millis(350);
/// A server that does not answer by then is left alone: longer than a take-over takes.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// A node that takes the stream over does so within seconds.
const LIVE_MAX: Duration = Duration::from_secs(30);

/// The encoder; dropped, its connection is gone without a word.
pub(crate) struct Encoder {
    task: JoinHandle<()>,
    lives: Arc<Mutex<Vec<Life>>>,
    ends: Arc<Mutex<Vec<End>>>,
    leave: Arc<Notify>,
}

/// A connection that was let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    /// Which of the servers.
    pub(crate) server: usize,
    pub(crate) since: Instant,
}

/// A connection that the server ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) at: Instant,
    /// The codes of what the server said since it had let it in.
    pub(crate) codes: Vec<String>,
}

impl Encoder {
    /// Publishes a clip over and over; the first attempt goes to the first server.
    pub(crate) fn start(servers: Vec<SocketAddr>, key: &str, clip: &Clip) -> Self {
        let (lives, leave) = (Arc::<Mutex<Vec<Life>>>::default(), Arc::new(Notify::new()));
        let ends = Arc::<Mutex<Vec<End>>>::default();
        let (key, tags) = (key.to_owned(), Tags::of(clip));
        let (seen, over, left) = (Arc::clone(&lives), Arc::clone(&ends), Arc::clone(&leave));
        let task = tokio::spawn(async move {
            for server in (0..servers.len()).cycle() {
                let attempt =
                    tokio::time::timeout(ANSWER_MAX, rtmp::publish(servers[server], &key));
                if let Ok(rtmp::Attempt::Accepted(mut publisher)) = attempt.await {
                    seen.lock().unwrap().push(Life { server, since: Instant::now() });
                    let ended = tokio::select! {
                        _ = publisher.play(&tags) => true,
                        () = left.notified() => false,
                    };
                    if ended {
                        let at = Instant::now();
                        let heard = publisher.heard().await;
                        let codes = heard.into_iter().map(|status| status.code).collect();
                        over.lock().unwrap().push(End { at, codes });
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { task, lives, ends, leave }
    }

    /// Drops the connection and goes on to the next server, as a person does who sees that nothing is sent.
    pub(crate) fn leave(&self) {
        self.leave.notify_one();
    }

    /// Every connection that was let in.
    pub(crate) fn lives(&self) -> Vec<Life> {
        self.lives.lock().unwrap().clone()
    }

    /// Every connection that a server ended.
    pub(crate) fn ends(&self) -> Vec<End> {
        self.ends.lock().unwrap().clone()
    }

    /// Waits until it was let in more often than `before` times.
    pub(crate) async fn live_again(&self, before: usize) -> Life {
        eventually("the encoder is let in", LIVE_MAX, async || {
            self.lives().get(before..)?.last().copied()
        })
        .await
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
