//! What takes two people, as operators see it: proposals of acts that move much money.

use std::fmt;
use std::str::FromStr;

use crate::charge::LedgerId;
use crate::money::MoneyReceipt;
use crate::session::words;
use crate::{AccountId, AccountName, Timestamp};

words! {
    /// What became of a proposal.
    ApprovalState UnknownApprovalState "state of a proposal" {
        /// Somebody else confirms or rejects it.
        Open "open",
        /// Somebody did confirm it, and nobody knows yet whether the ledger has done it.
        Confirmed "confirmed",
        /// The ledger has done it.
        Done "done",
        /// It never happens.
        Rejected "rejected",
        /// Nobody decided in time; it never happens.
        Expired "expired",
    }
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ApprovalInfo {
    /// Which. That of the request, when the request has one.
    pub id: LedgerId,
    /// What the ledger is asked for: `top-up`, `refund`.
    pub what: String,
    /// How much, decimal text.
    pub amount: String,
    /// In what.
    pub currency: String,
    /// What can be said once it is done.
    pub then: String,
    /// Why, in the words of whoever proposed it.
    pub reason: String,
    /// What whoever decides must be allowed to do.
    pub right: String,
    /// Who proposed it, and never decides.
    pub by: AccountId,
    /// His name; none when there is no such account any more.
    pub name: Option<AccountName>,
    /// When.
    pub at: Timestamp,
    /// It never happens when nobody decides before.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: ApprovalState,
    /// Who confirmed or rejected it.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Its record in the ledger, once it is done.
    pub seq: Option<u64>,
    /// What happens next, in words; empty when nothing does.
    pub next: String,
}

/// What came of something that was to be done with money and may take two people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum MoneyOutcome {
    /// It was done, or rehearsed.
    Done(Box<MoneyReceipt>),
    /// Nothing has moved: somebody else decides.
    Proposed(Box<ApprovalInfo>),
}

impl From<MoneyReceipt> for MoneyOutcome {
    fn from(receipt: MoneyReceipt) -> Self {
        Self::Done(Box::new(receipt))
    }
}
