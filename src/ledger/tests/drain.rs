//! Whatever was asked of a ledger, in the end everything has gone where it belongs.

use super::invariants::check;
use crate::Refusal;
use crate::account::{Account, Kind};
use crate::record::Receipt;
use crate::request::{Command, DisputeCommand, EventCommand, PayoutCommand, Refs, Request};
use crate::row::{At, DisputeState, EventState, Id, PayoutState};
use crate::state::{Done, State};

/// More than anything that is open lasts.
const LONG_MS: u64 = 400 * 24 * 3_600_000;

/// Says of everything that is open what became of it, by an even or odd `seed`, and asks until nothing moves.
///
/// # Panics
/// When something is stuck.
pub(super) fn drain(state: &mut State, seed: u64) {
    let mut end = End { now: At(state.head().at.0).plus_ms(LONG_MS), state, seed };
    end.sweep();
    end.events();
    end.banks();
    end.disputes();
    // What came back or was delivered is pending.
    end.now = end.now.plus_ms(LONG_MS);
    end.sweep();
    check(end.state);
    assert_eq!(end.state.totals().pending, (0, 0), "something stays reserved");
    let waits =
        [Kind::EscrowSession, Kind::EscrowEvent, Kind::BankInTransit, Kind::DisputesInReview];
    for (account, balance) in end.state.all_balances().rows() {
        if waits.contains(&account.kind) {
            assert_eq!(balance.net(account.kind.class()), 0, "{account}");
        }
    }
}

struct End<'a> {
    state: &'a mut State,
    now: At,
    seed: u64,
}

impl End<'_> {
    fn ask(&mut self, command: Command) -> Result<Receipt, Refusal> {
        let (by, reason, refs) = (weir_model::AccountId(900), String::new(), Refs::default());
        match self.state.execute(&Request { id: 0, by, reason, refs, command }, self.now).unwrap() {
            Done::Recorded(entry) => entry.record.result,
            Done::Unchanged(receipt) => Ok(Receipt { units: 0, ..receipt }),
            Done::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    /// One way or the other.
    fn either<T>(&mut self, one: T, other: T) -> T {
        self.seed = self.seed.rotate_right(1);
        if self.seed.is_multiple_of(2) { one } else { other }
    }

    fn sweep(&mut self) {
        for _ in 0..20 {
            let now = self.state.head().next_at(self.now).unwrap();
            for what in self.state.expired(now).collect::<Vec<_>>() {
                self.ask(what.command()).unwrap_or_else(|refusal| panic!("{what:?}: {refusal}"));
            }
        }
        let now = self.state.head().next_at(self.now).unwrap();
        assert_eq!(self.state.expired(now).count(), 0, "the sweep does not end");
    }

    fn events(&mut self) {
        for event in ids(self.state.events.view().rows()) {
            let state = self.either(EventState::Delivered, EventState::Cancelled);
            let _ = self.ask(Command::Event(EventCommand::End { event, state }));
            while self.ask(Command::Event(EventCommand::Settle { event })).unwrap().units > 0 {}
            let escrow = self.state.balance(&Account { kind: Kind::EscrowEvent, of: event });
            assert_eq!(escrow.available(), 0, "event {event}");
        }
    }

    fn banks(&mut self) {
        for payout in ids(self.state.payouts.view().rows()) {
            let state = self.either(PayoutState::Paid, PayoutState::Failed);
            let _ = self.ask(Command::Payout(PayoutCommand::End { payout, state }));
        }
        for repayment in ids(self.state.repayments.view().rows()) {
            let state = self.either(PayoutState::Paid, PayoutState::Failed);
            let _ = self.ask(Command::Payout(PayoutCommand::EndPayBack { repayment, state }));
        }
    }

    fn disputes(&mut self) {
        for dispute in ids(self.state.disputes.view().rows()) {
            let state = self.either(DisputeState::Won, DisputeState::Lost);
            let _ = self.ask(Command::Dispute(DisputeCommand::End { dispute, state }));
            let recover = Command::Dispute(DisputeCommand::Recover { dispute });
            while self.ask(recover.clone()).is_ok_and(|receipt| receipt.units > 0) {}
        }
        let rows = self.state.disputes.view();
        for (id, dispute) in rows.rows().filter(|(_, one)| one.recoverable > 0) {
            let lot = self.state.lot(dispute.lot).unwrap();
            let place = self.state.lots.place(&dispute.lot).unwrap();
            let reached = lot.lost == 0 || self.state.spent.oldest(place).is_none();
            assert!(reached, "dispute {id}: somebody has money of a payment that was lost");
        }
    }
}

fn ids<'a, T: 'a>(rows: impl Iterator<Item = &'a (Id, T)>) -> Vec<Id> {
    rows.map(|(id, _)| *id).collect()
}
