//! Everything that can be asked for, as `noun.verb`. Each route of the API names one of these.

use std::fmt;
use std::str::FromStr;

macro_rules! actions {
    ($($name:ident $word:literal $about:literal,)+) => {
        /// One thing that somebody may or may not do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $about] $name,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word used on the command line, in tokens' scopes and in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What it is, after "may".
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)+ }
            }
        }
    };
}

actions! {
    SelfRead "self.read" "ask who one is and what one may do",
    AccountRead "account.read" "list accounts",
    AccountManage "account.manage" "make accounts and change their roles and passwords",
    AccountLogOut "account.log_out" "end every token of an account",
    TokenRead "token.read" "list tokens",
    TokenCreate "token.create" "make tokens",
    TokenRevoke "token.revoke" "revoke tokens",
    ChannelRead "channel.read" "list channels",
    ChannelCreate "channel.create" "make channels",
    ChannelDelete "channel.delete" "delete channels",
    KeyRead "key.read" "list stream keys",
    KeyCreate "key.create" "make and rotate stream keys",
    KeyRevoke "key.revoke" "revoke stream keys",
    StreamRead "stream.read" "see what is live",
    StreamEnd "stream.end" "drop publishers",
    ViewingRead "viewing.read" "see who watches",
    ViewingKick "viewing.kick" "end viewings",
    EventRead "event.read" "read events",
    ClusterRead "cluster.read" "see nodes, links and placements",
    ClusterChange "cluster.change" "change nodes and placements",
    WalletRead "wallet.read" "read a wallet",
    WalletSpend "wallet.spend" "spend from a wallet",
    WalletChange "wallet.change" "move money between wallets",
    LedgerRead "ledger.read" "read the ledger",
    AuditRead "audit.read" "read what staff did",
    Refund "refund" "give money back",
    PayoutApprove "payout.approve" "say what became of payouts",
    PriceSet "price.set" "set prices",
    SessionRead "session.read" "see private sessions",
    SessionOffer "session.offer" "offer private sessions",
    SessionJoin "session.join" "join and leave private sessions",
    SessionEnd "session.end" "end private sessions",
    PayoutRequest "payout.request" "ask for payouts",
    ApprovalDecide "approval.decide" "confirm and reject what takes two people",
}

/// A word that names no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no action; actions are {}", words())]
pub struct UnknownAction {
    /// What was said, cut.
    pub word: String,
}

fn words() -> String {
    let words: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    words.join(", ")
}

impl Action {
    /// Whether it changes nothing.
    #[must_use]
    pub const fn only_reads(self) -> bool {
        matches!(
            self,
            Self::SelfRead
                | Self::AccountRead
                | Self::TokenRead
                | Self::ChannelRead
                | Self::KeyRead
                | Self::StreamRead
                | Self::ViewingRead
                | Self::EventRead
                | Self::ClusterRead
                | Self::WalletRead
                | Self::LedgerRead
                | Self::AuditRead
                | Self::SessionRead
        )
    }

    /// Whether it is about money.
    #[must_use]
    pub const fn is_money(self) -> bool {
        matches!(
            self,
            Self::WalletRead
                | Self::WalletSpend
                | Self::WalletChange
                | Self::LedgerRead
                | Self::Refund
                | Self::PayoutApprove
                | Self::PayoutRequest
                | Self::ApprovalDecide
                | Self::PriceSet
                | Self::SessionRead
                | Self::SessionOffer
                | Self::SessionJoin
        )
    }

    /// Whether a limited token could lift its own limits by it: no limited token has it.
    #[must_use]
    pub const fn lifts_limits(self) -> bool {
        matches!(self, Self::AccountManage | Self::TokenCreate)
    }

    pub(crate) const fn bit(self) -> u64 {
        1 << self as u64
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let found = Self::ALL.iter().copied().find(|action| action.as_str() == text);
        found.ok_or_else(|| UnknownAction { word: text.chars().take(32).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own_that_reads_back() {
        for (at, action) in Action::ALL.iter().enumerate() {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert_eq!(*action as usize, at);
        }
        let unknown = "key.make".parse::<Action>().unwrap_err().to_string();
        assert!(unknown.contains("`key.make` is no action") && unknown.contains("key.create"));
    }
}
