//! The payouts there were, read from the records of the accounts that they pass.

use std::collections::BTreeMap;

use weir_ledger::account::{Account, Kind};
use weir_ledger::record::Record;
use weir_ledger::row::{self, Id, Payout, Row};
use weir_model::charge::LedgerId;
use weir_model::money::{PayoutInfo, PayoutState};
use weir_model::{AccountId, ApiError};

use super::RECORDS_MAX;
use super::read::{Reader, broken, time};
use crate::store::ledger::LedgerError;

/// A payout with the newest record about it.
type Newest = BTreeMap<Id, (Record, Payout)>;

impl Reader<'_> {
    /// The newest first, among the newest thousand records of each account that they pass.
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
        let mut all: Vec<PayoutInfo> = newest
            .into_iter()
            .filter_map(|(id, (record, one))| self.info(id, &record, &one))
            .collect();
        all.sort_by_key(|payout| std::cmp::Reverse(payout.seq));
        all.truncate(limit.min(RECORDS_MAX));
        Ok(all)
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

    fn gather(&self, account: Account, newest: &mut Newest) -> Result<(), LedgerError> {
        for record in self.ledger.history(account, u64::MAX, RECORDS_MAX)? {
            let found = record.rows.iter().find_map(|row| match row {
                Row::Payout(id, payout) => Some((*id, *payout)),
                _ => None,
            });
            let Some((id, payout)) = found else { continue };
            if newest.get(&id).is_none_or(|(known, _)| known.seq < record.seq) {
                newest.insert(id, (record, payout));
            }
        }
        Ok(())
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
            at: time(record.at),
        })
    }
}
