//! What happened on one account: every posting of a stretch of the ledger, between what was there before and after.

use crate::account::{Account, Balance};
use crate::leg::{Side, Stage};
use crate::record::Record;
use crate::row::At;
use crate::text::inert;

/// A statement of one account. Opening and lines make the closing balance, and the same records make the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Statement {
    /// Whose.
    pub account: Account,
    /// What was on it before, on its own side ([`Balance::net`]).
    pub opening: i128,
    /// Oldest first.
    pub lines: Vec<Line>,
    /// What is on it afterwards.
    pub closing: i128,
}

/// One record's part of a statement.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// The record.
    pub seq: u64,
    /// Its time.
    pub at: At,
    /// What was done.
    pub what: &'static str,
    /// Why, in the words of whoever wanted it, with nothing that a terminal would obey.
    pub reason: String,
    /// Taken off or put on the debit side.
    pub debits: u64,
    /// The same of the credit side.
    pub credits: u64,
    /// What is on the account then.
    pub balance: i128,
}

impl Statement {
    /// The statement of `account` over `records`, which follow on each other; `before` is what was on it.
    #[must_use]
    pub fn of<'a>(
        account: Account,
        before: &Balance,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Self {
        let mut balance = *before;
        let opening = before.net(account.kind.class());
        let mut lines = Vec::new();
        for record in records {
            let sum = |side: Side| -> u64 {
                let those = record.legs.iter().filter(|leg| {
                    (leg.account, leg.side, leg.stage) == (account, side, Stage::Posted)
                });
                those.fold(0, |sum: u64, leg| sum.saturating_add(leg.units))
            };
            let (debits, credits) = (sum(Side::Debit), sum(Side::Credit));
            if debits == 0 && credits == 0 {
                continue;
            }
            balance.debits_posted += u128::from(debits);
            balance.credits_posted += u128::from(credits);
            lines.push(Line {
                seq: record.seq,
                at: record.at,
                what: record.request.command.name(),
                reason: inert(&record.request.reason),
                debits,
                credits,
                balance: balance.net(account.kind.class()),
            });
        }
        let closing = balance.net(account.kind.class());
        Self { account, opening, lines, closing }
    }
}
