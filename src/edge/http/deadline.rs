//! A socket with limits on its peer: it must take bytes while there are some for it, and ask while there are none.
//!
//! Both limits cost a request next to nothing: a write's timer exists only while a write waits, and the reading side
//! has one timer for the whole connection, which looks when it fires whether anything happened meanwhile.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Wraps a socket.
pub(super) struct Deadline<I> {
    io: I,
    limit: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    idle: Option<Idle>,
}

/// The requests of one connection.
#[derive(Default)]
pub(super) struct Requests {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that is being answered.
pub(super) struct Answering(Arc<Requests>);

/// Ends a connection without a request.
struct Idle {
    limit: Duration,
    requests: Arc<Requests>,
    /// Beginnings and ends of requests before the timer was set.
    seen: u64,
    /// Whether the peer took bytes since.
    wrote: bool,
    timer: Pin<Box<Sleep>>,
}

impl Requests {
    /// Notes that a whole request head is here; the request is being answered until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Answering {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Idle {
    /// Ready once a whole period went by in which no request was begun or answered and no byte was taken.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let begun = self.requests.begun.load(Ordering::Relaxed);
            let ended = self.requests.ended.load(Ordering::Relaxed);
            if begun == ended && begun + ended == self.seen && !self.wrote {
                return Poll::Ready(());
            }
            self.seen = begun + ended;
            self.wrote = false;
            self.timer.set(tokio::time::sleep(self.limit));
        }
    }
}

impl<I> Deadline<I> {
    /// The peer must take a byte every `write` while there are some for it.
    pub(super) const fn new(io: I, write: Duration) -> Self {
        Self { io, limit: write, waiting: None, idle: None }
    }

    /// The peer must also send a whole request every `limit` while none is being answered; the connection ends
    /// that long after its last sign of life at the earliest, twice as long at the latest.
    pub(super) fn with_idle(mut self, limit: Duration, requests: Arc<Requests>) -> Self {
        let timer = Box::pin(tokio::time::sleep(limit));
        self.idle = Some(Idle { limit, requests, seen: 0, wrote: false, timer });
        self
    }

    /// Notes that the peer takes bytes.
    fn note<T>(&mut self, outcome: &Poll<io::Result<T>>) {
        if let (Some(idle), Poll::Ready(Ok(_))) = (&mut self.idle, outcome) {
            idle.wrote = true;
        }
    }

    /// Turns a wait that lasted too long into an error.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads too slowly")))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Deadline<I> {
    /// An idle peer's stream ends as if the peer had ended it.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_read(cx, buf);
        match &mut this.idle {
            Some(idle) if outcome.is_pending() => idle.poll(cx).map(Ok),
            _ => outcome,
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Deadline<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write(cx, buf);
        this.note(&outcome);
        this.judge(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.note(&outcome);
        this.judge(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_flush(cx);
        this.judge(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_shutdown(cx);
        this.judge(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const IDLE: Duration = Duration::from_secs(30);

    fn with_idle(
        io: tokio::io::DuplexStream,
    ) -> (Deadline<tokio::io::DuplexStream>, Arc<Requests>) {
        let requests = Arc::new(Requests::default());
        (
            Deadline::new(io, Duration::from_secs(20)).with_idle(IDLE, Arc::clone(&requests)),
            requests,
        )
    }

    /// Reads to the end, which must come between these seconds; how many bytes came.
    async fn gone_between(after: u64, before: u64, near: &mut (impl AsyncRead + Unpin)) -> usize {
        let mut all = Vec::new();
        let mut end = std::pin::pin!(near.read_to_end(&mut all));
        let early = tokio::time::timeout(Duration::from_secs(after), end.as_mut()).await;
        assert!(early.is_err(), "ended within {after} s");
        let late = tokio::time::timeout(Duration::from_secs(before - after), end).await;
        late.expect("no end").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_sends_no_whole_request_is_gone_after_the_limit() {
        let (near, mut far) = tokio::io::duplex(16);
        let (mut near, _requests) = with_idle(near);
        far.write_all(b"GE").await.unwrap();
        let trickle = async {
            loop {
                tokio::time::sleep(Duration::from_secs(7)).await;
                far.write_all(b"T").await.unwrap();
            }
        };
        tokio::select! {
            read = gone_between(29, 31, &mut near) => assert_eq!(read, 6),
            () = trickle => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_whose_request_is_being_answered_may_be_silent() {
        let (near, _far) = tokio::io::duplex(16);
        let (mut near, requests) = with_idle(near);
        let answering = requests.begin();
        let answer = async {
            tokio::time::sleep(Duration::from_secs(100)).await;
            drop(answering);
        };
        tokio::join!(gone_between(129, 161, &mut near), answer);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_a_long_answer_is_not_idle() {
        let (near, mut far) = tokio::io::duplex(16);
        let (near, _requests) = with_idle(near);
        let (mut reading, mut writing) = tokio::io::split(near);
        let answer = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(15)).await;
                writing.write_all(b"ping").await.unwrap();
                far.read_exact(&mut [0; 4]).await.unwrap();
            }
        };
        tokio::join!(gone_between(179, 211, &mut reading), answer);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_ends_the_write() {
        let (near, _far) = tokio::io::duplex(16);
        let mut near = Deadline::new(near, Duration::from_secs(20));
        let error = near.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_slowly_but_steadily_is_served() {
        let (near, mut far) = tokio::io::duplex(16);
        let mut near = Deadline::new(near, Duration::from_secs(20));
        let reader = async {
            let mut buf = [0; 16];
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_secs(15)).await;
                far.read_exact(&mut buf).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(near.write_all(&[0; 64]), reader);
        written.unwrap();
    }
}
