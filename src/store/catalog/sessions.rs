//! Private sessions: the indexes over them, and what each change of them does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_model::{ChannelName, SessionId};
use weir_session::limits::{ENDED_KEPT, OPEN_MAX};
use weir_session::{Command, Offer, Refusal, Screen, Session, Stage};

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::Catalog;

/// Sessions with their indexes.
#[derive(Default)]
pub(in crate::store) struct Sessions {
    by_id: BTreeMap<SessionId, Arc<Session>>,
    by_channel: BTreeMap<ChannelName, BTreeSet<SessionId>>,
    /// Of channels of which something is, or was, not for everybody.
    screens: BTreeMap<ChannelName, Arc<Screen>>,
    /// Those of which something is left to be done.
    open: BTreeSet<SessionId>,
    /// How many changes there were since the store was opened.
    pub(in crate::store) changes: u64,
}

impl Sessions {
    pub(super) fn put(&mut self, session: &Session) {
        self.changes += 1;
        self.by_channel.entry(session.channel.clone()).or_default().insert(session.id);
        match session.is_done() {
            true => self.open.remove(&session.id),
            false => self.open.insert(session.id),
        };
        self.by_id.insert(session.id, Arc::new(session.clone()));
        self.screen(&session.channel);
    }

    pub(super) fn remove(&mut self, id: SessionId) {
        self.changes += 1;
        self.open.remove(&id);
        let Some(old) = self.by_id.remove(&id) else { return };
        if let Some(ids) = self.by_channel.get_mut(&old.channel) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_channel.remove(&old.channel);
            }
        }
        self.screen(&old.channel);
    }

    fn screen(&mut self, channel: &ChannelName) {
        let screen = Screen::of(self.of_channel(channel).map(Arc::as_ref));
        match screen.is_clear() {
            true => self.screens.remove(channel),
            false => self.screens.insert(channel.clone(), Arc::new(screen)),
        };
    }

    /// One session.
    pub(in crate::store) fn of(&self, id: SessionId) -> Option<&Arc<Session>> {
        self.by_id.get(&id)
    }

    /// Those of a channel.
    pub(in crate::store) fn of_channel(
        &self,
        channel: &ChannelName,
    ) -> impl Iterator<Item = &Arc<Session>> {
        self.by_channel.get(channel).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// All of them.
    pub(in crate::store) fn iter(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.by_id.values()
    }

    /// Those of which something is left to be done.
    pub(in crate::store) fn open(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.open.iter().filter_map(|id| self.by_id.get(id))
    }

    /// Who sees what of a channel; none when everybody sees all of it.
    pub(in crate::store) fn screen_of(&self, channel: &ChannelName) -> Option<Arc<Screen>> {
        self.screens.get(channel).cloned()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.by_id.values().map(|session| Entry::Session(Box::new(Session::clone(session))))
    }
}

impl Catalog {
    /// Nothing, when it was done before.
    pub(super) fn plan_session(&self, command: &Command) -> Result<Vec<Change>, StoreError> {
        let id = command.session();
        let planned = match (self.sessions.of(id), command) {
            (Some(known), Command::Offer(offer)) if is_made_of(known, offer) => Ok(Vec::new()),
            (None, Command::Offer(offer)) => return self.plan_offer(offer),
            (None, _) => Err(Refusal::Unknown(id)),
            (Some(known), _) => known.after(command).map(|next| {
                let put = |next| Change::Put(Entry::Session(Box::new(next)));
                next.map(put).into_iter().collect()
            }),
        };
        planned.map_err(StoreError::Session)
    }

    fn plan_offer(&self, offer: &Offer) -> Result<Vec<Change>, StoreError> {
        self.channel(&offer.channel)?;
        let session = offer.made().map_err(StoreError::Session)?;
        if let Some(busy) = self.open_session_of(&offer.channel) {
            return Err(StoreError::Session(Refusal::Busy(offer.channel.clone(), busy)));
        }
        if self.sessions.open.len() >= OPEN_MAX {
            return Err(StoreError::Limit { what: "sessions at once".into(), limit: OPEN_MAX });
        }
        // The newest that had the stream says from where on it is public again.
        let newest = self.sessions.of_channel(&offer.channel).max_by_key(|one| one.veil_end());
        let kept = newest.filter(|one| one.veil.is_some()).map(|one| one.id);
        let all = self.sessions.of_channel(&offer.channel);
        let mut ended: Vec<&Arc<Session>> = all.filter(|one| Some(one.id) != kept).collect();
        ended.sort_by_key(|session| (session.offered_at, session.id));
        let more = 1 + usize::from(kept.is_some());
        let excess = (ended.len() + more).saturating_sub(ENDED_KEPT);
        let forgotten = ended.into_iter().take(excess).map(|old| Change::RemoveSession(old.id));
        let put = Change::Put(Entry::Session(Box::new(session)));
        Ok(forgotten.chain([put]).collect())
    }

    /// The session of a channel of which something is left to be done.
    pub(in crate::store) fn open_session_of(&self, channel: &ChannelName) -> Option<SessionId> {
        let mut all = self.sessions.of_channel(channel);
        all.find(|session| !session.is_done()).map(|session| session.id)
    }

    /// Refuses to forget a channel while somebody pays for it; else what there was on it is forgotten too.
    pub(super) fn plan_without_sessions(
        &self,
        channel: &ChannelName,
    ) -> Result<Vec<Change>, StoreError> {
        let all: Vec<&Arc<Session>> = self.sessions.of_channel(channel).collect();
        if let Some(session) = all.iter().find(|session| session.is_at_work()) {
            let text = format!(
                "channel `{channel}` has session {}; end it first (`weir session end {}`)",
                session.id, session.id
            );
            return Err(StoreError::Conflict(text));
        }
        Ok(all.into_iter().map(|session| Change::RemoveSession(session.id)).collect())
    }
}

fn is_made_of(known: &Session, offer: &Offer) -> bool {
    offer.made().is_ok_and(|made| {
        let kept = Session { parties: Vec::new(), stage: Stage::Offered, ..known.clone() };
        Session { began_at: None, ended: None, veil: None, ..kept } == made
    })
}

#[cfg(test)]
mod tests {
    use weir_ledger::meter::{Halt, Mode, Tariff};
    use weir_model::{AccountId, Timestamp};
    use weir_session::Price;

    use super::*;
    use crate::store::catalog::Command as Wish;

    fn price(name: &str) -> Price {
        let (rate, mode) = (60.try_into().unwrap(), Mode::ProRata { granule_ms: 1_000 });
        let tariff = Tariff { rate, mode, min_seconds: 0, free_ms: 0 };
        Price { name: name.into(), tariff, places: 1 }
    }

    fn offered(id: u64) -> Offer {
        Offer {
            id: SessionId(id),
            channel: "demo".parse().unwrap(),
            host: AccountId(1),
            fee_bps: 0,
            prices: vec![price("guest")],
            invited: Vec::new(),
            at: Timestamp(id as i64),
        }
    }

    fn join(id: u64) -> Command {
        let (session, account, at) = (SessionId(id), AccountId(2), Timestamp(2));
        let (shown, cap) = (price("guest"), 600.try_into().unwrap());
        Command::Join { session, account, price: 0, shown, cap, at }
    }

    fn end(id: u64) -> Command {
        Command::End { session: SessionId(id), why: Halt::Streamer, at: Timestamp(99) }
    }

    fn made(catalog: &mut Catalog, command: Wish) -> Result<(), StoreError> {
        let (changes, _) = catalog.plan(command, 1)?;
        changes.iter().for_each(|change| catalog.apply(change));
        Ok(())
    }

    fn with_channel() -> Catalog {
        let mut catalog = Catalog::default();
        let (name, title) = ("demo".parse().unwrap(), String::new());
        let (owner, created_at) = (AccountId(1), Timestamp(0));
        made(&mut catalog, Wish::CreateChannel { name, title, owner, created_at }).unwrap();
        catalog
    }

    fn session(command: Command) -> Wish {
        Wish::Session(command)
    }

    #[test]
    fn a_channel_has_one_session_at_a_time_and_the_newest_that_ended() {
        let mut catalog = with_channel();
        made(&mut catalog, session(Command::Offer(offered(1)))).unwrap();
        made(&mut catalog, session(Command::Offer(offered(1)))).unwrap();
        let other = Offer { prices: vec![price("onlooker")], ..offered(1) };
        for offer in [other, offered(2)] {
            let refused = made(&mut catalog, session(Command::Offer(offer))).unwrap_err();
            assert!(refused.to_string().contains("has session ses_0000000000000001"), "{refused}");
        }
        made(&mut catalog, session(end(1))).unwrap();
        for id in 2..100 {
            made(&mut catalog, session(Command::Offer(offered(id)))).unwrap();
            made(&mut catalog, session(end(id))).unwrap();
        }
        assert_eq!(catalog.sessions.iter().count(), ENDED_KEPT);
        assert_eq!(catalog.sessions.open().count(), 0);
        assert!(catalog.sessions.of(SessionId(99)).is_some());
    }

    #[test]
    fn a_channel_is_not_deleted_while_somebody_pays_for_it() {
        let mut catalog = with_channel();
        made(&mut catalog, session(Command::Offer(offered(1)))).unwrap();
        made(&mut catalog, session(join(1))).unwrap();
        let delete = || Wish::DeleteChannel { name: "demo".parse().unwrap() };
        let refused = made(&mut catalog, delete()).unwrap_err();
        assert!(refused.to_string().contains("weir session end"), "{refused}");
    }

    #[test]
    fn the_screen_of_a_channel_follows_its_sessions() {
        let mut catalog = with_channel();
        let demo = "demo".parse().unwrap();
        made(&mut catalog, session(Command::Offer(offered(1)))).unwrap();
        assert!(catalog.sessions.screen_of(&demo).is_none(), "an offer hides nothing");
        made(&mut catalog, session(join(1))).unwrap();
        let admit = Command::Admit { session: SessionId(1), party: 0 };
        made(&mut catalog, session(admit)).unwrap();
        let begin = Command::Begin { session: SessionId(1), from: 5, at: Timestamp(3) };
        made(&mut catalog, session(begin)).unwrap();
        let screen = catalog.sessions.screen_of(&demo).unwrap();
        assert_eq!(screen.session(), Some(SessionId(1)));
        catalog.apply(&Change::RemoveSession(SessionId(1)));
        assert!(catalog.sessions.screen_of(&demo).is_none());
    }
}
