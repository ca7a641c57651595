//! What operators say about accounts and rules.

use super::correction::{Correction, correct};
use crate::account::{Account, Balance, Standing};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::row::{Policy, Row};

/// What operators do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ControlCommand {
    /// Freezes, opens or closes an account.
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
    },
    /// Puts a record right by another one.
    Correct(Correction),
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    request: &Request,
    command: &ControlCommand,
) -> Result<Receipt, Refusal> {
    match command {
        ControlCommand::SetStanding { account, standing } => {
            set_standing(draft, *account, *standing)
        }
        ControlCommand::SetPolicy { policy } => Ok(set_policy(draft, *policy)),
        ControlCommand::Correct(correction) => correct(draft, request, correction),
    }
}

fn set_standing(
    draft: &mut Draft<'_>,
    account: Account,
    standing: Standing,
) -> Result<Receipt, Refusal> {
    let balance = draft.balance(account)?;
    if balance.standing == Standing::Closed {
        return Err(Refusal::Closed { account });
    }
    if standing == Standing::Closed && !is_empty(&balance) {
        return Err(Refusal::NotEmpty { account });
    }
    draft.put(Row::Standing(account, standing));
    Ok(Receipt { units: 0, available: balance.available() })
}

fn set_policy(draft: &mut Draft<'_>, policy: Policy) -> Receipt {
    draft.put(Row::Policy(policy));
    Receipt::default()
}

const fn is_empty(balance: &Balance) -> bool {
    balance.debits_posted == balance.credits_posted
        && balance.debits_pending == 0
        && balance.credits_pending == 0
}
