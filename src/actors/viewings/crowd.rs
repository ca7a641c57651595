//! Who watches anywhere, and who may not watch any more: what reports and kicks of all nodes have told.
//!
//! Reports come once a second, this node's own as well. What has changed here since its own last one is added to
//! what they say, so that a lone node is exact at once and others within two reports.

use std::collections::HashMap;

use parking_lot::RwLock;
use weir_cluster::viewings::{Kicks, LimitRefusal, Limits, Received, Report, Viewings};
use weir_model::{AccountId, ChannelName, NodeId, Timestamp, ViewingId};

use super::log::Log;

/// New kicks that are kept in their order. A node that missed more of them is given all that are in force.
const NEWS_KEPT_MAX: usize = 1000;

/// A kick: who, and until when.
pub(in crate::actors) type Kick = (ViewingId, Timestamp);

/// What is known of all nodes' viewers.
pub(super) struct Crowd {
    limits: Limits,
    told: RwLock<Told>,
    kicked: RwLock<Kicked>,
}

#[derive(Default)]
struct Told {
    all: Viewings,
    /// This node's viewings by channel at its last report.
    own: HashMap<ChannelName, u64>,
}

struct Kicked {
    kicks: Kicks,
    news: Log<Kick>,
}

impl Crowd {
    pub(super) fn new(limits: Limits) -> Self {
        let kicked = Kicked { kicks: Kicks::default(), news: Log::new(NEWS_KEPT_MAX) };
        Self { limits, told: RwLock::default(), kicked: RwLock::new(kicked) }
    }

    /// Takes another node's report.
    pub(super) fn receive(&self, report: Report, now_ms: u64) -> Received {
        self.told.write().all.receive(report, now_ms)
    }

    /// Takes this node's own reports, made when it had `own` viewings of each channel.
    pub(super) fn receive_own(
        &self,
        reports: Vec<Report>,
        own: HashMap<ChannelName, u64>,
        now_ms: u64,
    ) {
        let mut told = self.told.write();
        for report in reports {
            told.all.receive(report, now_ms);
        }
        told.own = own;
    }

    /// Forgets nodes that have been silent for too long.
    pub(super) fn expire(&self, now_ms: u64) -> Vec<NodeId> {
        self.told.write().all.expire(now_ms)
    }

    /// How many watch a channel, of which `here` are known to this node now.
    pub(super) fn watching(&self, channel: &ChannelName, here: u64) -> u64 {
        let told = self.told.read();
        let before = told.own.get(channel).copied().unwrap_or_default();
        (told.all.of_channel(channel) + here).saturating_sub(before)
    }

    /// Whether a viewing may begin here, where `here` viewings of its channel are known now.
    pub(super) fn admit(
        &self,
        id: ViewingId,
        channel: &ChannelName,
        account: Option<AccountId>,
        here: u64,
    ) -> Result<(), LimitRefusal> {
        let told = self.told.read();
        let before = told.own.get(channel).copied().unwrap_or_default();
        // The limit of those who are told of is the limit less those who are not yet.
        let left = |limit: u64| (limit + before).saturating_sub(here);
        let limits = Limits { per_channel: self.limits.per_channel.map(left), ..self.limits };
        told.all.admit(id, channel, account, &limits)
    }

    /// What a viewing watches, when a report has told of it.
    pub(super) fn channel_of(&self, id: ViewingId) -> Option<ChannelName> {
        self.told.read().all.home(id).map(|(_, seat)| seat.channel.clone())
    }

    /// Whether a report has told of a viewing, as one of that account.
    pub(super) fn is_of(&self, id: ViewingId, channel: &ChannelName, account: AccountId) -> bool {
        let told = self.told.read();
        let home = told.all.home(id);
        home.is_some_and(|(_, seat)| (&seat.channel, seat.account) == (channel, Some(account)))
    }

    /// Keeps a viewing out; whether that is new.
    pub(super) fn keep_out(&self, (id, until): Kick, now: Timestamp) -> bool {
        let mut kicked = self.kicked.write();
        let new = kicked.kicks.add(id, until, now);
        if new {
            kicked.news.push((id, until));
        }
        new
    }

    /// Whether a viewing is kept out.
    pub(super) fn is_kicked(&self, id: ViewingId, now: Timestamp) -> bool {
        self.kicked.read().kicks.is_kicked(id, now)
    }

    /// Forgets kicks that have ended.
    pub(super) fn expire_kicks(&self, now: Timestamp) {
        self.kicked.write().kicks.expire(now);
    }

    /// Kicks that are new to who has read so far, and how far that brings it.
    pub(super) fn kicks_after(&self, read: u64) -> (Vec<Kick>, u64) {
        let kicked = self.kicked.read();
        let news = kicked.news.after(read).unwrap_or_else(|| kicked.kicks.iter().collect());
        (news, kicked.news.newest())
    }

    /// Kicks that were forgotten before their end.
    pub(super) fn forgotten(&self) -> u64 {
        self.kicked.read().kicks.dropped()
    }
}
