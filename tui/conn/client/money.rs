//! Asks the live node about money, and moves it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tokio::{join, try_join};
use weir_client::{Client, ClientError};
use weir_model::api::Mutation;
use weir_model::api::audit::AuditQuery;
use weir_model::api::money::{
    CreditWallet, PayoutQuery, RecordQuery, RefundCharge, SetStanding, StatementQuery,
};
use weir_model::api::people::AccountQuery;
use weir_model::api::session::SessionQuery;
use weir_model::approval::MoneyOutcome;
use weir_model::charge::{ChargeName, LedgerId};
use weir_model::money::{Durability, LedgerRecord, MoneyReceipt};
use weir_model::session::{SessionInfo, SessionState};
use weir_model::{ApiError, ErrorCode, SessionId};

use super::super::api::{Answer, Failure};
use super::super::money::{BILLS_MAX, MoneyTold, ROWS_MAX, WalletTold};
use super::failure;
use crate::act::money::{Deed, Tried, Wish};
use crate::state::nav::{MoneyPage, WalletPage};

/// A node that runs a session and takes longer is left out of this look.
const BILL_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn told(client: &Client, page: &MoneyPage) -> Result<MoneyTold, ClientError> {
    Ok(match page {
        MoneyPage::Sessions => MoneyTold::Sessions(sessions(client).await?),
        MoneyPage::Session(id) => MoneyTold::Session(Box::new(client.session(*id).await?)),
        MoneyPage::People(after) => {
            let query = AccountQuery { after: after.clone(), limit: Some(ROWS_MAX) };
            MoneyTold::People(client.accounts(&query).await?)
        }
        MoneyPage::Wallet(page) => MoneyTold::Wallet(Box::new(wallet(client, page).await?)),
        MoneyPage::Payouts => {
            let query = PayoutQuery { account: None, limit: Some(ROWS_MAX) };
            MoneyTold::Payouts(client.payouts(&query).await?)
        }
        MoneyPage::Ledger(from) => {
            let query = RecordQuery { from: *from, limit: Some(ROWS_MAX) };
            MoneyTold::Records(client.records(&query).await?)
        }
        MoneyPage::Audit(before) => {
            let query = AuditQuery { before: *before, limit: Some(ROWS_MAX) };
            MoneyTold::Audit(client.audit(&query).await?)
        }
        MoneyPage::Record(seq) => MoneyTold::Record(Box::new(client.explain_record(*seq).await?)),
    })
}

async fn wallet(client: &Client, page: &WalletPage) -> Result<WalletTold, ClientError> {
    let WalletPage { account: name, of, upto } = page;
    let query = StatementQuery { of: *of, upto: *upto, limit: Some(ROWS_MAX) };
    let (account, wallet, statement) =
        join!(client.account(name), client.wallet(name), client.statement(name, &query));
    Ok(WalletTold { account: account.ok(), wallet: wallet?, statement: statement? })
}

pub(super) async fn attempt(client: &Client, wish: &Wish, once: LedgerId) -> Answer<Tried> {
    let deed = match wish {
        Wish::Deed(deed) => deed.clone(),
        Wish::RefundOf { seq, amount } => {
            let found = client.explain_record(*seq).await.map_err(failure)?;
            let charge = charge_of(&found.record).map_err(Failure::Refused)?;
            Deed::Refund { charge, amount: amount.clone() }
        }
    };
    let how = Mutation { dry_run: true, ..Mutation::default() };
    match ask(client, &deed, once, &how).await.map_err(failure)? {
        MoneyOutcome::Done(receipt) => Ok(Tried { deed, receipt: *receipt }),
        MoneyOutcome::Proposed(_) => {
            let why = "the node proposed what it was to rehearse; it runs another version";
            Err(Failure::Refused(ApiError::new(ErrorCode::Internal, why)))
        }
    }
}

/// The payment that a record is about.
fn charge_of(record: &LedgerRecord) -> Result<ChargeName, ApiError> {
    let seq = record.seq;
    match record.charges.as_slice() {
        [one] => Ok(*one),
        [] => {
            let why = format!("record {seq} is about no payment that could be given back");
            Err(ApiError::new(ErrorCode::Conflict, why))
        }
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            let why = format!("record {seq} is about several payments: {}", names.join(" "));
            Err(ApiError::new(ErrorCode::Conflict, why).hint("name one: :refund PAYMENT"))
        }
    }
}

pub(super) async fn ask(
    client: &Client,
    deed: &Deed,
    once: LedgerId,
    how: &Mutation,
) -> Result<MoneyOutcome, ClientError> {
    let id = Some(once);
    match deed {
        Deed::Credit { account, amount } => {
            let amount = amount.clone();
            let body = CreditWallet { id, amount, ..CreditWallet::default() };
            client.credit(account, &body, how).await
        }
        Deed::Stand { account, of, frozen } => {
            let body = SetStanding { id, of: *of };
            let done = match frozen {
                true => client.freeze(account, &body, how).await,
                false => client.unfreeze(account, &body, how).await,
            };
            done.map(MoneyOutcome::from)
        }
        Deed::Payout { id, arrived: true } => client.payout_paid(*id, how).await,
        Deed::Payout { id, arrived: false } => client.payout_failed(*id, how).await,
        Deed::Refund { charge, amount } => {
            let body = RefundCharge { id, charge: *charge, amount: amount.clone() };
            client.refund(&body, how).await
        }
    }
}

/// One line about what was done, or what happens next.
pub(super) fn said(outcome: &MoneyOutcome) -> String {
    match outcome {
        MoneyOutcome::Done(receipt) => done(receipt),
        MoneyOutcome::Proposed(info) => {
            format!(
                "{} of {} {} was proposed: {}",
                info.what, info.amount, info.currency, info.next
            )
        }
    }
}

fn done(receipt: &MoneyReceipt) -> String {
    let MoneyReceipt { what, amount, currency, .. } = receipt;
    let record = receipt.seq.map(|seq| format!(", record {seq}")).unwrap_or_default();
    let before = if receipt.replayed { ", it was done before" } else { "" };
    let kept = match receipt.durability {
        Some(Durability::Local) => ", on the disk of the only voter",
        Some(Durability::Quorum) => ", on the disks of most voters",
        None => "",
    };
    format!("{what} of {amount} {currency}{record}{before}{kept}")
}

/// Those that run, however old they are, and the newest others. The list does not say what running sessions have cost
/// until now; each of them does.
async fn sessions(client: &Client) -> Result<Vec<SessionInfo>, ClientError> {
    let query = |state| SessionQuery { state, limit: Some(ROWS_MAX), channel: None };
    let (live, newest) = (query(Some(SessionState::Live)), query(None));
    let (mut all, newest) = try_join!(client.sessions(&live), client.sessions(&newest))?;
    let known: BTreeSet<SessionId> = all.iter().map(|one| one.id).collect();
    all.extend(newest.into_iter().filter(|one| !known.contains(&one.id)));
    let running = all.iter_mut().filter(|one| one.state == SessionState::Live).take(BILLS_MAX);
    let asked = running.map(|one| async move {
        if let Ok(Ok(billed)) = timeout(BILL_TIMEOUT, client.session(one.id)).await {
            *one = billed;
        }
    });
    join_all(asked).await;
    Ok(all)
}
