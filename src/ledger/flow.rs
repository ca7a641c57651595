//! What each command does, one file for each thing that money is moved for.

mod control;
mod hold;
mod income;
mod payment;

use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::Refusal;
use crate::request::Command;
use crate::row::Id;

/// Drafts what `command` of the request `id` does.
pub(crate) fn run(draft: &mut Draft<'_>, command: &Command, id: Id) -> Result<Receipt, Refusal> {
    match command {
        Command::TopUp { user, amount, provider } => {
            income::top_up(draft, id, *user, *amount, *provider)
        }
        Command::Grant { user, amount, expires_at } => {
            income::grant(draft, id, *user, *amount, *expires_at)
        }
        Command::ExpireLot { lot } => income::expire(draft, *lot),
        Command::Reserve { hold, terms, amount, expires_at, epoch } => {
            let block = hold::Block { id: *hold, amount: *amount, expires_at: *expires_at };
            hold::reserve(draft, block, terms, *epoch)
        }
        Command::Capture { hold, total, epoch } => hold::capture(draft, *hold, *total, *epoch),
        Command::Close { hold, total, epoch, ends } => {
            hold::close(draft, *hold, *total, *epoch, *ends)
        }
        Command::ExpireHold { hold } => hold::expire(draft, *hold),
        Command::Tip { terms, amount } => payment::tip(draft, id, terms, *amount),
        Command::Refund { charge, amount } => payment::refund(draft, *charge, *amount),
        Command::Mature { creator } => payment::mature(draft, *creator),
        Command::SetStanding { account, standing } => {
            control::set_standing(draft, *account, *standing)
        }
        Command::SetPolicy { policy } => Ok(control::set_policy(draft, *policy)),
    }
}
