//! Weighted rendezvous hashing: every node draws tickets for a name, and the greatest ticket wins.
//!
//! A node of weight `w` draws `w` tickets, so it wins in proportion, without logarithms whose last bit could differ
//! between machines. When a node leaves, only what it had won moves; when one comes, only what it wins moves.

use weir_model::NodeId;

/// Tickets that a node may draw at most.
pub(crate) const WEIGHT_MAX: u8 = 16;

const TICKET_BYTES: usize = 8;

/// The best of a node's tickets for `name`.
pub(crate) fn ticket(name: &str, node: NodeId, weight: u8) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&node.0.to_be_bytes());
    hasher.update(name.as_bytes());
    let mut tickets = [0; TICKET_BYTES * WEIGHT_MAX as usize];
    hasher.finalize_xof().fill(&mut tickets);
    let drawn = usize::from(weight.clamp(1, WEIGHT_MAX));
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    tickets.chunks(TICKET_BYTES).take(drawn).map(number).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(name: &str, nodes: &[(u64, u8)]) -> u64 {
        let best = nodes.iter().max_by_key(|(id, weight)| ticket(name, NodeId(*id), *weight));
        best.unwrap().0
    }

    #[test]
    fn a_node_wins_in_proportion_to_its_weight() {
        let nodes = [(1, 1), (2, 1), (3, 2)];
        let wins = (0..4000).filter(|name| winner(&format!("room/{name}"), &nodes) == 3).count();
        assert!((1850..2150).contains(&wins), "{wins}");
    }

    #[test]
    fn only_what_a_node_had_won_moves_when_it_leaves() {
        let (all, rest) = ([(1, 1), (2, 3), (3, 2)], [(1, 1), (2, 3)]);
        for name in (0..500).map(|name| format!("room/{name}")) {
            let before = winner(&name, &all);
            assert!(before == 3 || before == winner(&name, &rest));
        }
    }

    #[test]
    fn tickets_are_the_same_in_every_version() {
        assert_eq!(
            ticket("room/demo", NodeId(1), 0),
            14_827_431_411_125_440_274,
            "a weight of 0 counts as 1"
        );
        assert!(ticket("room/demo", NodeId(1), 16) >= ticket("room/demo", NodeId(1), 1));
    }
}
