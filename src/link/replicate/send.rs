//! The loop of one subscription: sees new segments begin and gives each a stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use weir_media::TrackId;
use weir_media::replica::{SegmentHead, Shade, ShowStatus};
use weir_model::{ChannelName, NodeId};

use super::sections::{KNOWN_MAX, Sections};
use super::segment::{Class, priority};
use super::wire::{Place, STATUS, StatusHeader, Subscribe, code};
use super::{Offer, Originals, Outgoing, SentCounts};
use crate::link::Link;
use crate::link::fetch::Demand;
use crate::link::request::Refusal;
use crate::link::stream::{self, StreamError, Writer};

/// A status is repeated this often, so that the other side knows of a silent death and this one of its own.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Segments that are sent again at once; more have to be asked for later.
const AGAIN_MAX: usize = 16;

/// A peer that gets a channel's window.
pub(super) struct Sub {
    pub(super) peer: NodeId,
    pub(super) channel: ChannelName,
    pub(super) id: u64,
    pub(super) offer: Offer,
    /// Keeps what is sent here, when that is a copy.
    _held: Option<Demand>,
    pub(super) link: Link,
    /// Sections that arrived; of a window's renditions, so it is bounded by them.
    pub(super) known: Mutex<BTreeMap<TrackId, Sections<KNOWN_MAX>>>,
    pub(super) counts: Counts,
    /// Segments up to these are of no use to the peer: it said so.
    past: Mutex<BTreeMap<TrackId, u64>>,
    /// For whom the stream is made, as was last known here.
    pub(super) shade: Mutex<Shade>,
    again: AtomicUsize,
    over: watch::Sender<bool>,
}

/// Live [`SentCounts`].
#[derive(Default)]
pub(super) struct Counts {
    pub(super) bytes: AtomicU64,
    pub(super) segments: AtomicU64,
    pub(super) resets: AtomicU64,
    pub(super) fetches: AtomicU64,
    pub(super) unsent: AtomicU64,
}

impl Sub {
    pub(super) fn new(
        peer: NodeId,
        asked: &Subscribe,
        offer: Offer,
        held: Option<Demand>,
        link: Link,
    ) -> Self {
        Self {
            peer,
            channel: asked.channel.clone(),
            id: asked.sub,
            offer,
            _held: held,
            link,
            known: Mutex::default(),
            counts: Counts::default(),
            past: Mutex::default(),
            shade: Mutex::default(),
            again: AtomicUsize::new(0),
            over: watch::Sender::new(false),
        }
    }

    pub(super) fn stop(&self) {
        self.over.send_replace(true);
    }

    pub(super) fn info(&self) -> Outgoing {
        let counts = SentCounts {
            bytes: self.counts.bytes.load(Relaxed),
            segments: self.counts.segments.load(Relaxed),
            resets: self.counts.resets.load(Relaxed),
            fetches: self.counts.fetches.load(Relaxed),
            unsent: self.counts.unsent.load(Relaxed),
        };
        let (peer, channel, epoch) = (self.peer, self.channel.clone(), self.offer.epoch);
        Outgoing { peer, channel, epoch, counts }
    }

    /// Until the peer wants no more, the connection is gone, or this node has the stream no more.
    pub(super) async fn run(
        self: &Arc<Self>,
        from: &BTreeMap<TrackId, Place>,
        originals: &dyn Originals,
    ) {
        let mut over = self.over.subscribe();
        tokio::select! {
            _ = over.wait_for(|over| *over) => {}
            _ = self.follow(from, originals) => {}
        }
    }

    async fn follow(
        self: &Arc<Self>,
        from: &BTreeMap<TrackId, Place>,
        originals: &dyn Originals,
    ) -> Result<(), StreamError> {
        let header =
            StatusHeader { channel: self.channel.clone(), sub: self.id, epoch: self.offer.epoch };
        let header = serde_json::to_value(header).unwrap_or_default();
        let urgent = priority(Class::Control, TrackId::VIDEO, 0);
        let mut writer = self.link.open(self.peer, STATUS, &header, urgent).await?;
        let mut changes = self.offer.window.follow();
        changes.mark_unchanged();
        *self.shade.lock() = originals.shade(&self.channel);
        let mut seen = self.catch_up(from);
        let mut told: Option<ShowStatus> = None;
        // A live window changes all the time: the beat must not wait for it to be still.
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let shade = originals.shade(&self.channel);
            *self.shade.lock() = shade;
            for head in self.offer.window.heads_after(&seen) {
                seen.insert(head.track, head.mark.msn);
                self.send(head, 0, Class::Live);
            }
            let status = ShowStatus { shade, ..self.offer.window.status() };
            if told.as_ref() != Some(&status) {
                tell(&mut writer, &status).await?;
                told = Some(status);
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
                _ = beat.tick() => told = None,
            }
            let now = originals.offer(&self.channel);
            // Whoever is fed from here is told a new way before it could feed somebody on it.
            let same = |now: &Offer| {
                (now.epoch, &now.path) == (self.offer.epoch, &self.offer.path)
                    && Arc::ptr_eq(&now.window, &self.offer.window)
            };
            if !now.as_ref().is_some_and(same) {
                return Ok(());
            }
        }
    }

    /// Sends what is there already, the open segments first; what was seen then.
    fn catch_up(self: &Arc<Self>, from: &BTreeMap<TrackId, Place>) -> BTreeMap<TrackId, u64> {
        let has =
            |place: &Place| if place.whole { Some(place.msn) } else { place.msn.checked_sub(1) };
        let had = from.iter().filter_map(|(track, place)| Some((*track, has(place)?))).collect();
        let mut heads = self.offer.window.heads_after(&had);
        let mut seen = had;
        let first = |head: &SegmentHead| match from.get(&head.track) {
            Some(place) if place.msn == head.mark.msn => place.next_part,
            _ => 0,
        };
        for head in &heads {
            seen.insert(head.track, head.mark.msn);
            if !head.whole {
                self.send(head.clone(), first(head), Class::Joined);
            }
        }
        heads.retain(|head| head.whole);
        heads.sort_by_key(|head| std::cmp::Reverse((head.mark.msn, head.track)));
        let history: Vec<(SegmentHead, u64)> =
            heads.into_iter().map(|head| (head.clone(), first(&head))).collect();
        let own = Arc::clone(self);
        self.spawn(async move { own.history(history).await });
        seen
    }

    /// Sends segments of before, newest first, as many at once as may be under way to the peer, until its window has
    /// left them behind.
    async fn history(self: &Arc<Self>, segments: Vec<(SegmentHead, u64)>) {
        for (head, first) in segments {
            let (track, msn) = (head.track, head.mark.msn);
            let Some(left) = self.offer.window.progress(track, msn, first) else { continue };
            let bytes = left.parts.iter().map(|part| part.data.len()).sum();
            drop(left);
            let room = stream::background(&self.link.mesh, self.peer, bytes).await;
            let Ok(room) = room else { return };
            if self.past.lock().get(&track).is_some_and(|past| *past >= msn) {
                continue;
            }
            let own = Arc::clone(self);
            self.spawn(async move {
                own.segment(head, first, Class::CatchUp).await;
                drop(room);
            });
        }
    }

    /// The peer stopped a segment: with some codes it says more than that.
    pub(super) fn refused(&self, track: TrackId, msn: u64, code: u64) {
        if code == u64::from(code::PAST) {
            let mut past = self.past.lock();
            let until = past.entry(track).or_insert(msn);
            *until = msn.max(*until);
        }
    }

    /// Sends a segment that the peer misses.
    pub(super) fn send_again(
        self: &Arc<Self>,
        track: TrackId,
        msn: u64,
        from_part: u64,
    ) -> Result<(), Refusal> {
        let before = msn.checked_sub(1).map(|before| (track, before)).into_iter().collect();
        let heads = self.offer.window.heads_after(&before);
        let head = heads.into_iter().find(|head| head.track == track && head.mark.msn == msn);
        let head = head.ok_or_else(|| Refusal::new("gone", "that segment is gone"))?;
        if self.again.fetch_add(1, Relaxed) >= AGAIN_MAX {
            self.again.fetch_sub(1, Relaxed);
            return Err(Refusal::new("busy", "too many segments are sent again; ask later"));
        }
        self.counts.fetches.fetch_add(1, Relaxed);
        let own = Arc::clone(self);
        self.spawn(async move {
            own.segment(head, from_part, Class::Repair).await;
            own.again.fetch_sub(1, Relaxed);
        });
        Ok(())
    }

    fn send(self: &Arc<Self>, head: SegmentHead, from_part: u64, class: Class) {
        let own = Arc::clone(self);
        self.spawn(async move { own.segment(head, from_part, class).await });
    }

    /// Lives no longer than the subscription.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut over = self.over.subscribe();
        self.link.mesh.world.short(async move {
            tokio::select! {
                _ = over.wait_for(|over| *over) => {}
                () = work => {}
            }
        });
    }
}

async fn tell(writer: &mut Writer, status: &ShowStatus) -> Result<(), StreamError> {
    let json = serde_json::to_vec(status).unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(json.len() + 4);
    bytes.put_u32(u32::try_from(json.len()).unwrap_or(0));
    bytes.put_slice(&json);
    writer.write(Bytes::from(bytes)).await
}
