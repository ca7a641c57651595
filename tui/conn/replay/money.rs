//! Money of a recorded node.

use weir_model::money::{LedgerExplanation, StatementInfo, Wallet};
use weir_model::session::SessionInfo;
use weir_model::{Account, ApiError, ErrorCode};

use super::super::api::{Answer, Failure};
use super::super::money::{MoneyTold, WalletTold};
use crate::act::money::word;
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
    /// Records of the ledger, explained.
    pub records: Vec<LedgerExplanation>,
}

impl Books {
    /// Nothing.
    pub const EMPTY: Self = Self {
        sessions: Vec::new(),
        people: Vec::new(),
        wallets: Vec::new(),
        statements: Vec::new(),
        records: Vec::new(),
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
        let (id, of) = (account.id.to_string(), word(page.of));
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
            MoneyTold::Record(record) => self.records = vec![*record],
        }
    }
}

fn missing(what: &str) -> Failure {
    let why = format!("the recording holds no such {what}");
    Failure::Refused(ApiError::new(ErrorCode::NotFound, why))
}
