//! Membership of channels: by the month, and as a gift.

use std::collections::BTreeSet;

use weir_model::AccountId;

use super::payment;
use crate::Amount;
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal};
use crate::request::Terms;
use crate::row::{ChargeId, Id, MemberId, Membership, Row};

/// Times as a member.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum MemberCommand {
    /// Pays the next period; each is paid once. The first is begun by a user and has an id. Those that follow are asked
    /// for when they are due, as often as it takes: repeatable.
    Subscribe {
        /// Who, of which channel.
        member: MemberId,
        /// Which period, counted from 1.
        period: u32,
        /// What was agreed.
        terms: Terms,
        /// Of the period.
        price: Amount,
        /// How long it is, milliseconds.
        length_ms: u64,
    },
    /// Pays a time for others. The request's id names the charge.
    Gift(Gift),
}

/// Times as a member for others.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gift {
    /// What was agreed.
    pub terms: Terms,
    /// Of which channel.
    pub channel: Id,
    /// Of each.
    pub price: Amount,
    /// How long each is, milliseconds.
    pub length_ms: u64,
    /// To whom; each once.
    pub to: Vec<AccountId>,
    /// Whoever is a member already is left out and not paid for; else nobody gets anything.
    pub partial: bool,
}

impl MemberCommand {
    pub(crate) const fn is_repeatable(&self) -> bool {
        matches!(self, Self::Subscribe { period, .. } if *period > 1)
    }
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    id: Id,
    command: &MemberCommand,
) -> Result<Receipt, Refusal> {
    match command {
        MemberCommand::Subscribe { member, period, terms, price, length_ms } => {
            let next = Period { member: *member, number: *period, length_ms: *length_ms };
            subscribe(draft, next, terms, *price)
        }
        MemberCommand::Gift(gift) => give(draft, id, gift),
    }
}

/// A period to be paid.
struct Period {
    member: MemberId,
    number: u32,
    length_ms: u64,
}

fn subscribe(
    draft: &mut Draft<'_>,
    next: Period,
    terms: &Terms,
    price: Amount,
) -> Result<Receipt, Refusal> {
    let Period { member, number, length_ms } = next;
    let known = draft.member(member);
    if number <= known.periods && number == 1 {
        return Err(Refusal::Exists { name: Name::Member(member) });
    }
    if number <= known.periods {
        return Ok(Receipt::of(0, draft.spendable(terms.payer)));
    }
    if number != known.periods + 1 {
        return Err(Refusal::Unknown { name: Name::Member(member) });
    }
    let receipt = payment::at_once(draft, ChargeId::Period { member, number }, terms, price)?;
    let from = draft.now().max(known.until);
    let to = from.plus_ms(length_ms);
    draft.put(Row::Member(member, Membership { until: to, periods: number, from, to }));
    Ok(receipt)
}

/// A period that is given back is no time as a member, when nothing was added to it since.
pub(super) fn give_back(draft: &mut Draft<'_>, member: MemberId, number: u32) {
    let known = draft.member(member);
    if known.periods == number && known.until == known.to {
        draft.put(Row::Member(member, Membership { until: known.from, to: known.from, ..known }));
    }
}

/// One payment for everybody who is no member yet.
fn give(draft: &mut Draft<'_>, id: Id, gift: &Gift) -> Result<Receipt, Refusal> {
    let all: BTreeSet<AccountId> = gift.to.iter().copied().collect();
    if all.len() < gift.to.len() {
        return Err(Refusal::Invalid("somebody is named twice".into()));
    }
    let now = draft.now();
    let members = all.into_iter().map(|user| MemberId { user, channel: gift.channel });
    let new: Vec<MemberId> = members.filter(|id| draft.member(*id).until <= now).collect();
    if new.is_empty() || (new.len() < gift.to.len() && !gift.partial) {
        return Err(Refusal::Invalid("whoever is a member already is given nothing".into()));
    }
    let total = gift.price.units().checked_mul(new.len() as u64).ok_or(Refusal::Overflow)?;
    let total = Amount::try_from(total).map_err(|_| Refusal::Overflow)?;
    let receipt = payment::at_once(draft, ChargeId::Gift(id), &gift.terms, total)?;
    for member in new {
        let (known, until) = (draft.member(member), now.plus_ms(gift.length_ms));
        draft.put(Row::Member(member, Membership { until, ..known }));
    }
    Ok(receipt)
}
