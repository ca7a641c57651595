//! Who owns which actor. Replicated: changed only from the log, the same on every node.
//!
//! A claim's epoch is the index of its entry in the log. One counter for everything makes epochs unique and rising
//! without keeping any per actor: an actor may be released and forgotten, and its next owner still has a greater
//! epoch than all before. So the table holds what is owned now, and nothing else that a rule depends on.
//!
//! Messages pass one of two gates. To an owner: [`Leases::check`] says whether the node addressed is the owner the
//! sender means. From an owner: [`EpochGate`] at the receiver refuses whoever is older than somebody heard before.

use std::collections::BTreeMap;

use weir_model::{ActorId, ActorKey, ActorKind, Epoch, Incarnation, Lease, NodeId, Timestamp};

use crate::directory::{Edit, Part, PartKey};
use crate::limits::{LEASES_MAX, VACANCIES_MAX};

/// Steps, and what they do together.
type Planned = Result<(Vec<Edit>, LeaseDone), LeaseRefusal>;

/// A wish about a lease, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum LeaseCommand {
    /// To own an actor. Granted when nobody owns it, when an older incarnation of the same node does, or when
    /// `supersedes` names the owner's epoch, or the one under which it was lost: then nobody may have had it since.
    /// Asking again for what one has changes nothing.
    Claim {
        /// The actor.
        actor: ActorId,
        /// Who wants it.
        node: NodeId,
        /// Which start of the node.
        incarnation: Incarnation,
        /// The epoch of the owner from whom it is taken over.
        #[serde(default)]
        supersedes: Option<Epoch>,
        /// The claimer's time, for people.
        #[serde(default)]
        at: Timestamp,
    },
    /// To own it no more.
    Release {
        /// The actor.
        actor: ActorId,
        /// The epoch under which it was owned.
        epoch: Epoch,
    },
}

/// Why a wish is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseRefusal {
    /// Somebody else owns it.
    #[error("{} is owned by {} since epoch {}; ask there, or take it over by naming that epoch", .0.actor, .0.node, .0.epoch)]
    Held(Lease),
    /// The epoch that the wish named has passed.
    #[error("epoch {named} has passed; {} is the newest", .newest.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string()))]
    Stale {
        /// What the wish said.
        named: Epoch,
        /// The owner's epoch; none when nobody owns it.
        newest: Option<Epoch>,
    },
    /// The claimer is no living member, or not its newest start.
    #[error(
        "that start of the node may not own anything: it is not a member, was fenced, or was started again"
    )]
    NotAlive,
    /// [`LEASES_MAX`] is reached.
    #[error("the cluster owns as many actors as it can; stop some first")]
    Full,
}

/// What a granted wish did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseDone {
    /// The claimer is the owner now; the one before, when there was one, has to stop.
    Granted {
        /// The lease.
        lease: Lease,
        /// Who had it.
        before: Option<Lease>,
    },
    /// It was the claimer's already, or nobody's already.
    Unchanged,
    /// It has no owner now.
    Released(Lease),
}

/// An actor that lost its owner with the owner's node.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Vacancy {
    /// Whose it was.
    pub node: NodeId,
    /// The lost lease's epoch.
    pub epoch: Epoch,
    /// When it had been claimed.
    pub since: Timestamp,
}

/// The answer to "are you the owner I mean?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes: handle the message.
    Owner {
        /// Under this epoch.
        epoch: Epoch,
    },
    /// There is a newer owner than the sender believes; it may be this same node.
    Redirect {
        /// Where.
        node: NodeId,
        /// Its epoch.
        epoch: Epoch,
    },
    /// The sender knows of a newer owner than this node does: this node refuses, and reads on in the log.
    Stale,
    /// Nobody owns it.
    Vacant,
}

/// The lease table.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Leases {
    held: BTreeMap<ActorId, Lease>,
    #[serde(default)]
    vacant: BTreeMap<ActorId, Vacancy>,
    /// The greatest epoch ever given.
    #[serde(default)]
    newest: Epoch,
}

impl Leases {
    /// Who owns an actor.
    #[must_use]
    pub fn of(&self, actor: &ActorId) -> Option<&Lease> {
        self.held.get(actor)
    }

    /// Who owns the actor of `kind` for `key`.
    #[must_use]
    pub fn owner(&self, kind: ActorKind, key: &ActorKey) -> Option<&Lease> {
        self.of(&ActorId::new(kind, key.clone()))
    }

    /// All leases by actor.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.held.values()
    }

    /// A node's leases.
    pub fn held_by(&self, node: NodeId) -> impl Iterator<Item = &Lease> {
        self.iter().filter(move |lease| lease.node == node)
    }

    /// Actors whose node was fenced and whom nobody has claimed since; the supervisor's list of work.
    pub fn vacancies(&self) -> impl Iterator<Item = (&ActorId, &Vacancy)> {
        self.vacant.iter()
    }

    /// How an actor that has no owner lost it.
    #[must_use]
    pub fn vacancy(&self, actor: &ActorId) -> Option<&Vacancy> {
        self.vacant.get(actor)
    }

    /// The greatest epoch ever given.
    #[must_use]
    pub const fn newest(&self) -> Epoch {
        self.newest
    }

    /// Applies a wish that stands at `index` of the log. Whether the claimer is alive is for
    /// [`crate::Directory`], which knows the members.
    ///
    /// # Errors
    /// When it is refused; then nothing changes.
    pub fn apply(&mut self, index: u64, command: &LeaseCommand) -> Result<LeaseDone, LeaseRefusal> {
        let (edits, done) = self.plan(index, command)?;
        edits.into_iter().for_each(|edit| self.edit(edit));
        Ok(done)
    }

    /// What [`Self::apply`] would do, and its steps.
    pub(crate) fn plan(&self, index: u64, command: &LeaseCommand) -> Planned {
        match command {
            LeaseCommand::Claim { actor, node, incarnation, supersedes, at } => {
                // The counter never falls, even if a log should be begun again below it.
                let epoch = Epoch(index.max(self.newest.0.saturating_add(1)));
                let wanted = Lease {
                    actor: actor.clone(),
                    node: *node,
                    incarnation: *incarnation,
                    epoch,
                    since: *at,
                };
                self.claim(wanted, *supersedes)
            }
            LeaseCommand::Release { actor, epoch } => self.release(actor, *epoch),
        }
    }

    /// Frees what an incarnation of a node, and all before it, owned. Answers with the lost leases.
    pub fn fence(&mut self, node: NodeId, incarnation: Incarnation) -> Vec<Lease> {
        let (edits, lost) = self.plan_fence(node, incarnation);
        edits.into_iter().for_each(|edit| self.edit(edit));
        lost
    }

    /// What [`Self::fence`] would do, and its steps.
    pub(crate) fn plan_fence(
        &self,
        node: NodeId,
        incarnation: Incarnation,
    ) -> (Vec<Edit>, Vec<Lease>) {
        let gone = |lease: &&Lease| lease.incarnation <= incarnation;
        let lost: Vec<Lease> = self.held_by(node).filter(gone).cloned().collect();
        let oldest_kept = self.oldest_vacancy_beside(&lost);
        let forgotten = self.vacant.iter().filter(|(_, vacancy)| vacancy.epoch < oldest_kept);
        let mut edits: Vec<Edit> =
            forgotten.map(|(actor, _)| Edit::Drop(PartKey::Vacancy(actor.clone()))).collect();
        for lease in &lost {
            edits.push(Edit::Drop(PartKey::Lease(lease.actor.clone())));
            if lease.epoch >= oldest_kept {
                let vacancy = Vacancy { node, epoch: lease.epoch, since: lease.since };
                edits.push(Edit::Put(Part::Vacancy(lease.actor.clone(), vacancy)));
            }
        }
        (edits, lost)
    }

    /// Makes a step that concerns leases.
    pub(crate) fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Put(Part::Lease(lease)) => {
                self.held.insert(lease.actor.clone(), lease);
            }
            Edit::Put(Part::Vacancy(actor, vacancy)) => {
                self.vacant.insert(actor, vacancy);
            }
            Edit::Put(Part::Newest(epoch)) => self.newest = epoch,
            Edit::Drop(PartKey::Lease(actor)) => {
                self.held.remove(&actor);
            }
            Edit::Drop(PartKey::Vacancy(actor)) => {
                self.vacant.remove(&actor);
            }
            Edit::Drop(PartKey::Newest) => self.newest = Epoch::default(),
            Edit::Put(Part::Member(_) | Part::Removed(_))
            | Edit::Drop(PartKey::Member(_) | PartKey::Removed) => {}
        }
    }

    /// Whether a message for `actor`, sent to the owner of epoch `believed`, is for `me`.
    #[must_use]
    pub fn check(&self, actor: &ActorId, believed: Epoch, me: NodeId) -> Verdict {
        let Some(lease) = self.of(actor) else {
            return if believed > self.newest { Verdict::Stale } else { Verdict::Vacant };
        };
        if believed > lease.epoch {
            // A later claim than this copy has read, or one that was released again.
            return if believed > self.newest { Verdict::Stale } else { Self::redirect(lease) };
        }
        if believed == lease.epoch && lease.node == me {
            return Verdict::Owner { epoch: lease.epoch };
        }
        Self::redirect(lease)
    }

    const fn redirect(lease: &Lease) -> Verdict {
        Verdict::Redirect { node: lease.node, epoch: lease.epoch }
    }

    fn claim(&self, wanted: Lease, supersedes: Option<Epoch>) -> Planned {
        let before = self.held.get(&wanted.actor).cloned();
        if let Some(held) = &before {
            let own = held.node == wanted.node;
            if own && held.incarnation == wanted.incarnation && supersedes != Some(held.epoch) {
                return Ok((Vec::new(), LeaseDone::Unchanged));
            }
            let after_restart = own && held.incarnation < wanted.incarnation;
            match supersedes {
                _ if after_restart => {}
                Some(named) if named == held.epoch => {}
                Some(named) => {
                    return Err(LeaseRefusal::Stale { named, newest: Some(held.epoch) });
                }
                None => return Err(LeaseRefusal::Held(held.clone())),
            }
        } else if self.held.len() >= LEASES_MAX {
            return Err(LeaseRefusal::Full);
        } else if let Some(named) = supersedes {
            let newest = self.vacant.get(&wanted.actor).map(|vacancy| vacancy.epoch);
            if newest != Some(named) {
                return Err(LeaseRefusal::Stale { named, newest });
            }
        }
        let mut edits =
            vec![Edit::Put(Part::Newest(wanted.epoch)), Edit::Put(Part::Lease(wanted.clone()))];
        if self.vacant.contains_key(&wanted.actor) {
            edits.push(Edit::Drop(PartKey::Vacancy(wanted.actor.clone())));
        }
        Ok((edits, LeaseDone::Granted { lease: wanted, before }))
    }

    fn release(&self, actor: &ActorId, epoch: Epoch) -> Planned {
        match self.held.get(actor) {
            Some(held) if held.epoch == epoch => {
                let edit = Edit::Drop(PartKey::Lease(actor.clone()));
                Ok((vec![edit], LeaseDone::Released(held.clone())))
            }
            Some(held) => Err(LeaseRefusal::Stale { named: epoch, newest: Some(held.epoch) }),
            None => {
                // Whoever gives an actor up after its node was fenced ends the search for a new owner.
                let vacancy = self.vacant.get(actor).filter(|vacancy| vacancy.epoch == epoch);
                let edit = vacancy.map(|_| Edit::Drop(PartKey::Vacancy(actor.clone())));
                Ok((edit.into_iter().collect(), LeaseDone::Unchanged))
            }
        }
    }

    /// The oldest epoch whose vacancy is remembered once `lost` are vacant too.
    fn oldest_vacancy_beside(&self, lost: &[Lease]) -> Epoch {
        let excess = (self.vacant.len() + lost.len()).saturating_sub(VACANCIES_MAX);
        if excess == 0 {
            return Epoch::default();
        }
        let vacant = self.vacant.values().map(|vacancy| vacancy.epoch);
        let mut epochs: Vec<Epoch> = vacant.chain(lost.iter().map(|lease| lease.epoch)).collect();
        epochs.sort_unstable();
        epochs.get(excess).copied().unwrap_or_default()
    }
}

/// At the receiver of an owner's messages: lets nobody through who is older than somebody heard before.
/// Its maker keeps one per actor it hears from and drops it with the rest of what it knows of the actor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EpochGate {
    seen: Epoch,
}

/// A message came from an owner that has been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sender's epoch {sent} has passed, {seen} has been heard; it is not the owner any more"
)]
pub struct StaleSender {
    /// What the message said.
    pub sent: Epoch,
    /// The greatest epoch heard.
    pub seen: Epoch,
}

impl EpochGate {
    /// A gate that knows the owner's epoch from the directory already.
    #[must_use]
    pub const fn at(seen: Epoch) -> Self {
        Self { seen }
    }

    /// Lets a message of `epoch` through, or not. From then on nothing older passes.
    ///
    /// # Errors
    /// When a newer owner has been heard.
    pub fn admit(&mut self, epoch: Epoch) -> Result<(), StaleSender> {
        if epoch < self.seen {
            return Err(StaleSender { sent: epoch, seen: self.seen });
        }
        self.seen = epoch;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
