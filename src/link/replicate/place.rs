//! The owner's word on who pulls from whom, for those who ask here.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weir_cluster::replication::Asking;
use weir_media::TrackId;
use weir_model::{ChannelName, NodeId};

use super::wire::{Elsewhere, Place, Source};
use super::{Inner, Original};
use crate::link::fetch::Demand;
use crate::link::request::{Caller, Refusal, encoded, parsed};

/// Whole segments that a node may lag behind the owner before it is sent to another feeder: players of its viewers
/// hold three.
const LAG_SEGMENTS_MAX: u64 = 1;

impl Inner {
    /// Whom a node is to pull a channel from, if not from here.
    pub(super) fn elsewhere(
        &self,
        channel: &ChannelName,
        node: NodeId,
        avoid: BTreeSet<NodeId>,
    ) -> Option<Elsewhere> {
        let own = self.link.mesh.trust.node();
        let instead = self.placed(channel, node, avoid).filter(|from| *from != own);
        instead.map(|instead| Elsewhere { instead })
    }

    /// A node that another one feeds asks whether that is still as it should be.
    pub(super) fn source(&self, caller: &Caller, body: &[u8]) -> Result<Bytes, Refusal> {
        let asked: Source = parsed(body)?;
        let not_owner = || Refusal::new("not_owner", "this node does not own that stream");
        let offer = self.originals.offer(&asked.channel).ok_or_else(not_owner)?;
        if offer.epoch != asked.epoch {
            return Err(not_owner());
        }
        let mut avoid = asked.avoid;
        if let Some(at) = asked.at
            && lacks(offer.window.as_ref(), &asked.from, asked.silent)
        {
            avoid.insert(at);
        }
        let placed = self.placed(&asked.channel, caller.node, avoid);
        let instead = placed.ok_or_else(not_owner)?;
        encoded(&Elsewhere { instead })
    }

    pub(super) fn hold(&self, channel: &ChannelName, node: NodeId) -> Result<Demand, Refusal> {
        self.originals.hold(channel, node).ok_or_else(|| {
            let text = format!("channel `{channel}` cannot be passed on here; ask its owner again");
            Refusal::new("no_relay", text)
        })
    }

    fn placed(
        &self,
        channel: &ChannelName,
        node: NodeId,
        avoid: BTreeSet<NodeId>,
    ) -> Option<NodeId> {
        let subs = self.subs.lock();
        let fed = subs.keys().filter(|(_, fed)| fed == channel).map(|(peer, _)| *peer).collect();
        drop(subs);
        self.originals.place(channel, node, Asking { avoid, fed })
    }
}

/// Whether a node lacks what its feeder should have given it: anything, when nothing came for a while, else more than
/// a whole segment.
fn lacks(window: &dyn Original, from: &BTreeMap<TrackId, Place>, silent: bool) -> bool {
    let heads = window.heads_after(&BTreeMap::new());
    let newest = heads.iter().map(|head| (head.track, head.mark.msn));
    let newest: BTreeMap<TrackId, u64> = newest.collect();
    let behind = |(track, newest): (&TrackId, &u64)| {
        let Some(place) = from.get(track) else { return silent };
        let far = newest.saturating_sub(place.msn) > LAG_SEGMENTS_MAX;
        let more = || *newest > place.msn || has_after(window, *track, place);
        far || (silent && more())
    };
    newest.iter().any(behind)
}

fn has_after(window: &dyn Original, track: TrackId, place: &Place) -> bool {
    let progress = window.progress(track, place.msn, place.next_part);
    progress.is_some_and(|more| !place.whole && (!more.parts.is_empty() || more.end.is_some()))
}
