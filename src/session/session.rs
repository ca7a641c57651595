//! What the directory knows of a session.

use weir_ledger::Amount;
use weir_ledger::meter::{Agreement, Halt, Tariff};
use weir_ledger::row::Id;
use weir_ledger::split::{InvalidSplit, Split};
use weir_model::{AccountId, ChannelName, SessionId, Timestamp};

use crate::screen::Veil;

/// Names a party by its place in the session; who comes back is another party.
pub type PartyId = u32;

/// What one may join for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Price {
    /// What it is called: `guest`, `onlooker`.
    pub name: String,
    /// What the time costs.
    pub tariff: Tariff,
    /// How many may have it at once.
    pub places: u32,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It can be joined; the stream is public still.
    Offered,
    /// The stream is its parties'.
    Live,
    /// It is over.
    Ended,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ending {
    /// When it was said.
    pub at: Timestamp,
    /// Why.
    pub why: Halt,
}

/// What a party's bill came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Settled {
    /// Units that were taken.
    pub billed: u64,
    /// Time that both sides had, milliseconds.
    pub delivered_ms: u64,
}

/// Somebody who joined.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Party {
    /// Who.
    pub account: AccountId,
    /// For which of the session's prices.
    pub price: u8,
    /// Pays so much at most.
    pub cap: Amount,
    /// When.
    pub joined_at: Timestamp,
    /// The money of its first block was reserved. Nobody sees anything on credit.
    #[serde(default)]
    pub admitted: bool,
    /// That it leaves, or left.
    pub left: Option<Ending>,
    /// Its receipt, once the ledger closed its bill.
    pub settled: Option<Settled>,
}

/// A private, metered meeting of a streamer with viewers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// On whose stream.
    pub channel: ChannelName,
    /// The streamer; gets what the platform does not.
    pub host: AccountId,
    /// The platform's part in hundredths of a percent.
    pub fee_bps: u32,
    /// What one may join for; never empty.
    pub prices: Vec<Price>,
    /// Who may join; everybody when empty.
    pub invited: Vec<AccountId>,
    /// Everybody who ever joined, in that order.
    pub parties: Vec<Party>,
    /// How far it is.
    pub stage: Stage,
    /// When it was offered.
    pub offered_at: Timestamp,
    /// Since when the stream is its parties'.
    pub began_at: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<Ending>,
    /// What of the stream is its parties' alone.
    pub veil: Option<Veil>,
}

/// The word for why something ended or pauses, as answers have it.
#[must_use]
pub const fn why(halt: Halt) -> &'static str {
    match halt {
        Halt::Viewer => "viewer",
        Halt::Streamer => "streamer",
        Halt::Operator => "operator",
        Halt::ViewerGone => "viewer_gone",
        Halt::StreamerGone => "streamer_gone",
        Halt::Balance => "balance",
        Halt::Ledger => "ledger",
        Halt::Cap => "cap",
    }
}

impl Party {
    /// Whether it takes part.
    #[must_use]
    pub const fn is_in(&self) -> bool {
        self.left.is_none()
    }
}

impl Session {
    /// The parties that take part.
    pub fn present(&self) -> impl Iterator<Item = (PartyId, &Party)> {
        self.numbered().filter(|(_, party)| party.is_in())
    }

    /// Those of them that have paid for what they see.
    pub fn admitted(&self) -> impl Iterator<Item = (PartyId, &Party)> {
        self.present().filter(|(_, party)| party.admitted)
    }

    /// All parties with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (PartyId, &Party)> {
        (0..).zip(&self.parties)
    }

    /// The party that `account` takes part as.
    #[must_use]
    pub fn party_of(&self, account: AccountId) -> Option<(PartyId, &Party)> {
        self.present().find(|(_, party)| party.account == account)
    }

    /// One party.
    #[must_use]
    pub fn party(&self, id: PartyId) -> Option<&Party> {
        self.parties.get(usize::try_from(id).ok()?)
    }

    /// Whether nothing is left to be done: it is over, everybody has a receipt, and what comes next is public.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let is_open = self.veil.is_some_and(|veil| veil.until.is_none());
        self.stage == Stage::Ended
            && !is_open
            && self.parties.iter().all(|party| party.settled.is_some())
    }

    /// Whether a node has something to do for it: somebody joined, and not all is done.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        !self.parties.is_empty() && !self.is_done()
    }

    /// Whether an offer is `account`'s to take: nobody else is told of it.
    #[must_use]
    pub fn invites(&self, account: AccountId) -> bool {
        account != self.host && (self.invited.is_empty() || self.invited.contains(&account))
    }

    /// The first segment behind those that were its parties'; none while nobody knows, or when it never had any.
    #[must_use]
    pub fn veil_end(&self) -> Option<u64> {
        self.veil?.until
    }

    /// What was agreed with a party. Free time is given to each account once.
    #[must_use]
    pub fn agreement(&self, id: PartyId) -> Option<Agreement> {
        let party = self.party(id)?;
        let price = self.prices.get(usize::from(party.price))?;
        let is_back =
            self.numbered().any(|(before, other)| before < id && other.account == party.account);
        let free_ms = if is_back { 0 } else { price.tariff.free_ms };
        Some(Agreement { tariff: Tariff { free_ms, ..price.tariff }, cap: party.cap })
    }

    /// What the ledger calls the bill of a party: nobody else's, and the same on every node.
    #[must_use]
    pub fn bill_id(&self, id: PartyId) -> Id {
        (Id::from(self.id.0) << 64) | (Id::from(id) + 1)
    }

    /// Who gets what of it: the platform its part, rounded down, and the streamer the rest.
    ///
    /// # Errors
    /// When the platform's part is more than the whole.
    pub fn split(&self) -> Result<Split, InvalidSplit> {
        Split::less_fee(self.fee_bps, self.host)
    }
}
