//! Changes of a session, as the log carries them.

use weir_ledger::Amount;
use weir_ledger::meter::{Halt, InvalidTariff};
use weir_model::{AccountId, ChannelName, SessionId, Timestamp};

use crate::limits::{INVITED_MAX, JOINS_MAX, PARTIES_MAX, PRICES_MAX};
use crate::screen::Veil;
use crate::session::{Ending, Party, PartyId, Price, Session, Settled, Stage};

/// Characters of a price's name.
const NAME_CHARS_MAX: usize = 24;

/// A session to be offered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Offer {
    /// Its id.
    pub id: SessionId,
    /// On whose stream.
    pub channel: ChannelName,
    /// The streamer.
    pub host: AccountId,
    /// The platform's part in hundredths of a percent.
    pub fee_bps: u32,
    /// What one may join for.
    pub prices: Vec<Price>,
    /// Who may join; everybody when empty.
    pub invited: Vec<AccountId>,
    /// When.
    pub at: Timestamp,
}

/// A change of a session. Saying again what was done changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// There is one.
    Offer(Offer),
    /// Somebody takes part.
    Join {
        /// In which.
        session: SessionId,
        /// Who.
        account: AccountId,
        /// For which of its prices.
        price: u8,
        /// That price as it was shown: whoever joins agrees to it and to no other.
        shown: Price,
        /// Pays so much at most.
        cap: Amount,
        /// When.
        at: Timestamp,
    },
    /// The money of a party's first block is reserved: it sees what the session has.
    Admit {
        /// Which session.
        session: SessionId,
        /// Who.
        party: PartyId,
    },
    /// A party leaves.
    Leave {
        /// Which session.
        session: SessionId,
        /// Who.
        party: PartyId,
        /// Why.
        why: Halt,
        /// When.
        at: Timestamp,
    },
    /// A party that left has its receipt.
    Settle {
        /// Which session.
        session: SessionId,
        /// Who.
        party: PartyId,
        /// The receipt.
        settled: Settled,
    },
    /// The stream is its parties' from now on.
    Begin {
        /// Which.
        session: SessionId,
        /// The first segment that is theirs.
        from: u64,
        /// When.
        at: Timestamp,
    },
    /// It is over; whoever takes part leaves.
    End {
        /// Which.
        session: SessionId,
        /// Why.
        why: Halt,
        /// When.
        at: Timestamp,
    },
    /// The stream is everybody's again.
    Unveil {
        /// Which session had it.
        session: SessionId,
        /// The first segment that is public; at least one was theirs.
        until: u64,
    },
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such session.
    #[error("there is no session {0}")]
    Unknown(SessionId),
    /// The channel has one.
    #[error("channel {0} has session {1} already; end that one first (`weir session end {1}`)")]
    Busy(ChannelName, SessionId),
    /// It cannot be offered.
    #[error("{0}")]
    Invalid(String),
    /// It is over.
    #[error("the session is over")]
    Over,
    /// The price is another one.
    #[error("the price is not the one that was shown; look at the session again")]
    OtherPrice,
    /// All places are taken.
    #[error("every place at this price is taken")]
    Full,
    /// As many as a session can have came and went.
    #[error(
        "the session had {PARTIES_MAX} parties, as many as it can; the streamer ends it and offers another one"
    )]
    Worn,
    /// Came and went too often.
    #[error("this account joined the session {JOINS_MAX} times, as often as it can")]
    TooOften,
    /// Takes part already.
    #[error("this account takes part in the session already")]
    IsIn,
    /// May not take part.
    #[error("this account is not invited to the session")]
    NotInvited,
    /// The streamer pays nobody.
    #[error("the streamer cannot join his own session")]
    IsHost,
    /// No such party.
    #[error("the session has no such party")]
    NoParty,
    /// Nobody's money is reserved.
    #[error("nobody who takes part has paid for the first minute yet")]
    Alone,
}

impl Offer {
    /// The session that it makes.
    ///
    /// # Errors
    /// When it cannot be offered.
    pub fn made(&self) -> Result<Session, Refusal> {
        self.check()?;
        let Self { id, channel, host, fee_bps, prices, invited, at } = self.clone();
        let session = Session {
            id,
            channel,
            host,
            fee_bps,
            prices,
            invited,
            parties: Vec::new(),
            stage: Stage::Offered,
            offered_at: at,
            began_at: None,
            ended: None,
            veil: None,
        };
        session.split().map_err(|error| Refusal::Invalid(error.to_string()))?;
        Ok(session)
    }

    fn check(&self) -> Result<(), Refusal> {
        let invalid = |text: String| Err(Refusal::Invalid(text));
        if !(1..=PRICES_MAX).contains(&self.prices.len()) {
            return invalid(format!("a session has 1 to {PRICES_MAX} prices"));
        }
        if self.invited.len() > INVITED_MAX {
            return invalid(format!("at most {INVITED_MAX} people are invited by name"));
        }
        for price in &self.prices {
            let chars = price.name.chars().count();
            let plain = price.name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            if !(1..=NAME_CHARS_MAX).contains(&chars) || !plain {
                return invalid(format!(
                    "a price is named by 1 to {NAME_CHARS_MAX} small letters: guest, onlooker"
                ));
            }
            if !(1..=PARTIES_MAX).contains(&(price.places as usize)) {
                return invalid(format!("a price has 1 to {PARTIES_MAX} places"));
            }
            let tariff = price.tariff.check();
            tariff.map_err(|error: InvalidTariff| Refusal::Invalid(error.to_string()))?;
        }
        Ok(())
    }
}

impl Command {
    /// Which session it is about.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        match self {
            Self::Offer(offer) => offer.id,
            Self::Join { session, .. }
            | Self::Admit { session, .. }
            | Self::Leave { session, .. }
            | Self::Settle { session, .. }
            | Self::Begin { session, .. }
            | Self::End { session, .. }
            | Self::Unveil { session, .. } => *session,
        }
    }

    /// Whether it takes something away or ends something: made also while the disk is nearly full.
    #[must_use]
    pub const fn is_upkeep(&self) -> bool {
        !matches!(self, Self::Offer(_) | Self::Join { .. })
    }
}

impl Session {
    /// What it is after `command`; none when that changes nothing.
    ///
    /// # Errors
    /// When it is refused.
    pub fn after(&self, command: &Command) -> Result<Option<Self>, Refusal> {
        let mut next = self.clone();
        match command {
            Command::Offer(_) => return Err(Refusal::Busy(self.channel.clone(), self.id)),
            Command::Join { account, price, shown, cap, at, .. } => {
                self.may_join(*account, *price, shown)?;
                let party = Party {
                    account: *account,
                    price: *price,
                    cap: *cap,
                    joined_at: *at,
                    admitted: false,
                    left: None,
                    settled: None,
                };
                next.parties.push(party);
            }
            Command::Admit { party, .. } => next.with(*party)?.admitted = true,
            Command::Leave { party, why, at, .. } => {
                next.with(*party)?.left.get_or_insert(Ending { at: *at, why: *why });
            }
            Command::Settle { party, settled, .. } => {
                let party = next.with(*party)?;
                if party.left.is_none() {
                    return Err(Refusal::Invalid("the party has not left".into()));
                }
                party.settled.get_or_insert(*settled);
            }
            Command::Begin { from, at, .. } => next.begin(*from, *at)?,
            Command::End { why, at, .. } => next.end(Ending { at: *at, why: *why }),
            Command::Unveil { until, .. } => next.unveil(*until)?,
        }
        Ok((next != *self).then_some(next))
    }

    fn may_join(&self, account: AccountId, price: u8, shown: &Price) -> Result<(), Refusal> {
        if self.stage == Stage::Ended {
            return Err(Refusal::Over);
        }
        if account == self.host {
            return Err(Refusal::IsHost);
        }
        if !self.invited.is_empty() && !self.invited.contains(&account) {
            return Err(Refusal::NotInvited);
        }
        if self.party_of(account).is_some() {
            return Err(Refusal::IsIn);
        }
        let offered = self.prices.get(usize::from(price)).filter(|offered| *offered == shown);
        let places = offered.ok_or(Refusal::OtherPrice)?.places as usize;
        let taken = self.present().filter(|(_, party)| party.price == price).count();
        let joins = self.parties.iter().filter(|party| party.account == account).count();
        match () {
            () if taken >= places => Err(Refusal::Full),
            () if joins >= JOINS_MAX => Err(Refusal::TooOften),
            () if self.parties.len() >= PARTIES_MAX => Err(Refusal::Worn),
            () => Ok(()),
        }
    }

    fn with(&mut self, id: PartyId) -> Result<&mut Party, Refusal> {
        let place = usize::try_from(id).map_err(|_| Refusal::NoParty)?;
        self.parties.get_mut(place).ok_or(Refusal::NoParty)
    }

    fn begin(&mut self, from: u64, at: Timestamp) -> Result<(), Refusal> {
        match self.stage {
            Stage::Live => Ok(()),
            Stage::Ended => Err(Refusal::Over),
            Stage::Offered if self.admitted().next().is_none() => Err(Refusal::Alone),
            Stage::Offered => {
                self.stage = Stage::Live;
                self.began_at = Some(at);
                self.veil = Some(Veil { from, until: None });
                Ok(())
            }
        }
    }

    fn end(&mut self, ending: Ending) {
        if self.stage == Stage::Ended {
            return;
        }
        self.stage = Stage::Ended;
        self.ended = Some(ending);
        for party in self.parties.iter_mut().filter(|party| party.left.is_none()) {
            party.left = Some(ending);
        }
    }

    fn unveil(&mut self, until: u64) -> Result<(), Refusal> {
        if self.stage != Stage::Ended {
            return Err(Refusal::Invalid("the session is not over".into()));
        }
        if let Some(veil) = self.veil.as_mut().filter(|veil| veil.until.is_none()) {
            veil.until = Some(until.max(veil.from.saturating_add(1)));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use weir_ledger::meter::{Mode, Tariff};

    use super::*;

    pub(crate) const HOST: AccountId = AccountId(1);
    pub(crate) const ALICE: AccountId = AccountId(2);
    pub(crate) const BOB: AccountId = AccountId(3);

    pub(crate) fn price(name: &str, rate: u64, places: u32) -> Price {
        let mode = Mode::ProRata { granule_ms: 1_000 };
        let rate = rate.try_into().unwrap();
        let tariff = Tariff { rate, mode, min_seconds: 0, free_ms: 5_000 };
        Price { name: name.into(), tariff, places }
    }

    pub(crate) fn offer() -> Offer {
        Offer {
            id: SessionId(7),
            channel: "demo".parse().unwrap(),
            host: HOST,
            fee_bps: 3_000,
            prices: vec![price("guest", 600, 1), price("onlooker", 60, 2)],
            invited: Vec::new(),
            at: Timestamp(1),
        }
    }

    pub(crate) fn join(session: &Session, account: AccountId, price: u8) -> Command {
        let shown = session.prices[usize::from(price)].clone();
        let (session, cap, at) = (session.id, 6_000.try_into().unwrap(), Timestamp(2));
        Command::Join { session, account, price, shown, cap, at }
    }

    /// Makes a change; whether it changed anything.
    pub(crate) fn plan(session: &mut Session, command: &Command) -> Result<bool, Refusal> {
        let next = session.after(command)?;
        let changed = next.is_some();
        *session = next.unwrap_or_else(|| session.clone());
        Ok(changed)
    }

    /// With Alice as guest, and the stream theirs from segment `from` on.
    pub(crate) fn live(from: u64) -> Session {
        let mut session = offer().made().unwrap();
        let command = join(&session, ALICE, 0);
        plan(&mut session, &command).unwrap();
        let admit = Command::Admit { session: session.id, party: 0 };
        plan(&mut session, &admit).unwrap();
        let begin = Command::Begin { session: session.id, from, at: Timestamp(3) };
        plan(&mut session, &begin).unwrap();
        session
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;

    #[test]
    fn a_guest_takes_the_only_place_and_onlookers_take_theirs() {
        let mut session = offer().made().unwrap();
        let carol = AccountId(4);
        for (account, price, expected) in [
            (ALICE, 0, Ok(true)),
            (ALICE, 1, Err(Refusal::IsIn)),
            (BOB, 0, Err(Refusal::Full)),
            (BOB, 1, Ok(true)),
            (carol, 1, Ok(true)),
            (AccountId(5), 1, Err(Refusal::Full)),
            (HOST, 1, Err(Refusal::IsHost)),
        ] {
            let command = join(&session, account, price);
            assert_eq!(plan(&mut session, &command), expected, "{account}");
        }
    }

    #[test]
    fn nobody_joins_at_another_price_than_the_one_shown() {
        let mut session = offer().made().unwrap();
        let mut command = join(&session, ALICE, 0);
        if let Command::Join { shown, .. } = &mut command {
            shown.tariff.rate = 599.try_into().unwrap();
        }
        assert_eq!(plan(&mut session, &command), Err(Refusal::OtherPrice));
    }

    #[test]
    fn only_the_invited_join_when_somebody_is_invited() {
        let mut session = Offer { invited: vec![BOB], ..offer() }.made().unwrap();
        let (alice, bob) = (join(&session, ALICE, 0), join(&session, BOB, 0));
        assert_eq!(plan(&mut session, &alice), Err(Refusal::NotInvited));
        assert_eq!(plan(&mut session, &bob), Ok(true));
    }

    #[test]
    fn it_begins_once_somebody_paid_and_the_end_takes_everybody_with_it() {
        let mut session = offer().made().unwrap();
        let at = Timestamp(3);
        let begin = Command::Begin { session: session.id, from: 9, at };
        assert_eq!(plan(&mut session, &begin), Err(Refusal::Alone));
        let command = join(&session, ALICE, 0);
        plan(&mut session, &command).unwrap();
        assert_eq!(plan(&mut session, &begin), Err(Refusal::Alone), "nothing is reserved");
        let mut session = live(9);
        assert_eq!(plan(&mut session, &begin), Ok(false), "said again, nothing changes");
        let end = Command::End { session: session.id, why: Halt::Operator, at };
        assert_eq!(plan(&mut session, &end), Ok(true));
        assert_eq!(session.party(0).unwrap().left, Some(Ending { at, why: Halt::Operator }));
        let command = join(&session, BOB, 1);
        assert_eq!(plan(&mut session, &command), Err(Refusal::Over));
        assert!(!session.is_done(), "nobody has a receipt yet");
        let settled = Settled { billed: 5, delivered_ms: 1_000 };
        let settle = Command::Settle { session: session.id, party: 0, settled };
        assert_eq!(plan(&mut session, &settle), Ok(true));
        assert!(!session.is_done(), "nobody knows from where on it is public");
        let unveil = Command::Unveil { session: session.id, until: 12 };
        plan(&mut session, &unveil).unwrap();
        assert!(session.is_done() && !session.is_at_work());
    }

    #[test]
    fn who_comes_back_is_another_party_with_another_bill_and_no_free_time() {
        let mut session = live(9);
        let leave =
            Command::Leave { session: session.id, party: 0, why: Halt::Viewer, at: Timestamp(4) };
        plan(&mut session, &leave).unwrap();
        let again = join(&session, ALICE, 0);
        plan(&mut session, &again).unwrap();
        let free = |party| session.agreement(party).unwrap().tariff.free_ms;
        assert_eq!((free(0), free(1)), (5_000, 0));
        assert_ne!(session.bill_id(0), session.bill_id(1));
        assert_eq!(session.party_of(ALICE).unwrap().0, 1);
    }

    #[test]
    fn nobody_uses_up_a_session_alone_and_a_full_one_says_so() {
        let mut session = offer().made().unwrap();
        let come_and_go = |session: &mut Session, account| {
            let command = join(session, account, 0);
            plan(session, &command)?;
            let party = session.party_of(account).unwrap().0;
            let why = Halt::Viewer;
            plan(session, &Command::Leave { session: session.id, party, why, at: Timestamp(4) })
        };
        for _ in 0..JOINS_MAX {
            assert_eq!(come_and_go(&mut session, ALICE), Ok(true));
        }
        assert_eq!(come_and_go(&mut session, ALICE), Err(Refusal::TooOften));
        for other in (0..).map(|nth| AccountId(100 + nth)).take(PARTIES_MAX - JOINS_MAX) {
            assert_eq!(come_and_go(&mut session, other), Ok(true));
        }
        assert_eq!(come_and_go(&mut session, BOB), Err(Refusal::Worn));
    }

    #[test]
    fn what_cannot_be_billed_is_not_offered() {
        let many = vec![price("guest", 1, 1); PRICES_MAX + 1];
        for (offer, says) in [
            (Offer { prices: Vec::new(), ..offer() }, "1 to 4 prices"),
            (Offer { prices: many, ..offer() }, "1 to 4 prices"),
            (Offer { prices: vec![price("Guest!", 1, 1)], ..offer() }, "small letters"),
            (Offer { prices: vec![price("guest", 1, 0)], ..offer() }, "places"),
            (Offer { prices: vec![price("guest", u64::MAX >> 1, 1)], ..offer() }, "too high"),
            (Offer { fee_bps: 10_001, ..offer() }, "more than the whole"),
        ] {
            let error = offer.made().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn its_record_reads_back() {
        let session = live(9);
        let text = serde_json::to_string(&session).unwrap();
        assert_eq!(serde_json::from_str::<Session>(&text).unwrap(), session);
    }
}
