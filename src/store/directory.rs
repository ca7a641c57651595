//! The store as the machine of a cluster's log, and the way of its changes into that log.
//!
//! The log's requests change the catalog in memory; the database follows in one batch with the place in the
//! log, without a sync. What only this node has (its record) is neither in a snapshot nor replaced by one.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use weir_model::NodeId;

use super::catalog::{Answer, Asked, Catalog, Command};
use super::entry::{Change, Entry};
use super::record::{ClusterRecord, PlaceRecord};
use super::sled::{Raw, RawChange, Records};
use super::{Held, StoreError, check};

/// The index of what is in no log.
pub(super) const NO_INDEX: u64 = 0;

/// Brings changes into the log of the cluster.
pub trait Proposer: Send + Sync {
    /// Has `command`, in JSON, made on every node and answers with the reply of [`Directory::apply`]. `upkeep` is
    /// what runs needs to go on; the rest is refused while the disk is nearly full.
    fn propose(
        &self,
        command: Box<RawValue>,
        upkeep: bool,
    ) -> BoxFuture<'_, Result<Box<RawValue>, StoreError>>;

    /// The same by this node as leader, or not at all.
    fn decide(&self, command: Box<RawValue>) -> BoxFuture<'_, Result<Box<RawValue>, StoreError>>;
}

/// A request of the log.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Who asks (node, incarnation) and the number of the request; the same one is made once.
    pub id: (u64, u64, u64),
    /// What its proposer had seen of the log when it first asked.
    pub since: u64,
    /// As it was proposed.
    pub command: Box<RawValue>,
}

/// Makes what the log says. Calls come one after the other.
#[derive(Clone)]
pub struct Directory {
    held: Arc<Held>,
}

impl Directory {
    pub(super) fn new(held: Arc<Held>) -> Self {
        Self { held }
    }

    /// What [`Self::apply`] or [`Self::install`] stored with the state; none when no log made it.
    #[must_use]
    pub fn place(&self) -> Option<Vec<u8>> {
        self.held.catalog.read().place.clone()
    }

    /// Makes the requests of entries (index, requests) and answers with a reply to each.
    ///
    /// # Errors
    /// When the store has stopped. A failed disk is no error: the database is written anew later.
    pub async fn apply(
        &self,
        entries: Vec<(u64, Vec<Asking>)>,
        place: Vec<u8>,
    ) -> Result<Vec<Vec<Box<RawValue>>>, StoreError> {
        let made = self.held.writer.follow(move |catalog| make(catalog, entries, place));
        let Applied { replies, changed, replaced, people, sessions, passes } = made.await??;
        self.held.people.send_if_modified(|known| std::mem::replace(known, people) != people);
        self.held.sessions.send_if_modified(|known| std::mem::replace(known, sessions) != sessions);
        self.held.passes.send_if_modified(|known| std::mem::replace(known, passes) != passes);
        self.held.changed.send_if_modified(|known| std::mem::replace(known, changed) != changed);
        if replaced.is_some() {
            self.held.replaced.send_replace(replaced);
        }
        let parse = |text: String| RawValue::from_string(text).map_err(unreadable);
        let of_entry = |texts: Vec<String>| texts.into_iter().map(parse).collect();
        replies.into_iter().map(of_entry).collect()
    }

    /// Everything that the nodes share.
    ///
    /// # Errors
    /// When a record cannot be written as text.
    pub fn snapshot(&self) -> Result<Vec<u8>, StoreError> {
        let records = self.held.catalog.read().records();
        let shared = records.map_err(unreadable)?.into_iter().filter(|(name, _)| is_shared(name));
        let text = |bytes| String::from_utf8(bytes).map_err(unreadable);
        let texts = shared.map(|(name, bytes)| Ok((text(name)?, text(bytes)?)));
        let texts: Vec<(String, String)> = texts.collect::<Result<_, StoreError>>()?;
        serde_json::to_vec(&texts).map_err(unreadable)
    }

    /// Replaces everything that the nodes share by a [`Self::snapshot`].
    ///
    /// # Errors
    /// When `state` is none that this version can read.
    pub async fn install(&self, state: &[u8], place: Vec<u8>) -> Result<(), StoreError> {
        let texts: Vec<(String, String)> = serde_json::from_slice(state).map_err(unreadable)?;
        let shared = texts.into_iter().map(|(name, text)| (name.into_bytes(), text.into_bytes()));
        let node = Entry::Node(self.held.node.clone());
        let place = Entry::Place(PlaceRecord { place });
        let mut all: Vec<Raw> = shared.collect();
        for own in [node, place] {
            all.push((own.name().into_bytes(), own.encode().map_err(unreadable)?));
        }
        let (new, report) = check::load(&Records { all, complete: true });
        super::open::refuse_fatal(&report)?;
        let replaced = self.held.writer.follow(move |catalog| replace(catalog, new)).await??;
        self.held.changed.send_replace(replaced.changed);
        self.held.people.send_modify(|known| *known = known.wrapping_add(1));
        self.held.sessions.send_modify(|known| *known = known.wrapping_add(1));
        self.held.passes.send_modify(|known| *known = known.wrapping_add(1));
        if replaced.token {
            self.held.replaced.send_replace(None);
        }
        Ok(())
    }
}

/// Asks `proposer` and reads the reply.
pub(super) async fn propose(
    proposer: &dyn Proposer,
    command: &Command,
) -> Result<Answer, StoreError> {
    read(proposer.propose(written(command)?, command.is_upkeep()).await)
}

/// The same by this node as leader, or not at all.
pub(super) async fn decide(
    proposer: &dyn Proposer,
    command: &Command,
) -> Result<Answer, StoreError> {
    read(proposer.decide(written(command)?).await)
}

fn written(command: &Command) -> Result<Box<RawValue>, StoreError> {
    serde_json::value::to_raw_value(command).map_err(unreadable)
}

fn read(reply: Result<Box<RawValue>, StoreError>) -> Result<Answer, StoreError> {
    let reply = reply?;
    serde_json::from_str::<Result<Answer, StoreError>>(reply.get()).map_err(unreadable)?
}

type Made<T> = (Vec<RawChange>, Result<T, StoreError>);

/// What entries did.
struct Applied {
    replies: Vec<Vec<String>>,
    /// Index of the newest change of members or leases.
    changed: u64,
    /// Who had the operator token replaced last.
    replaced: Option<NodeId>,
    /// Changes of accounts and tokens so far.
    people: u64,
    /// Changes of sessions so far.
    sessions: u64,
    /// Changes of passes so far.
    passes: u64,
}

/// What a snapshot did.
struct Replaced {
    changed: u64,
    /// The cluster's operator token is another one than before.
    token: bool,
}

fn make(catalog: &mut Catalog, entries: Vec<(u64, Vec<Asking>)>, place: Vec<u8>) -> Made<Applied> {
    let (mut changes, mut replaced) = (Vec::new(), None);
    let mut replies = Vec::with_capacity(entries.len());
    for (index, requests) in entries {
        let mut texts = Vec::with_capacity(requests.len());
        for Asking { id, since, command } in requests {
            let before = catalog.shared();
            let (made, text) = catalog.make(index, &Asked { key: id, since, command });
            if has_other_token(&before, catalog) {
                replaced = Some(NodeId(id.0));
            }
            changes.extend(made);
            texts.push(text);
        }
        replies.push(texts);
    }
    let place = Change::Put(Entry::Place(PlaceRecord { place }));
    catalog.apply(&place);
    changes.push(place);
    let raw: Result<Vec<RawChange>, _> = changes.iter().map(Change::raw).collect();
    match raw {
        Ok(raw) => {
            let (changed, people) = (catalog.changed, catalog.people.changes);
            let (sessions, passes) = (catalog.sessions.changes, catalog.passes.changes);
            (raw, Ok(Applied { replies, changed, replaced, people, sessions, passes }))
        }
        Err(error) => (Vec::new(), Err(unreadable(error))),
    }
}

fn replace(catalog: &mut Catalog, new: Catalog) -> Made<Replaced> {
    let raw = catalog.records().and_then(|old| Ok((old, new.records()?)));
    let (old, records) = match raw {
        Ok(both) => both,
        Err(error) => return (Vec::new(), Err(unreadable(error))),
    };
    let gone = old.into_iter().map(|(name, _)| (name, None));
    let put = records.into_iter().map(|(name, bytes)| (name, Some(bytes)));
    let before = catalog.shared();
    *catalog = new;
    let token = has_other_token(&before, catalog);
    (gone.chain(put).collect(), Ok(Replaced { changed: catalog.changed, token }))
}

/// Whether the token was replaced in the same cluster: one that is joined brings its own.
fn has_other_token(before: &ClusterRecord, catalog: &Catalog) -> bool {
    let now = catalog.shared();
    before.hash_secret == now.hash_secret && before.operator_token != now.operator_token
}

fn is_shared(name: &[u8]) -> bool {
    name != b"node" && name != b"place"
}

fn unreadable(error: impl ToString) -> StoreError {
    StoreError::Io(error.to_string())
}
