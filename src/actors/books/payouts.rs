//! The payouts there were, read from the records of the accounts that they pass.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use weir_ledger::account::{Account, Kind};
use weir_ledger::record::Record;
use weir_ledger::row::{self, Id, Payout, Row};
use weir_model::charge::LedgerId;
use weir_model::money::{PayoutInfo, PayoutState};
use weir_model::{AccountId, ApiError};

use super::RECORDS_MAX;
use super::fit::fitting;
use super::read::{Reader, broken};
use crate::store::ledger::LedgerError;

/// A payout with the newest record about it.
type Newest = BTreeMap<Id, (Record, Payout)>;

impl Reader<'_> {
    /// The newest first: those that are open, and others among the newest thousand records of each account that they
    /// pass. Where not all fit, those that are open come before others.
    pub(super) fn payouts(
        &self,
        account: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<PayoutInfo>, ApiError> {
        let mut newest = Newest::new();
        match account {
            // Each step of a payout is on what its creator can be paid.
            Some(creator) => {
                let payable = Account::person(Kind::CreatorPayable, creator);
                self.gather(payable, &mut newest).map_err(broken)?;
            }
            None => self.gather_all(&mut newest).map_err(broken)?,
        }
        let limit = limit.min(RECORDS_MAX);
        self.gather_open(account, limit, &mut newest).map_err(broken)?;
        let mut all: Vec<PayoutInfo> = newest
            .into_iter()
            .filter_map(|(id, (record, one))| self.info(id, &record, &one))
            .collect();
        all.sort_by_key(|payout| (payout.state != PayoutState::Open, Reverse(payout.seq)));
        all.truncate(limit);
        all.sort_by_key(|payout| Reverse(payout.seq));
        fitting(all)
    }

    /// Each is on its way first, and what its provider has says whether it arrived and came back.
    fn gather_all(&self, newest: &mut Newest) -> Result<(), LedgerError> {
        self.gather(Account::single(Kind::BankInTransit), newest)?;
        let mut providers: Vec<u128> =
            newest.values().map(|(_, payout)| payout.provider.of()).collect();
        providers.sort_unstable();
        providers.dedup();
        for of in providers {
            self.gather(Account { kind: Kind::PspAvailable, of }, newest)?;
        }
        Ok(())
    }

    /// The newest `limit` payouts that are open and are not gathered yet, wherever their records lie: each is one of those
    /// on what its creator can be paid.
    fn gather_open(
        &self,
        account: Option<AccountId>,
        limit: usize,
        newest: &mut Newest,
    ) -> Result<(), LedgerError> {
        let view = self.ledger.read(weir_ledger::State::payouts);
        let is_meant = |payout: &Payout| {
            payout.state == row::PayoutState::Open
                && account.is_none_or(|one| one == payout.creator)
        };
        let mut open: Vec<(Id, Payout)> =
            view.rows().filter(|(_, payout)| is_meant(payout)).copied().collect();
        open.drain(..open.len().saturating_sub(limit));
        for (id, payout) in open {
            let payable = Account::person(Kind::CreatorPayable, payout.creator);
            let mut most = RECORDS_MAX / 10;
            while !newest.contains_key(&id) && self.gather_newest(payable, most, newest)? == most {
                most = most.saturating_mul(10);
            }
        }
        Ok(())
    }

    fn gather(&self, account: Account, newest: &mut Newest) -> Result<(), LedgerError> {
        self.gather_newest(account, RECORDS_MAX, newest).map(drop)
    }

    /// From the newest `most` records of `account`; answers with how many there were.
    fn gather_newest(
        &self,
        account: Account,
        most: usize,
        newest: &mut Newest,
    ) -> Result<usize, LedgerError> {
        let records = self.ledger.history(account, u64::MAX, most)?;
        let count = records.len();
        for record in records {
            let found = record.rows.iter().find_map(|row| match row {
                Row::Payout(id, payout) => Some((*id, *payout)),
                _ => None,
            });
            let Some((id, payout)) = found else { continue };
            if newest.get(&id).is_none_or(|(known, _)| known.seq < record.seq) {
                newest.insert(id, (record, payout));
            }
        }
        Ok(count)
    }

    fn info(&self, id: Id, record: &Record, payout: &Payout) -> Option<PayoutInfo> {
        Some(PayoutInfo {
            id: LedgerId::new(id)?,
            account: payout.creator,
            amount: self.money(payout.units.into()),
            provider: payout.provider.to_string(),
            state: match payout.state {
                row::PayoutState::Open => PayoutState::Open,
                row::PayoutState::Paid => PayoutState::Paid,
                row::PayoutState::Failed => PayoutState::Failed,
            },
            told: self.telling(id),
            seq: record.seq,
            at: record.at.time(),
        })
    }
}
