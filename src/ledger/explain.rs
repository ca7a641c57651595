//! A record in sentences, for people who ask where money went.

use crate::amount::Currency;
use crate::leg::{Leg, Side, Stage};
use crate::record::Record;
use crate::row::{Charge, HoldState, Id, Row};

/// What `record` did, one sentence each.
#[must_use]
pub fn explain(record: &Record, currency: &Currency) -> Vec<String> {
    let request = &record.request;
    let mut all = vec![format!(
        "Record {}: {} asked for by {}{}.",
        record.seq,
        request.command.name(),
        request.by,
        reason(&request.reason)
    )];
    if let Err(refusal) = &record.result {
        all.push(format!("It was refused, and nothing moved: {refusal}."));
        return all;
    }
    let money = |units: u64| format!("{} {}", currency.decimal(u128::from(units)), currency.code());
    all.extend(record.legs.iter().map(|leg| sentence(leg, &money(leg.units))));
    all.extend(record.rows.iter().filter_map(|row| aside(row, &money)));
    all
}

fn reason(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

fn sentence(leg: &Leg, money: &str) -> String {
    let account = leg.account;
    match (leg.stage, leg.side) {
        (Stage::Posted, Side::Debit) => format!("{money} debited to {account}."),
        (Stage::Posted, Side::Credit) => format!("{money} credited to {account}."),
        (Stage::Reserved, Side::Debit) => format!("{money} of {account} reserved."),
        (Stage::Reserved, Side::Credit) => format!("{money} promised to {account}."),
        (Stage::Released, Side::Debit) => format!("{money} of {account} reserved no longer."),
        (Stage::Released, Side::Credit) => format!("{money} promised to {account} no longer."),
    }
}

fn aside(row: &Row, money: &impl Fn(u64) -> String) -> Option<String> {
    match row {
        Row::Charge(id, charge) => Some(paid(*id, charge, money)),
        Row::Hold(id, hold) => {
            let what = match hold.state {
                HoldState::Open => "is open",
                HoldState::Closed => "is closed",
                HoldState::Expired => "has expired",
            };
            let (taken, all) = (money(hold.captured), money(hold.units));
            Some(format!("Block {} of it {what}: {taken} of {all} taken.", id.block))
        }
        Row::Lot(id, lot) => {
            let (left, all) = (money(lot.left), money(lot.units));
            Some(format!("Lot {id:032x} has {left} of {all} left."))
        }
        _ => None,
    }
}

fn paid(id: Id, charge: &Charge, money: &impl Fn(u64) -> String) -> String {
    let (total, cap) = (money(charge.total), money(charge.cap));
    let back = match charge.refunded {
        0 => String::new(),
        units => format!(", {} of that given back", money(units)),
    };
    format!("Payment {id:032x}: {total} in all{back}; {cap} were agreed at most.")
}
