//! What payment providers are told: each attempt is recorded before it is made, and what came of it afterwards. The
//! payout itself is the intent; it is in the books before any attempt.

use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Provider;
use crate::row::{Id, PayoutState, Row, Telling, Told};

/// Characters of why an attempt failed.
pub const FAILURE_CHARS_MAX: usize = 200;

/// Somebody is about to tell the provider for the `nth` time, counted from 1. Who gets no record of it does not.
pub(super) fn attempt(draft: &mut Draft<'_>, payout: Id, nth: u32) -> Result<Receipt, Refusal> {
    let known = draft.payout(payout)?;
    if known.provider == Provider::MANUAL {
        return Err(Refusal::Invalid("what is paid by hand is told to nobody".into()));
    }
    let (told, now) = (draft.told(payout), draft.now());
    if told.as_ref().is_some_and(|told| told.tries >= nth || told.state == Telling::Sent) {
        return Ok(Receipt::default());
    }
    if known.state != PayoutState::Open {
        return Err(Refusal::Over { what: What::Payout });
    }
    let (tries, first) = told.map_or((0, now), |told| (told.tries, told.first));
    if nth != tries.saturating_add(1) {
        return Err(Refusal::Invalid(format!("attempt {nth} does not follow on {tries}")));
    }
    let told = Told { tries: nth, first, last: now, state: Telling::Tried };
    draft.put(Row::Told(payout, told));
    Ok(Receipt::default())
}

/// What came of it.
pub(super) fn came_of(
    draft: &mut Draft<'_>,
    payout: Id,
    nth: u32,
    state: &Telling,
) -> Result<Receipt, Refusal> {
    if let Telling::Failed(why) = state
        && why.chars().count() > FAILURE_CHARS_MAX
    {
        return Err(Refusal::Invalid("what it failed for is too long".into()));
    }
    draft.payout(payout)?;
    let attempted = draft.told(payout).filter(|told| (1..=told.tries).contains(&nth));
    let Some(told) = attempted else {
        return Err(Refusal::Invalid(format!("there was no attempt {nth}")));
    };
    // That the provider has it is good for ever; all else only of the newest attempt, and once.
    let is_news = told.state != Telling::Sent && *state != Telling::Tried;
    let is_newest = nth == told.tries && told.state == Telling::Tried;
    if is_news && (is_newest || *state == Telling::Sent) {
        draft.put(Row::Told(payout, Told { state: state.clone(), ..told }));
    }
    Ok(Receipt::default())
}
