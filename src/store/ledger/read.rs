//! What was recorded, read from the journal. Whoever makes records does not wait for whoever reads them.

use weir_ledger::account::{Account, Balance};
use weir_ledger::record::{Entry, Record};
use weir_ledger::statement::Statement;

use super::{Ledger, LedgerError, entry, failed};

impl Ledger {
    /// A record; none when there is none of that number. Blocks.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn record(&self, seq: u64) -> Result<Option<Record>, LedgerError> {
        let stored = self.inner.reader.record(seq).map_err(failed)?;
        stored
            .map(|stored| stored.record().map_err(|error| LedgerError::Damaged(error.to_string())))
            .transpose()
    }

    /// Up to `most` records from `seq` on. Blocks.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn records(&self, seq: u64, most: usize) -> Result<Vec<Entry>, LedgerError> {
        let mut found = Vec::new();
        let mut fault = None;
        let read = self.inner.reader.from(seq.max(1), &mut |_, stored| {
            for one in stored {
                match entry(one) {
                    Ok(entry) if entry.record.seq < seq || found.len() >= most => {}
                    Ok(entry) => found.push(entry),
                    Err(text) => fault = Some(text),
                }
            }
            found.len() < most && fault.is_none()
        });
        read.map_err(failed)?;
        fault.map_or(Ok(found), |text| Err(LedgerError::Damaged(text)))
    }

    /// The records that have a leg on `account`, newest first, from the newest that is not behind `upto`; at most
    /// `most`. Blocks.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn history(
        &self,
        account: Account,
        upto: u64,
        most: usize,
    ) -> Result<Vec<Record>, LedgerError> {
        let newest = self.read(|state| state.balance(&account)).touched;
        let mut found = Vec::new();
        self.walk(account, newest, &mut |record| {
            let is_wanted = record.seq > upto || found.len() < most;
            if record.seq <= upto && is_wanted {
                found.push(record);
            }
            is_wanted
        })?;
        Ok(found)
    }

    /// The newest `most` lines of the statement of `account`, up to record `upto`. Blocks.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn statement(
        &self,
        account: Account,
        upto: u64,
        most: usize,
    ) -> Result<Statement, LedgerError> {
        let balance = self.read(|state| state.balance(&account));
        let (mut before, mut records) = (balance, Vec::new());
        self.walk(account, balance.touched, &mut |record| {
            let is_wanted = record.seq > upto || records.len() < most;
            if is_wanted {
                before = without(&before, &record, account);
            }
            if record.seq <= upto && is_wanted {
                records.push(record);
            }
            is_wanted
        })?;
        records.reverse();
        Ok(Statement::of(account, &before, &records))
    }

    /// Shows the records that have a leg on `account`, from record `seq` back to the first, until `take` wants no more.
    fn walk(
        &self,
        account: Account,
        mut seq: u64,
        take: &mut dyn FnMut(Record) -> bool,
    ) -> Result<(), LedgerError> {
        while seq > 0 {
            let missing = || LedgerError::Damaged(format!("record {seq} is missing"));
            let stored = self.inner.reader.record(seq).map_err(failed)?.ok_or_else(missing)?;
            let Entry { record, before, .. } = entry(stored).map_err(LedgerError::Damaged)?;
            seq = before_of(&record, &before, account).unwrap_or_default();
            if !take(record) {
                break;
            }
        }
        Ok(())
    }
}

/// The newest record before `record` that touched `account`.
fn before_of(record: &Record, before: &[u64], account: Account) -> Option<u64> {
    let mut seen: Vec<Account> = Vec::with_capacity(before.len());
    for leg in &record.legs {
        if !seen.contains(&leg.account) {
            seen.push(leg.account);
        }
    }
    let nth = seen.iter().position(|one| *one == account)?;
    before.get(nth).copied()
}

/// What was on `account` before `record` posted to it.
fn without(balance: &Balance, record: &Record, account: Account) -> Balance {
    use weir_ledger::leg::{Side, Stage};
    let mut before = *balance;
    let posted =
        record.legs.iter().filter(|leg| (leg.account, leg.stage) == (account, Stage::Posted));
    for leg in posted {
        let sum = match leg.side {
            Side::Debit => &mut before.debits_posted,
            Side::Credit => &mut before.credits_posted,
        };
        *sum = sum.saturating_sub(u128::from(leg.units));
    }
    before
}
