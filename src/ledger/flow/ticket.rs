//! Tickets: paid when they are sold, the creator's when the event has taken place.

use weir_model::AccountId;

use crate::Amount;
use crate::account::{Account, Kind};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::{Refusal, What};
use crate::request::Terms;
use crate::row::{self, Charge, ChargeState, Event, EventState, Id, Purpose, Row, derived_id};
use crate::split::Split;

/// Tickets that one record settles: each may have a wallet of its own.
const SETTLED_MAX: usize = 16;

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
    /// A user buys the ticket. Repeatable: there is one for each user.
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
        !matches!(self, Self::Open { .. })
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

/// The charge of `user`'s ticket for `event`: there is one.
#[must_use]
pub fn ticket_id(event: Id, user: AccountId) -> Id {
    derived_id("ticket", event, user.0)
}

fn open(
    draft: &mut Draft<'_>,
    id: Id,
    price: Amount,
    capacity: u32,
    split: &Split,
) -> Result<Receipt, Refusal> {
    if draft.event(id).is_ok() {
        return Err(Refusal::Exists { what: What::Event, id });
    }
    let (sold, split, state) = (0, split.clone(), EventState::Open);
    draft.put(Row::Event(id, Event { price, capacity, sold, split, state }));
    Ok(Receipt::default())
}

fn buy(draft: &mut Draft<'_>, id: Id, user: AccountId) -> Result<Receipt, Refusal> {
    let (mut event, ticket) = (draft.event(id)?, ticket_id(id, user));
    let terms = Terms { payer: user, cap: event.price, split: event.split.clone() };
    let known = draft.charge(ticket);
    if known.as_ref().is_some_and(|charge| charge.net() > 0) {
        return Ok(Receipt { units: 0, available: draft.spendable(user) });
    }
    if event.state != EventState::Open {
        return Err(Refusal::Over { what: What::Event });
    }
    if event.sold >= event.capacity {
        return Err(Refusal::TooMuch { what: What::Event, left: 0 });
    }
    let units = event.price.units();
    let mut charge = known.unwrap_or_else(|| Charge::open(&terms, Purpose::Ticket { event: id }));
    let taken = draft.spend(user, units)?;
    draft.debit(&taken)?;
    draft.credit(escrow(id), units)?;
    charge.total = charge.total.checked_add(units).ok_or(Refusal::Overflow)?;
    row::append(&mut charge.taken, &taken);
    charge.state = ChargeState::Escrowed;
    event.sold += 1;
    draft.put(Row::Charge(ticket, charge));
    draft.put(Row::Event(id, event));
    Ok(Receipt { units, available: draft.spendable(user) })
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

/// Gives what some of the tickets cost to the creator, or back. Whoever asks, asks until nothing is left.
fn settle(draft: &mut Draft<'_>, id: Id) -> Result<Receipt, Refusal> {
    let event = draft.event(id)?;
    let mut units = 0_u64;
    for ticket in draft.escrowed(id, SETTLED_MAX) {
        let Some(mut charge) = draft.charge(ticket) else { continue };
        let net = charge.net();
        units = units.checked_add(net).ok_or(Refusal::Overflow)?;
        match event.state {
            EventState::Open => return Err(Refusal::NotDue { what: What::Event }),
            EventState::Delivered => draft.share(&charge.split, 0, net)?,
            EventState::Cancelled => {
                let back = row::unwind(&mut charge.taken, net);
                draft.refill(&back)?;
                charge.refunded = charge.refunded.checked_add(net).ok_or(Refusal::Overflow)?;
            }
        }
        draft.charge_account(escrow(id), net)?;
        charge.state = ChargeState::Settled;
        draft.put(Row::Charge(ticket, charge));
    }
    Ok(Receipt { units, available: 0 })
}

/// A ticket that is given back before its event ended can be sold again.
pub(super) fn give_back(draft: &mut Draft<'_>, charge: &Charge, units: u64) -> Result<(), Refusal> {
    let Purpose::Ticket { event: id } = charge.purpose else {
        return Err(Refusal::Over { what: What::Charge });
    };
    draft.charge_account(escrow(id), units)?;
    let mut event = draft.event(id)?;
    if charge.net() == units {
        event.sold = event.sold.saturating_sub(1);
        draft.put(Row::Event(id, event));
    }
    Ok(())
}

const fn escrow(event: Id) -> Account {
    Account { kind: Kind::EscrowEvent, of: event }
}
