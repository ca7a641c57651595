//! Members and leases as one state machine, because each change of the members decides about leases:
//! only a living incarnation may claim, and fencing a node frees what it owned in the same step of the log.

use weir_model::{Lease, NodeId};

use crate::lease::{LeaseCommand, LeaseDone, LeaseRefusal, Leases};
use crate::members::{Change, ChangeRefusal, Changed, Members};

mod parts;

pub use parts::{Edit, Part, PartKey};

/// An entry of the log that concerns members or leases.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// About a node.
    Member(Change),
    /// About an actor's owner.
    Lease(LeaseCommand),
}

/// What an entry did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// To the members.
    Member {
        /// Whether anything changed.
        changed: Changed,
        /// Leases that lost their owner by it, in the order of their names.
        lost: Vec<Lease>,
    },
    /// To a lease.
    Lease(LeaseDone),
}

/// Why an entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// About a node.
    #[error(transparent)]
    Member(ChangeRefusal),
    /// About an actor's owner.
    #[error(transparent)]
    Lease(LeaseRefusal),
}

/// The replicated state of the cluster itself. Its JSON is its snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Directory {
    /// Who is in the cluster.
    pub members: Members,
    /// Who owns what.
    pub leases: Leases,
}

impl Directory {
    /// Applies the entry at `index` of the log; indexes rise. Deterministic: the same entries give the same state
    /// and the same answers everywhere.
    ///
    /// # Errors
    /// When the entry is refused; then nothing changes.
    pub fn apply(&mut self, index: u64, command: &Command) -> Result<Applied, Refusal> {
        let (edits, applied) = self.plan(index, command)?;
        edits.into_iter().for_each(|edit| self.edit(edit));
        Ok(applied)
    }

    /// What [`Self::apply`] would do, and the steps in which it would do it.
    ///
    /// # Errors
    /// When the entry is refused.
    pub fn plan(&self, index: u64, command: &Command) -> Result<(Vec<Edit>, Applied), Refusal> {
        match command {
            Command::Member(change) => self.plan_change(change).map_err(Refusal::Member),
            Command::Lease(wish) => {
                let (edits, done) = self.plan_wish(index, wish).map_err(Refusal::Lease)?;
                Ok((edits, Applied::Lease(done)))
            }
        }
    }

    fn plan_change(&self, change: &Change) -> Result<(Vec<Edit>, Applied), ChangeRefusal> {
        let (mut edits, changed) = self.members.plan(change)?;
        let mut lost = Vec::new();
        if let Changed::Lost(incarnation) = changed {
            let (freed, leases) = self.leases.plan_fence(change.node(), incarnation);
            edits.extend(freed);
            lost = leases;
        }
        Ok((edits, Applied::Member { changed, lost }))
    }

    fn plan_wish(
        &self,
        index: u64,
        wish: &LeaseCommand,
    ) -> Result<(Vec<Edit>, LeaseDone), LeaseRefusal> {
        if let LeaseCommand::Claim { node, incarnation, .. } = wish {
            let alive = |id: NodeId| self.members.of(id).filter(|member| member.is_alive());
            if alive(*node).is_none_or(|member| member.incarnation != *incarnation) {
                return Err(LeaseRefusal::NotAlive);
            }
        }
        self.leases.plan(index, wish)
    }
}

#[cfg(test)]
mod tests;
