//! What the ledger can be asked to do.

use weir_model::AccountId;

use crate::Amount;
pub use crate::flow::{
    ACTION_CHARS_MAX, Act, ControlCommand, Correction, DETAIL_CHARS_MAX, DisputeCommand,
    EventCommand, FAILURE_CHARS_MAX, Gift, HoldCommand, IncomeCommand, MemberCommand, Outcome,
    PaymentCommand, PayoutCommand, ProviderCommand, TARGET_CHARS_MAX, WAITING_EACH_MAX,
    WAITING_MAX,
};
use crate::refusal::Refusal;
use crate::row::{Id, News, RULES};
use crate::split::Split;

mod refs;

pub use refs::{InvalidProvider, InvalidPspRef, PSP_CHARS_MAX, Provider, PspRef, Refs};

/// People that one gift is for.
pub const GIFTS_MAX: usize = 100;

/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 200;

/// The longest life of a hold: a day.
pub const LIFE_MS_MAX: u64 = 24 * 3_600_000;

/// Most requests are smaller.
const BYTES_USUAL: usize = 192;

/// Something to be done, once.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// Made by whoever wants it; the same id of the same person is done once, for ever, and a request that was refused
    /// stays refused. Zero for commands that name what they are about and may be repeated ([`Command::is_repeatable`]).
    pub id: Id,
    /// Who wants it.
    pub by: AccountId,
    /// Why, in the words of whoever wants it.
    pub reason: String,
    /// Whom and what it refers to.
    pub refs: Refs,
    /// What.
    pub command: Command,
}

/// What can be done, by what money is moved for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Command {
    /// Money that comes in.
    Income(IncomeCommand),
    /// Money that is reserved and taken while a session goes on.
    Hold(HoldCommand),
    /// Payments at once, and refunds.
    Payment(PaymentCommand),
    /// Events and their tickets.
    Event(EventCommand),
    /// Times as a member.
    Member(MemberCommand),
    /// Money on its way out.
    Payout(PayoutCommand),
    /// Payments that a customer disputes.
    Dispute(DisputeCommand),
    /// What operators do.
    Control(ControlCommand),
    /// What staff do beside the ledger.
    Act(Act),
    /// What payment providers say and are told.
    Provider(ProviderCommand),
}

/// What a payer agreed to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Terms {
    /// Who pays.
    pub payer: AccountId,
    /// At most so much in all.
    pub cap: Amount,
    /// Who gets what.
    pub split: Split,
}

impl Command {
    /// What it does, in a word or two for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Income(IncomeCommand::TopUp { .. }) => "top-up",
            Self::Income(IncomeCommand::Grant { .. }) => "grant",
            Self::Income(IncomeCommand::Expire { .. }) => "lot expired",
            Self::Hold(HoldCommand::Reserve { .. }) => "reserve",
            Self::Hold(HoldCommand::Capture { .. }) => "capture",
            Self::Hold(HoldCommand::Close { .. }) => "close",
            Self::Hold(HoldCommand::Expire { .. }) => "hold expired",
            Self::Payment(PaymentCommand::Tip { .. }) => "tip",
            Self::Payment(PaymentCommand::Refund { .. }) => "refund",
            Self::Event(EventCommand::Open { .. }) => "event opened",
            Self::Event(EventCommand::Buy { .. }) => "ticket",
            Self::Event(EventCommand::End { .. }) => "event ended",
            Self::Event(EventCommand::Settle { .. }) => "tickets settled",
            Self::Member(MemberCommand::Subscribe { .. }) => "subscription",
            Self::Member(MemberCommand::Gift(_)) => "gift",
            Self::Payout(PayoutCommand::Mature { .. }) => "payable",
            Self::Payout(PayoutCommand::Request { .. }) => "payout asked",
            Self::Payout(PayoutCommand::End { .. }) => "payout ended",
            Self::Payout(PayoutCommand::Settle { .. }) => "provider settled",
            Self::Payout(PayoutCommand::PayBack { .. }) => "repayment asked",
            Self::Payout(PayoutCommand::EndPayBack { .. }) => "repayment ended",
            Self::Dispute(DisputeCommand::Open { .. }) => "dispute",
            Self::Dispute(DisputeCommand::End { .. }) => "dispute ended",
            Self::Dispute(DisputeCommand::Recover { .. }) => "loss recovered",
            Self::Control(ControlCommand::Found(_)) => "ledger founded",
            Self::Control(ControlCommand::SetStanding { .. }) => "standing",
            Self::Control(ControlCommand::SetPolicy { .. }) => "policy",
            Self::Control(ControlCommand::Correct(_)) => "correction",
            Self::Act(_) => "act",
            Self::Provider(ProviderCommand::Hear(notice)) => said(&notice.news),
            Self::Provider(ProviderCommand::PutAside { .. }) => "event put aside",
            Self::Provider(ProviderCommand::Tell { .. }) => "payout told",
            Self::Provider(ProviderCommand::Told { .. }) => "payout answered",
        }
    }

    /// Whether it names what it is about, so that doing it again changes nothing and it needs no id.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        match self {
            Self::Income(command) => command.is_repeatable(),
            Self::Event(command) => command.is_repeatable(),
            Self::Member(command) => command.is_repeatable(),
            Self::Payout(command) => command.is_repeatable(),
            Self::Control(command) => command.is_repeatable(),
            Self::Hold(_) | Self::Dispute(_) | Self::Provider(_) => true,
            Self::Payment(_) | Self::Act(_) => false,
        }
    }
}

/// What a provider's event is, in the words of what it brings about.
const fn said(news: &News) -> &'static str {
    match news {
        News::Paid { .. } => "top-up",
        News::Settled { .. } => "provider settled",
        News::Disputed { .. } => "dispute",
        News::DisputeEnded { .. } => "dispute ended",
        News::PayoutEnded { .. } => "payout ended",
        News::RefundEnded { .. } => "repayment ended",
        News::Holds { .. } => "provider reported",
    }
}

impl Request {
    /// Its bytes, as its hash and its record have them.
    ///
    /// # Errors
    /// When it cannot be written, which no request brings about.
    pub fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        let bytes = Vec::with_capacity(BYTES_USUAL);
        postcard::to_extend(self, bytes).map_err(|error| Refusal::Invalid(error.to_string()))
    }

    /// Refuses what no ledger would do, before it is put into the log.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check(&self) -> Result<(), Refusal> {
        self.check_rules()?;
        self.check_form()
    }

    /// Refuses rules that this program does not know.
    pub(crate) const fn check_rules(&self) -> Result<(), Refusal> {
        match &self.command {
            Command::Control(ControlCommand::SetPolicy { policy, .. }) if policy.rules > RULES => {
                Err(Refusal::Rules { rules: policy.rules })
            }
            _ => Ok(()),
        }
    }

    /// Refuses what no version of the program does.
    pub(crate) fn check_form(&self) -> Result<(), Refusal> {
        let invalid = |text: &str| Err(Refusal::Invalid(text.to_owned()));
        if self.command.is_repeatable() != (self.id == 0) {
            return invalid("a request has an id if, and only if, its command is not repeatable");
        }
        if self.reason.len() > REASON_CHARS_MAX && self.reason.chars().count() > REASON_CHARS_MAX {
            return invalid("the reason is too long");
        }
        match &self.command {
            Command::Member(MemberCommand::Gift(gift))
                if !(1..=GIFTS_MAX).contains(&gift.to.len()) =>
            {
                invalid("a gift is for 1 to 100 people at once")
            }
            Command::Hold(HoldCommand::Reserve { lives_ms, .. })
                if !(1..=LIFE_MS_MAX).contains(lives_ms) =>
            {
                invalid("a hold lives for 1 ms to 24 hours")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::ChargeId;

    #[test]
    fn only_what_cannot_be_repeated_has_an_id() {
        let request = |id, command| {
            let (by, reason, refs) = (AccountId(1), String::new(), Refs::default());
            Request { id, by, reason, refs, command }
        };
        let repeatable = Command::Income(IncomeCommand::Expire { lot: 1 });
        let once =
            Command::Payment(PaymentCommand::Refund { charge: ChargeId::Tip(1), amount: None });
        assert_eq!(request(0, repeatable.clone()).check(), Ok(()));
        assert_eq!(request(1, once.clone()).check(), Ok(()));
        assert!(
            request(1, repeatable).check().is_err() && request(0, once.clone()).check().is_err()
        );
        let wordy = Request { reason: "x".repeat(201), ..request(1, once) };
        assert_eq!(wordy.check(), Err(Refusal::Invalid("the reason is too long".into())));
    }
}
