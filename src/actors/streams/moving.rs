//! Streams that come from another node or go to one. [`crate::actors::placement`] decides which.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ractor::ActorRef;
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

    /// Whether nothing of `channel` is here that somebody has to own: neither a show, nor what is left of one.
    #[must_use]
    pub fn is_idle(&self, channel: &ChannelName) -> bool {
        let stage = self.inner.context.stages.find(channel);
        let public = stage.as_ref().map(|stage| stage.public.state.borrow().state);
        match self.living(channel) {
            Some(_) => public.is_none_or(|state| state == StreamState::Offline),
            None => !stage.is_some_and(|stage| stage.shows()),
        }
    }

    /// Whether the owner of `channel` is being settled here, for a publisher.
    #[must_use]
    pub fn is_being_settled(&self, channel: &ChannelName) -> bool {
        self.inner.making.lock().contains_key(channel)
    }

    /// Gives up the stage of a stream whose actor has died, unless it is being given another one.
    pub fn give_up_dead(&self, channel: &ChannelName) {
        // Held so that none is made meanwhile.
        let making = self.inner.making.lock();
        if making.contains_key(channel) || self.living(channel).is_some() {
            return;
        }
        let stage = self.inner.context.stages.find(channel);
        if let Some((stage, epoch)) =
            stage.and_then(|stage| Some((Arc::clone(&stage), stage.own()?)))
        {
            stage.give_up(epoch);
        }
    }

    /// Whether a show of `channel` is on that is packaged here.
    #[must_use]
    pub fn is_on(&self, channel: &ChannelName) -> bool {
        let stage = self.inner.context.stages.find(channel);
        stage.is_some_and(|stage| {
            stage.own().is_some() && stage.public.state.borrow().state == StreamState::Live
        })
    }

    /// Whether another node may go on with a channel's show: unless its publisher here is well. None when it is not
    /// packaged here.
    pub async fn yields(&self, channel: &ChannelName, key: KeyId) -> Option<Yielded> {
        self.ask_channel(channel, |reply| Message::Yields { key, reply }).await
    }

    /// Another node owns a channel's stream: its publisher is dropped here, its show is not ended. Whether it was
    /// packaged here. Is done to its end whether somebody waits or not.
    pub async fn lose(&self, channel: &ChannelName, reason: StopReason) -> bool {
        let stage = self.inner.context.stages.find(channel);
        let own = stage.and_then(|stage| Some((stage.own()?, stage)));
        let (streams, channel, actor) = (self.clone(), channel.clone(), self.actor(channel));
        let lost = self.inner.context.tasks.spawn_unlisted(async move {
            let mut lost = false;
            if let Some(actor) = actor {
                let question = |reply| Message::Leave { reason, reply };
                let _: Option<()> = streams.ask(&actor, question).await;
                lost = streams.dismiss(&channel, &actor, "another node owns it");
            }
            if let Some((epoch, stage)) = own {
                stage.give_up(epoch);
            }
            lost
        });
        lost.await.unwrap_or(false)
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

    /// Stops an actor and forgets it, unless another one has taken its place; whether it was known.
    pub(super) fn dismiss(
        &self,
        channel: &ChannelName,
        actor: &ActorRef<Message>,
        why: &str,
    ) -> bool {
        actor.stop(Some(why.into()));
        let mut table = self.inner.table.write();
        let known = table.get(channel).is_some_and(|known| known.get_id() == actor.get_id());
        if known {
            table.remove(channel);
        }
        known
    }
}
