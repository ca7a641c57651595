//! The segment numbers of a stream, which must never go back, not even after a power cut: the media loop
//! uses only numbers that the store reserved durably before. They are reserved in blocks, the next one long
//! before the last is used up; when the disk fails for all that time, the show ends instead.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use weir_model::{ChannelName, KeyRefusal};

use super::packager::Gauge;
use super::streams::{Context, PublishRefusal};
use crate::store::{Store, StoreError};

/// Numbers reserved at once: more than two hours of 2 s segments per durable write.
pub(super) const BLOCK: u64 = 4096;

/// A new block is asked for when fewer than this are left. Down to [`KEPT`] that bridges more than an hour
/// of a failing disk.
const RENEW_BELOW: u64 = 3072;

/// Numbers that are never used: more than one step of the packager can begin segments (512 waiting frames
/// and a hole of 30 s at the most), so that a check before each step is enough.
pub(super) const KEPT: u64 = 1024;

/// A publisher waits this long for its first block.
const FIRST_MAX: Duration = Duration::from_secs(5);

/// Whether a stream may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has numbers.
    Good,
    /// Its channel was deleted.
    Deleted,
    /// It has none left, and the disk fails.
    UsedUp,
}

/// The first number of a block for a stream that begins.
///
/// # Errors
/// When the channel was deleted meanwhile, or the disk fails or hangs.
pub(super) async fn first(store: &Store, channel: &ChannelName) -> Result<u64, PublishRefusal> {
    match tokio::time::timeout(FIRST_MAX, store.reserve_msn(channel, BLOCK)).await {
        Ok(Ok(first)) => Ok(first),
        Ok(Err(StoreError::NotFound { .. })) => Err(PublishRefusal::Key(KeyRefusal::Unknown)),
        Ok(Err(error)) => {
            tracing::error!(%channel, %error, "no segment numbers for a new publisher");
            Err(PublishRefusal::Unavailable("its database failed"))
        }
        Err(_) => Err(PublishRefusal::Unavailable("its database does not answer")),
    }
}

/// Keeps the reservation of one stream ahead of its use.
pub(super) struct Numbers {
    channel: ChannelName,
    context: Context,
    gauge: Arc<Gauge>,
    /// The write under way; the actor never waits for the disk.
    asked: Option<oneshot::Receiver<Result<u64, StoreError>>>,
    failing: bool,
    standing: Standing,
}

impl Numbers {
    /// The stream owns the numbers before `end`.
    pub(super) fn new(channel: ChannelName, context: Context, gauge: Arc<Gauge>, end: u64) -> Self {
        gauge.msn_end.store(end, Ordering::Relaxed);
        let (asked, failing, standing) = (None, false, Standing::Good);
        Self { channel, context, gauge, asked, failing, standing }
    }

    /// How it stood at the newest [`Self::renew`].
    pub(super) const fn standing(&self) -> Standing {
        self.standing
    }

    /// Asks for the next block when it is time to, without waiting for it; call it about once a second.
    pub(super) fn renew(&mut self) -> Standing {
        let answer = self.asked.as_mut().map(oneshot::Receiver::try_recv);
        match answer {
            Some(Ok(outcome)) => {
                self.asked = None;
                self.note(outcome);
            }
            Some(Err(oneshot::error::TryRecvError::Closed)) => self.asked = None,
            Some(Err(oneshot::error::TryRecvError::Empty)) | None => {}
        }
        if self.left() < RENEW_BELOW && self.asked.is_none() && self.standing != Standing::Deleted {
            self.ask();
        }
        if self.standing != Standing::Deleted {
            let next = self.gauge.next_msn.load(Ordering::Relaxed);
            let good = self.gauge.may_begin(next);
            self.standing = if good { Standing::Good } else { Standing::UsedUp };
        }
        self.standing
    }

    fn note(&mut self, outcome: Result<u64, StoreError>) {
        match outcome {
            // The store numbers every block above the last one, so what is below its end was reserved.
            Ok(first) => {
                self.gauge.msn_end.store(first.saturating_add(BLOCK), Ordering::Relaxed);
                self.failing = false;
            }
            Err(StoreError::NotFound { .. }) => self.standing = Standing::Deleted,
            Err(error) if !self.failing => {
                self.failing = true;
                let left = self.left().saturating_sub(KEPT);
                let text = format!(
                    "no segment numbers can be reserved; {left} are left, then the show ends"
                );
                let fields = [("error", error.to_string()), ("left", left.to_string())];
                self.context.events.emit(
                    "stream.numbers_failing",
                    Some(&self.channel),
                    text,
                    &fields,
                );
            }
            Err(_) => {}
        }
    }

    fn ask(&mut self) {
        let (tell, told) = oneshot::channel();
        self.asked = Some(told);
        let (store, channel) = (self.context.store.clone(), self.channel.clone());
        self.context.tasks.spawn_unlisted(async move {
            // A stream that is gone meanwhile leaves a block unused.
            let _ = tell.send(store.reserve_msn(&channel, BLOCK).await);
        });
    }

    fn left(&self) -> u64 {
        let end = self.gauge.msn_end.load(Ordering::Relaxed);
        end.saturating_sub(self.gauge.next_msn.load(Ordering::Relaxed))
    }
}
