//! The largest numbers there are, in every place that takes one: a refusal that says so, and nothing that wraps.

use proptest::prelude::*;
use weir_model::AccountId;

use super::bank::*;
use super::invariants::check;
use super::{all_of, through_pages};
use crate::Amount;
use crate::account::{Account, Balance, Kind};
use crate::refusal::Refusal;
use crate::request::{
    Command, ControlCommand, Correction, DisputeCommand, EventCommand, Gift, HoldCommand,
    IncomeCommand, MemberCommand, PaymentCommand, PayoutCommand, Refs, Request, Terms,
};
use crate::row::{At, ChargeId, DisputeState, EventState, HoldId, Id, MemberId, PayoutState};
use crate::state::State;

const MOST: u64 = Amount::MAX.units();

/// What no amount may make of an account.
const FULL: u128 = i128::MAX.unsigned_abs();

fn amounts() -> impl Strategy<Value = Amount> {
    let edge = prop::sample::select(vec![1, 2, MOST / 2, MOST / 2 + 1, MOST - 1, MOST]);
    prop_oneof![3 => edge, 1 => 1..=MOST].prop_map(amount)
}

fn numbers() -> impl Strategy<Value = u64> {
    let edge = prop::sample::select(vec![0, 1, MOST, MOST + 1, u64::MAX - 1, u64::MAX]);
    prop_oneof![1 => edge, 1 => 0_u64..12]
}

/// A request of each sort, about what those before it made; ids count from 1.
fn wild(what: u8, amount: Amount, number: u64) -> Command {
    let (id, terms) = (Id::from(number), Terms { cap: Amount::MAX, ..terms(ANN, 1) });
    let session = HoldId { session: 7, block: u32::try_from(number % 4).unwrap() };
    match what {
        0..=3 => {
            let (user, provider) = (ANN, stripe());
            Command::Income(IncomeCommand::TopUp { user, amount, provider })
        }
        4 => Command::Income(IncomeCommand::Grant {
            user: ANN,
            amount,
            expires_at: Some(At(number)).filter(|at| at.0 > 12),
        }),
        5..=7 => Command::Payment(PaymentCommand::Tip { terms, amount }),
        8 => {
            let charge = ChargeId::Tip(id);
            Command::Payment(PaymentCommand::Refund { charge, amount: Some(amount) })
        }
        9 => Command::Hold(HoldCommand::Reserve {
            hold: session,
            terms,
            amount,
            lives_ms: 24 * 3_600_000,
            epoch: number,
        }),
        10 => {
            let (hold, epoch) = (HoldId { block: 1, ..session }, u64::MAX);
            Command::Hold(HoldCommand::Capture { hold, total: number, epoch })
        }
        11 => {
            let (hold, epoch, ends) = (HoldId { block: 1, ..session }, u64::MAX, false);
            Command::Hold(HoldCommand::Close { hold, total: number, epoch, ends })
        }
        12 => {
            let capacity = u32::try_from(number).unwrap_or(u32::MAX);
            Command::Event(EventCommand::Open { price: amount, capacity, split: split() })
        }
        13 => Command::Event(EventCommand::Buy { event: id, user: ANN }),
        14 => Command::Event(EventCommand::End { event: id, state: EventState::Delivered }),
        15 => Command::Event(EventCommand::Settle { event: id }),
        16 => Command::Member(MemberCommand::Subscribe {
            member: MemberId { user: ANN, channel: 5 },
            period: 1,
            terms,
            price: amount,
            length_ms: number,
        }),
        17 => {
            let to = (11..=110).map(AccountId).take(1 + usize::from(number > 6) * 99).collect();
            let (price, length_ms, partial) = (amount, number, true);
            Command::Member(MemberCommand::Gift(Gift {
                terms,
                channel: 5,
                price,
                length_ms,
                to,
                partial,
            }))
        }
        _ => outside(what, amount, number),
    }
}

fn outside(what: u8, amount: Amount, number: u64) -> Command {
    let (id, provider) = (Id::from(number), stripe());
    match what {
        18 | 19 => Command::Payout(PayoutCommand::Mature { creator: CREATOR }),
        20 => Command::Payout(PayoutCommand::Request { creator: CREATOR, amount, provider }),
        21 => Command::Payout(PayoutCommand::End { payout: id, state: PayoutState::Paid }),
        22 => Command::Payout(PayoutCommand::End { payout: id, state: PayoutState::Failed }),
        23 => Command::Payout(PayoutCommand::Settle { provider, amount, fee: number }),
        24 => Command::Payout(PayoutCommand::PayBack { lot: id, amount, provider }),
        25 => {
            Command::Payout(PayoutCommand::EndPayBack { repayment: id, state: PayoutState::Paid })
        }
        26 | 27 => Command::Dispute(DisputeCommand::Open {
            dispute: id,
            lot: id,
            provider,
            amount,
            fee: number,
        }),
        28 => Command::Dispute(DisputeCommand::End { dispute: id, state: DisputeState::Lost }),
        29 => Command::Dispute(DisputeCommand::Recover { dispute: id }),
        _ => {
            let pairs = [
                (Account::single(Kind::Writeoff), Account::wallet(ANN)),
                (Account::wallet(ANN), Account::single(Kind::Writeoff)),
                (Account::single(Kind::PspFees), Account::single(Kind::PlatformFees)),
            ];
            let (debit, credit) = pairs[usize::from(what % 3)];
            let (corrects, second) = (number.wrapping_add(1), Some(BOB));
            let correction = Correction { corrects, debit, credit, amount, second };
            Command::Control(ControlCommand::Correct(correction))
        }
    }
}

/// Puts so much on both sides of accounts whose sums every payment grows.
fn fill(state: &mut State, room: u128) {
    let debits = Account { kind: Kind::PspPending, of: stripe().of() };
    let credits = Account::single(Kind::PlatformFees);
    let full = FULL - room;
    for (account, balance) in [
        (debits, Balance { debits_posted: full, ..Balance::default() }),
        (credits, Balance { credits_posted: full, ..Balance::default() }),
    ] {
        state.totals.count(&balance);
        state.balances.put(account, balance);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Arithmetic that would wrap panics in tests, and a sum that is wrong is found by the other invariants.
    #[test]
    fn inv_30_no_amount_wraps_a_sum_or_stops_the_ledger(
        room in prop_oneof![Just(None), (0..3 * u128::from(MOST)).prop_map(Some)],
        asked in prop::collection::vec((0_u8..34, amounts(), numbers(), 0_u64..9), 1..60),
    ) {
        let mut bank = Bank::new();
        room.into_iter().for_each(|room| fill(&mut bank.state, room));
        for (at, (what, amount, number, hours)) in asked.into_iter().enumerate() {
            bank.later_ms(hours * 24 * 3_600_000);
            let command = wild(what, amount, number);
            let id = if command.is_repeatable() { 0 } else { at as Id + 1 };
            let (by, reason, refs) = (AccountId(900), String::new(), Refs::default());
            let request = Request { id, by, reason, refs, command };
            let done = bank.state.execute(&request, bank.now);
            prop_assert!(done.is_ok(), "{request:?}: {done:?}");
            check(&bank.state);
        }
        let again = through_pages(&mut bank.state, &mut std::collections::BTreeMap::new()).unwrap();
        prop_assert_eq!(all_of(&again), all_of(&bank.state));
    }
}

#[test]
fn inv_30_an_account_that_is_full_takes_no_more_and_says_so() {
    let mut bank = Bank::new();
    bank.top_up(BOB, 10);
    fill(&mut bank.state, 5);
    let top_up = |units| {
        let (user, provider) = (ANN, stripe());
        Command::Income(IncomeCommand::TopUp { user, amount: amount(units), provider })
    };
    assert_eq!(bank.once(top_up(6)), Err(Refusal::Overflow));
    assert_eq!((bank.wallet(ANN), bank.state.spendable(ANN, bank.now)), (0, 0));
    bank.once(top_up(5)).unwrap();
    assert_eq!(bank.once(top_up(1)), Err(Refusal::Overflow));
}
