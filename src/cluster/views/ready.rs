//! Whether viewers should be sent to a node, as balancers ask it.

use weir_model::NodeId;
use weir_model::cluster::{Duty, NodeState};

use crate::liveness::Standing;
use crate::members::{Member, Members};

/// Why viewers should be sent elsewhere than to node `me`, if they should; `linked` are the nodes that it reaches.
#[must_use]
pub fn away(
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
    use weir_model::Incarnation;

    use super::*;
    use crate::members::{Change, WhyFenced};
    use crate::testing::Cluster;

    const ME: NodeId = NodeId(1);

    fn members(count: u64) -> Members {
        Cluster::of(count).directory.members
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
