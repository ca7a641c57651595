//! What pages about money are told.
//!
//! The ledger is the voters', so the asked node may be well and its ledger silent: that is said on the page and is no
//! lost node.

use std::time::Duration;

use tokio::time::timeout;
use weir_model::audit::AuditEntry;
use weir_model::money::{LedgerExplanation, LedgerRecord, PayoutInfo, StatementInfo, Wallet};
use weir_model::session::SessionInfo;
use weir_model::{Account, ApiError, ErrorCode};

use super::Detail;
use super::api::{Answer, Api, Failure};
use crate::state::nav::MoneyPage;

/// A ledger that takes longer has no quorum; shorter than what makes a node a lost one.
const LEDGER_TIMEOUT: Duration = Duration::from_secs(4);

/// Newest rows of any list about money that are asked for at once: several screens.
pub const ROWS_MAX: usize = 200;

/// Running sessions whose bills are asked for at one look, the newest: each costs a request.
pub const BILLS_MAX: usize = 16;

/// What a page about money shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyTold {
    /// Private sessions, the newest first.
    Sessions(Vec<SessionInfo>),
    /// One of them.
    Session(Box<SessionInfo>),
    /// Accounts by name.
    People(Vec<Account>),
    /// What somebody has.
    Wallet(Box<WalletTold>),
    /// Payouts, the newest first.
    Payouts(Vec<PayoutInfo>),
    /// Records, the oldest first.
    Records(Vec<LedgerRecord>),
    /// A record.
    Record(Box<LedgerExplanation>),
    /// Entries of the audit log, the oldest first.
    Audit(Vec<AuditEntry>),
}

/// What somebody has, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletTold {
    /// Who it is; none when whoever asks may read wallets and no accounts.
    pub account: Option<Account>,
    /// What is on his accounts.
    pub wallet: Wallet,
    /// What happened on one of them.
    pub statement: StatementInfo,
}

pub(super) async fn asked<A: Api>(api: &A, page: &MoneyPage) -> Answer<Detail> {
    match timeout(LEDGER_TIMEOUT, api.money(page)).await {
        Ok(answer) => answer.map(|told| Detail::Money(page.clone(), told)),
        Err(_) => {
            let seconds = LEDGER_TIMEOUT.as_secs();
            let why = format!("The ledger has not answered in {seconds} s; it is asked again.");
            Err(Failure::Refused(ApiError::new(ErrorCode::Timeout, why)))
        }
    }
}
