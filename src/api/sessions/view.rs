//! A session as its caller may see it. Pure.

use std::collections::BTreeMap;

use weir_ledger::Currency;
use weir_ledger::meter::{Halt, Mode};
use weir_model::charge::ChargeName;
use weir_model::session::{
    Counting, SessionHalt, SessionInfo, SessionParty, SessionPrice, SessionState,
};
use weir_model::{AccountId, AccountName};
use weir_session::{Party, PartyId, Price, Session, Stage, Standing};

/// Milliseconds of a second.
const SECOND_MS: u64 = 1_000;

/// What is said of a session beside what the directory has of it.
#[derive(Default)]
pub(super) struct Known {
    /// What amounts are in.
    pub(super) currency: Option<Currency>,
    /// How parties stand.
    pub(super) standings: BTreeMap<AccountId, Standing>,
    /// What the bills of parties can come to, units.
    pub(super) means: BTreeMap<PartyId, u64>,
    /// Names of accounts.
    pub(super) names: BTreeMap<AccountId, AccountName>,
}

/// What a caller sees of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// All of it.
    Whole,
    /// What it is, and this account's part.
    Own(AccountId),
}

impl Sight {
    fn shows(self, account: AccountId) -> bool {
        match self {
            Self::Whole => true,
            Self::Own(own) => own == account,
        }
    }
}

/// The session for whoever has that sight.
pub(super) fn info(session: &Session, sight: Sight, known: &Known) -> SessionInfo {
    let prices = (0..).zip(&session.prices);
    let parties = session.numbered().filter(|(_, party)| sight.shows(party.account));
    SessionInfo {
        id: session.id,
        channel: session.channel.clone(),
        host: session.host,
        state: state(session.stage),
        currency: known.currency.as_ref().map(|currency| currency.code().to_owned()),
        fee_bps: session.fee_bps,
        prices: prices.map(|(number, price)| known.price(session, number, price)).collect(),
        invited: session.invited.iter().copied().filter(|one| sight.shows(*one)).collect(),
        parties: parties.map(|(id, party)| known.party(session, id, party)).collect(),
        offered_at: session.offered_at,
        began_at: session.began_at,
        ended_at: session.ended.map(|ending| ending.at),
        ended_why: session.ended.map(|ending| halt(ending.why)),
    }
}

/// How far it is.
pub(super) const fn state(stage: Stage) -> SessionState {
    match stage {
        Stage::Offered => SessionState::Offered,
        Stage::Live => SessionState::Live,
        Stage::Ended => SessionState::Ended,
    }
}

/// How the ledger counts what is counted so.
pub(super) const fn mode(count: Counting) -> Mode {
    match count {
        Counting::Second => Mode::ProRata { granule_ms: SECOND_MS },
        Counting::SixSeconds => Mode::ProRata { granule_ms: 6 * SECOND_MS },
        Counting::Minute => Mode::ProRata { granule_ms: 60 * SECOND_MS },
        Counting::StartedMinute => Mode::StartedMinutes,
    }
}

const fn count(mode: Mode) -> Counting {
    match mode {
        Mode::StartedMinutes => Counting::StartedMinute,
        Mode::ProRata { granule_ms } if granule_ms >= 60 * SECOND_MS => Counting::Minute,
        Mode::ProRata { granule_ms } if granule_ms >= 6 * SECOND_MS => Counting::SixSeconds,
        Mode::ProRata { .. } => Counting::Second,
    }
}

const fn halt(why: Halt) -> SessionHalt {
    match why {
        Halt::Viewer => SessionHalt::Viewer,
        Halt::Streamer => SessionHalt::Streamer,
        Halt::Operator => SessionHalt::Operator,
        Halt::ViewerGone => SessionHalt::ViewerGone,
        Halt::StreamerGone => SessionHalt::StreamerGone,
        Halt::Balance => SessionHalt::Balance,
        Halt::Ledger => SessionHalt::Ledger,
        Halt::Cap => SessionHalt::Cap,
    }
}

impl Known {
    fn money(&self, units: u64) -> String {
        let decimal = |currency: &Currency| currency.decimal(units.into()).to_string();
        self.currency.as_ref().map_or_else(|| units.to_string(), decimal)
    }

    fn price(&self, session: &Session, number: u8, price: &Price) -> SessionPrice {
        let taken = session.present().filter(|(_, party)| party.price == number).count();
        SessionPrice {
            name: price.name.clone(),
            rate: self.money(price.tariff.rate.units()),
            count: count(price.tariff.mode),
            min_seconds: price.tariff.min_seconds,
            free_seconds: price.tariff.free_ms / SECOND_MS,
            places: price.places,
            taken: u32::try_from(taken).unwrap_or(u32::MAX),
        }
    }

    fn party(&self, session: &Session, id: PartyId, party: &Party) -> SessionParty {
        let price = session.prices.get(usize::from(party.price));
        let standing = self.standings.get(&party.account).filter(|_| party.is_in());
        let (billed, delivered_ms) = match (party.settled, standing) {
            (Some(receipt), _) => (Some(receipt.billed), Some(receipt.delivered_ms)),
            (None, Some(now)) => (Some(now.billed), Some(now.delivered_ms)),
            (None, None) => (None, None),
        };
        SessionParty {
            account: party.account,
            name: self.names.get(&party.account).cloned(),
            price: price.map(|price| price.name.clone()).unwrap_or_default(),
            cap: self.money(party.cap.units()),
            charge: ChargeName::Session(session.bill_id(id)).to_string(),
            joined_at: party.joined_at,
            left_at: party.left.map(|ending| ending.at),
            left_why: party.left.map(|ending| halt(ending.why)),
            settled: party.settled.is_some(),
            billed: billed.map(|units| self.money(units)),
            delivered_seconds: delivered_ms.map(|ms| ms / SECOND_MS),
            paused: standing.and_then(|standing| standing.paused).map(halt),
            left_seconds: standing.and_then(|standing| self.left_s(session, id, standing)),
        }
    }

    /// How long what a party may and can pay lasts.
    fn left_s(&self, session: &Session, id: PartyId, standing: &Standing) -> Option<u64> {
        let (agreement, means) = (session.agreement(id)?, *self.means.get(&id)?);
        let left = agreement.cap.units().min(means).saturating_sub(standing.billed);
        Some(agreement.tariff.lasts_ms(standing.delivered_ms, left) / SECOND_MS)
    }
}
