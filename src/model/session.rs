//! Private sessions as operators see them. Amounts are decimal text in the ledger's currency, as in [`crate::money`].

use std::fmt;
use std::str::FromStr;

use crate::{AccountId, AccountName, ChannelName, SessionId, Timestamp};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident $unknown:ident $what:literal {
        $($(#[$about:meta])* $variant:ident $word:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema,
        )]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $word)] $variant,)+
        }

        /// A word that is none of them.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error("`{0}` is no {what}; write one of {all}", what = $what, all = [$($word),+].join(", "))]
        pub struct $unknown(pub String);

        impl $name {
            /// The word used in tables, on the command line and in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $unknown;

            fn from_str(text: &str) -> Result<Self, $unknown> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err($unknown(other.chars().take(32).collect())),
                }
            }
        }
    };
}

pub(crate) use words;

words! {
    /// How far a session is.
    SessionState UnknownSessionState "state of a session" {
        /// It can be joined; the stream is public still.
        Offered "offered",
        /// The stream is its parties'.
        Live "live",
        /// It is over.
        Ended "ended",
    }
}

words! {
    /// How time is counted.
    Counting UnknownCounting "way to count time" {
        /// By whole seconds that were delivered.
        Second "second",
        /// By whole six seconds that were delivered.
        SixSeconds "6s",
        /// By whole minutes that were delivered.
        Minute "minute",
        /// Each minute that began is paid whole.
        StartedMinute "started_minute",
    }
}

words! {
    /// Why time is not billed at the moment, or why somebody's session ended.
    SessionHalt UnknownSessionHalt "reason of a halt" {
        /// The viewer ended it.
        Viewer "viewer",
        /// The streamer ended it.
        Streamer "streamer",
        /// An operator ended it.
        Operator "operator",
        /// The viewer's player is silent.
        ViewerGone "viewer_gone",
        /// No media comes from the streamer.
        StreamerGone "streamer_gone",
        /// The viewer has nothing left to reserve.
        Balance "balance",
        /// The ledger does not answer.
        Ledger "ledger",
        /// What the viewer agreed to at most is spent.
        Cap "cap",
    }
}

/// What one may join for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SessionPrice {
    /// What it is called: `guest`, `onlooker`.
    pub name: String,
    /// Of a minute.
    pub rate: String,
    /// How time is counted.
    pub count: Counting,
    /// Paid at least when the viewer ends it, seconds.
    pub min_seconds: u32,
    /// Not billed, once for each account, seconds.
    pub free_seconds: u64,
    /// How many may have it at once.
    pub places: u32,
    /// How many have it.
    pub taken: u32,
}

/// Somebody who joined.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SessionParty {
    /// Who.
    pub account: AccountId,
    /// That account's name; absent when there is none any more.
    pub name: Option<AccountName>,
    /// The name of the price that was agreed to.
    pub price: String,
    /// Pays so much at most.
    pub cap: String,
    /// What the ledger calls the bill, as `weir refund` takes it.
    pub charge: String,
    /// When.
    pub joined_at: Timestamp,
    /// When it left.
    pub left_at: Option<Timestamp>,
    /// Why it left.
    pub left_why: Option<SessionHalt>,
    /// Whether the ledger closed the bill: what is billed is the receipt then.
    pub settled: bool,
    /// Billed until now; absent while nobody says it.
    pub billed: Option<String>,
    /// Time that both sides had, whole seconds; absent while nobody says it.
    pub delivered_seconds: Option<u64>,
    /// Why time is not billed at the moment.
    pub paused: Option<SessionHalt>,
    /// How long the money lasts, seconds: what was agreed at most, and what is in the wallet. Absent while nobody says it.
    pub left_seconds: Option<u64>,
}

/// A private session.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct SessionInfo {
    /// Which.
    pub id: SessionId,
    /// On whose stream.
    pub channel: ChannelName,
    /// The streamer, who gets what the platform does not.
    pub host: AccountId,
    /// How far it is.
    pub state: SessionState,
    /// In what amounts are; absent while the ledger does not say it, and then amounts are in its smallest unit.
    pub currency: Option<String>,
    /// The platform's part in hundredths of a percent.
    pub fee_bps: u32,
    /// What one may join for.
    pub prices: Vec<SessionPrice>,
    /// Who may join; everybody when empty. Only those who run the session see others than themselves.
    pub invited: Vec<AccountId>,
    /// Everybody who ever joined, in that order. Only those who run the session see others than themselves.
    pub parties: Vec<SessionParty>,
    /// When it was offered.
    pub offered_at: Timestamp,
    /// Since when the stream is its parties'.
    pub began_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub ended_why: Option<SessionHalt>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_others_are_refused_with_those_there_are() {
        for count in [Counting::Second, Counting::SixSeconds, Counting::StartedMinute] {
            assert_eq!(count.to_string().parse(), Ok(count));
            assert_eq!(serde_json::to_value(count).unwrap(), count.as_str());
        }
        let refused = "hour".parse::<Counting>().unwrap_err().to_string();
        assert_eq!(
            refused,
            "`hour` is no way to count time; write one of second, 6s, minute, started_minute"
        );
    }
}
