//! What takes two people, as the store's callers see it. Read from this node's memory, like all that the log brings.

use weir_model::charge::LedgerId;
use weir_people::Step;

use super::catalog::Command;
use super::record::Approval;
use super::{Store, StoreError};

impl Store {
    /// All proposals, those that are over included.
    #[must_use]
    pub fn approvals(&self) -> Vec<Approval> {
        self.inner.held.catalog.read().approvals.values().cloned().collect()
    }

    /// A proposal.
    #[must_use]
    pub fn approval(&self, id: LedgerId) -> Option<Approval> {
        self.inner.held.catalog.read().approvals.get(&id).cloned()
    }

    /// Proposes something; again, it answers with what was proposed before, as it is now.
    ///
    /// # Errors
    /// When its id names something else, too many wait, or the cluster takes no changes.
    pub async fn propose_approval(&self, new: Approval) -> Result<Approval, StoreError> {
        self.change(Command::Propose(Box::new(new))).await?.approval()
    }

    /// Takes a step with a proposal, and answers with what it is then.
    ///
    /// # Errors
    /// When the rules forbid it, or the cluster takes no changes.
    pub async fn decide_approval(
        &self,
        approval: LedgerId,
        step: Step,
    ) -> Result<Approval, StoreError> {
        self.change(Command::Decide { approval, step }).await?.approval()
    }
}
