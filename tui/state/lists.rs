//! The lists of all pages, and their names.

use super::list::List;

/// The lists of all pages.
#[derive(Debug, Clone)]
pub struct Lists {
    /// Streams.
    pub streams: List,
    /// Viewings of the open stream.
    pub viewings: List,
    /// Background loops.
    pub loops: List,
    /// Events.
    pub events: List,
    /// Channels.
    pub channels: List,
    /// Keys of the open channel.
    pub keys: List,
    /// Command log.
    pub log: List,
    /// Nodes of the cluster.
    pub nodes: List,
    /// Links of the node.
    pub links: List,
    /// Who owns what.
    pub actors: List,
    /// Copies of streams.
    pub replicas: List,
    /// Nodes in the agreement.
    pub peers: List,
    /// Private sessions.
    pub sessions: List,
    /// Parties of the open session.
    pub parties: List,
    /// Accounts of people.
    pub people: List,
    /// Lines of the open statement.
    pub lines: List,
    /// Payouts.
    pub payouts: List,
    /// Records of the ledger.
    pub records: List,
    /// What staff did.
    pub audit: List,
}

/// A list's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Streams,
    Viewings,
    Loops,
    Events,
    Channels,
    Keys,
    Log,
    Nodes,
    Links,
    Actors,
    Replicas,
    Peers,
    Sessions,
    Parties,
    People,
    Lines,
    Payouts,
    Records,
    Audit,
}

impl Which {
    /// Whether a cursor on the newest row means: keep showing the newest.
    pub(super) const fn follows(self) -> bool {
        matches!(self, Self::Events | Self::Records | Self::Audit)
    }
}

/// The lists that one look at the node fills.
pub(super) const LOOKED: [Which; 17] = [
    Which::Streams,
    Which::Viewings,
    Which::Loops,
    Which::Channels,
    Which::Keys,
    Which::Nodes,
    Which::Links,
    Which::Actors,
    Which::Replicas,
    Which::Peers,
    Which::Sessions,
    Which::Parties,
    Which::People,
    Which::Lines,
    Which::Payouts,
    Which::Records,
    Which::Audit,
];

impl Default for Lists {
    fn default() -> Self {
        Self {
            streams: List::default(),
            viewings: List::ordered(4, true),
            loops: List::default(),
            events: List::ordered(0, true),
            channels: List::default(),
            keys: List::ordered(3, false),
            log: List::ordered(0, true),
            nodes: List::default(),
            links: List::default(),
            actors: List::default(),
            replicas: List::default(),
            peers: List::default(),
            sessions: List::ordered(1, false),
            parties: List::ordered(8, false),
            people: List::default(),
            lines: List::ordered(0, true),
            payouts: List::ordered(1, false),
            records: List::ordered(0, true),
            audit: List::ordered(0, true),
        }
    }
}

impl Lists {
    /// The list of that name.
    pub(super) const fn of(&self, which: Which) -> &List {
        match which {
            Which::Streams => &self.streams,
            Which::Viewings => &self.viewings,
            Which::Loops => &self.loops,
            Which::Events => &self.events,
            Which::Channels => &self.channels,
            Which::Keys => &self.keys,
            Which::Log => &self.log,
            Which::Nodes => &self.nodes,
            Which::Links => &self.links,
            Which::Actors => &self.actors,
            Which::Replicas => &self.replicas,
            Which::Peers => &self.peers,
            Which::Sessions => &self.sessions,
            Which::Parties => &self.parties,
            Which::People => &self.people,
            Which::Lines => &self.lines,
            Which::Payouts => &self.payouts,
            Which::Records => &self.records,
            Which::Audit => &self.audit,
        }
    }
}
