//! Streams that come from another node or go to one. [`crate::actors::placement`] decides which.

use std::sync::atomic::Ordering;

use weir_model::{ChannelName, Epoch, KeyId, StreamState};

use super::{StopReason, Streams};
use crate::actors::placement::Yielded;
use crate::actors::stream::Message;

impl Streams {
    /// Channels that are packaged here.
    #[must_use]
    pub fn packaged(&self) -> Vec<ChannelName> {
        let stages = self.inner.context.stages.all().into_iter();
        let own = stages.filter(|stage| stage.own().is_some());
        own.map(|stage| stage.public.channel.clone()).collect()
    }

    /// Whether `channel` has an actor here.
    #[must_use]
    pub fn has_actor(&self, channel: &ChannelName) -> bool {
        self.living(channel).is_some()
    }

    /// Whether a show of `channel` is on that is packaged here.
    #[must_use]
    pub fn is_on(&self, channel: &ChannelName) -> bool {
        let stage = self.inner.context.stages.find(channel);
        stage.is_some_and(|stage| {
            stage.own().is_some() && stage.public.state.borrow().state == StreamState::Live
        })
    }

    /// Lets another node go on with a channel's show, unless its publisher is well; none when it is not packaged
    /// here.
    pub async fn yield_to(&self, channel: &ChannelName, key: KeyId) -> Option<Yielded> {
        let answer = self.ask_channel(channel, |reply| Message::Yield { key, reply }).await?;
        if answer != Yielded::Busy {
            self.forget(channel, "its show goes on at another node");
        }
        Some(answer)
    }

    /// Another node owns a channel's stream: its publisher is dropped here, its show is not ended.
    pub async fn lose(&self, channel: &ChannelName) {
        let reason = StopReason::Moved;
        let question = |reply| Message::Leave { reason, reply };
        let _: Option<()> = self.ask_channel(channel, question).await;
        self.forget(channel, "another node owns it");
    }

    /// A channel's stream is owned under a newer epoch.
    pub fn renew(&self, channel: &ChannelName, epoch: Epoch) {
        if let Some(stage) = self.inner.context.stages.find(channel) {
            stage.take(epoch);
        }
    }

    /// Closes everything without ending shows and lets nobody in any more: the node stops, others go on.
    pub async fn leave(&self) {
        self.inner.closing.store(true, Ordering::Release);
        for channel in self.packaged() {
            let reason = StopReason::NodeStops;
            let question = |reply| Message::Leave { reason, reply };
            let _: Option<()> = self.ask_channel(&channel, question).await;
        }
    }

    pub(super) fn forget(&self, channel: &ChannelName, why: &str) {
        if let Some(actor) = self.inner.table.write().remove(channel) {
            actor.stop(Some(why.into()));
        }
        if let Some(stage) = self.inner.context.stages.find(channel) {
            stage.give_up();
        }
    }
}
