//! Whether viewers should be sent to this node, as balancers ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weir_cluster::members::{Member, Members};
use weir_model::cluster::{Duty, NodeState};
use weir_model::{NodeId, Role, Roles};

use crate::actors::membership::{Membership, Standing};
use crate::link::Link;
use crate::store::Store;

/// What the answer is made of. Cheap to clone.
#[derive(Clone)]
pub(super) struct Ready {
    store: Store,
    membership: Membership,
    link: Link,
    roles: Roles,
    stopping: Arc<AtomicBool>,
}

impl Ready {
    pub(super) fn new(store: &Store, membership: &Membership, link: &Link, roles: Roles) -> Self {
        let (store, membership, link) = (store.clone(), membership.clone(), link.clone());
        Self { store, membership, link, roles, stopping: Arc::default() }
    }

    /// The node begins to stop.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Why viewers should be sent elsewhere, if they should.
    pub(super) fn away(&self) -> Option<&'static str> {
        if self.stopping.load(Ordering::Acquire) {
            return Some("stopping");
        }
        if !self.roles.contains(Role::Edge) {
            return Some("not an edge");
        }
        let standing = *self.membership.standing().borrow();
        let directory = self.store.cluster();
        // Whom it reaches matters only without the leader.
        let linked = if standing == Standing::Granted { Vec::new() } else { self.link.connected() };
        away(&directory.members, self.membership.node(), standing, &linked)
    }
}

fn away(
    members: &Members,
    me: NodeId,
    standing: Standing,
    linked: &[NodeId],
) -> Option<&'static str> {
    let member = match (standing, members.of(me)) {
        (Standing::Removed, _) => return Some("removed from the cluster"),
        (_, None) => return Some("starting"),
        (_, Some(member)) => member,
    };
    match (member.duty, member.state) {
        (Duty::Draining, _) => Some("draining"),
        (Duty::Cordoned, _) => Some("cordoned"),
        (_, NodeState::Joining) => Some("starting"),
        _ if standing == Standing::Granted => None,
        (_, NodeState::Fenced) => Some("given up"),
        _ => is_cut_off(members, me, linked).then_some("cut off"),
    }
}

/// Without a leader's word, a node that reaches few of the others is cut off from them. One that reaches most of them
/// is not: the cluster has lost most of its voters, what runs goes on, and a check that failed at every node for that
/// would end it.
fn is_cut_off(members: &Members, me: NodeId, linked: &[NodeId]) -> bool {
    let others = members.iter().filter(|other| other.id != me && other.is_alive());
    let (reached, missed): (Vec<&Member>, Vec<&Member>) =
        others.partition(|other| linked.contains(&other.id));
    reached.len() < missed.len()
}

#[cfg(test)]
mod tests {
    use weir_cluster::members::{Change, Profile, WhyFenced};
    use weir_model::Incarnation;

    use super::*;

    const ME: NodeId = NodeId(1);

    fn members(count: u64) -> Members {
        let mut members = Members::default();
        for id in (1..=count).map(NodeId) {
            let profile = Profile { name: id.to_string(), ..Profile::default() };
            members.apply(&Change::Join { id, profile: profile.clone() }).unwrap();
            let incarnation = Incarnation(1);
            members.apply(&Change::Start { id, incarnation, profile }).unwrap();
        }
        members
    }

    #[test]
    fn an_operators_word_keeps_new_viewers_away_until_it_is_taken_back() {
        let mut members = members(2);
        for (duty, told) in [
            (Duty::Serving, None),
            (Duty::Cordoned, Some("cordoned")),
            (Duty::Draining, Some("draining")),
            (Duty::Serving, None),
        ] {
            members.apply(&Change::SetDuty { id: ME, duty }).unwrap();
            assert_eq!(away(&members, ME, Standing::Granted, &[]), told);
        }
    }

    #[test]
    fn a_node_without_a_leader_keeps_viewers_unless_it_is_the_one_that_is_cut_off() {
        let (lapsed, alone, members) = (Standing::Lapsed, members(1), members(5));
        let reaches = |linked: &[u64]| {
            let linked: Vec<NodeId> = linked.iter().copied().map(NodeId).collect();
            away(&members, ME, lapsed, &linked)
        };
        assert_eq!(reaches(&[]), Some("cut off"));
        assert_eq!(reaches(&[2]), Some("cut off"));
        assert_eq!(reaches(&[2, 3]), None, "two of three voters are dead, say");
        assert_eq!(reaches(&[7, 8]), Some("cut off"), "strangers do not count");
        assert_eq!(away(&alone, ME, lapsed, &[]), None, "it is alone");
    }

    #[test]
    fn a_node_that_is_no_member_yet_or_no_longer_gets_no_viewers() {
        let mut members = members(2);
        assert_eq!(away(&members, NodeId(9), Standing::Waiting, &[]), Some("starting"));
        let removed = away(&members, ME, Standing::Removed, &[]);
        assert_eq!(removed, Some("removed from the cluster"));
        members
            .apply(&Change::Fence { id: ME, incarnation: Incarnation(1), why: WhyFenced::Silence })
            .unwrap();
        assert_eq!(away(&members, ME, Standing::Lapsed, &[NodeId(2)]), Some("given up"));
        assert_eq!(away(&members, ME, Standing::Granted, &[]), None, "its new start is on its way");
    }
}
