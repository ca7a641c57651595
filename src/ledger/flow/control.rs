//! What operators say about accounts and rules.

use crate::account::{Account, Balance, Standing};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::Refusal;
use crate::row::{Policy, Row};

pub(super) fn set_standing(
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

pub(super) fn set_policy(draft: &mut Draft<'_>, policy: Policy) -> Receipt {
    draft.put(Row::Policy(policy));
    Receipt::default()
}

const fn is_empty(balance: &Balance) -> bool {
    balance.debits_posted == balance.credits_posted
        && balance.debits_pending == 0
        && balance.credits_pending == 0
}
