//! Who may watch what is sold, written into the directory as the ledger says it.
//!
//! Edges look into their own directory with every request, and most of them keep no ledger. So whoever leads follows the
//! ledger, record by record, and changes the passes that a record touched ([`weir_session::pass`]). It looks at what the
//! ledger says at that moment and not at what was asked for: a purchase, a gift, money that went back, a frozen wallet and
//! the end of an event come the same way, whoever asked and however his request ended. A change is in the directory with
//! the next entry of the log, so every edge that hears of the cluster has it within milliseconds.
//!
//! A leader begins by comparing everything, with all that earlier leaders wrote before its eyes, and what it writes it
//! writes as leader or not at all: nothing of an earlier one comes in between. [`chores`] does what nobody asks for.

mod chores;

use std::collections::BTreeSet;
use std::time::Duration;

use weir_ledger::State;
use weir_ledger::row::{At, MemberId, SeatId};
use weir_model::Timestamp;
use weir_session::limits::PASSES_AT_ONCE_MAX;
use weir_session::{Good, Pass, PassId, Touched};

use super::clock;
use super::events::Events;
use super::tasks::{Handle, Tasks};
use super::teller::Teller;
use crate::raft::Consensus;
use crate::store::ledger::Ledger;
use crate::store::{Store, StoreError};

/// How often it looks without news: whether this node leads by now, and for chores.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks: records that come together are looked at together.
const PAUSE: Duration = Duration::from_millis(10);
/// Records that are read at once.
const RECORDS_AT_ONCE: usize = 1_000;
/// Until everything that earlier leaders wrote is here.
const BARRIER_PATIENCE: Duration = Duration::from_secs(5);

/// What following needs.
#[derive(Clone)]
pub struct Parts {
    /// The ledger of this node; one that keeps none never leads.
    pub ledger: Option<Ledger>,
    /// Says whether this node leads.
    pub consensus: Consensus,
    /// The directory.
    pub store: Store,
    /// The way of payments that are due.
    pub teller: Teller,
    /// Tells operators what happened by itself.
    pub events: Events,
    /// The platform's part of what streamers earn, in hundredths of a percent.
    pub fee_bps: u32,
}

/// Follows the ledger for as long as the node runs.
pub fn start(parts: Parts, tasks: &Tasks) {
    let Some(ledger) = parts.ledger.clone() else { return };
    let own = Usher { ledger, parts, chores: chores::Turns::default() };
    tasks.spawn("passes", |handle| own.run(handle));
}

struct Usher {
    ledger: Ledger,
    parts: Parts,
    chores: chores::Turns,
}

/// Passes that are to be changed.
#[derive(Debug, Default)]
struct Wanted {
    put: Vec<Pass>,
    gone: Vec<PassId>,
}

impl Usher {
    async fn run(mut self, handle: Handle) {
        let mut news = self.ledger.changes();
        // The record up to which the directory follows; none before this node leads.
        let mut seen = None;
        loop {
            news.mark_unchanged();
            seen = match self.parts.consensus.leads() {
                true => self.turn(seen, &handle).await,
                false => None,
            };
            tokio::select! {
                _ = news.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = handle.stopping() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = handle.stopping() => return,
            }
        }
    }

    /// Looks once as leader; answers with the record up to which the directory follows, if it does.
    async fn turn(&mut self, seen: Option<u64>, handle: &Handle) -> Option<u64> {
        let followed = match seen {
            Some(seq) => self.follow(seq).await,
            None => self.begin().await,
        };
        match followed {
            Ok((seq, changes)) => {
                handle.idle(changes);
                self.chores().await;
                Some(seq)
            }
            Err(error) => {
                handle.error(&error);
                tracing::debug!(%error, "passes do not follow the ledger yet");
                None
            }
        }
    }

    /// Compares everything.
    async fn begin(&self) -> Result<(u64, u64), String> {
        let barrier = self.parts.consensus.read_barrier(BARRIER_PATIENCE).await;
        barrier.map_err(|error| error.to_string())?;
        let seq = self.ledger.head().seq;
        Ok((seq, self.change(Touched::All).await?))
    }

    /// Changes what the records behind `seen` touched.
    async fn follow(&self, mut seen: u64) -> Result<(u64, u64), String> {
        let mut changes = 0;
        loop {
            // In this order: what comes between the two is looked at with the next turn.
            let head = self.ledger.head().seq;
            if self.ledger.newest_about_rights() <= seen {
                return Ok((seen.max(head), changes));
            }
            let (ledger, from) = (self.ledger.clone(), seen + 1);
            let read = move || ledger.records(from, RECORDS_AT_ONCE);
            let read =
                tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
            let records = read.map_err(|error| error.to_string())?;
            let Some(last) = records.last().map(|entry| entry.record.seq) else {
                return Ok((seen, changes));
            };
            let none = Touched::Some(BTreeSet::new());
            let touched = records.iter().map(|entry| Touched::by(&entry.record));
            changes += self.change(touched.fold(none, Touched::and)).await?;
            seen = last;
        }
    }

    /// Has these passes as the ledger says; how many changed.
    async fn change(&self, touched: Touched) -> Result<u64, String> {
        if touched == Touched::Some(BTreeSet::new()) {
            return Ok(0);
        }
        let (ledger, store) = (self.ledger.clone(), self.parts.store.clone());
        let look = move || wanted(&ledger, &store, touched, clock::now());
        let wanted = tokio::task::spawn_blocking(look).await.map_err(|error| error.to_string())?;
        let count = (wanted.put.len() + wanted.gone.len()) as u64;
        for gone in wanted.gone.chunks(PASSES_AT_ONCE_MAX) {
            self.written(Vec::new(), gone.to_vec()).await?;
        }
        for put in wanted.put.chunks(PASSES_AT_ONCE_MAX) {
            self.written(put.to_vec(), Vec::new()).await?;
        }
        Ok(count)
    }

    async fn written(&self, put: Vec<Pass>, gone: Vec<PassId>) -> Result<(), String> {
        match self.parts.store.follow_passes(put, gone).await {
            // The API refuses to sell so many; what takes something away goes on.
            Err(error @ StoreError::Limit { .. }) => {
                let text = format!("somebody has paid and cannot watch: {error}");
                self.parts.events.emit("pass.no_room", None, text, &[]);
                Ok(())
            }
            other => other.map_err(|error| error.to_string()),
        }
    }
}

/// The difference between what the directory says of some passes and what the ledger says at `now`.
fn wanted(ledger: &Ledger, store: &Store, touched: Touched, now: Timestamp) -> Wanted {
    let now = At::from(now);
    let channels: BTreeSet<u128> = store.ledger_ids().into_iter().map(|(id, _)| id).collect();
    let is_known = |id: &PassId| match id.good {
        Good::Channel(channel) => channels.contains(&channel),
        Good::Event(_) => true,
    };
    let ids: Vec<PassId> = match touched {
        Touched::Some(ids) => ids.into_iter().collect(),
        Touched::All => everything(ledger, store, now).into_iter().collect(),
    };
    let mut wanted = Wanted::default();
    // In pieces: batches for the ledger wait while it is looked at.
    for piece in ids.chunks(PASSES_AT_ONCE_MAX) {
        let due = |state: &State| -> Vec<Option<Pass>> {
            piece.iter().map(|id| Pass::due(state, *id, now).filter(|_| is_known(id))).collect()
        };
        for (id, due) in piece.iter().zip(ledger.read(due)) {
            match (store.pass(id), due) {
                (known, Some(due)) if known != Some(due) => wanted.put.push(due),
                (Some(_), None) => wanted.gone.push(*id),
                _ => {}
            }
        }
    }
    wanted
}

/// Every pass that there is or could be.
fn everything(ledger: &Ledger, store: &Store, now: At) -> BTreeSet<PassId> {
    let (members, seats) = ledger.read(|state| (state.all_members(), state.all_seats()));
    let members = members.rows().filter(|(_, membership)| membership.until > now);
    let member =
        |MemberId { user, channel }| PassId { good: Good::Channel(channel), account: user };
    let seat = |SeatId { event, user }| PassId { good: Good::Event(event), account: user };
    let passes = store.passes().into_iter().map(|pass| pass.id);
    let members = members.map(|(id, _)| member(*id));
    passes.chain(members).chain(seats.rows().map(|(id, _)| seat(*id))).collect()
}
