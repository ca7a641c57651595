//! A record in sentences, for people who ask where money went.

use crate::account::Standing;
use crate::amount::Currency;
use crate::leg::{Leg, Side, Stage};
use crate::record::Record;
use crate::request::{Act, Command, Outcome};
use crate::row::{
    Charge, ChargeId, Dispute, DisputeState, Heard, HoldState, Id, PayoutState, Policy, Row,
};
use crate::text::inert;

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
    if let Command::Act(act) = &request.command {
        all.push(done(act));
    }
    all.extend(record.legs.iter().map(|leg| sentence(leg, &money(leg.units))));
    all.extend(record.rows.iter().filter_map(|row| aside(row, &money)));
    all
}

fn done(act: &Act) -> String {
    let Act { action, target, detail, from, outcome } = act;
    let [action, target, detail, from] = [action, target, detail, from].map(|text| inert(text));
    let asked = if detail.is_empty() { String::new() } else { format!(" with {detail}") };
    match outcome {
        Outcome::Begun => format!("Staff did {action} to {target}{asked}, from {from}."),
        Outcome::Failed { begun, why } => {
            format!("Record {begun}, {action} to {target}, came to nothing: {}.", inert(why))
        }
    }
}

fn reason(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({})", inert(text)) }
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
    Some(match row {
        Row::Founding(founding) => {
            let (ledger, currency) = (founding.ledger, founding.currency.code());
            format!("This is ledger {ledger:032x}, which counts {currency}.")
        }
        Row::Charge(id, charge) => paid(*id, charge, money),
        Row::Hold(id, hold) => {
            let what = match hold.state {
                HoldState::Open => "is open",
                HoldState::Closed => "is closed",
                HoldState::Expired => "has expired",
            };
            let (taken, all) = (money(hold.captured), money(hold.units));
            format!("Block {} of it {what}: {taken} of {all} taken.", id.block)
        }
        Row::Lot(id, lot) => {
            let (left, all) = (money(lot.left), money(lot.units));
            let lost = match lot.lost {
                0 => String::new(),
                units => format!(", {} of it lost to a dispute", money(units)),
            };
            format!("Lot {id:032x} has {left} of {all} left{lost}.")
        }
        Row::Payout(id, payout) => leaves("Payout", *id, payout.units, payout.state, money),
        Row::Repayment(id, one) => leaves("Repayment", *id, one.units, one.state, money),
        Row::Dispute(id, dispute) => disputed(*id, dispute, money),
        Row::Writeoff(id, units) => {
            let (late, of) = (money(*units), id.charge());
            format!("{late} of block {} of {of} came too late; nobody pays them.", id.block)
        }
        Row::Corrected(seq, units) => {
            format!("Corrections of record {seq} moved {} in all.", money(*units))
        }
        Row::Standing(account, standing) => {
            let is = match standing {
                Standing::Open => "is open: what is on it may leave it",
                Standing::Frozen => "is frozen: nothing leaves it",
                Standing::Closed => "is closed: nothing comes to it any more",
            };
            format!("{account} {is}.")
        }
        Row::Policy(policy) => ruled(policy, money),
        Row::Heard(id, heard) => became(*id, heard),
        Row::Settled(id, units) => {
            format!("{} of payment {id:032x} are settled in all.", money(*units))
        }
        Row::Report(provider, _) => format!("{provider} said what it holds."),
        Row::Due(..)
        | Row::Event(..)
        | Row::Seat(..)
        | Row::Member(..)
        | Row::Act(_)
        | Row::Told(..) => return None,
    })
}

fn became(id: Id, heard: &Heard) -> String {
    match heard {
        Heard::Counted => format!("Event {id:032x} is counted."),
        Heard::Waits { notice, .. } => {
            format!("Event {} waits for what it is about.", notice.name)
        }
        Heard::Stopped { notice, why, .. } => {
            format!("Event {} is not counted: {}.", notice.name, inert(why))
        }
    }
}

fn ruled(policy: &Policy, money: &impl Fn(u64) -> String) -> String {
    let Policy { rules, pending_hours, correction_max, claws_back } = policy;
    let bears = if *claws_back { "whoever got the money" } else { "the platform" };
    format!(
        "Rules {rules} hold: what is earned is payable after {pending_hours} hours, corrections above {} need a second \
         person, and {bears} bears disputes that are lost.",
        money(*correction_max)
    )
}

fn leaves(
    what: &str,
    id: Id,
    units: u64,
    state: PayoutState,
    money: &impl Fn(u64) -> String,
) -> String {
    let state = match state {
        PayoutState::Open => "is on its way",
        PayoutState::Paid => "has arrived",
        PayoutState::Failed => "came back",
    };
    format!("{what} {id:032x} of {} {state}.", money(units))
}

fn disputed(id: Id, dispute: &Dispute, money: &impl Fn(u64) -> String) -> String {
    let state = match dispute.state {
        DisputeState::Open => "is open",
        DisputeState::Won => "is won",
        DisputeState::Lost if dispute.claws_back => "is lost, and whoever got the money bears it",
        DisputeState::Lost => "is lost, and the platform bears it",
    };
    let excess = match dispute.excess {
        0 => String::new(),
        units => format!(" and {} beyond what was left of it", money(units)),
    };
    let (units, lot) = (money(dispute.units), dispute.lot);
    format!("Dispute {id:032x} about {units} of lot {lot:032x}{excess} {state}.")
}

fn paid(id: ChargeId, charge: &Charge, money: &impl Fn(u64) -> String) -> String {
    let (total, cap) = (money(charge.total), money(charge.cap));
    let less = |units: u64, what: &str| match units {
        0 => String::new(),
        units => format!(", {} of that {what}", money(units)),
    };
    let back = less(charge.refunded, "given back");
    let lost = less(charge.recovered, "taken for a dispute that was lost");
    format!("For {id}: {total} in all{back}{lost}; {cap} were agreed at most.")
}
