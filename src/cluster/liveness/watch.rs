//! The leader's side: whom to grant, doubt, take back and fence.

use std::collections::{BTreeMap, VecDeque};

use weir_model::{Incarnation, NodeId};

use super::{BRAKE_WINDOW_MS, CONFIRMED_MS, MARGIN_MS, SUSPECT_MS, TTL_MS, brake_limit};
use crate::limits::NODES_MAX;
use crate::members::{Change, Members, WhyFenced};

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// Repeat the heartbeat to the node: it is good for another TTL.
    Granted,
    /// A newer start than the directory knows: propose `Start`, answer nothing yet; the next heartbeat is granted.
    NewStart,
    /// That start has been given up, or a newer one is known: tell the node so.
    Fenced,
    /// No member: tell the node so.
    Unknown,
    /// No quorum has confirmed this leader lately: answer nothing, it may not be the leader any more.
    Unconfirmed,
}

/// What is due now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// To be proposed by this leader in its own term and by nobody else: a fencing that is passed on to the next
    /// leader would give up a node to which that one has granted its lease. Repeated by later calls until
    /// [`Watch::applied`] has seen it.
    pub changes: Vec<Change>,
    /// Would be fenced but for the brake: an operator is to be told.
    pub held_back: Vec<NodeId>,
}

/// The leader's count of everybody. Made anew by each leader; times are of its monotonic clock, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    nodes: BTreeMap<NodeId, Entry>,
    /// When nodes were fenced, oldest first.
    fenced_at: VecDeque<u64>,
    decided_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    incarnation: Incarnation,
    heard_ms: u64,
    /// Set once fencing has been decided: from then on nothing is granted, whatever becomes of the proposal.
    given_up: bool,
    /// What the directory says.
    suspect: bool,
}

impl Entry {
    const fn new(incarnation: Incarnation, now_ms: u64, suspect: bool) -> Self {
        Self { incarnation, heard_ms: now_ms, given_up: false, suspect }
    }

    const fn silence(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.heard_ms)
    }
}

impl Watch {
    /// A leader that begins at `now_ms` counts for everybody from now, because it cannot know what the one before
    /// granted. Before, it has to have read everything that was committed, or it grants to who was given up already.
    /// `fenced_at` are the times, by its own clock, at which it has seen nodes given up lately: [`Fencings`](super::Fencings).
    #[must_use]
    pub fn take_office(
        members: &Members,
        fenced_at: impl IntoIterator<Item = u64>,
        now_ms: u64,
    ) -> Self {
        let fenced_at = fenced_at.into_iter().collect();
        let mut watch = Self { nodes: BTreeMap::new(), fenced_at, decided_ms: now_ms };
        watch.drop_old_fencings(now_ms);
        watch.applied(members, now_ms);
        watch
    }

    /// Brings the count in step with the members; called after each change of them was applied. A start that is
    /// new here gets a full TTL, and so does one that is not new but comes back alive.
    pub fn applied(&mut self, members: &Members, now_ms: u64) {
        self.nodes.retain(|id, _| members.of(*id).is_some_and(|member| member.is_alive()));
        for member in members.iter().filter(|member| member.is_alive()) {
            let suspect = member.state == weir_model::cluster::NodeState::Suspect;
            let fresh = Entry::new(member.incarnation, now_ms, suspect);
            let entry = self.nodes.entry(member.id).or_insert(fresh);
            if entry.incarnation < member.incarnation {
                *entry = fresh;
            }
            entry.suspect = suspect;
        }
    }

    /// A heartbeat has come in. `confirmed_ms` is when the newest round of the log's own heartbeats that a quorum
    /// answered was *sent*.
    pub fn heard(
        &mut self,
        node: NodeId,
        incarnation: Incarnation,
        members: &Members,
        confirmed_ms: u64,
        now_ms: u64,
    ) -> Heard {
        let Some(member) = members.of(node) else { return Heard::Unknown };
        if incarnation > member.incarnation {
            return Heard::NewStart;
        }
        let entry = self.nodes.get_mut(&node);
        let current = entry.filter(|entry| entry.incarnation == incarnation && !entry.given_up);
        let Some(entry) = current else { return Heard::Fenced };
        // A leader alone in its half of the network hears its nodes well, and may not promise them anything.
        if is_unconfirmed(confirmed_ms, now_ms) {
            return Heard::Unconfirmed;
        }
        entry.heard_ms = entry.heard_ms.max(now_ms);
        Heard::Granted
    }

    /// What is due at `now_ms`; called every heartbeat or oftener, with `confirmed_ms` as in [`Watch::heard`].
    pub fn decide(&mut self, confirmed_ms: u64, now_ms: u64) -> Due {
        let elapsed = now_ms.saturating_sub(self.decided_ms);
        self.decided_ms = now_ms;
        if is_unconfirmed(confirmed_ms, now_ms) {
            // Nobody could be granted anything, so nobody is to blame for this time.
            self.nodes.values_mut().for_each(|entry| entry.heard_ms += elapsed);
            return Due::default();
        }
        self.drop_old_fencings(now_ms);
        let limit = brake_limit(self.nodes.len().max(1));
        let mut due = Due::default();
        for (&id, entry) in &mut self.nodes {
            let incarnation = entry.incarnation;
            let silence = entry.silence(now_ms);
            if !entry.given_up && silence > TTL_MS + MARGIN_MS {
                if self.fenced_at.len() < limit {
                    entry.given_up = true;
                    self.fenced_at.push_back(now_ms);
                } else {
                    due.held_back.push(id);
                }
            }
            if entry.given_up {
                due.changes.push(Change::Fence { id, incarnation, why: WhyFenced::Silence });
            } else if silence > SUSPECT_MS && !entry.suspect {
                due.changes.push(Change::Suspect { id, incarnation });
            } else if silence <= SUSPECT_MS && entry.suspect {
                due.changes.push(Change::Recover { id, incarnation });
            }
        }
        due
    }

    /// Time since a node was heard; none when it is not watched. For operators.
    #[must_use]
    pub fn silence_ms(&self, node: NodeId, now_ms: u64) -> Option<u64> {
        self.nodes.get(&node).map(|entry| entry.silence(now_ms))
    }

    fn drop_old_fencings(&mut self, now_ms: u64) {
        self.fenced_at.retain(|at| now_ms.saturating_sub(*at) < BRAKE_WINDOW_MS);
        // No brake counts further than the nodes there can be.
        let excess = self.fenced_at.len().saturating_sub(NODES_MAX);
        self.fenced_at.drain(..excess);
    }
}

/// Whether somebody else may lead by now.
const fn is_unconfirmed(confirmed_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(confirmed_ms) > CONFIRMED_MS
}
