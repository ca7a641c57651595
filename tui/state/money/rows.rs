//! How each thing about money is found, filtered and sorted.

use std::cmp::Ordering;

use serde_json::Value;
use weir_client::filter::fields::{self, Field, Fields, Kind};
use weir_model::Account;
use weir_model::audit::{ActOutcome, AuditEntry};
use weir_model::money::{LedgerRecord, PayoutInfo, PayoutState, PostingStage, StatementLine};
use weir_model::session::{SessionInfo, SessionParty};

use super::session::{billed, left, names, rate, who, why};
use super::sum::{order, sum};
use crate::state::list::Row;
use crate::state::rows::fields_of;

impl Row for SessionInfo {
    const COLUMNS: &'static [&'static str] = &[
        "CHANNEL", "STATE", "PARTIES", "RATE", "BILLED", "LEFT", "WHY", "FOR", "SESSION", "HOST",
        "INVITED",
    ];
    const EXTRAS: usize = 3;
    const FIELDS: Fields = fields::SESSION;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        let why = why(self).map_or("", |why| why.as_str());
        format!("{} {} {} {} {why}", self.channel, self.state, names(self), self.id)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let bill = |session: &Self| billed(session).as_deref().and_then(order);
        // Who never runs out comes behind all who do.
        let lasts = |session: &Self| left(session).unwrap_or(u64::MAX);
        let by = match column {
            0 => self.channel.cmp(&other.channel),
            1 => self.state.cmp(&other.state),
            2 => names(self).cmp(&names(other)),
            3 => order(rate(self)).cmp(&order(rate(other))),
            4 => bill(self).cmp(&bill(other)),
            5 => lasts(self).cmp(&lasts(other)),
            6 => why(self).cmp(&why(other)),
            8 => self.id.cmp(&other.id),
            9 => self.host.cmp(&other.host),
            10 => self.invited.len().cmp(&other.invited.len()),
            _ => Ordering::Equal,
        };
        // The longest was offered first.
        by.then_with(|| (other.offered_at, self.id).cmp(&(self.offered_at, other.id)))
    }
}

impl Row for SessionParty {
    const COLUMNS: &'static [&'static str] =
        &["PARTY", "PRICE", "BILLED", "OF", "HAD", "LEFT", "WHY", "BILL", "JOINED", "CHARGE"];
    const EXTRAS: usize = 2;
    const FIELDS: Fields = &[
        Field { name: "account", kind: Kind::Text },
        Field { name: "name", kind: Kind::Text },
        Field { name: "price", kind: Kind::Text },
        Field { name: "cap", kind: Kind::Text },
        Field { name: "charge", kind: Kind::Text },
        Field { name: "joined_at", kind: Kind::Since },
        Field { name: "left_at", kind: Kind::Since },
        Field { name: "left_why", kind: Kind::Text },
        Field { name: "settled", kind: Kind::Flag },
        Field { name: "billed", kind: Kind::Text },
        Field { name: "delivered_seconds", kind: Kind::Number },
        Field { name: "paused", kind: Kind::Text },
        Field { name: "left_seconds", kind: Kind::Number },
    ];

    fn id(&self) -> String {
        self.charge.clone()
    }

    fn text(&self) -> String {
        let why = self.left_why.or(self.paused).map_or("", |why| why.as_str());
        format!("{} {} {why} {}", who(self), self.price, self.account)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let bill = |party: &Self| party.billed.as_deref().and_then(order);
        let lasts = |party: &Self| party.left_seconds.unwrap_or(u64::MAX);
        let by = match column {
            0 => who(self).cmp(&who(other)),
            1 => self.price.cmp(&other.price),
            2 => bill(self).cmp(&bill(other)),
            3 => order(&self.cap).cmp(&order(&other.cap)),
            4 => self.delivered_seconds.cmp(&other.delivered_seconds),
            5 => lasts(self).cmp(&lasts(other)),
            6 => (self.left_why, self.paused).cmp(&(other.left_why, other.paused)),
            7 => self.settled.cmp(&other.settled),
            _ => Ordering::Equal,
        };
        by.then_with(|| (self.joined_at, &self.charge).cmp(&(other.joined_at, &other.charge)))
    }
}

impl Row for Account {
    const COLUMNS: &'static [&'static str] =
        &["NAME", "ROLES", "STATE", "PASSWORD", "CREATED", "ACCOUNT"];
    const FIELDS: Fields = fields::ACCOUNT;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {} {}", self.name, self.roles, standing(self), self.id)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.roles.to_string().cmp(&other.roles.to_string()),
            2 => self.disabled_at.cmp(&other.disabled_at),
            3 => self.password.cmp(&other.password),
            4 => self.created_at.cmp(&other.created_at),
            5 => self.id.cmp(&other.id),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.name.cmp(&other.name))
    }
}

/// Whether an account can do anything, in one word.
#[must_use]
pub const fn standing(account: &Account) -> &'static str {
    if account.disabled_at.is_some() { "disabled" } else { "enabled" }
}

impl Row for StatementLine {
    const COLUMNS: &'static [&'static str] =
        &["RECORD", "TIME", "WHAT", "DEBIT", "CREDIT", "BALANCE", "REASON"];
    const FIELDS: Fields = &[
        Field { name: "seq", kind: Kind::Number },
        Field { name: "at", kind: Kind::Since },
        Field { name: "what", kind: Kind::Text },
        Field { name: "reason", kind: Kind::Text },
        Field { name: "debit", kind: Kind::Text },
        Field { name: "credit", kind: Kind::Text },
        Field { name: "balance", kind: Kind::Text },
    ];

    fn id(&self) -> String {
        self.seq.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.seq, self.what, self.reason)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.at.cmp(&other.at),
            2 => self.what.cmp(&other.what),
            3 => order(&self.debit).cmp(&order(&other.debit)),
            4 => order(&self.credit).cmp(&order(&other.credit)),
            5 => order(&self.balance).cmp(&order(&other.balance)),
            6 => self.reason.cmp(&other.reason),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.seq.cmp(&other.seq))
    }
}

impl Row for PayoutInfo {
    const COLUMNS: &'static [&'static str] =
        &["WHO", "STATE", "AMOUNT", "PROVIDER", "SINCE", "RECORD", "PAYOUT"];
    const FIELDS: Fields = fields::PAYOUT;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {} {}", self.account, payout_state(self), self.provider, self.id)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            0 => self.account.cmp(&other.account),
            1 => urgency(self).cmp(&urgency(other)),
            2 => order(&self.amount).cmp(&order(&other.amount)),
            3 => self.provider.cmp(&other.provider),
            // The longest stands so since the earliest.
            4 => other.at.cmp(&self.at),
            5 => self.seq.cmp(&other.seq),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.id.cmp(&other.id))
    }
}

/// What waits for somebody comes first, what is over last.
const fn urgency(payout: &PayoutInfo) -> u8 {
    match payout.state {
        PayoutState::Open => 0,
        PayoutState::Failed => 1,
        PayoutState::Paid => 2,
    }
}

/// The word for what became of a payout.
#[must_use]
pub const fn payout_state(payout: &PayoutInfo) -> &'static str {
    match payout.state {
        PayoutState::Open => "open",
        PayoutState::Paid => "paid",
        PayoutState::Failed => "failed",
    }
}

impl Row for LedgerRecord {
    const COLUMNS: &'static [&'static str] =
        &["RECORD", "AGE", "WHAT", "DID", "REASON", "BY", "HASH"];
    const EXTRAS: usize = 1;
    const FIELDS: Fields = fields::LEDGER_RECORD;

    fn id(&self) -> String {
        self.seq.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {} {} {}", self.seq, self.what, did(self), self.reason, self.by)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            2 => self.what.cmp(&other.what),
            3 => did(self).cmp(&did(other)),
            4 => self.reason.cmp(&other.reason),
            5 => self.by.cmp(&other.by),
            6 => self.hash.cmp(&other.hash),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.seq.cmp(&other.seq))
    }
}

/// How much a record moved, reserved and let go; or why it did nothing.
#[must_use]
pub fn did(record: &LedgerRecord) -> String {
    if let Some(why) = &record.refused {
        return format!("refused: {why}");
    }
    let stages = [
        (PostingStage::Posted, "moved"),
        (PostingStage::Reserved, "reserved"),
        (PostingStage::Released, "let go"),
    ];
    let each = stages.iter().filter_map(|(stage, word)| {
        let of_it = record.postings.iter().filter(|one| one.stage == *stage);
        let amount = sum(of_it.filter_map(|one| one.debit.as_deref()))?;
        Some(format!("{amount} {word}"))
    });
    each.collect::<Vec<_>>().join(", ")
}

impl Row for AuditEntry {
    const COLUMNS: &'static [&'static str] =
        &["ENTRY", "AGE", "WHO", "ACTION", "TARGET", "REASON", "CAME TO", "DETAIL", "TOKEN"];
    const EXTRAS: usize = 2;
    const FIELDS: Fields = fields::AUDIT_ENTRY;

    fn id(&self) -> String {
        self.seq.to_string()
    }

    fn text(&self) -> String {
        let why = self.why.as_deref().unwrap_or_default();
        format!("{} {} {} {} {why}", actor(self), self.action, self.target, self.reason)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            2 => actor(self).cmp(&actor(other)),
            3 => self.action.cmp(&other.action),
            4 => self.target.cmp(&other.target),
            5 => self.reason.cmp(&other.reason),
            6 => came_to(self).cmp(&came_to(other)),
            7 => self.detail.cmp(&other.detail),
            8 => self.token.cmp(&other.token),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.seq.cmp(&other.seq))
    }
}

/// Whoever did it: the name, or the account when it has none any more.
#[must_use]
pub fn actor(entry: &AuditEntry) -> String {
    entry.name.as_ref().map_or_else(|| entry.by.to_string(), ToString::to_string)
}

/// What an act failed for, and which entry began it; nothing of one that was done.
#[must_use]
pub fn came_to(entry: &AuditEntry) -> String {
    match entry.outcome {
        ActOutcome::Begun => String::new(),
        ActOutcome::Failed => {
            let of = entry.of.map_or_else(String::new, |of| format!("{of} "));
            format!("{of}failed: {}", entry.why.as_deref().unwrap_or_default())
        }
    }
}
