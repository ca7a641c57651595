//! Money of a recorded node.

use weir_model::audit::AuditEntry;
use weir_model::money::{LedgerExplanation, PayoutInfo, StatementInfo, Wallet};
use weir_model::session::SessionInfo;
use weir_model::{Account, ApiError, ErrorCode};

use super::super::api::{Answer, Failure};
use super::super::money::{MoneyTold, WalletTold};
use crate::act::money::account_word;
use crate::state::nav::{MoneyPage, WalletPage};

/// What pages about money show.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Books {
    /// Private sessions.
    pub sessions: Vec<SessionInfo>,
    /// Accounts of people.
    pub people: Vec<Account>,
    /// What they have.
    pub wallets: Vec<Wallet>,
    /// What happened to it.
    pub statements: Vec<StatementInfo>,
    /// Payouts.
    pub payouts: Vec<PayoutInfo>,
    /// Records of the ledger, explained.
    pub records: Vec<LedgerExplanation>,
    /// What staff did.
    pub audit: Vec<AuditEntry>,
}

impl Books {
    /// Nothing.
    pub const EMPTY: Self = Self {
        sessions: Vec::new(),
        people: Vec::new(),
        wallets: Vec::new(),
        statements: Vec::new(),
        payouts: Vec::new(),
        records: Vec::new(),
        audit: Vec::new(),
    };

    /// What a page shows of it.
    ///
    /// # Errors
    /// The recording does not hold it.
    pub fn told(&self, page: &MoneyPage) -> Answer<MoneyTold> {
        Ok(match page {
            MoneyPage::Sessions => MoneyTold::Sessions(self.sessions.clone()),
            MoneyPage::Session(id) => {
                let found = self.sessions.iter().find(|one| one.id == *id).cloned();
                MoneyTold::Session(Box::new(found.ok_or_else(|| missing("session"))?))
            }
            MoneyPage::People(after) => {
                let behind = |one: &&Account| after.as_ref().is_none_or(|after| one.name > *after);
                MoneyTold::People(self.people.iter().filter(behind).cloned().collect())
            }
            MoneyPage::Wallet(page) => MoneyTold::Wallet(Box::new(self.wallet(page)?)),
            MoneyPage::Payouts => MoneyTold::Payouts(self.payouts.clone()),
            MoneyPage::Ledger(from) => {
                let records = self.records.iter().map(|one| &one.record);
                let from = records.filter(|one| from.is_none_or(|from| one.seq >= from));
                MoneyTold::Records(from.cloned().collect())
            }
            MoneyPage::Audit(before) => {
                let old = |one: &&AuditEntry| before.is_none_or(|before| one.seq < before);
                MoneyTold::Audit(self.audit.iter().filter(old).cloned().collect())
            }
            MoneyPage::Record(seq) => {
                let found = self.records.iter().find(|one| one.record.seq == *seq).cloned();
                MoneyTold::Record(Box::new(found.ok_or_else(|| missing("record"))?))
            }
        })
    }

    fn wallet(&self, page: &WalletPage) -> Answer<WalletTold> {
        let named = |one: &&Account| {
            one.name.as_str() == page.account || one.id.to_string() == page.account
        };
        let account = self.people.iter().find(named).cloned();
        let account = account.ok_or_else(|| missing("account"))?;
        let wallet = self.wallets.iter().find(|one| one.account == account.id).cloned();
        let (id, of) = (account.id.to_string(), account_word(page.of));
        let of_it = |one: &&StatementInfo| one.account.contains(&id) && one.account.ends_with(of);
        let statement = self.statements.iter().find(of_it).cloned();
        Ok(WalletTold {
            account: Some(account),
            wallet: wallet.ok_or_else(|| missing("wallet"))?,
            statement: statement.ok_or_else(|| missing("statement"))?,
        })
    }

    /// Keeps what a page was told.
    pub fn take(&mut self, told: MoneyTold) {
        match told {
            MoneyTold::Sessions(sessions) => self.sessions = sessions,
            MoneyTold::Session(session) => self.sessions = vec![*session],
            MoneyTold::People(people) => self.people = people,
            MoneyTold::Wallet(told) => {
                self.people = told.account.into_iter().collect();
                self.wallets = vec![told.wallet];
                self.statements = vec![told.statement];
            }
            MoneyTold::Payouts(payouts) => self.payouts = payouts,
            MoneyTold::Records(records) => {
                let bare = |record| LedgerExplanation { record, sentences: Vec::new() };
                self.records = records.into_iter().map(bare).collect();
            }
            MoneyTold::Audit(entries) => self.audit = entries,
            MoneyTold::Record(record) => self.records = vec![*record],
        }
    }
}

fn missing(what: &str) -> Failure {
    let why = format!("the recording holds no such {what}");
    Failure::Refused(ApiError::new(ErrorCode::NotFound, why))
}
