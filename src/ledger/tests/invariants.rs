//! What is true of a ledger after every record.

use std::collections::{BTreeMap, BTreeSet};

use super::judged::balances;
use crate::account::{Account, Kind};
use crate::row::{
    ChargeId, ChargeState, DisputeState, EventState, HoldState, Id, LotState, PayoutState, slice,
};
use crate::state::State;

/// Sums by account.
type Sums = BTreeMap<Account, u128>;

/// INV-1 to INV-4, INV-12, INV-15, INV-18, INV-21 and what belongs to them. What is true of a record and of the ledger
/// before it is in `steps`.
pub(super) fn check(state: &State) {
    debits_are_credits(state);
    what_is_reserved_is_open(state);
    lots_are_what_is_on_accounts(state);
    creators_do_not_owe_and_have_at_once(state);
    payments_are_what_lots_paid(state);
    what_waits_is_its_open_items(state);
}

fn debits_are_credits(state: &State) {
    assert!(state.totals().are_even(), "INV-1: {:?}", state.totals());
    let (mut posted, mut pending) = ((0, 0), (0, 0));
    for (account, balance) in balances(state) {
        posted = (posted.0 + balance.debits_posted, posted.1 + balance.credits_posted);
        pending = (pending.0 + balance.debits_pending, pending.1 + balance.credits_pending);
        if account.kind.is_without_overdraft() {
            let out = balance.debits_posted + balance.debits_pending;
            assert!(out <= balance.credits_posted, "INV-2: {account} {balance:?}");
        }
        if account.kind.is_without_underdraft() {
            let taken = balance.credits_posted + balance.credits_pending;
            assert!(taken <= balance.debits_posted, "INV-2: {account} {balance:?}");
        }
    }
    assert_eq!((posted, pending), (state.totals().posted, state.totals().pending), "INV-1");
}

fn what_is_reserved_is_open(state: &State) {
    let (mut rests, in_transit) = (Sums::new(), Account::single(Kind::BankInTransit));
    let mut add = |account: Account, units: u64| {
        *rests.entry(account).or_default() += u128::from(units);
    };
    for (id, hold) in state.holds.view().rows() {
        assert!(hold.captured <= hold.units, "INV-4");
        assert_eq!(hold.sources.iter().map(|part| part.units).sum::<u64>(), hold.units);
        if hold.state == HoldState::Open {
            add(Account { kind: Kind::EscrowSession, of: id.session }, hold.rest());
            for part in slice(&hold.sources, hold.captured, hold.units) {
                add(state.lots.get(&part.lot).unwrap().account(), part.units);
            }
        }
    }
    for (_, payout) in state.payouts.view().rows() {
        if payout.state == PayoutState::Open {
            add(Account::person(Kind::CreatorPayable, payout.creator), payout.units);
            add(in_transit, payout.units);
        }
    }
    for (_, one) in state.repayments.view().rows() {
        if one.state == PayoutState::Open {
            add(state.lots.get(&one.lot).unwrap().account(), one.units);
            add(in_transit, one.units);
        }
    }
    for (account, balance) in balances(state) {
        let rest = rests.remove(&account).unwrap_or_default();
        let waits = account.kind == Kind::EscrowSession || account == in_transit;
        let there = if waits { balance.credits_pending } else { balance.debits_pending };
        assert_eq!(there, rest, "INV-3, INV-21: {account}");
    }
    assert!(rests.values().all(|rest| *rest == 0), "INV-3: reserved on no account: {rests:?}");
}

fn lots_are_what_is_on_accounts(state: &State) {
    let mut lots = Sums::new();
    for (_, lot) in state.lots.view().rows() {
        *lots.entry(lot.account()).or_default() += u128::from(lot.left);
    }
    for (account, left) in lots {
        assert_eq!(left, state.balance(&account).available(), "lots are what is on {account}");
    }
}

fn creators_do_not_owe_and_have_at_once(state: &State) {
    let mut dues = Sums::new();
    for (id, units) in state.dues.view().rows() {
        *dues.entry(Account::person(Kind::CreatorPending, id.creator)).or_default() +=
            u128::from(*units);
    }
    for (account, balance) in balances(state) {
        if account.kind == Kind::CreatorPending {
            let due = dues.get(&account).copied().unwrap_or_default();
            assert_eq!(balance.available(), due, "what is pending becomes due");
        }
        if account.kind == Kind::CreatorDebt && balance.net(account.kind.class()) > 0 {
            for kind in [Kind::CreatorPending, Kind::CreatorPayable] {
                let other = state.balance(&Account { kind, ..account });
                assert_eq!(other.available(), 0, "nobody owes and has at once");
            }
        }
    }
}

fn payments_are_what_lots_paid(state: &State) {
    let mut used: BTreeMap<Id, u64> = BTreeMap::new();
    for (id, charge) in state.charges.view().rows() {
        assert_eq!(charge.taken.iter().map(|part| part.units).sum::<u64>(), charge.net(), "{id}");
        assert!(charge.total + charge.reserved <= charge.cap, "INV-12: {id}");
        assert!(charge.refunded + charge.recovered <= charge.total, "INV-15: {id}: {charge:?}");
        for part in &charge.taken {
            *used.entry(part.lot).or_default() += part.units;
        }
    }
    let mut captured: BTreeMap<Id, u64> = BTreeMap::new();
    for (id, hold) in state.holds.view().rows() {
        *captured.entry(id.session).or_default() += hold.captured;
    }
    for (session, captured) in captured {
        let charge = state.charge(ChargeId::Session(session)).unwrap();
        assert_eq!(charge.total, captured, "INV-12: a session costs what its holds gave");
    }
    for (_, hold) in state.holds.view().rows().filter(|(_, one)| one.state == HoldState::Open) {
        for part in slice(&hold.sources, hold.captured, hold.units) {
            *used.entry(part.lot).or_default() += part.units;
        }
    }
    for (id, lot) in state.lots.view().rows() {
        let used = used.get(id).copied().unwrap_or_default();
        assert!(lot.left + used + lot.paid_back <= lot.units, "INV-15: lot {id} grew: {lot:?}");
        assert!(lot.paid_back + lot.disputed <= lot.units, "INV-15: {id} left twice: {lot:?}");
        let is_over = lot.reviews == 0 && lot.lost == 0;
        assert!(!is_over || lot.left <= lot.disputable(), "INV-15: {id} leaves twice: {lot:?}");
        assert!(lot.lost == 0 || lot.left == 0, "what is lost is not there: {lot:?}");
        assert!(lot.state == LotState::Open || lot.left == 0, "what is over is gone: {lot:?}");
    }
}

fn what_waits_is_its_open_items(state: &State) {
    let (mut waits, mut seats) = (BTreeMap::<Id, (u128, u32)>::new(), BTreeSet::new());
    for (id, charge) in state.charges.view().rows() {
        if let (ChargeId::Ticket { event, user, .. }, true) = (id, charge.net() > 0) {
            assert!(seats.insert((event, user)), "INV-18: {user:?} has two tickets: {id}");
        }
        if let (ChargeId::Ticket { event, .. }, ChargeState::Escrowed) = (id, charge.state) {
            let (sum, count) = waits.entry(*event).or_default();
            (*sum, *count) =
                (*sum + u128::from(charge.net()), *count + u32::from(charge.net() > 0));
        }
    }
    for (id, event) in state.events.view().rows() {
        let escrow = state.balance(&Account { kind: Kind::EscrowEvent, of: *id });
        let (sum, count) = waits.get(id).copied().unwrap_or_default();
        assert_eq!(escrow.available(), sum, "INV-18, INV-21: event {id}");
        assert!(event.sold <= event.capacity, "INV-18: {event:?}");
        assert!(event.state != EventState::Open || event.sold == count, "INV-18: {event:?}");
    }
    let open = state.disputes.view();
    let open = open.rows().filter(|(_, one)| one.state == DisputeState::Open);
    let open: i128 = open.map(|(_, one)| i128::from(one.units)).sum();
    let in_review = Account::single(Kind::DisputesInReview);
    assert_eq!(state.balance(&in_review).net(in_review.kind.class()), open, "INV-21");
}
