//! Viewings: one per viewer and stream, counted once, listed, kickable, bounded.
//!
//! This node's own are here in full; of those of other nodes, [`crowd`] knows what [`super::audience`] heard.
//! A viewing lasts from its first request to its newest plus [`TIMEOUT_MS`]. The map is sharded by id, so that
//! thousands of playlist requests a second do not meet at one lock; counts are kept, never summed up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use weir_cluster::viewings::{self as counting, LimitRefusal, Received, Report, Reporter, Seat};
use weir_model::address::network;
use weir_model::{AccountId, ChannelName, NodeId, Timestamp, Viewing, ViewingId};

use super::clock;
use super::events::Events;
use super::tasks::Tasks;
use crowd::Crowd;

mod crowd;
mod log;

pub(super) use crowd::Kick;
pub(super) use log::Log;

/// A viewing ends this long after its newest request: a blocking playlist request is held for at most three
/// targets of 4 s, and a player needs a moment to come back.
pub const TIMEOUT_MS: i64 = 15_000;

/// How long a kicked id stays refused: longer than a player retries, short enough that an address shared by
/// many viewers is not shut out for good.
pub const KICKED_MS: i64 = 3_600_000;

/// What a player says of itself is cut to this.
pub const PLAYER_CHARS_MAX: usize = 200;

/// How often ended viewings are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

const SHARDS: usize = 64;

/// All viewings of this node. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Viewings {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Vec<Mutex<HashMap<ViewingId, Entry>>>,
    per_channel: RwLock<HashMap<ChannelName, u64>>,
    /// Holds only networks with viewings, so it is bounded by them.
    per_network: Mutex<HashMap<IpAddr, u64>>,
    crowd: Crowd,
    events: Events,
    limits: Limits,
    total: AtomicU64,
    counters: Counters,
}

/// How many viewings there may be at a time on this node; [`counting::Limits`] are those of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// On this node.
    pub total: usize,
    /// Of one IPv4 address or IPv6 /64 network, whatever range it is of: ids are given to whoever asks, so
    /// without a share one client could take all places.
    pub per_address: usize,
}

#[derive(Default)]
struct Counters {
    started: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
    refused_address: AtomicU64,
    refused_channel: AtomicU64,
    kicked: AtomicU64,
}

/// What happened since the node started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Viewings that began.
    pub started: u64,
    /// Viewings that ended by timeout or kick.
    pub ended: u64,
    /// Requests refused because the node was full.
    pub refused: u64,
    /// Requests refused because their address had its share.
    pub refused_address: u64,
    /// Requests refused because the channel or the account had its share in the cluster.
    pub refused_channel: u64,
    /// Viewings that were kicked.
    pub kicked: u64,
    /// Kicks forgotten early because there were too many.
    pub forgotten: u64,
}

struct Entry {
    channel: ChannelName,
    account: Option<AccountId>,
    protocol: &'static str,
    remote: IpAddr,
    player: String,
    since: Timestamp,
    last_seen: Timestamp,
    requests: u64,
}

/// What a request of a viewing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Serve it.
    Go,
    /// It was kicked.
    Kicked,
    /// The node already has as many viewings as it may.
    Full,
    /// The address already has as many viewings as it may.
    AddressFull,
    /// The channel already has as many viewings as it may, on all nodes.
    ChannelFull,
    /// The account already watches on as many players as it may, on all nodes.
    AccountFull,
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// What is watched.
    pub channel: &'a ChannelName,
    /// Who watches, when that is known.
    pub account: Option<AccountId>,
    /// `hls`, …
    pub protocol: &'static str,
    /// The viewer's address.
    pub remote: IpAddr,
    /// What the player calls itself.
    pub player: &'a str,
}

impl Viewings {
    /// No viewings yet, and no limits but those of this node.
    #[must_use]
    pub fn new(events: Events, limits: Limits) -> Self {
        Self::within(events, limits, counting::Limits::default())
    }

    /// No viewings yet. `shared` are the limits over all nodes.
    #[must_use]
    pub fn within(events: Events, limits: Limits, shared: counting::Limits) -> Self {
        let inner = Inner {
            shards: (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect(),
            per_channel: RwLock::new(HashMap::new()),
            per_network: Mutex::default(),
            crowd: Crowd::new(shared),
            events,
            limits,
            total: AtomicU64::new(0),
            counters: Counters::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the loop that ends viewings nobody asked for any more.
    pub fn run(&self, tasks: &Tasks) {
        let this = self.clone();
        tasks.spawn("viewings", |handle| async move {
            let work = async {
                let mut tick = tokio::time::interval(EXPIRE_EVERY);
                tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                loop {
                    tick.tick().await;
                    handle.idle(this.expire(clock::now()));
                    handle.queue(this.total());
                }
            };
            tokio::select! {
                () = work => {}
                () = handle.stopping() => {}
            }
        });
    }

    /// Notes a request of a viewing at the current time and says whether to serve it.
    pub fn touch(&self, id: ViewingId, visit: Visit<'_>) -> Verdict {
        let now = clock::now();
        let mut shard = self.shard(id).lock();
        if let Some(entry) = shard.get_mut(&id) {
            entry.last_seen = entry.last_seen.max(now);
            entry.requests += 1;
            return Verdict::Go;
        }
        if self.inner.crowd.is_kicked(id, now) {
            return Verdict::Kicked;
        }
        // Inside the shard's lock, so that nobody can end the viewing before it is counted.
        if let Err(refused) = self.count_in(id, &visit) {
            return refused;
        }
        shard.insert(id, Entry::new(&visit, now));
        Verdict::Go
    }

    /// Ends viewings without a request since [`TIMEOUT_MS`] and forgets kicks after [`KICKED_MS`]; how
    /// many viewings ended.
    pub fn expire(&self, now: Timestamp) -> u64 {
        let mut ended = Vec::new();
        for shard in &self.inner.shards {
            let gone = |entry: &Entry| now.since_ms(entry.last_seen) > TIMEOUT_MS;
            ended.extend(shard.lock().extract_if(|_, entry| gone(entry)).map(|(_, one)| one));
        }
        self.leave(&ended);
        self.inner.crowd.expire_kicks(now);
        ended.len() as u64
    }

    /// Viewings of `channel` on this node.
    #[must_use]
    pub fn count(&self, channel: &ChannelName) -> u64 {
        self.inner.per_channel.read().get(channel).copied().unwrap_or(0)
    }

    /// Viewings of `channel` on all nodes, each counted once.
    #[must_use]
    pub fn watching(&self, channel: &ChannelName) -> u64 {
        self.inner.crowd.watching(channel, self.count(channel))
    }

    /// What a viewing watches, wherever it is; nothing once it was kicked.
    #[must_use]
    pub fn channel_of(&self, id: ViewingId) -> Option<ChannelName> {
        let here = self.shard(id).lock().get(&id).map(|entry| entry.channel.clone());
        here.or_else(|| self.inner.crowd.channel_of(id).filter(|_| !self.kicked(id)))
    }

    /// Whether a viewing is of that account, and goes on here or at another node.
    #[must_use]
    pub fn goes_on(&self, id: ViewingId, channel: &ChannelName, account: AccountId) -> bool {
        let shard = self.shard(id).lock();
        let here =
            shard.get(&id).map(|entry| (&entry.channel, entry.account) == (channel, Some(account)));
        drop(shard);
        let elsewhere = || self.inner.crowd.is_of(id, channel, account) && !self.kicked(id);
        here.unwrap_or_else(elsewhere)
    }

    /// Viewings of all channels on this node.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.inner.total.load(Ordering::Relaxed)
    }

    /// What happened since the node started.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.inner.counters;
        Totals {
            started: of(&counters.started),
            ended: of(&counters.ended),
            refused: of(&counters.refused),
            refused_address: of(&counters.refused_address),
            refused_channel: of(&counters.refused_channel),
            kicked: of(&counters.kicked),
            forgotten: self.inner.crowd.forgotten(),
        }
    }

    /// At most `limit` viewings of this node, of one channel or of all, oldest first.
    #[must_use]
    pub fn list(&self, channel: Option<&ChannelName>, limit: usize) -> Vec<Viewing> {
        let mut found = Vec::new();
        for shard in &self.inner.shards {
            let shard = shard.lock();
            let wanted =
                shard.iter().filter(|(_, one)| channel.is_none_or(|name| one.channel == *name));
            found.extend(wanted.map(|(id, entry)| entry.viewing(*id)));
        }
        found.sort_by_key(|one| (one.since, one.id));
        found.truncate(limit);
        found
    }

    /// Refuses every further request of a viewing from now on, here; [`super::audience`] tells the others. False
    /// when there is none of that id anywhere. Whoever kicks tells it in an event: they know by whom, and why.
    pub fn kick(&self, id: ViewingId) -> bool {
        let found = self.channel_of(id).is_some();
        if found {
            let now = clock::now();
            self.keep_out((id, now.plus_ms(KICKED_MS)), now);
        }
        found
    }

    /// Takes over kicks of another node. None of them lasts longer than one of this node.
    pub(super) fn take_kicks(&self, kicks: Vec<Kick>) {
        let now = clock::now();
        let longest = now.plus_ms(KICKED_MS);
        for (id, until) in kicks {
            if let Some(channel) = self.keep_out((id, until.min(longest)), now) {
                let text = format!("viewing {id} of {channel} was kicked at another node");
                let fields = [("viewing", id.to_string())];
                self.inner.events.emit("viewing.kicked", Some(&channel), text, &fields);
            }
        }
    }

    /// Kicks that are new to who has read so far, and how far that brings it.
    pub(super) fn kicks_after(&self, read: u64) -> (Vec<Kick>, u64) {
        self.inner.crowd.kicks_after(read)
    }

    /// Takes another node's report.
    pub(super) fn take_report(&self, report: Report, now_ms: u64) -> Received {
        self.inner.crowd.receive(report, now_ms)
    }

    /// Has this node's changes reported, takes the reports in, and forgets nodes that have been silent for too long.
    pub(super) fn report(
        &self,
        reporter: &mut Reporter,
        now_ms: u64,
    ) -> (Vec<Report>, Vec<NodeId>) {
        let seats = self.seats();
        let mut own = HashMap::new();
        for seat in &seats {
            *own.entry(seat.channel.clone()).or_default() += 1;
        }
        let reports = reporter.changes(seats);
        self.inner.crowd.receive_own(reports.clone(), own, now_ms);
        (reports, self.inner.crowd.expire(now_ms))
    }

    /// Whether a viewing is refused because it was kicked, without counting a request.
    #[must_use]
    pub fn kicked(&self, id: ViewingId) -> bool {
        self.inner.crowd.is_kicked(id, clock::now())
    }

    /// Keeps a viewing out; the channel that it watched here, if it did.
    fn keep_out(&self, kick: Kick, now: Timestamp) -> Option<ChannelName> {
        let mut shard = self.shard(kick.0).lock();
        // Inside the shard's lock, so that no request slips in between.
        self.inner.crowd.keep_out(kick, now);
        let entry = shard.remove(&kick.0)?;
        drop(shard);
        self.leave(std::slice::from_ref(&entry));
        self.inner.counters.kicked.fetch_add(1, Ordering::Relaxed);
        Some(entry.channel)
    }

    fn seats(&self) -> Vec<Seat> {
        let mut seats = Vec::new();
        for shard in &self.inner.shards {
            seats.extend(shard.lock().iter().map(|(id, entry)| entry.seat(*id)));
        }
        seats
    }

    /// Counts a new viewing of its channel, its address and this node, if all of them have a place.
    fn count_in(&self, id: ViewingId, visit: &Visit<'_>) -> Result<(), Verdict> {
        let Visit { channel, account, .. } = *visit;
        let mut per_channel = self.inner.per_channel.write();
        let here = per_channel.get(channel).copied().unwrap_or(0);
        self.inner.crowd.admit(id, channel, account, here).map_err(|refusal| {
            self.inner.counters.refused_channel.fetch_add(1, Ordering::Relaxed);
            match refusal {
                LimitRefusal::Channel(_) => Verdict::ChannelFull,
                LimitRefusal::Account(_) => Verdict::AccountFull,
            }
        })?;
        self.take_place(visit.remote)?;
        per_channel.insert(channel.clone(), here + 1);
        Ok(())
    }

    /// A place on the node and one of those of the address.
    fn take_place(&self, remote: IpAddr) -> Result<(), Verdict> {
        let Limits { total, per_address } = self.inner.limits;
        let counters = &self.inner.counters;
        let more = |taken: u64| (taken < total as u64).then_some(taken + 1);
        if self.inner.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            counters.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Verdict::Full);
        }
        if !take_share(&mut self.inner.per_network.lock(), network(remote), per_address as u64) {
            self.inner.total.fetch_sub(1, Ordering::Relaxed);
            counters.refused_address.fetch_add(1, Ordering::Relaxed);
            return Err(Verdict::AddressFull);
        }
        counters.started.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn leave(&self, ended: &[Entry]) {
        let count = ended.len() as u64;
        if count == 0 {
            return;
        }
        self.inner.total.fetch_sub(count, Ordering::Relaxed);
        self.inner.counters.ended.fetch_add(count, Ordering::Relaxed);
        let mut per_network = self.inner.per_network.lock();
        for entry in ended {
            give_back(&mut per_network, &network(entry.remote));
        }
        drop(per_network);
        let mut per_channel = self.inner.per_channel.write();
        for entry in ended {
            give_back(&mut per_channel, &entry.channel);
        }
    }

    fn shard(&self, id: ViewingId) -> &Mutex<HashMap<ViewingId, Entry>> {
        // Ids are random, so their low bits are a fair choice.
        &self.inner.shards[id.0 as usize % SHARDS]
    }
}

/// Counts one more of `of` unless it has `max` already.
fn take_share(counts: &mut HashMap<IpAddr, u64>, of: IpAddr, max: u64) -> bool {
    let count = counts.get(&of).copied().unwrap_or(0);
    if count < max {
        counts.insert(of, count + 1);
    }
    count < max
}

/// Counts one less of `of`, and forgets what has none.
fn give_back<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, u64>, of: &K) {
    if let Some(left) = counts.get_mut(of) {
        *left = left.saturating_sub(1);
        if *left == 0 {
            counts.remove(of);
        }
    }
}

impl Entry {
    fn new(visit: &Visit<'_>, now: Timestamp) -> Self {
        let player = visit.player.chars().filter(|c| !c.is_control());
        Self {
            channel: visit.channel.clone(),
            account: visit.account,
            protocol: visit.protocol,
            remote: visit.remote,
            player: player.take(PLAYER_CHARS_MAX).collect(),
            since: now,
            last_seen: now,
            requests: 1,
        }
    }

    fn seat(&self, id: ViewingId) -> Seat {
        Seat {
            id,
            channel: self.channel.clone(),
            account: self.account,
            since: self.since,
            newest: self.last_seen,
        }
    }

    fn viewing(&self, id: ViewingId) -> Viewing {
        Viewing {
            id,
            channel: self.channel.clone(),
            node: None,
            protocol: self.protocol.to_owned(),
            remote: self.remote.to_string(),
            player: self.player.clone(),
            since: self.since,
            last_seen: self.last_seen,
            requests: self.requests,
        }
    }
}

#[cfg(test)]
mod tests;
