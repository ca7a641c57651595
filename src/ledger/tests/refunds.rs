//! What is given back of payments, on a ledger in which much has happened.

use proptest::prelude::*;
use weir_model::AccountId;

use super::judged::{balances, run};
use crate::account::Account;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::{Command, IncomeCommand, PaymentCommand, Provider, Refs, Request, Terms};
use crate::row::{ChargeId, Id};
use crate::split::{Recipient, Share, Split};
use crate::state::{Done, State};

/// No id of the workload.
const TOP_UP: Id = 1 << 90;

fn ask(state: &mut State, id: Id, command: Command) -> Result<Receipt, Refusal> {
    let (by, reason, refs) = (AccountId(900), String::new(), Refs::default());
    let wall = state.head().at;
    match state.execute(&Request { id, by, reason, refs, command }, wall).unwrap() {
        Done::Recorded(entry) => entry.record.result,
        other => panic!("{other:?}"),
    }
}

/// What every account shows that shows anything.
fn shown(state: &State) -> Vec<(Account, i128)> {
    let nets =
        balances(state).into_iter().map(|(one, balance)| (one, balance.net(one.kind.class())));
    nets.filter(|(_, net)| *net != 0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// INV-15: given money and paid money, creators who have and creators who owe; in any pieces, and no more.
    #[test]
    fn inv_15_a_payment_that_is_given_back_leaves_every_account_as_it_was(
        seed: u64,
        (payer, earners) in (1_u64..=5, prop::sample::subsequence(vec![101_u64, 102, 103], 1..=3)),
        units in 1_u64..400,
        bps in 0_u32..4_000,
        pieces in prop::collection::vec(1_u64..200, 0..6),
    ) {
        let mut state = run(seed, 150).state;
        let (user, amount) = (AccountId(payer), 400.try_into().unwrap());
        let top_up = IncomeCommand::TopUp { user, amount, provider: Provider::MANUAL };
        ask(&mut state, TOP_UP, Command::Income(top_up)).unwrap();
        let share = |to| Share { to, bps };
        let mut shares = vec![share(Recipient::Platform)];
        shares.extend(earners[1..].iter().map(|one| share(Recipient::Creator(AccountId(*one)))));
        let split = Split::new(shares, Recipient::Creator(AccountId(earners[0])));
        prop_assume!(split.is_ok());
        let (amount, before) = (units.try_into().unwrap(), shown(&state));
        let terms = Terms { payer: user, cap: amount, split: split.unwrap() };
        let (tip, id) = (PaymentCommand::Tip { terms, amount }, TOP_UP + 1);
        // Operators stop people in a workload, too.
        prop_assume!(ask(&mut state, id, Command::Payment(tip)).is_ok());
        let (charge, mut left) = (ChargeId::Tip(id), units);
        for (nth, piece) in pieces.into_iter().chain([u64::MAX]).enumerate() {
            let piece = piece.min(left);
            let Ok(amount) = piece.try_into() else { break };
            let refund = PaymentCommand::Refund { charge, amount: Some(amount) };
            ask(&mut state, id + 1 + nth as Id, Command::Payment(refund)).unwrap();
            left -= piece;
        }
        prop_assert_eq!(shown(&state), before);
        let more = PaymentCommand::Refund { charge, amount: Some(1.try_into().unwrap()) };
        let nothing = Refusal::TooMuch { what: What::Charge, left: 0 };
        prop_assert_eq!(ask(&mut state, id + 99, Command::Payment(more)), Err(nothing));
    }
}
