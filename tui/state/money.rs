//! What is known about money, cleaned.

use std::sync::Arc;

use weir_model::session::{SessionInfo, SessionParty};

use super::nav::MoneyPage;
use crate::clean::clean_in;
use crate::conn::money::MoneyTold;

pub mod rows;
pub mod session;
pub mod sum;

/// What the node told about money.
#[derive(Debug, Clone, Default)]
pub struct Money {
    /// The page that was told last.
    page: Option<MoneyPage>,
    /// Private sessions.
    pub sessions: Arc<Vec<SessionInfo>>,
    /// The open one.
    pub session: Option<Arc<SessionInfo>>,
    /// Those who ever took part in it.
    pub parties: Arc<Vec<SessionParty>>,
}

impl Money {
    /// Whether what is known is what this page shows. Until then nothing of it may be shown or acted on: it may be
    /// about somebody else.
    #[must_use]
    pub fn is_of(&self, page: &MoneyPage) -> bool {
        self.page.as_ref() == Some(page)
    }

    pub(super) fn take(&mut self, page: MoneyPage, told: MoneyTold) {
        self.page = Some(page);
        match told {
            MoneyTold::Sessions(mut sessions) => {
                sessions.iter_mut().for_each(clean_session);
                self.sessions = Arc::new(sessions);
            }
            MoneyTold::Session(mut session) => {
                clean_session(&mut session);
                self.parties = Arc::new(session.parties.clone());
                self.session = Some(Arc::from(session));
            }
        }
    }
}

fn clean_session(session: &mut SessionInfo) {
    session.currency.iter_mut().for_each(clean_in);
    for price in &mut session.prices {
        [&mut price.name, &mut price.rate].into_iter().for_each(clean_in);
    }
    for party in &mut session.parties {
        [&mut party.price, &mut party.cap, &mut party.charge].into_iter().for_each(clean_in);
        party.billed.iter_mut().for_each(clean_in);
    }
}
