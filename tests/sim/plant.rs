//! Mistakes that are planted into the harness, to see that the checks find them. The product has no such switch.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plant {
    /// Everything as it should be.
    Nothing,
    /// Nodes act on what they own without looking at their lease: no fencing.
    NodesIgnoreTheirLease,
    /// Leaders give silent nodes up at once, without waiting for TTL and margin.
    LeadersDoNotWait,
    /// Leaders grant before they have read what the leaders before them committed.
    LeadersDoNotRead,
    /// Leaders grant without being confirmed by a quorum.
    LeadersAreNotConfirmed,
    /// A leader's decision to give a node up is repeated until some leader makes it.
    DecisionsOutliveTheirOffice,
}
