//! Money as operators see it. Amounts are decimal text in the ledger's one currency (`12.34`), because a number would
//! pass through other programs' fractions.

use std::fmt;
use std::str::FromStr;

use crate::charge::{ChargeName, LedgerId};
use crate::session::words;
use crate::{AccountId, Timestamp};

/// Where the ledger stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LedgerInfo {
    /// What it counts: `EUR`; none before it was founded.
    pub currency: Option<String>,
    /// Digits behind the point of what it counts.
    pub decimals: u8,
    /// Its newest record; 0 before the first.
    pub seq: u64,
    /// That one's time.
    pub at: Option<Timestamp>,
    /// The hash of everything up to it (BLAKE3, hexadecimal).
    pub hash: String,
    /// Accounts that something was ever on.
    pub accounts: usize,
    /// Whether debits are credits, over all accounts.
    pub is_even: bool,
}

/// What a posting does to an account.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PostingStage {
    /// It moves money.
    Posted,
    /// It keeps money from being spent.
    Reserved,
    /// It lets reserved money go.
    Released,
}

/// One line of a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Posting {
    /// Which account: `user:acc_…:wallet`, `platform:fees`.
    pub account: String,
    /// What it does.
    pub stage: PostingStage,
    /// How much on the debit side, if it is there.
    pub debit: Option<String>,
    /// How much on the credit side, if it is there.
    pub credit: Option<String>,
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LedgerRecord {
    /// Its number.
    pub seq: u64,
    /// Its time.
    pub at: Timestamp,
    /// What was asked for.
    pub what: String,
    /// By whom.
    pub by: AccountId,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Why nothing was done, when it was refused.
    pub refused: Option<String>,
    /// What it did to accounts.
    pub postings: Vec<Posting>,
    /// The payments that it made or changed, as `weir refund` takes them.
    pub charges: Vec<ChargeName>,
    /// The hash of everything up to it.
    pub hash: String,
}

/// A record in sentences.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LedgerExplanation {
    /// The record.
    #[serde(flatten)]
    pub record: LedgerRecord,
    /// What it did, a sentence each.
    pub sentences: Vec<String>,
}

/// What is on an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AccountBalance {
    /// Which.
    pub account: String,
    /// `assets`, `liabilities`, `income` or `expenses`.
    pub class: String,
    /// All that was debited.
    pub debits: String,
    /// All that was credited.
    pub credits: String,
    /// What is reserved of it.
    pub reserved: String,
    /// What is on it, on its own side; below zero with a minus.
    pub balance: String,
    /// `open`, `frozen` or `closed`.
    pub standing: String,
}

/// What a person has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Wallet {
    /// Who.
    pub account: AccountId,
    /// In what.
    pub currency: Option<String>,
    /// What can be spent now.
    pub available: String,
    /// What is reserved for sessions that go on.
    pub reserved: String,
    /// What was earned and is not payable yet.
    pub pending: String,
    /// What was earned and can be paid out.
    pub payable: String,
    /// What is owed to the platform.
    pub debt: String,
    /// `open`, `frozen` or `closed`.
    pub standing: String,
}

/// What happened on an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct StatementInfo {
    /// Which.
    pub account: String,
    /// In what.
    pub currency: Option<String>,
    /// What was on it before the first line.
    pub opening: String,
    /// Oldest first.
    pub lines: Vec<StatementLine>,
    /// What is on it after the last line.
    pub closing: String,
}

/// One record's part of a statement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct StatementLine {
    /// The record.
    pub seq: u64,
    /// Its time.
    pub at: Timestamp,
    /// What was done.
    pub what: String,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// What it took or put on the debit side.
    pub debit: String,
    /// The same of the credit side.
    pub credit: String,
    /// What is on the account then.
    pub balance: String,
}

words! {
    /// Whose account of a person.
    #[derive(Default)]
    PersonalAccount UnknownPersonalAccount "account of a person" {
        /// What he can spend.
        #[default]
        Wallet "wallet",
        /// What he earned and is not payable yet.
        Pending "pending",
        /// What he earned and can be paid out.
        Payable "payable",
        /// What he owes.
        Debt "debt",
    }
}

/// Whether all records are as they were made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Verification {
    /// Whether it goes on.
    pub running: bool,
    /// Records that were looked at so far, all as they were made.
    pub checked: u64,
    /// Records there are.
    pub of: u64,
    /// The first that is not as it was made.
    pub fault: Option<LedgerFault>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A record that is not as it was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LedgerFault {
    /// Its number.
    pub seq: u64,
    /// What does not fit.
    pub what: String,
}

words! {
    /// In whose words an export is.
    #[derive(Default)]
    ExportFormat UnknownExportFormat "format of an export" {
        /// `hledger` and `ledger`.
        #[default]
        Hledger "hledger",
        /// `beancount`.
        Beancount "beancount",
        /// A line for each posting.
        Csv "csv",
    }
}

/// A piece of an export.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ExportPiece {
    /// Its text.
    pub text: String,
    /// Where the next piece begins; none behind the last.
    pub next: Option<u64>,
}

/// How many disks have what was acknowledged.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// That of the only voter.
    Local,
    /// Those of most voters.
    Quorum,
}

/// What came of something that was to be done with money.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MoneyReceipt {
    /// What was done.
    pub what: String,
    /// Under which id it is done once; none for what names what it is about and may be asked again.
    pub id: Option<LedgerId>,
    /// Its record; none when nothing changed. Of a dry run the one that would be next.
    pub seq: Option<u64>,
    /// It was done before, and this is what came of it then.
    pub replayed: bool,
    /// How safe it is; none of a dry run.
    pub durability: Option<Durability>,
    /// What was moved or reserved.
    pub amount: String,
    /// What the payer or owner can spend then.
    pub available: String,
    /// In what amounts are.
    pub currency: String,
    /// The payment that it is about, as `weir refund` takes it.
    pub charge: Option<ChargeName>,
    /// The payout that it is about.
    pub payout: Option<LedgerId>,
    /// Of a dry run: the accounts that would change.
    pub changes: Vec<BalanceChange>,
}

/// An account as it is and as it would be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct BalanceChange {
    /// Which.
    pub account: String,
    /// What is on it.
    pub before: BalanceState,
    /// What would be on it.
    pub after: BalanceState,
}

/// What is on an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct BalanceState {
    /// On its own side, what is reserved of it included; below zero with a minus.
    pub balance: String,
    /// What is reserved of it.
    pub reserved: String,
    /// `open`, `frozen` or `closed`.
    pub standing: String,
}

words! {
    /// What became of a payout.
    PayoutState UnknownPayoutState "state of a payout" {
        /// Nothing yet: the money is reserved.
        Open "open",
        /// The streamer has it.
        Paid "paid",
        /// It came back.
        Failed "failed",
    }
}

/// What came of telling a provider.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TellingState {
    /// Nobody knows yet.
    Trying,
    /// It has it.
    Sent,
    /// It has it not, or nobody knows; it is told again.
    Failed,
}

/// How far a provider was told of a payout.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct TellingInfo {
    /// What came of the newest attempt.
    pub state: TellingState,
    /// Attempts.
    pub tries: u32,
    /// When the newest was made.
    pub at: Timestamp,
    /// What it failed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Money on its way to a streamer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PayoutInfo {
    /// Which.
    pub id: LedgerId,
    /// To whom.
    pub account: AccountId,
    /// How much.
    pub amount: String,
    /// By which payment provider.
    pub provider: String,
    /// What became of it.
    pub state: PayoutState,
    /// How far its provider was told of it; absent when that is done by hand, or has not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<TellingInfo>,
    /// The newest record about it.
    pub seq: u64,
    /// When that was.
    pub at: Timestamp,
}
