//! What operators say about accounts and rules.

use weir_model::AccountId;

use super::correction::{Correction, correct};
use crate::account::{Account, Balance, Standing};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::row::{Founding, Policy, Row};

/// What operators do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ControlCommand {
    /// Says what the ledger is: its first record, before which nothing else is done. Repeatable.
    Found(Founding),
    /// Freezes, opens or closes what a user pays with, or what a creator is paid.
    SetStanding {
        /// Which.
        account: Account,
        /// To what.
        standing: Standing,
    },
    /// Changes the rules.
    SetPolicy {
        /// To these.
        policy: Policy,
        /// Who approved it beside whoever asks; needed when it lets one person alone do more.
        second: Option<AccountId>,
    },
    /// Puts a record right by another one.
    Correct(Correction),
}

impl ControlCommand {
    pub(crate) const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Found(_))
    }
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    request: &Request,
    command: &ControlCommand,
) -> Result<Receipt, Refusal> {
    match command {
        ControlCommand::Found(founding) => found(draft, founding),
        ControlCommand::SetStanding { account, standing } => {
            set_standing(draft, *account, *standing)
        }
        ControlCommand::SetPolicy { policy, second } => {
            set_policy(draft, *policy, is_approved(request, *second))
        }
        ControlCommand::Correct(correction) => correct(draft, request, correction),
    }
}

/// Whether two people want it.
pub(super) fn is_approved(request: &Request, second: Option<AccountId>) -> bool {
    second.is_some_and(|second| second != request.by)
}

/// Refuses what needs two people and has one.
pub(super) fn must_be_approved(is_approved: bool) -> Result<(), Refusal> {
    match is_approved {
        true => Ok(()),
        false => Err(Refusal::Invalid("a second person has to approve it".into())),
    }
}

fn found(draft: &mut Draft<'_>, founding: &Founding) -> Result<Receipt, Refusal> {
    match draft.founding() {
        Some(known) if known == founding => {}
        // As long as nothing was ever counted, it may be counted in something else.
        Some(known) if known.ledger == founding.ledger && draft.is_untouched() => {
            draft.put(Row::Founding(founding.clone()));
        }
        Some(_) => return Err(Refusal::Founded),
        None => draft.put(Row::Founding(founding.clone())),
    }
    Ok(Receipt::default())
}

fn set_standing(
    draft: &mut Draft<'_>,
    account: Account,
    standing: Standing,
) -> Result<Receipt, Refusal> {
    if !account.kind.has_owner() || account.owner().is_none() {
        let text = format!("{account} is not what somebody pays with or is paid");
        return Err(Refusal::Invalid(text));
    }
    let balance = draft.balance(account)?;
    if standing == Standing::Closed && !is_empty(&balance) {
        return Err(Refusal::NotEmpty { account });
    }
    draft.put(Row::Standing(account, standing));
    Ok(Receipt::of(0, balance.available()))
}

fn set_policy(
    draft: &mut Draft<'_>,
    policy: Policy,
    is_approved: bool,
) -> Result<Receipt, Refusal> {
    let before = draft.policy();
    if policy.rules < before.rules {
        return Err(Refusal::Invalid("rules that were left do not come back".into()));
    }
    must_be_approved(is_approved || policy.correction_max <= before.correction_max)?;
    draft.put(Row::Policy(policy));
    Ok(Receipt::default())
}

const fn is_empty(balance: &Balance) -> bool {
    balance.debits_posted == balance.credits_posted
        && balance.debits_pending == 0
        && balance.credits_pending == 0
}
