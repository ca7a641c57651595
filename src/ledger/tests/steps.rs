//! What is true of a record, given the ledger before it and the ledger after it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_model::AccountId;

use super::REQUESTS;
use crate::account::{Account, Kind, Standing};
use crate::leg::{Side, Stage};
use crate::record::Record;
use crate::request::{
    Command, ControlCommand, EventCommand, HoldCommand, IncomeCommand, MemberCommand,
    PaymentCommand, PayoutCommand,
};
use crate::row::{
    ChargeId, ChargeState, EventState, HoldState, Id, Lot, MemberId, Membership, Origin,
    PayoutState, Telling,
};
use crate::state::{Done, State};
use crate::workload::Workload;

/// Shows every record of a workload with the ledger before and after it. No auditor says anything here: what is told of
/// a record has to be enough.
fn each_step(seed: u64, mut see: impl FnMut(&State, &Record, &State)) {
    let (mut work, mut state) = (Workload::new(seed), State::default());
    for _ in 0..REQUESTS {
        let (request, wall) = work.next_request();
        let before = state.clone();
        if let Done::Recorded(entry) = state.execute(&request, wall).unwrap() {
            see(&before, &entry.record, &state);
        }
    }
}

/// Whose lots a request draws on because that person wants it.
fn payer(command: &Command) -> Option<AccountId> {
    match command {
        Command::Payment(PaymentCommand::Tip { terms, .. })
        | Command::Hold(HoldCommand::Reserve { terms, .. })
        | Command::Member(MemberCommand::Subscribe { terms, .. }) => Some(terms.payer),
        Command::Member(MemberCommand::Gift(gift)) => Some(gift.terms.payer),
        Command::Event(EventCommand::Buy { user, .. }) => Some(*user),
        _ => None,
    }
}

/// What an account gave, less what it got.
fn given(record: &Record) -> BTreeMap<Account, i128> {
    let mut all = BTreeMap::new();
    for leg in record.legs.iter().filter(|leg| leg.stage == Stage::Posted) {
        let units = i128::from(leg.units);
        let change = if leg.side == Side::Debit { units } else { -units };
        *all.entry(leg.account).or_default() += change;
    }
    all
}

/// INV-4.
fn a_hold_only_gives(before: &State, after: &State) {
    for (id, was) in before.holds.view().rows() {
        let is = after.hold(*id).unwrap();
        assert!(is.captured >= was.captured && is.captured <= is.units, "{id:?}: {is:?}");
        let stays =
            (&is.sources, is.units, is.expires_at) == (&was.sources, was.units, was.expires_at);
        assert!(stays, "{id:?}: {was:?} became {is:?}");
        assert!(was.state == HoldState::Open || is == was, "{id:?}: {was:?} became {is:?}");
    }
}

/// INV-12, INV-15.
fn what_was_agreed_stays(before: &State, after: &State) {
    for (id, was) in before.charges.view().rows() {
        let is = after.charge(*id).unwrap();
        assert_eq!((is.payer, is.cap, &is.split), (was.payer, was.cap, &was.split), "{id}");
        assert!(is.total >= was.total && is.epoch >= was.epoch, "{id}: {was:?} became {is:?}");
        assert!(is.refunded >= was.refunded && is.recovered >= was.recovered, "{id}");
        let is_over = was.state == ChargeState::Settled;
        assert!(
            !is_over || (is.total, is.state) == (was.total, was.state),
            "{id}: {was:?}, {is:?}"
        );
    }
}

/// INV-16: who pays uses up what was given to him, what ends first before the rest, and then what he paid first.
fn the_order_of_lots_is_kept(user: AccountId, before: &State, record: &Record, after: &State) {
    let order = |id: Id, lot: &Lot| {
        let ends = lot.expires_at.map_or(u64::MAX, |at| at.0);
        let is_given = lot.origin == Origin::Promo;
        (!is_given, if is_given { ends } else { lot.born }, id)
    };
    let rows = before.lots.view();
    let good = rows.rows().filter(|(_, lot)| lot.owner == user && lot.spendable(record.at) > 0);
    let mut good: Vec<_> = good.map(|(id, lot)| (order(*id, lot), *id, lot.left)).collect();
    good.sort_unstable();
    let mut is_last = false;
    for (_, id, left) in good {
        let now = after.lot(id).unwrap().left;
        assert!(!is_last || now == left, "lot {id} is used before another is used up: {record:?}");
        is_last |= now > 0;
    }
}

/// INV-16: what was given leaves to nobody's bank, to no other user, and into nobody's paid money.
fn given_money_stays_here(record: &Record, after: &State) {
    let given = given(record);
    let leaves = |(account, units): (&Account, &i128)| account.kind == Kind::Promo && *units > 0;
    let elsewhere =
        [Kind::PspPending, Kind::PspAvailable, Kind::BankInTransit, Kind::Wallet, Kind::Promo];
    if given.iter().any(leaves) {
        let gets = given.iter().find(|(to, units)| elsewhere.contains(&to.kind) && **units < 0);
        assert_eq!(gets, None, "{record:?}");
    }
    let those = record.legs.iter().filter(|leg| leg.stage == Stage::Reserved);
    let kinds: Vec<Kind> = those.map(|leg| leg.account.kind).collect();
    assert!(!(kinds.contains(&Kind::Promo) && kinds.contains(&Kind::BankInTransit)), "{record:?}");
    let repaid = after.repayments.view();
    let disputed = after.disputes.view();
    let lots = repaid.rows().map(|(_, one)| one.lot);
    for lot in lots.chain(disputed.rows().map(|(_, one)| one.lot)) {
        assert!(matches!(after.lot(lot).unwrap().origin, Origin::Paid { .. }), "lot {lot}");
    }
}

/// INV-16: what was not spent in time is income again.
fn what_lapsed_is_breakage(before: &State, record: &Record) {
    let Command::Income(IncomeCommand::Expire { lot }) = record.request.command else { return };
    let was = before.lot(lot).unwrap();
    let breakage = Account::single(Kind::PlatformBreakage);
    let mut moved = BTreeMap::new();
    if was.left > 0 {
        let units = i128::from(was.left);
        moved = BTreeMap::from([(was.account(), units), (breakage, -units)]);
    }
    assert_eq!((given(record), was.origin), (moved, Origin::Promo), "{record:?}");
}

/// INV-17: what left to a creator or is on its way is no more than what became payable; `came` is that, by creator.
fn no_more_leaves_than_is_payable(
    before: &State,
    record: &Record,
    after: &State,
    came: &mut BTreeMap<u128, i128>,
) {
    for (account, units) in given(record) {
        if account.kind == Kind::CreatorPayable && units < 0 {
            *came.entry(account.of).or_default() -= units;
        }
    }
    let mut left: BTreeMap<u128, i128> = BTreeMap::new();
    for (id, is) in after.payouts.view().rows() {
        let was = before.payouts.get(id).map_or(PayoutState::Open, |was| {
            assert_eq!((was.creator, was.units, was.provider), (is.creator, is.units, is.provider));
            was.state
        });
        let creator = u128::from(is.creator.0);
        if (was, is.state) == (PayoutState::Paid, PayoutState::Failed) {
            // It was payable before and is again.
            *came.entry(creator).or_default() -= i128::from(is.units);
        }
        assert!(was != PayoutState::Failed || is.state == was, "payout {id} failed: {record:?}");
        if is.state != PayoutState::Failed {
            *left.entry(creator).or_default() += i128::from(is.units);
        }
    }
    for (creator, left) in left {
        let came = came.get(&creator).copied().unwrap_or_default();
        assert!(left <= came, "{left} left of {came}: {record:?}");
    }
}

/// INV-17: attempts to tell of a payout are one after another, and what a provider has it has for ever.
fn a_payout_is_told_of_once(before: &State, after: &State) {
    for (id, is) in after.told.view().rows() {
        let was = before.told.get(id);
        let tries = was.map_or(0, |was| was.tries);
        assert!(is.tries == tries || is.tries == tries + 1, "payout {id}: {was:?} became {is:?}");
        let is_sent = was.is_some_and(|was| was.state == Telling::Sent);
        assert!(!is_sent || was == Some(is), "payout {id}: {was:?} became {is:?}");
        assert!(after.payout(*id).is_some(), "payout {id} is none");
    }
}

/// INV-18: whoever buys has no ticket and gets a place that is free, and what it costs waits until the event is over.
fn a_ticket_is_a_free_place(before: &State, record: &Record, after: &State) {
    for (id, is) in after.events.view().rows() {
        let escrow = Account { kind: Kind::EscrowEvent, of: *id };
        let came = -given(record).get(&escrow).copied().unwrap_or_default();
        assert!(is.sold <= is.capacity, "{is:?}");
        let Some(was) = before.event(*id) else { continue };
        assert_eq!((is.price, is.capacity, &is.split), (was.price, was.capacity, &was.split));
        assert!(was.state == EventState::Open || is.state == was.state, "{was:?} became {is:?}");
        match &record.request.command {
            Command::Event(EventCommand::Buy { event, user })
                if event == id && record.result.is_ok() =>
            {
                let tickets = before.charges.view();
                let mut his = tickets.rows().filter(|(charge, _)| {
                    matches!(charge, ChargeId::Ticket { event, user: other, .. } if event == id && other == user)
                });
                assert!(
                    his.all(|(_, ticket)| ticket.net() == 0),
                    "{user:?} has a ticket: {record:?}"
                );
                assert_eq!((is.sold, was.state), (was.sold + 1, EventState::Open), "{record:?}");
                assert_eq!(came, i128::from(is.price.units()), "{record:?}");
            }
            _ => assert!(is.sold <= was.sold && came <= 0, "{record:?}"),
        }
    }
}

/// Memberships that a record changed, as they were and are.
fn changed(before: &State, after: &State) -> Vec<(MemberId, Membership, Membership)> {
    let all = after.members.view();
    let both = all.rows().map(|(id, is)| (*id, before.member(*id), *is));
    both.filter(|(_, was, is)| was != is).collect()
}

/// INV-19: each period is paid once, and its time begins when what was paid before ends.
fn a_period_is_paid_once(before: &State, record: &Record, after: &State) {
    for (id, was, is) in changed(before, after) {
        match &record.request.command {
            Command::Member(MemberCommand::Subscribe {
                member, period, price, length_ms, ..
            }) => {
                let charge = ChargeId::Period { member: *member, number: *period };
                assert_eq!((id, is.periods, *period), (*member, was.periods + 1, is.periods));
                assert_eq!(before.charge(charge), None, "{charge} is paid again");
                assert_eq!(after.charge(charge).unwrap().total, price.units());
                let from = was.until.max(record.at);
                assert_eq!((is.from, is.until, is.to), (from, from.plus_ms(*length_ms), is.until));
            }
            Command::Member(MemberCommand::Gift(gift)) => {
                assert!(was.until <= record.at, "{id:?} is a member until {:?}", was.until);
                assert_eq!(is.until, record.at.plus_ms(gift.length_ms));
                assert_eq!(is.periods, was.periods);
            }
            Command::Payment(PaymentCommand::Refund { charge, .. }) => {
                let ChargeId::Period { member, .. } = charge else { panic!("{record:?}") };
                assert!(*member == id && is.until <= was.until && is.periods == was.periods);
            }
            other => panic!("{other:?} changed {id:?}"),
        }
    }
}

/// INV-20: as many get it as are paid for, all of those named or those who are no members; or nobody.
fn a_gift_is_what_is_paid(before: &State, record: &Record, after: &State) {
    let Command::Member(MemberCommand::Gift(gift)) = &record.request.command else { return };
    let changed = changed(before, after);
    let Ok(receipt) = &record.result else {
        assert!(changed.is_empty() && record.legs.is_empty() && record.rows.is_empty());
        return;
    };
    let until =
        |user: &AccountId| before.member(MemberId { user: *user, channel: gift.channel }).until;
    let new: Vec<_> = gift.to.iter().filter(|user| until(user) <= record.at).collect();
    let units = gift.price.units() * new.len() as u64;
    let charge = after.charge(ChargeId::Gift(record.request.id)).unwrap();
    assert_eq!((receipt.units, charge.total), (units, units), "{record:?}");
    assert!(!new.is_empty() && (gift.partial || new.len() == gift.to.len()), "{record:?}");
    // A time of nothing that ends when another one ended changes nothing.
    let same = if gift.length_ms == 0 { 0 } else { new.len() };
    assert!((same..=new.len()).contains(&changed.len()), "{changed:?} of {new:?}");
}

/// INV-24: of an account that is not open nothing leaves because its owner wants it.
fn who_is_stopped_pays_nothing(before: &State, record: &Record) {
    let wallet = payer(&record.request.command).map(Account::wallet);
    let account = match &record.request.command {
        Command::Payout(PayoutCommand::Request { creator, .. }) => {
            Some(Account::person(Kind::CreatorPayable, *creator))
        }
        Command::Payout(PayoutCommand::PayBack { lot, .. }) => {
            before.lot(*lot).map(|lot| Account::wallet(lot.owner))
        }
        _ => wallet,
    };
    let Some(account) = account else { return };
    let is_open = before.balance(&account).standing == Standing::Open;
    assert!(is_open || record.legs.is_empty(), "{account}: {record:?}");
}

/// INV-24: a correction is of something that was moved before, and nothing ever goes away.
fn nothing_is_undone(before: &State, record: &Record, after: &State) {
    if let (Command::Control(ControlCommand::Correct(correction)), Ok(_)) =
        (&record.request.command, &record.result)
    {
        let corrects = correction.corrects;
        assert!(
            corrects < record.seq && before.moved.get(corrects).is_some_and(|units| *units > 0)
        );
    }
    assert_eq!(after.head().link, before.head().link.then(&record.bytes().unwrap()));
    for (id, was) in before.lots.view().rows() {
        let is = after.lot(*id).unwrap();
        let same = (is.owner, is.origin, is.expires_at, is.born)
            == (was.owner, was.origin, was.expires_at, was.born);
        assert!(same && is.units >= was.units, "lot {id}: {was:?} became {is:?}");
    }
    assert!(before.events.view().rows().all(|(id, _)| after.event(*id).is_some()));
    assert!(before.members.view().rows().all(|(id, _)| after.members.get(id).is_some()));
    assert!(before.disputes.view().rows().all(|(id, _)| after.dispute(*id).is_some()));
    assert!(before.repayments.view().rows().all(|(id, _)| after.repayments.get(id).is_some()));
    assert!(before.heard.view().rows().all(|(id, _)| after.heard(*id).is_some()));
    assert!(before.seen.view().rows().all(|(id, seen)| after.seen.get(id) == Some(seen)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn inv_4_a_hold_only_gives_and_stays_as_it_ended(seed: u64) {
        each_step(seed, |before, _, after| a_hold_only_gives(before, after));
    }

    #[test]
    fn inv_12_what_was_agreed_stays_and_what_is_over_costs_no_more(seed: u64) {
        each_step(seed, |before, _, after| what_was_agreed_stays(before, after));
    }

    #[test]
    fn inv_16_given_money_is_spent_first_and_leaves_to_nobody(seed: u64) {
        each_step(seed, |before, record, after| {
            if let (Some(user), Ok(_)) = (payer(&record.request.command), &record.result) {
                the_order_of_lots_is_kept(user, before, record, after);
            }
            given_money_stays_here(record, after);
            what_lapsed_is_breakage(before, record);
        });
    }

    #[test]
    fn inv_17_no_more_leaves_than_is_payable_and_it_is_told_of_once(seed: u64) {
        let mut came = BTreeMap::new();
        each_step(seed, |before, record, after| {
            no_more_leaves_than_is_payable(before, record, after, &mut came);
            a_payout_is_told_of_once(before, after);
        });
    }

    #[test]
    fn inv_18_a_ticket_is_a_free_place_and_waits_for_the_event(seed: u64) {
        each_step(seed, a_ticket_is_a_free_place);
    }

    #[test]
    fn inv_19_a_period_is_paid_once_and_begins_where_another_ended(seed: u64) {
        each_step(seed, a_period_is_paid_once);
    }

    #[test]
    fn inv_20_a_gift_is_for_as_many_as_are_paid_for(seed: u64) {
        each_step(seed, a_gift_is_what_is_paid);
    }

    #[test]
    fn inv_24_who_is_stopped_pays_nothing_and_nothing_is_undone(seed: u64) {
        each_step(seed, |before, record, after| {
            who_is_stopped_pays_nothing(before, record);
            nothing_is_undone(before, record, after);
        });
    }
}
