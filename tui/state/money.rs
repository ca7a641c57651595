//! What is known about money, cleaned.

use std::sync::Arc;

use weir_model::Account;
use weir_model::audit::AuditEntry;
use weir_model::money::{
    LedgerExplanation, LedgerRecord, MoneyReceipt, PayoutInfo, StatementLine, Wallet,
};
use weir_model::session::{SessionInfo, SessionParty};

use super::nav::MoneyPage;
use crate::clean::clean_in;
use crate::conn::money::{MoneyTold, WalletTold};

pub mod rows;
pub mod session;
pub mod sum;

/// What the node told about money.
#[derive(Debug, Clone, Default)]
pub struct Money {
    /// The page that was told last.
    page: Option<MoneyPage>,
    /// Private sessions.
    pub sessions: Arc<Vec<SessionInfo>>,
    /// The open one.
    pub session: Option<Arc<SessionInfo>>,
    /// Those who ever took part in it.
    pub parties: Arc<Vec<SessionParty>>,
    /// Accounts by name.
    pub people: Arc<Vec<Account>>,
    /// The open wallet.
    pub wallet: Option<Arc<WalletTold>>,
    /// What happened to it.
    pub lines: Arc<Vec<StatementLine>>,
    /// Payouts.
    pub payouts: Arc<Vec<PayoutInfo>>,
    /// Records of the ledger.
    pub records: Arc<Vec<LedgerRecord>>,
    /// What staff did.
    pub audit: Arc<Vec<AuditEntry>>,
    /// The open record.
    pub record: Option<Arc<LedgerExplanation>>,
}

impl Money {
    /// Whether what is known is what this page shows. Until then nothing of it may be shown or acted on: it may be
    /// about somebody else.
    #[must_use]
    pub fn is_of(&self, page: &MoneyPage) -> bool {
        self.page.as_ref() == Some(page)
    }

    pub(super) fn take(&mut self, page: MoneyPage, told: MoneyTold) {
        self.page = Some(page);
        match told {
            MoneyTold::Sessions(mut sessions) => {
                sessions.iter_mut().for_each(clean_session);
                self.sessions = Arc::new(sessions);
            }
            MoneyTold::Session(mut session) => {
                clean_session(&mut session);
                self.parties = Arc::new(session.parties.clone());
                self.session = Some(Arc::from(session));
            }
            MoneyTold::People(people) => self.people = Arc::new(people),
            MoneyTold::Wallet(mut told) => {
                clean_wallet(&mut told);
                self.lines = Arc::new(std::mem::take(&mut told.statement.lines));
                self.wallet = Some(Arc::from(told));
            }
            MoneyTold::Payouts(mut payouts) => {
                for payout in &mut payouts {
                    [&mut payout.amount, &mut payout.provider].into_iter().for_each(clean_in);
                }
                self.payouts = Arc::new(payouts);
            }
            MoneyTold::Records(mut records) => {
                records.iter_mut().for_each(clean_record);
                self.records = Arc::new(records);
            }
            MoneyTold::Audit(mut entries) => {
                entries.iter_mut().for_each(clean_entry);
                self.audit = Arc::new(entries);
            }
            MoneyTold::Record(mut record) => {
                clean_record(&mut record.record);
                record.sentences.iter_mut().for_each(clean_in);
                self.record = Some(Arc::from(record));
            }
        }
    }
}

fn clean_session(session: &mut SessionInfo) {
    session.currency.iter_mut().for_each(clean_in);
    for price in &mut session.prices {
        [&mut price.name, &mut price.rate].into_iter().for_each(clean_in);
    }
    for party in &mut session.parties {
        [&mut party.price, &mut party.cap, &mut party.charge].into_iter().for_each(clean_in);
        party.billed.iter_mut().for_each(clean_in);
    }
}

fn clean_wallet(told: &mut WalletTold) {
    let Wallet { currency, available, reserved, pending, payable, debt, standing, .. } =
        &mut told.wallet;
    let amounts = [available, reserved, pending, payable, debt, standing];
    amounts.into_iter().chain(currency).for_each(clean_in);
    let statement = &mut told.statement;
    [&mut statement.account, &mut statement.opening, &mut statement.closing]
        .into_iter()
        .for_each(clean_in);
    for line in &mut statement.lines {
        let StatementLine { what, reason, debit, credit, balance, .. } = line;
        [what, reason, debit, credit, balance].into_iter().for_each(clean_in);
    }
}

fn clean_record(record: &mut LedgerRecord) {
    let LedgerRecord { what, reason, refused, postings, hash, .. } = record;
    [what, reason, hash].into_iter().chain(refused).for_each(clean_in);
    for posting in postings {
        let sides = posting.debit.iter_mut().chain(&mut posting.credit);
        sides.chain([&mut posting.account]).for_each(clean_in);
    }
}

fn clean_entry(entry: &mut AuditEntry) {
    let AuditEntry { action, target, detail, token, reason, why, hash, .. } = entry;
    [action, target, detail, token, reason, hash].into_iter().chain(why).for_each(clean_in);
}

/// Makes a receipt inert.
pub(super) fn clean_receipt(receipt: &mut MoneyReceipt) {
    let MoneyReceipt { what, amount, available, currency, changes, .. } = receipt;
    [what, amount, available, currency].into_iter().for_each(clean_in);
    for change in changes {
        clean_in(&mut change.account);
        for state in [&mut change.before, &mut change.after] {
            [&mut state.balance, &mut state.reserved, &mut state.standing]
                .into_iter()
                .for_each(clean_in);
        }
    }
}
