//! What payment providers say: each event is counted once, in the record that keeps it. One that comes before what it
//! is about waits, and is counted in the record that brings that, so that the order in which a provider tells does not
//! matter.

use super::{dispute, income, payout};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal};
use crate::request::{DisputeCommand, PayoutCommand, Provider};
use crate::row::{Heard, Id, Lot, News, Notice, On, Origin, PayoutState, Report, Row};

/// Events of one provider that are not counted; one more is refused, and its provider tells it again later.
pub const WAITING_MAX: usize = 10_000;
/// Events that wait for one thing: what brings it counts them all in its own record.
pub const WAITING_EACH_MAX: usize = 8;
/// Characters of what is against an event.
const WHY_CHARS_MAX: usize = 200;

pub(super) fn hear(draft: &mut Draft<'_>, notice: &Notice) -> Result<Receipt, Refusal> {
    if draft.heard(notice.event).is_some() {
        return Ok(Receipt::default());
    }
    must_be_ours(draft, notice)?;
    if let Some(on) = waits_for(draft, &notice.news) {
        let of_it = draft.waiting_on(on).len();
        must_have_room(draft, notice.provider, of_it < WAITING_EACH_MAX)?;
        let (notice, since) = (Box::new(notice.clone()), draft.now());
        let event = notice.event;
        draft.put(Row::Heard(event, Heard::Waits { notice, on, since }));
        return Ok(Receipt::default());
    }
    let mut units = count(draft, notice)?;
    let mut brought: Vec<On> = brings(&notice.news).into_iter().collect();
    // A payment brings its disputes, and these bring their ends.
    let mut next = 0;
    while let Some(on) = brought.get(next).copied() {
        for waiting in draft.waiting_on(on) {
            units = units.saturating_add(count(draft, &waiting)?);
            brought.extend(brings(&waiting.news));
        }
        next += 1;
    }
    Ok(Receipt::of(units, 0))
}

/// Staff put something aside that is not counted.
pub(super) fn put_aside(draft: &mut Draft<'_>, event: Id) -> Result<Receipt, Refusal> {
    let heard = draft.heard(event).ok_or(Refusal::Unknown { name: Name::Notice(event) })?;
    if heard != Heard::Counted {
        draft.put(Row::Heard(event, Heard::Counted));
    }
    Ok(Receipt::default())
}

/// Refuses what no provider can know, and what is another one's.
fn must_be_ours(draft: &Draft<'_>, notice: &Notice) -> Result<(), Refusal> {
    let of = match notice.news {
        News::PayoutEnded { payout, .. } => draft.payout(payout)?.provider,
        News::RefundEnded { repayment, .. } => draft.repayment(repayment)?.provider,
        _ => notice.provider,
    };
    match of == notice.provider {
        true => Ok(()),
        false => Err(Refusal::Invalid(format!("that is {of}'s to say"))),
    }
}

fn must_have_room(draft: &Draft<'_>, provider: Provider, has_more: bool) -> Result<(), Refusal> {
    match has_more && draft.uncounted(provider) < WAITING_MAX {
        true => Ok(()),
        false => Err(Refusal::Full { provider }),
    }
}

/// What has to be there before it is counted, and is not.
fn waits_for(draft: &Draft<'_>, news: &News) -> Option<On> {
    match *news {
        News::Settled { payment, .. } | News::Disputed { payment, .. } => {
            draft.lot(payment).is_err().then_some(On::Payment(payment))
        }
        News::DisputeEnded { dispute, .. } => {
            draft.dispute(dispute).is_err().then_some(On::Dispute(dispute))
        }
        _ => None,
    }
}

/// What others may have waited for.
const fn brings(news: &News) -> Option<On> {
    match *news {
        News::Paid { payment, .. } => Some(On::Payment(payment)),
        News::Disputed { dispute, .. } => Some(On::Dispute(dispute)),
        _ => None,
    }
}

/// Puts it into the books; when they say otherwise it stays for staff, and the books as they are.
fn count(draft: &mut Draft<'_>, notice: &Notice) -> Result<u64, Refusal> {
    let before = draft.clone();
    let counted = post(draft, notice).and_then(|units| draft.check().map(|()| units));
    let (units, heard) = match counted {
        Ok(units) => (units, Heard::Counted),
        Err(refusal) => {
            *draft = before;
            let is_new = draft.heard(notice.event).is_none();
            if is_new {
                must_have_room(draft, notice.provider, true)?;
            }
            let why = refusal.to_string().chars().take(WHY_CHARS_MAX).collect();
            let (notice, since) = (Box::new(notice.clone()), draft.now());
            (0, Heard::Stopped { notice, why, since })
        }
    };
    draft.put(Row::Heard(notice.event, heard));
    Ok(units)
}

fn post(draft: &mut Draft<'_>, notice: &Notice) -> Result<u64, Refusal> {
    let Notice { provider, created, .. } = *notice;
    let receipt = match notice.news {
        News::Paid { payment, user, amount } => match draft.lot(payment) {
            // Some providers tell of a payment by several events.
            Ok(lot) if is_it(&lot, (provider, user), amount.units()) => Receipt::default(),
            _ => income::top_up(draft, payment, user, amount, provider)?,
        },
        News::Settled { payment, amount, fee } => {
            let units = draft.to_settle(payment, provider, amount.units())?;
            draft.put(Row::Settled(payment, units));
            payout::run(draft, 0, &PayoutCommand::Settle { provider, amount, fee })?
        }
        News::Disputed { dispute, payment: lot, amount, fee } => {
            let command = DisputeCommand::Open { dispute, lot, provider, amount, fee };
            dispute::run(draft, &command)?
        }
        News::DisputeEnded { dispute, state } => {
            dispute::run(draft, &DisputeCommand::End { dispute, state })?
        }
        News::PayoutEnded { payout, state } => match (draft.payout(payout)?.state, state) {
            // It arrived, came back, and the first of that is told last.
            (PayoutState::Failed, PayoutState::Paid) => Receipt::default(),
            _ => payout::run(draft, 0, &PayoutCommand::End { payout, state })?,
        },
        News::RefundEnded { repayment, state } => {
            match (draft.repayment(repayment)?.state, state) {
                (PayoutState::Failed, PayoutState::Paid) => Receipt::default(),
                _ => payout::run(draft, 0, &PayoutCommand::EndPayBack { repayment, state })?,
            }
        }
        News::Holds { pending, available } => {
            if draft.report(provider).is_none_or(|known| known.created < created) {
                draft.put(Row::Report(provider, Report { created, pending, available }));
            }
            Receipt::default()
        }
    };
    Ok(receipt.units)
}

fn is_it(lot: &Lot, (provider, user): (Provider, weir_model::AccountId), units: u64) -> bool {
    (lot.origin, lot.owner, lot.units) == (Origin::Paid { provider }, user, units)
}
