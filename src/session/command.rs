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
mod tests;
