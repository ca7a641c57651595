//! Who was turned away, by reason: counters for metrics, and the newest ones for the operator.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use weir_model::NodeId;

/// Newest refusals that are kept; an operator reads one screen.
const KEPT_MAX: usize = 32;

/// Why a connection was refused or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The certificate was not made by this cluster's authority.
    Stranger,
    /// The certificate is past its end.
    Expired,
    /// The certificate is before its begin: clocks differ by more than the allowance.
    NotYetValid,
    /// The node or its certificate was removed from the cluster.
    Revoked,
    /// The certificate is good, but the node is no member as far as this one knows, and was not just admitted.
    Unknown,
    /// The certificate is good, but its key is none of those that the node has on record: somebody holds a copy of the
    /// authority who should not, or this node does not know the newest keys yet.
    ForeignKey,
    /// The certificate belongs to another node than the one that was dialled.
    AnotherNode,
    /// No certificate, on a protocol that needs one.
    Anonymous,
    /// A certificate that is not one of a Weir node, or a broken handshake.
    Malformed,
    /// No protocol version in common.
    Version,
    /// The hello was missing, late or contradicts the certificate.
    Hello,
    /// An older start of a node that has started again since, or two machines with one identity.
    OldIncarnation,
    /// More handshakes at once than [`HANDSHAKES_MAX`](crate::link::endpoint::HANDSHAKES_MAX).
    Handshakes,
    /// More peers than [`NODES_MAX`](weir_cluster::limits::NODES_MAX).
    Peers,
    /// The other side broke the handshake off: it believes in another cluster than this one.
    Unbelieved,
    /// A request to join that was not put to the directory: not understood, too many, or to a node that cannot admit.
    Newcomer,
    /// A newcomer that the directory refused.
    Join,
}

impl Reason {
    /// The word used in metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
            Self::ForeignKey => "foreign_key",
            Self::AnotherNode => "another_node",
            Self::Anonymous => "anonymous",
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::Hello => "hello",
            Self::OldIncarnation => "old_incarnation",
            Self::Handshakes => "handshakes",
            Self::Peers => "peers",
            Self::Unbelieved => "unbelieved",
            Self::Newcomer => "newcomer",
            Self::Join => "join",
        }
    }
}

impl std::fmt::Display for Reason {
    /// For people: the end of a sentence, with what to do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stranger => {
                "its certificate is not of this cluster; if it belongs here, invite it on an empty data directory"
            }
            Self::Expired => {
                "its certificate has expired: its clock is wrong, or it was off for weeks and is to be invited again \
                 on an empty data directory"
            }
            Self::NotYetValid => "its certificate is not valid yet; compare the clocks",
            Self::Revoked => {
                "it was removed from the cluster; stop it, or invite it again on an empty data directory"
            }
            Self::Unknown => {
                "it is no member of the cluster; stop it, or invite it on an empty data directory"
            }
            Self::ForeignKey => {
                "its certificate is of this cluster's authority, but its key is not on record for that node; if a voter \
                 was removed or a machine lost, the authority may be in wrong hands: look where it comes from. The node \
                 itself gets in when its keys are known here"
            }
            Self::AnotherNode => {
                "it is not the node that was dialled; compare `node.address` of both"
            }
            Self::Anonymous => {
                "it has no certificate; a new node starts with `--join` and an invitation"
            }
            Self::Malformed => "its certificate is not one of a Weir node; look who uses this port",
            Self::Version => {
                "it speaks no common version of the protocol; upgrade one version at a time"
            }
            Self::Hello => {
                "it did not say who it is, or not what its certificate says; look at its log"
            }
            Self::OldIncarnation => {
                "a later start of it is known; two processes may share one data directory"
            }
            Self::Handshakes => "too many were being made; it tries again",
            Self::Peers => "there are as many peers as a cluster has nodes; remove some",
            Self::Unbelieved => {
                "it does not believe in this cluster: its invitation or certificate is of another one, or it removed \
                 this node"
            }
            Self::Newcomer => {
                "it wanted to join, and was too late, one too many or not understood, or this node cannot admit; it \
                 was told which"
            }
            Self::Join => "it was not admitted",
        })
    }
}

/// Every reason, in the order of their counters.
const REASONS: [Reason; 17] = [
    Reason::Stranger,
    Reason::Expired,
    Reason::NotYetValid,
    Reason::Revoked,
    Reason::Unknown,
    Reason::ForeignKey,
    Reason::AnotherNode,
    Reason::Anonymous,
    Reason::Malformed,
    Reason::Version,
    Reason::Hello,
    Reason::OldIncarnation,
    Reason::Handshakes,
    Reason::Peers,
    Reason::Unbelieved,
    Reason::Newcomer,
    Reason::Join,
];

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// Which node, when a certificate said so.
    pub node: Option<NodeId>,
    /// Where it came from, or was dialled; none where a handshake does not say.
    pub remote: Option<SocketAddr>,
}

/// The refusals of a node since its start.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: [AtomicU64; REASONS.len()],
    newest: Mutex<VecDeque<Refused>>,
    /// How many there were.
    total: watch::Sender<u64>,
}

impl Refusals {
    /// Counts one and tells the log.
    pub(in crate::link) fn count(&self, reason: Reason, node: Option<NodeId>) {
        self.count_from(reason, node, None);
    }

    /// Counts one whose address is known.
    pub(in crate::link) fn count_from(
        &self,
        reason: Reason,
        node: Option<NodeId>,
        remote: Option<SocketAddr>,
    ) {
        let at = REASONS.iter().position(|one| *one == reason);
        if let Some(count) = at.and_then(|at| self.counts.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut newest = self.newest.lock();
        if newest.len() == KEPT_MAX {
            newest.pop_front();
        }
        newest.push_back(Refused { reason, node, remote });
        self.total.send_modify(|total| *total += 1);
        drop(newest);
        tracing::debug!(?reason, node = ?node.map(|node| node.to_string()), ?remote, "link refused");
    }

    /// How often for `reason`.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        let at = REASONS.iter().position(|one| *one == reason);
        at.and_then(|at| self.counts.get(at)).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Every reason with its count, for metrics.
    #[must_use]
    pub fn all(&self) -> Vec<(Reason, u64)> {
        REASONS.iter().map(|reason| (*reason, self.of(*reason))).collect()
    }

    /// How many there were, and when that changes.
    #[must_use]
    pub fn total(&self) -> watch::Receiver<u64> {
        self.total.subscribe()
    }

    /// The newest refusals, oldest first.
    #[must_use]
    pub fn newest(&self) -> Vec<Refused> {
        self.newest.lock().iter().cloned().collect()
    }
}
