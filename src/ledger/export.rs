//! The ledger in the words of other bookkeeping programs, so that somebody else's arithmetic can check ours.
//!
//! Postings are exported, reservations are not: they move nothing. A debit is positive, as both programs have it.

use std::fmt::{self, Write};

use weir_model::Timestamp;

use crate::account::{Account, Class};
use crate::amount::Currency;
use crate::leg::{Leg, Side, Stage};
use crate::record::{Entry, Record};
use crate::row::At;
use crate::text::inert;

/// Which program's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `hledger` and `ledger`: one transaction for each record.
    Hledger,
    /// `beancount`: the same, and each account is opened where it first appears.
    Beancount,
    /// A line for each posting, with a header.
    Csv,
}

/// Writes records one after the other.
#[derive(Debug, Clone)]
pub struct Exporter {
    format: Format,
    currency: Currency,
}

const CSV_HEADER: &str = "seq,at,what,account,debit,credit,currency,reason\n";

impl Exporter {
    /// Begins an export.
    #[must_use]
    pub const fn new(format: Format, currency: Currency) -> Self {
        Self { format, currency }
    }

    /// What stands before the first record.
    #[must_use]
    pub fn header(&self) -> String {
        match self.format {
            Format::Csv => CSV_HEADER.to_owned(),
            Format::Hledger | Format::Beancount => String::new(),
        }
    }

    /// A record's text; empty when it moved nothing. It depends on nothing before it: an account is opened by the first
    /// record that touches it, so pieces that follow on each other are one text.
    ///
    /// # Errors
    /// Never: text is written to memory.
    pub fn record(&self, entry: &Entry) -> Result<String, fmt::Error> {
        let record = &entry.record;
        let posted = record.legs.iter().filter(|leg| leg.stage == Stage::Posted);
        let legs: Vec<&Leg> = posted.collect();
        let mut text = String::new();
        if self.format == Format::Beancount {
            opens(&mut text, entry)?;
        }
        if legs.is_empty() {
            return Ok(text);
        }
        match self.format {
            Format::Hledger => self.hledger(&mut text, record, &legs)?,
            Format::Beancount => self.beancount(&mut text, record, &legs)?,
            Format::Csv => self.csv(&mut text, record, &legs)?,
        }
        Ok(text)
    }

    fn hledger(&self, text: &mut String, record: &Record, legs: &[&Leg]) -> fmt::Result {
        let (date, what) = (date(record), record.request.command.name());
        // What follows a `;` is a comment, and what follows a `|` is a note.
        let reason = inert(&record.request.reason).replace([';', '|'], ",");
        writeln!(text, "{date} * ({}) {what} {reason}", record.seq)?;
        for leg in legs {
            let account = format!("{}:{}", class(leg.account).to_lowercase(), leg.account);
            writeln!(text, "    {account}  {}", self.signed(leg))?;
        }
        writeln!(text)
    }

    fn beancount(&self, text: &mut String, record: &Record, legs: &[&Leg]) -> fmt::Result {
        let date = date(record);
        let (what, reason) = (record.request.command.name(), inert(&record.request.reason));
        writeln!(text, "{date} * \"{}\" \"{what} {}\"", record.seq, reason.replace('"', "'"))?;
        for leg in legs {
            writeln!(text, "  {}  {}", capitals(leg.account), self.signed(leg))?;
        }
        writeln!(text)
    }

    fn csv(&self, text: &mut String, record: &Record, legs: &[&Leg]) -> fmt::Result {
        let (at, what) = (Timestamp(ms(record)), record.request.command.name());
        let reason = plain(inert(&record.request.reason)).replace('"', "\"\"");
        for leg in legs {
            let units = self.currency.decimal(u128::from(leg.units)).to_string();
            let (debit, credit) = match leg.side {
                Side::Debit => (units.as_str(), ""),
                Side::Credit => ("", units.as_str()),
            };
            let (seq, account, code) = (record.seq, leg.account, self.currency.code());
            writeln!(text, "{seq},{at},{what},{account},{debit},{credit},{code},\"{reason}\"")?;
        }
        Ok(())
    }

    fn signed(&self, leg: &Leg) -> String {
        let sign = match leg.side {
            Side::Debit => "",
            Side::Credit => "-",
        };
        format!("{sign}{} {}", self.currency.decimal(u128::from(leg.units)), self.currency.code())
    }
}

/// Opens the accounts that nothing touched before this record. Reserving touches them too, though it is not exported.
fn opens(text: &mut String, entry: &Entry) -> fmt::Result {
    let mut accounts: Vec<Account> = Vec::new();
    for leg in &entry.record.legs {
        if !accounts.contains(&leg.account) {
            accounts.push(leg.account);
        }
    }
    let date = date(&entry.record);
    for (account, _) in accounts.into_iter().zip(&entry.before).filter(|(_, before)| **before == 0)
    {
        writeln!(text, "{date} open {}", capitals(account))?;
    }
    Ok(())
}

/// Inert words as a field that no spreadsheet takes for a formula.
fn plain(text: String) -> String {
    match text.trim_start().starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
    }
}

/// No record is later than the last moment that a ledger knows, so its date has four digits.
fn ms(record: &Record) -> i64 {
    i64::try_from(record.at.min(At::LAST).0 / 1_000).unwrap_or(i64::MAX)
}

fn date(record: &Record) -> String {
    Timestamp(ms(record)).to_string().chars().take(10).collect()
}

const fn class(account: Account) -> &'static str {
    match account.kind.class() {
        Class::Assets => "Assets",
        Class::Liabilities => "Liabilities",
        Class::Income => "Income",
        Class::Expenses => "Expenses",
    }
}

/// The account as beancount wants it: each part begins with a capital or a digit and has letters, digits and `-`.
fn capitals(account: Account) -> String {
    let mut text = class(account).to_owned();
    for part in account.to_string().split(':') {
        let mut letters = part.chars().map(|one| if one == '_' { '-' } else { one });
        text.push(':');
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.extend(letters);
    }
    text
}
