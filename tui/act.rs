//! What an operator can do from the console, each with the command line that does the same.

use money::Deed;
use weir_model::charge::LedgerId;
use weir_model::cluster::NodeChange;
use weir_model::{ChannelName, KeyId, SessionId, ViewingId};

pub mod money;

/// An act on the node. Always asked for, confirmed, logged and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Ends a stream's publisher connection.
    KickStream {
        /// Whose stream.
        channel: ChannelName,
        /// Told to the publisher and kept in the event.
        reason: String,
    },
    /// Ends one viewing.
    KickViewing {
        /// Which one.
        id: ViewingId,
        /// Kept in the event.
        reason: String,
    },
    /// Ends a private session for everybody in it.
    EndSession {
        /// Which one.
        id: SessionId,
        /// Kept in the audit log.
        reason: String,
    },
    /// Moves money, or lets none move.
    Money {
        /// What is done.
        deed: Deed,
        /// Under which it is done once.
        once: LedgerId,
        /// Kept in the ledger.
        reason: String,
    },
    /// Takes a stream key back for good.
    RevokeKey {
        /// Whose key.
        channel: ChannelName,
        /// Its public id.
        key: KeyId,
    },
    /// Changes what is wanted of a node.
    ChangeNode {
        /// Its name.
        node: String,
        /// The change.
        change: NodeChange,
        /// Kept in the event.
        reason: String,
    },
    /// Moves what is better placed elsewhere.
    Rebalance {
        /// Kept in the event.
        reason: String,
    },
}

impl Act {
    /// The command line with the same effect.
    #[must_use]
    pub fn cli(&self) -> String {
        match self {
            Self::KickStream { channel, reason } => {
                format!("weir stream kick {channel} --reason {} --yes", quoted(reason))
            }
            Self::KickViewing { id, reason } => {
                format!("weir viewing kick {id} --reason {} --yes", quoted(reason))
            }
            Self::EndSession { id, reason } => {
                format!("weir session end {id} --reason {} --yes", quoted(reason))
            }
            Self::Money { deed, once, reason } => {
                format!("{} --reason {} --yes", deed.cli(*once), quoted(reason))
            }
            Self::RevokeKey { channel, key } => format!("weir key revoke {channel} {key} --yes"),
            Self::ChangeNode { node, change, reason } => {
                let (node, verb) = (word(node), change.as_str());
                format!("weir node {verb} --reason {} --yes -- {node}", quoted(reason))
            }
            Self::Rebalance { reason } => {
                format!("weir cluster rebalance --reason {} --yes", quoted(reason))
            }
        }
    }

    /// What to say when the node did not answer in time.
    #[must_use]
    pub const fn unanswered(&self) -> &'static str {
        match self {
            Self::Money { .. } => {
                "no answer in time; it may have been done. Its line in the log (@) does it once, however often"
            }
            _ => "no answer in time; look before you repeat it",
        }
    }
}

/// A word that a POSIX shell reads back as it is.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The same of a name, which stays as one types it when it is plain.
pub(crate) fn word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let bare = !text.is_empty() && text.bytes().all(plain) && !text.starts_with('-');
    if bare { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_its_command_line() {
        let channel: ChannelName = "demo".parse().unwrap();
        let kick = Act::KickStream { channel: channel.clone(), reason: "spam".into() };
        assert_eq!(kick.cli(), "weir stream kick demo --reason 'spam' --yes");
        let kick = Act::KickViewing { id: ViewingId(7), reason: "rude".into() };
        assert_eq!(kick.cli(), "weir viewing kick view_0000000000000007 --reason 'rude' --yes");
        let change = NodeChange::Drain;
        let drain = Act::ChangeNode { node: "edge 2".into(), change, reason: "disk".into() };
        assert_eq!(drain.cli(), "weir node drain --reason 'disk' --yes -- 'edge 2'");
        let rebalance = Act::Rebalance { reason: "new node".into() };
        assert_eq!(rebalance.cli(), "weir cluster rebalance --reason 'new node' --yes");
        let end = Act::EndSession { id: SessionId(9), reason: "abuse".into() };
        assert_eq!(end.cli(), "weir session end ses_0000000000000009 --reason 'abuse' --yes");
        let once = LedgerId::new(0xcafe).unwrap();
        let deed = Deed::Credit { account: "fan".into(), amount: "20.00".into() };
        let credit = Act::Money { deed, once, reason: "bank transfer 7".into() };
        assert_eq!(
            credit.cli(),
            "weir wallet credit fan 20.00 --id 0000000000000000000000000000cafe --reason 'bank transfer 7' --yes"
        );
        let revoke = Act::RevokeKey { channel, key: KeyId(1) };
        assert_eq!(revoke.cli(), "weir key revoke demo key_0000000000000001 --yes");
    }

    #[test]
    fn a_reason_cannot_leave_its_quotes() {
        let channel = "demo".parse().unwrap();
        let kick = Act::KickStream { channel, reason: "it's $(rm)".into() };
        assert_eq!(kick.cli(), r"weir stream kick demo --reason 'it'\''s $(rm)' --yes");
    }
}
