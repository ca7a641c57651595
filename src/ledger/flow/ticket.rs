//! Tickets: paid when they are sold, the creator's when the event has taken place.

use weir_model::AccountId;

use super::payment::must_pay_others;
use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::leg::LEGS_MAX;
use crate::record::Receipt;
use crate::refusal::{Name, Refusal, What};
use crate::request::Terms;
use crate::row::{Charge, ChargeId, ChargeState, Event, EventState, Id, Row, SeatId, unwind};
use crate::split::Split;

/// Tickets that one record settles. Each may have a wallet and money that was given, on both sides; escrow, breakage
/// and loss are all tickets' together.
const SETTLED_MAX: usize = (LEGS_MAX - 3) / 4;

/// Events and their tickets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum EventCommand {
    /// Sells tickets from now on. The request's id names the event.
    Open {
        /// Of one ticket.
        price: Amount,
        /// How many there are.
        capacity: u32,
        /// Who gets what of each.
        split: Split,
    },
    /// A user buys a ticket: one at a time, another when that one was given back.
    Buy {
        /// To which event.
        event: Id,
        /// Who.
        user: AccountId,
    },
    /// It took place, or did not. Repeatable.
    End {
        /// Which.
        event: Id,
        /// What became of it.
        state: EventState,
    },
    /// Gives what some tickets cost to whom it belongs. Repeatable.
    Settle {
        /// Of which event.
        event: Id,
    },
}

impl EventCommand {
    pub(crate) const fn is_repeatable(&self) -> bool {
        matches!(self, Self::End { .. } | Self::Settle { .. })
    }
}

pub(super) fn run(
    draft: &mut Draft<'_>,
    id: Id,
    command: &EventCommand,
) -> Result<Receipt, Refusal> {
    match command {
        EventCommand::Open { price, capacity, split } => open(draft, id, *price, *capacity, split),
        EventCommand::Buy { event, user } => buy(draft, *event, *user),
        EventCommand::End { event, state } => end(draft, *event, *state),
        EventCommand::Settle { event } => settle(draft, *event),
    }
}

fn open(
    draft: &mut Draft<'_>,
    id: Id,
    price: Amount,
    capacity: u32,
    split: &Split,
) -> Result<Receipt, Refusal> {
    if draft.event(id).is_ok() {
        return Err(Refusal::Exists { name: Name::Event(id) });
    }
    let (sold, split, state) = (0, split.clone(), EventState::Open);
    draft.put(Row::Event(id, Event { price, capacity, sold, split, state }));
    Ok(Receipt::default())
}

fn buy(draft: &mut Draft<'_>, id: Id, user: AccountId) -> Result<Receipt, Refusal> {
    let (mut event, seat) = (draft.event(id)?, SeatId { event: id, user });
    let bought = draft.seat(seat);
    let ticket = |nth| ChargeId::Ticket { event: id, user, nth };
    if draft.charge(ticket(bought)).is_some_and(|charge| charge.net() > 0) {
        return Err(Refusal::Exists { name: Name::Charge(ticket(bought)) });
    }
    if event.state != EventState::Open {
        return Err(Refusal::Over { what: What::Event });
    }
    if event.sold >= event.capacity {
        return Err(Refusal::TooMuch { what: What::Event, left: 0 });
    }
    must_pay_others(user, &event.split)?;
    let (units, nth) = (event.price.units(), bought.checked_add(1).ok_or(Refusal::Overflow)?);
    let terms = Terms { payer: user, cap: event.price, split: event.split.clone() };
    let taken = draft.spend(user, units)?;
    draft.debit(&taken)?;
    draft.credit(escrow(id), units)?;
    let (total, state) = (units, ChargeState::Escrowed);
    let charge = Charge { total, taken, state, ..Charge::open(&terms) };
    event.sold += 1;
    draft.put(Row::Charge(ticket(nth), charge));
    draft.put(Row::Seat(seat, nth));
    draft.put(Row::Event(id, event));
    Ok(Receipt::of(units, draft.spendable(user)))
}

/// No more tickets are sold; [`settle`] does the rest.
fn end(draft: &mut Draft<'_>, id: Id, state: EventState) -> Result<Receipt, Refusal> {
    let event = draft.event(id)?;
    if event.state == state {
        return Ok(Receipt::default());
    }
    if event.state != EventState::Open {
        return Err(Refusal::Over { what: What::Event });
    }
    draft.put(Row::Event(id, Event { state, ..event }));
    Ok(Receipt::default())
}

/// Gives what some of the tickets cost to the creator, or back: as many as one record and one sum hold. Whoever asks,
/// asks until nothing is left.
fn settle(draft: &mut Draft<'_>, id: Id) -> Result<Receipt, Refusal> {
    let event = draft.event(id)?;
    let mut units = 0_u64;
    for ticket in draft.escrowed(id, SETTLED_MAX) {
        if event.state == EventState::Open {
            return Err(Refusal::NotDue { what: What::Event });
        }
        let Some(charge) = draft.charge(ticket) else { continue };
        let sum = units.checked_add(charge.net()).filter(|sum| *sum <= Amount::MAX.units());
        let Some(sum) = sum else { break };
        units = sum;
        draft.charge_account(escrow(id), charge.net())?;
        let charge = hand_over(draft, charge, event.state)?;
        draft.put(Row::Charge(ticket, charge));
    }
    Ok(Receipt::of(units, 0))
}

/// What waited goes to the creator, or back to the payer.
fn hand_over(
    draft: &mut Draft<'_>,
    mut charge: Charge,
    state: EventState,
) -> Result<Charge, Refusal> {
    let (net, mut taken) = (charge.net(), std::mem::take(&mut charge.taken));
    charge.state = ChargeState::Settled;
    if state == EventState::Cancelled {
        let back = unwind(&mut taken, net, |_| 0);
        draft.refill(&back)?;
        charge.refunded = charge.refunded.checked_add(net).ok_or(Refusal::Overflow)?;
    } else {
        // What was escrowed is paid now.
        charge.total = charge.total.saturating_sub(net);
        draft.earn(&mut charge, net, &taken)?;
    }
    Ok(charge)
}

/// What is given back of a ticket before its event ended. When that is all of it, the place can be sold again.
pub(super) fn give_back(
    draft: &mut Draft<'_>,
    ticket: ChargeId,
    net: u64,
    units: u64,
) -> Result<(), Refusal> {
    let ChargeId::Ticket { event: id, .. } = ticket else {
        return Err(Refusal::Over { what: What::Charge });
    };
    draft.charge_account(escrow(id), units)?;
    let mut event = draft.event(id)?;
    if net == units {
        event.sold = event.sold.saturating_sub(1);
        draft.put(Row::Event(id, event));
    }
    Ok(())
}

const fn escrow(event: Id) -> Account {
    Account { kind: Kind::EscrowEvent, of: event }
}
