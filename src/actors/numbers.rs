//! Reserves the segment numbers of a stream in the store. Thin: how many and when is decided by
//! [`weir_media::show::numbers`], and the media loop uses only what was reserved.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;
use weir_media::show::numbers::{BLOCK, Numbers};
use weir_model::{ChannelName, KeyRefusal};

use super::packager::Gauge;
use super::streams::{Context, PublishRefusal};
use crate::store::{Store, StoreError};

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
pub(super) struct Reservation {
    channel: ChannelName,
    context: Context,
    gauge: Arc<Gauge>,
    /// The write under way; the actor never waits for the disk.
    asked: Option<oneshot::Receiver<Result<u64, StoreError>>>,
    failing: bool,
    standing: Standing,
}

impl Reservation {
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
        if self.standing == Standing::Deleted {
            return self.standing;
        }
        let numbers = self.gauge.numbers();
        if numbers.wants_more() && self.asked.is_none() {
            self.ask();
        }
        self.standing = if numbers.may_begin() { Standing::Good } else { Standing::UsedUp };
        self.standing
    }

    fn note(&mut self, outcome: Result<u64, StoreError>) {
        match outcome {
            // The store numbers every block above the last one, so what is below its end was reserved.
            Ok(first) => {
                self.gauge.msn_end.store(Numbers::end_of_block(first), Ordering::Relaxed);
                self.failing = false;
            }
            Err(StoreError::NotFound { .. }) => self.standing = Standing::Deleted,
            Err(error) if !self.failing => {
                self.failing = true;
                let left = self.gauge.numbers().usable();
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
}
