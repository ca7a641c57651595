//! What each command does, one file for each thing that money is moved for.

mod act;
mod control;
mod correction;
mod dispute;
mod hold;
mod inbox;
mod income;
mod membership;
mod outbox;
mod payment;
mod payout;
mod provider;
mod repayment;
mod ticket;

pub use act::{ACTION_CHARS_MAX, Act, DETAIL_CHARS_MAX, Outcome, TARGET_CHARS_MAX};
pub use control::ControlCommand;
pub use correction::Correction;
pub use dispute::DisputeCommand;
pub use hold::HoldCommand;
pub(crate) use hold::OPEN_BLOCKS_MAX;
pub use inbox::{WAITING_EACH_MAX, WAITING_MAX};
pub use income::IncomeCommand;
pub use membership::{Gift, MemberCommand};
pub use outbox::FAILURE_CHARS_MAX;
pub use payment::PaymentCommand;
pub use payout::PayoutCommand;
pub use provider::ProviderCommand;
pub use ticket::EventCommand;

use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::Refusal;
use crate::request::{Command, Request};

/// Drafts what `request` does.
pub(crate) fn run(draft: &mut Draft<'_>, request: &Request) -> Result<Receipt, Refusal> {
    let id = request.id;
    match &request.command {
        Command::Income(command) => income::run(draft, id, command),
        Command::Hold(command) => hold::run(draft, command),
        Command::Payment(command) => payment::run(draft, id, command),
        Command::Event(command) => ticket::run(draft, id, command),
        Command::Member(command) => membership::run(draft, id, command),
        Command::Payout(command) => payout::run(draft, id, command),
        Command::Dispute(command) => dispute::run(draft, command),
        Command::Control(command) => control::run(draft, request, command),
        Command::Act(act) => act::run(draft, act),
        Command::Provider(command) => provider::run(draft, command),
    }
}
