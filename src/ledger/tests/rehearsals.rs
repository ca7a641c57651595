//! A request that is rehearsed, and then made.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::bank::*;
use super::judged::balances;
use super::{REQUESTS, all_of};
use crate::account::{Account, Balance, Kind};
use crate::refusal::Refusal;
use crate::request::{Command, ControlCommand, PaymentCommand, PayoutCommand, Refs};
use crate::row::{Policy, RULES};
use crate::state::{Done, State};
use crate::workload::Workload;
use crate::{Amount, Request};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_rehearsed_is_what_is_made_then(seed: u64) {
        let (mut work, mut state) = (Workload::new(seed), State::default());
        for _ in 0..REQUESTS {
            let (request, wall) = work.next_request();
            let before = balances(&state);
            let rehearsed = state.rehearse(&request, wall).unwrap();
            prop_assert_eq!(&balances(&state), &before);
            let done = state.execute(&request, wall).unwrap();
            prop_assert_eq!(rehearsed.done, done, "{:?}", request);
            let mut after: BTreeMap<Account, Balance> = before.clone();
            for change in rehearsed.accounts {
                let known = before.get(&change.account).copied().unwrap_or_default();
                prop_assert_eq!(change.before, known);
                after.insert(change.account, change.after);
            }
            prop_assert_eq!(after, balances(&state), "nothing else is touched");
        }
    }
}

fn tip(payer: weir_model::AccountId, amount: Amount) -> Request {
    let command = PaymentCommand::Tip { terms: terms(payer, amount.units()), amount };
    request(Command::Payment(command))
}

fn request(command: Command) -> Request {
    Request { id: 77, by: ANN, reason: String::new(), refs: Refs::default(), command }
}

#[test]
fn a_rehearsal_changes_nothing_and_uses_up_no_id() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    let before = all_of(&bank.state);
    for _ in 0..2 {
        let rehearsed = bank.state.rehearse(&tip(ANN, amount(60)), bank.now).unwrap();
        let wallet = rehearsed.accounts.iter().find(|one| one.account == Account::wallet(ANN));
        let shows = wallet.map(|one| (one.before.available(), one.after.available()));
        assert_eq!(shows, Some((100, 40)));
        assert!(matches!(rehearsed.done, Done::Recorded(entry) if entry.record.result.is_ok()));
    }
    assert_eq!(all_of(&bank.state), before);
}

#[test]
fn a_rehearsal_says_why_it_would_be_refused() {
    let bank = Bank::new();
    let rehearsed = bank.state.rehearse(&tip(ANN, amount(60)), bank.now).unwrap();
    assert!(rehearsed.accounts.is_empty());
    let Done::Recorded(entry) = rehearsed.done else { panic!("it would be recorded") };
    assert!(matches!(entry.record.result, Err(Refusal::Insufficient { available: 0, .. })));
}

/// What a creator earned and is due is payable with the request that has it paid out.
#[test]
fn what_comes_first_is_rehearsed_with_it() {
    let mut bank = Bank::new();
    bank.top_up(ANN, 100);
    bank.tip(ANN, 100).unwrap();
    bank.later_ms(30 * 24 * 3_600_000);
    let mature = Command::Payout(PayoutCommand::Mature { creator: CREATOR });
    let mature = Request { id: 0, ..request(mature) };
    let payout =
        PayoutCommand::Request { creator: CREATOR, amount: amount(70), provider: stripe() };
    let payout = Request { by: CREATOR, ..request(Command::Payout(payout)) };
    let before = all_of(&bank.state);
    let alone = bank.state.rehearse(&payout, bank.now).unwrap();
    assert!(alone.accounts.is_empty(), "nothing is payable yet");
    let first = std::slice::from_ref(&mature);
    let rehearsed = bank.state.rehearse_after(first, &payout, bank.now).unwrap();
    let shows = |kind| {
        let account = Account::person(kind, CREATOR);
        let one = rehearsed.accounts.iter().find(|one| one.account == account).unwrap();
        (one.before.available(), one.after.available())
    };
    assert_eq!((shows(Kind::CreatorPending), shows(Kind::CreatorPayable)), ((70, 0), (0, 0)));
    assert_eq!(all_of(&bank.state), before);
    let once = std::slice::from_ref(&payout);
    assert!(bank.state.rehearse_after(once, &mature, bank.now).is_err(), "what is done once");
}

#[test]
fn rules_that_are_not_known_are_rehearsed_without_harm() {
    let mut bank = Bank::new();
    let policy = Policy { rules: RULES + 1, ..Policy::default() };
    let newer = request(Command::Control(ControlCommand::SetPolicy { policy, second: None }));
    let unknown = Err(Refusal::Rules { rules: RULES + 1 });
    assert_eq!(bank.state.rehearse(&newer, bank.now), unknown);
    bank.top_up(ANN, 1);
}
