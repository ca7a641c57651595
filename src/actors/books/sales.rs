//! What is sold in public: events with their tickets, and members.

use weir_ledger::row::{Event, EventState, Id, MemberId, Membership};
use weir_ledger::split::{Recipient, Split};
use weir_model::api::sale::{TicketEvent, TicketEventState};
use weir_model::charge::LedgerId;
use weir_model::{AccountId, ApiError, ErrorCode};

use super::RECORDS_MAX;
use super::read::Reader;

impl Reader<'_> {
    /// The newest events first.
    pub(super) fn events(&self, limit: usize) -> Vec<TicketEvent> {
        let view = self.ledger.read(weir_ledger::State::all_events);
        let mut all: Vec<&(Id, Event)> = view.rows().collect();
        all.reverse();
        all.truncate(limit.min(RECORDS_MAX));
        all.into_iter().filter_map(|(id, event)| self.event_info(*id, event)).collect()
    }

    pub(super) fn event(&self, event: LedgerId) -> Result<TicketEvent, ApiError> {
        let found = self.ledger.read(|state| state.event(event.number()).cloned());
        let info = found.and_then(|found| self.event_info(event.number(), &found));
        info.ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, format!("there is no event {event}"))
                .hint("`weir ticket list` shows the events there are")
        })
    }

    pub(super) fn member(&self, user: AccountId, channel: Id) -> Membership {
        self.ledger.read(|state| state.member(MemberId { user, channel }))
    }

    fn event_info(&self, id: Id, event: &Event) -> Option<TicketEvent> {
        Some(TicketEvent {
            id: LedgerId::new(id)?,
            price: self.money(event.price.units().into()),
            currency: self.code().unwrap_or_default(),
            capacity: event.capacity,
            sold: event.sold,
            state: match event.state {
                EventState::Open => TicketEventState::Open,
                EventState::Delivered => TicketEventState::Delivered,
                EventState::Cancelled => TicketEventState::Cancelled,
            },
            creator: creator_of(&event.split),
        })
    }
}

fn creator_of(split: &Split) -> Option<AccountId> {
    split.of(0).find_map(|(who, _)| match who {
        Recipient::Creator(creator) => Some(creator),
        Recipient::Platform => None,
    })
}
