//! Whether a node that no leader counts on was removed while it did not look.

use std::collections::BTreeSet;

use weir_model::NodeId;

use crate::members::Members;

/// So many others have to refuse a node before it believes that it was removed.
const REFUSALS_MIN: usize = 2;

/// What the other nodes made of this one when they last spoke with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Welcome {
    /// They refused it as one that was removed.
    pub refused_by: BTreeSet<NodeId>,
    /// They have a connection with it.
    pub taken_by: BTreeSet<NodeId>,
}

impl Welcome {
    /// Whether the others removed node `me`, whose copy of the directory still has it among `members`: whoever is
    /// removed is told nothing more, and only meets refusals.
    ///
    /// A single word is not enough, unless it is that of most of the other voters, who decide about members. While
    /// anybody takes the node, the voters' word is needed too: one that was removed as well would take it for ever,
    /// and one that refuses it wrongly is outvoted.
    #[must_use]
    pub fn expels(&self, me: NodeId, members: &Members) -> bool {
        let voters: BTreeSet<NodeId> =
            members.voters().map(|voter| voter.id).filter(|id| *id != me).collect();
        let most = self.refused_by.intersection(&voters).count() * 2 > voters.len();
        let several = self.refused_by.len() >= REFUSALS_MIN;
        if self.taken_by.is_empty() { several || most } else { several && most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::Change;
    use crate::testing::Cluster;

    const ME: NodeId = NodeId(5);

    fn nodes(ids: &[u64]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    /// Five nodes, the first of them voters.
    fn expelled(voters: u64, refused_by: &[u64], taken_by: &[u64]) -> bool {
        let mut cluster = Cluster::of(5);
        (1..=voters)
            .for_each(|id| cluster.change(Change::SetVoter { id: NodeId(id), voter: true }));
        let (refused_by, taken_by) = (nodes(refused_by), nodes(taken_by));
        Welcome { refused_by, taken_by }.expels(ME, &cluster.directory.members)
    }

    #[test]
    fn a_node_that_everybody_who_answers_refuses_was_removed() {
        assert!(expelled(3, &[1, 2, 3, 4], &[]));
        assert!(expelled(3, &[3, 4], &[]), "the others are dead");
        assert!(expelled(1, &[1], &[]), "the only voter's word is the cluster's");
        assert!(expelled(2, &[1, 2], &[]));
    }

    #[test]
    fn one_word_against_a_node_removes_it_not() {
        assert!(!expelled(3, &[1], &[]), "nobody else answers");
        assert!(!expelled(3, &[1], &[2]));
        assert!(!expelled(1, &[1], &[2]));
        assert!(!expelled(3, &[], &[]) && !expelled(0, &[], &[]), "it is only cut off");
    }

    #[test]
    fn as_long_as_anybody_takes_the_node_most_voters_have_to_refuse_it() {
        assert!(!expelled(3, &[1, 4], &[2]));
        assert!(!expelled(3, &[1], &[2, 3]));
        assert!(expelled(3, &[1, 2], &[4]), "that one was removed as well");
        assert!(expelled(5, &[1, 2, 3], &[4]), "its own vote of old does not count");
    }

    #[test]
    fn a_node_that_has_no_directory_yet_believes_two() {
        let members = Members::default();
        let welcome = |ids| Welcome { refused_by: nodes(ids), taken_by: nodes(&[]) };
        assert!(!welcome(&[1]).expels(ME, &members));
        assert!(welcome(&[1, 2]).expels(ME, &members));
    }
}
