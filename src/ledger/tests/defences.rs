//! What people with bad intentions, bad luck or bad clocks try, and what comes of it.

mod clocks;
mod corrections;
mod creators;
mod disputes;
mod founding;
mod holds;
mod lots;
mod names;
mod repayments;
mod standing;
mod words;

use weir_model::AccountId;

use super::bank::*;
use crate::account::{Account, Balance, Kind, Standing};
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::{
    Command, ControlCommand, Correction, DisputeCommand, EventCommand, HoldCommand, IncomeCommand,
    MemberCommand, PayoutCommand, Provider,
};
use crate::row::{DisputeState, HoldId, Id, PayoutState, Policy};
use crate::split::Recipient;
use crate::state::Done;

const SESSION: HoldId = HoldId { session: 7_000, block: 1 };
const SECOND: HoldId = HoldId { block: 2, ..SESSION };
const HOUR_MS: u64 = 3_600_000;

impl Bank {
    fn expire_hold(&mut self, hold: HoldId) -> Result<Receipt, Refusal> {
        self.get(0, Command::Hold(HoldCommand::Expire { hold }))
    }

    fn expire_lot(&mut self, lot: Id) -> Result<Receipt, Refusal> {
        self.get(0, Command::Income(IncomeCommand::Expire { lot }))
    }

    /// Units that end in that many hours each, from the next one on; none of them is added to another.
    fn grants(&mut self, user: AccountId, count: u64) -> Vec<Id> {
        (1..=count).map(|hours| self.grant(user, 1, hours * HOUR_MS)).collect()
    }

    /// Opened at the provider that everybody pays by.
    fn dispute(&mut self, dispute: Id, lot: Id, units: u64) -> Result<Receipt, Refusal> {
        let (provider, amount) = (stripe(), amount(units));
        let open = DisputeCommand::Open { dispute, lot, provider, amount, fee: 0 };
        self.get(0, Command::Dispute(open))
    }

    fn end_dispute(&mut self, dispute: Id, state: DisputeState) -> Result<Receipt, Refusal> {
        self.get(0, Command::Dispute(DisputeCommand::End { dispute, state }))
    }

    /// Opened and lost at once.
    fn lose(&mut self, dispute: Id, lot: Id, units: u64) {
        self.dispute(dispute, lot, units).unwrap();
        self.end_dispute(dispute, DisputeState::Lost).unwrap();
    }

    /// Asks until nothing moves; what moved, one record each.
    fn recover(&mut self, dispute: Id) -> Vec<u64> {
        let recover = Command::Dispute(DisputeCommand::Recover { dispute });
        let each = || Some(self.get(0, recover.clone()).unwrap().units).filter(|units| *units > 0);
        std::iter::from_fn(each).collect()
    }

    fn payout(&mut self, units: u64) -> Result<Id, Refusal> {
        let (id, provider, amount) = (self.new_id(), stripe(), amount(units));
        let request = PayoutCommand::Request { creator: CREATOR, amount, provider };
        self.get(id, Command::Payout(request)).map(|_| id)
    }

    fn end_payout(&mut self, payout: Id, state: PayoutState) -> Result<Receipt, Refusal> {
        self.get(0, Command::Payout(PayoutCommand::End { payout, state }))
    }

    fn pay_back(&mut self, lot: Id, units: u64, provider: Provider) -> Result<Id, Refusal> {
        let (id, amount) = (self.new_id(), amount(units));
        let pay_back = PayoutCommand::PayBack { lot, amount, provider };
        self.get(id, Command::Payout(pay_back)).map(|_| id)
    }

    fn end_pay_back(&mut self, repayment: Id, state: PayoutState) -> Result<Receipt, Refusal> {
        self.get(0, Command::Payout(PayoutCommand::EndPayBack { repayment, state }))
    }

    /// Approved by a second person; names the lot that it makes, if it makes one.
    fn correct(
        &mut self,
        corrects: u64,
        (debit, credit): (Account, Account),
        units: u64,
    ) -> Result<Id, Refusal> {
        let (id, amount, second) = (self.new_id(), amount(units), Some(ANN));
        let correction = Correction { corrects, debit, credit, amount, second };
        self.get(id, Command::Control(ControlCommand::Correct(correction))).map(|_| id)
    }

    fn set_policy(
        &mut self,
        policy: Policy,
        second: Option<AccountId>,
    ) -> Result<Receipt, Refusal> {
        self.once(Command::Control(ControlCommand::SetPolicy { policy, second }))
    }

    /// Whoever got what is lost bears it.
    fn claw_back(&mut self) {
        self.set_policy(Policy { claws_back: true, ..Policy::default() }, None).unwrap();
    }

    /// The number of the newest record.
    fn seq(&self) -> u64 {
        self.state.head().seq
    }
}
