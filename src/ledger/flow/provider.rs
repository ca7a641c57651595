//! Payment providers: what they say, and what they are told.

use super::{inbox, outbox};
use crate::draft::Draft;
use crate::record::Receipt;
use crate::refusal::Refusal;
use crate::row::{Id, Notice, Telling};

/// Payment providers. All of it is repeatable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ProviderCommand {
    /// A provider says something.
    Hear(Notice),
    /// Staff put something aside that a provider said and that is not counted.
    PutAside {
        /// Which event.
        event: Id,
    },
    /// A provider is about to be told of a payout.
    Tell {
        /// Which.
        payout: Id,
        /// For which time, counted from 1.
        nth: u32,
    },
    /// What came of telling.
    Told {
        /// Of which payout.
        payout: Id,
        /// Which time.
        nth: u32,
        /// What.
        state: Telling,
    },
}

pub(super) fn run(draft: &mut Draft<'_>, command: &ProviderCommand) -> Result<Receipt, Refusal> {
    match command {
        ProviderCommand::Hear(notice) => inbox::hear(draft, notice),
        ProviderCommand::PutAside { event } => inbox::put_aside(draft, *event),
        ProviderCommand::Tell { payout, nth } => outbox::attempt(draft, *payout, *nth),
        ProviderCommand::Told { payout, nth, state } => {
            outbox::came_of(draft, *payout, *nth, state)
        }
    }
}
