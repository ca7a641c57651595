//! Another node, and how far it has heard this one.

use std::time::Duration;

use tokio::sync::Mutex;
use weir_model::NodeId;

use super::{Heard, Inner, KICK_MAX, KICKS, KICKS_PER_REQUEST_MAX, REPORT};
use crate::link::request::{CallError, understood};

/// A full report's part of a megabyte arrives in this time over a slow line. While one is on its way nothing else is
/// sent to the same node, so that nothing piles up.
const REPORT_MAX: Duration = Duration::from_secs(5);

/// Another node.
pub(super) struct Listener {
    pub(super) node: NodeId,
    /// The newest report that it acknowledged; held while it is told.
    reports: Mutex<Option<u64>>,
    /// How many kicks it acknowledged; held while it is told.
    kicks: Mutex<u64>,
}

impl Listener {
    pub(super) const fn new(node: NodeId) -> Self {
        Self { node, reports: Mutex::const_new(None), kicks: Mutex::const_new(0) }
    }

    /// Tells it what is new, unless somebody is at it already. What fails is told the next time.
    pub(super) async fn tell(&self, inner: &Inner) {
        let Ok(mut heard) = self.reports.try_lock() else { return };
        if let Err(error) = self.tell_all(inner, &mut heard).await {
            tracing::debug!(node = %self.node, %error, "a node was not told of viewings");
        }
    }

    async fn tell_all(&self, inner: &Inner, heard: &mut Option<u64>) -> Result<(), CallError> {
        self.tell_kicks(inner).await?;
        if self.tell_reports(inner, heard).await? == Heard::Taken {
            return Ok(());
        }
        // It has started anew or was away for long: it knows neither viewings nor kicks.
        *heard = None;
        *self.kicks.lock().await = 0;
        self.tell_kicks(inner).await?;
        self.tell_reports(inner, heard).await.map(|_| ())
    }

    async fn tell_reports(
        &self,
        inner: &Inner,
        heard: &mut Option<u64>,
    ) -> Result<Heard, CallError> {
        let words = inner.speech.lock().after(*heard).map_err(CallError::Refused)?;
        for (number, body) in words {
            let answer = inner.link.call(self.node, REPORT, body, REPORT_MAX).await?;
            if understood::<Heard>(self.node, &answer)? == Heard::NeedFull {
                return Ok(Heard::NeedFull);
            }
            *heard = number.or(*heard);
        }
        Ok(Heard::Taken)
    }

    /// Tells it the kicks that it does not know. Acknowledged ones are not told again.
    pub(super) async fn tell_kicks(&self, inner: &Inner) -> Result<(), CallError> {
        let mut told = self.kicks.lock().await;
        let (news, newest) = inner.viewings.kicks_after(*told);
        for some in news.chunks(KICKS_PER_REQUEST_MAX) {
            inner.link.ask::<_, ()>(self.node, KICKS, some, KICK_MAX).await?;
        }
        *told = newest;
        Ok(())
    }
}
