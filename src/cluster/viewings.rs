//! Who watches, counted over all edges: each viewing once, whatever edges it touches.
//!
//! An edge keeps a [`Reporter`] and sends what changed once a second; whoever wants to count (each node, or only
//! voters) keeps a [`Viewings`]. A viewing that two edges know is one viewing, at home where its newest request
//! was. So counts are exact but for what happened since the last reports, and a node's seats vanish when it says
//! so, starts again, is fenced ([`Viewings::forget`]) or falls silent ([`Viewings::expire`]).
//!
//! Requests' times are edges' wall clocks, because the player's requests are all that two edges have in common;
//! a skew, which the cluster measures and alarms, can only show a viewing at the wrong one of its two edges.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::{AccountId, ChannelName, Incarnation, NodeId, Timestamp, ViewingId};

use crate::limits::{PARTS_MAX, SEATS_PER_REPORT_MAX, VIEWINGS_MAX};

mod kicks;
mod reporter;

pub use kicks::Kicks;
pub use reporter::{REFRESH_MS, RETURN_MS, Reporter};

/// Time between an edge's reports. Two of them may go by before a count is right everywhere.
pub const REPORT_MS: u64 = 1000;

/// Silence after which an edge's seats count no more, if it was not fenced before: four reports may be lost.
pub const EXPIRE_MS: u64 = 5 * REPORT_MS;

/// A viewing at one edge.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seat {
    /// The viewing; the player brings the id along from edge to edge.
    pub id: ViewingId,
    /// What is watched.
    pub channel: ChannelName,
    /// Who watches, when that is known.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// The first request of the viewing at this edge.
    pub since: Timestamp,
    /// The newest one, to within [`REFRESH_MS`].
    pub newest: Timestamp,
}

/// What an edge says of its seats.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// The edge.
    pub node: NodeId,
    /// Which start of it.
    pub incarnation: Incarnation,
    /// Counts the deltas of this start, from 1. A full report has the number of the newest delta in it.
    pub seq: u64,
    /// What it says.
    pub body: Body,
}

/// Full or delta.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A part of everything; in force when all parts are there.
    Full {
        /// Its number, from 0.
        part: u32,
        /// How many parts there are.
        parts: u32,
        /// Its seats.
        seats: Vec<Seat>,
    },
    /// What has changed since the report before. Empty, it says that nothing has.
    Delta {
        /// Seats that are new or have news.
        seats: Vec<Seat>,
        /// Viewings that are not here any more.
        gone: Vec<ViewingId>,
    },
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It counts now.
    Applied,
    /// Further parts of it have to come.
    Partly,
    /// It has been overtaken.
    Old,
    /// Reports before it are missing: ask the edge for a full one.
    NeedFull,
    /// It breaks the rules of the format; nothing of it was taken.
    Malformed,
}

/// How many may watch at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// One channel.
    pub per_channel: Option<u64>,
    /// With one account.
    pub per_account: Option<u64>,
}

/// Why somebody may not begin to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitRefusal {
    /// The channel is full.
    #[error("{0} viewers watch this channel already, which is its limit; try again later")]
    Channel(u64),
    /// The account is in use.
    #[error("this account watches on {0} players already, which is its limit; stop one of them")]
    Account(u64),
}

/// All viewings of the cluster, as far as reports have told.
#[derive(Debug, Clone, Default)]
pub struct Viewings {
    edges: BTreeMap<NodeId, Edge>,
    /// Seats of each viewing; mostly one.
    seats: BTreeMap<ViewingId, BTreeMap<NodeId, Seat>>,
    channels: BTreeMap<ChannelName, u64>,
    accounts: BTreeMap<AccountId, BTreeSet<ViewingId>>,
    dropped: u64,
}

#[derive(Debug, Clone, Default)]
struct Edge {
    incarnation: Incarnation,
    seq: u64,
    heard_ms: u64,
    ids: BTreeSet<ViewingId>,
    /// Parts of a full report that is not whole yet, with its number.
    staged: (u64, BTreeMap<u32, Vec<Seat>>),
}

impl Viewings {
    /// Takes a report that came in at `now_ms`. The caller has made sure that `report.node` is a member and the sender.
    pub fn receive(&mut self, report: Report, now_ms: u64) -> Received {
        if !is_well_formed(&report.body) {
            return Received::Malformed;
        }
        let known = self.edges.get(&report.node).map(|edge| edge.incarnation);
        if known.is_some_and(|known| known > report.incarnation) {
            return Received::Old;
        }
        if known != Some(report.incarnation) {
            self.forget(report.node);
        }
        let edge = self.edges.entry(report.node).or_default();
        edge.incarnation = report.incarnation;
        edge.heard_ms = edge.heard_ms.max(now_ms);
        match report.body {
            Body::Delta { .. } if report.seq <= edge.seq => Received::Old,
            Body::Delta { .. } if report.seq > edge.seq + 1 => Received::NeedFull,
            Body::Delta { seats, gone } => {
                edge.seq = report.seq;
                gone.into_iter().for_each(|id| self.leave(report.node, id));
                seats.into_iter().for_each(|seat| self.sit(report.node, seat));
                Received::Applied
            }
            Body::Full { .. } if report.seq < edge.seq => Received::Old,
            Body::Full { part, parts, seats } => {
                self.stage(report.node, report.seq, (part, parts), seats)
            }
        }
    }

    /// Everything that an edge has said is void: it was fenced or removed.
    pub fn forget(&mut self, node: NodeId) {
        let ids = self.edges.remove(&node).map(|edge| edge.ids).unwrap_or_default();
        ids.into_iter().for_each(|id| self.leave(node, id));
    }

    /// Forgets edges that have been silent for too long, and answers with them.
    pub fn expire(&mut self, now_ms: u64) -> Vec<NodeId> {
        let silent = |edge: &Edge| now_ms.saturating_sub(edge.heard_ms) > EXPIRE_MS;
        let gone: Vec<NodeId> =
            self.edges.iter().filter(|(_, edge)| silent(edge)).map(|(id, _)| *id).collect();
        gone.iter().for_each(|node| self.forget(*node));
        gone
    }

    /// How many watch.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.seats.len() as u64
    }

    /// How many watch a channel.
    #[must_use]
    pub fn of_channel(&self, channel: &ChannelName) -> u64 {
        self.channels.get(channel).copied().unwrap_or_default()
    }

    /// How many watch with an account.
    #[must_use]
    pub fn of_account(&self, account: AccountId) -> u64 {
        self.accounts.get(&account).map_or(0, |ids| ids.len() as u64)
    }

    /// Where a viewing is at home, and its seat there.
    #[must_use]
    pub fn home(&self, id: ViewingId) -> Option<(NodeId, &Seat)> {
        self.seats.get(&id).and_then(home_of)
    }

    /// All viewings by id, each at its home.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Seat)> {
        self.seats.values().filter_map(home_of)
    }

    /// Whether a viewing may begin, or go on at another edge; what is counted already is not counted twice.
    /// Several edges may each admit one within a report's interval; [`Viewings::excess`] finds those.
    ///
    /// # Errors
    /// When a limit is reached.
    pub fn admit(
        &self,
        id: ViewingId,
        channel: &ChannelName,
        account: Option<AccountId>,
        limits: &Limits,
    ) -> Result<(), LimitRefusal> {
        let before = self.home(id).map(|(_, seat)| seat);
        let others = |count: u64, own: bool| count - u64::from(own);
        let here =
            others(self.of_channel(channel), before.is_some_and(|seat| seat.channel == *channel));
        if let Some(limit) = limits.per_channel.filter(|limit| here >= *limit) {
            return Err(LimitRefusal::Channel(limit));
        }
        let Some(account) = account else { return Ok(()) };
        let own = before.is_some_and(|seat| seat.account == Some(account));
        let with_it = others(self.of_account(account), own);
        match limits.per_account.filter(|limit| with_it >= *limit) {
            Some(limit) => Err(LimitRefusal::Account(limit)),
            None => Ok(()),
        }
    }

    /// Viewings of an account beyond its limit: those that began last, to be kicked.
    #[must_use]
    pub fn excess(&self, account: AccountId, limit: u64) -> Vec<ViewingId> {
        let ids = self.accounts.get(&account).into_iter().flatten();
        let begun = |id: &ViewingId| {
            let seats = self.seats.get(id)?;
            Some((seats.values().map(|seat| seat.since).min()?, *id))
        };
        let mut begun: Vec<(Timestamp, ViewingId)> = ids.filter_map(begun).collect();
        begun.sort_unstable();
        let allowed = usize::try_from(limit).unwrap_or(usize::MAX);
        begun.into_iter().skip(allowed).map(|(_, id)| id).collect()
    }

    /// Seats that found no room ([`VIEWINGS_MAX`]); while this grows, counts are too low.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn stage(
        &mut self,
        node: NodeId,
        seq: u64,
        (part, parts): (u32, u32),
        seats: Vec<Seat>,
    ) -> Received {
        let Some(edge) = self.edges.get_mut(&node) else { return Received::NeedFull };
        if edge.staged.0 != seq {
            edge.staged = (seq, BTreeMap::new());
        }
        edge.staged.1.insert(part, seats);
        let whole = (0..parts).all(|part| edge.staged.1.contains_key(&part));
        if !whole {
            return Received::Partly;
        }
        let staged = std::mem::take(&mut edge.staged).1;
        edge.seq = seq;
        let named: Vec<Seat> = staged.into_values().take(parts as usize).flatten().collect();
        let keep: BTreeSet<ViewingId> = named.iter().map(|seat| seat.id).collect();
        let gone: Vec<ViewingId> = edge.ids.difference(&keep).copied().collect();
        gone.into_iter().for_each(|id| self.leave(node, id));
        named.into_iter().for_each(|seat| self.sit(node, seat));
        Received::Applied
    }

    fn sit(&mut self, node: NodeId, seat: Seat) {
        let id = seat.id;
        if !self.seats.contains_key(&id) && self.seats.len() >= VIEWINGS_MAX {
            self.dropped += 1;
            return;
        }
        self.uncount(id);
        self.seats.entry(id).or_default().insert(node, seat);
        self.count(id);
        if let Some(edge) = self.edges.get_mut(&node) {
            edge.ids.insert(id);
        }
    }

    fn leave(&mut self, node: NodeId, id: ViewingId) {
        self.uncount(id);
        if let Some(seats) = self.seats.get_mut(&id) {
            seats.remove(&node);
            if seats.is_empty() {
                self.seats.remove(&id);
            }
        }
        self.count(id);
        if let Some(edge) = self.edges.get_mut(&node) {
            edge.ids.remove(&id);
        }
    }

    fn count(&mut self, id: ViewingId) {
        let Some((_, seat)) = self.seats.get(&id).and_then(home_of) else { return };
        *self.channels.entry(seat.channel.clone()).or_default() += 1;
        if let Some(account) = seat.account {
            self.accounts.entry(account).or_default().insert(id);
        }
    }

    fn uncount(&mut self, id: ViewingId) {
        let Some((_, seat)) = self.seats.get(&id).and_then(home_of) else { return };
        if let Some(count) = self.channels.get_mut(&seat.channel) {
            *count -= 1;
            if *count == 0 {
                self.channels.remove(&seat.channel);
            }
        }
        let Some(account) = seat.account else { return };
        if let Some(ids) = self.accounts.get_mut(&account) {
            ids.remove(&id);
            if ids.is_empty() {
                self.accounts.remove(&account);
            }
        }
    }
}

fn home_of(seats: &BTreeMap<NodeId, Seat>) -> Option<(NodeId, &Seat)> {
    seats.iter().max_by_key(|(node, seat)| (seat.newest, **node)).map(|(node, seat)| (*node, seat))
}

fn is_well_formed(body: &Body) -> bool {
    match body {
        Body::Full { part, parts, seats } => {
            part < parts && *parts <= PARTS_MAX && seats.len() <= SEATS_PER_REPORT_MAX
        }
        Body::Delta { seats, gone } => seats.len() + gone.len() <= SEATS_PER_REPORT_MAX,
    }
}

#[cfg(test)]
mod tests;
