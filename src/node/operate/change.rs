//! Changes of a node. The rules are tried on this node's copy, and hold again where the log makes the change.

use weir_cluster::Command;
use weir_cluster::views;
use weir_model::cluster::{NodeChange, NodeChanged};
use weir_model::{ApiError, ErrorCode, NodeId};

use super::Operate;
use crate::raft::{Change, ChangeError};

impl Operate {
    pub(super) async fn make_change(
        &self,
        node: NodeId,
        wish: NodeChange,
        dry_run: bool,
    ) -> Result<NodeChanged, ApiError> {
        let look = self.newest().await;
        let answer = views::rehearse(&look.view(), node, wish)?;
        if dry_run || !answer.changed {
            if let (true, Some(vote)) = (answer.changed, vote(node, wish)) {
                self.mesh.consensus.allowed(vote).map_err(refused)?;
            }
            return Ok(answer);
        }
        let entry = views::change(&look.directory.members, node, wish);
        let asked = self.membership.asked(&entry);
        if let Some(vote) = vote(node, wish) {
            self.mesh.consensus.change(vote).await.map_err(refused)?;
        }
        let changed = self.store.change_cluster(Command::Member(entry)).await;
        match changed {
            Ok(_) => asked.made(),
            // Who votes is decided by the log; the leader brings the directory in step.
            Err(error) if vote(node, wish).is_some() => {
                tracing::warn!(%error, %node, "a vote is not in the directory yet");
                asked.made();
            }
            Err(error) => return Err(error.into()),
        }
        Ok(answer)
    }
}

/// The change of the log's own members that goes before.
const fn vote(node: NodeId, wish: NodeChange) -> Option<Change> {
    match wish {
        NodeChange::Promote => Some(Change::Promote(node)),
        NodeChange::Demote => Some(Change::Demote(node)),
        _ => None,
    }
}

fn refused(error: ChangeError) -> ApiError {
    let code = match error {
        ChangeError::Forbidden(_) => ErrorCode::Conflict,
        ChangeError::Unknown => ErrorCode::Timeout,
        ChangeError::NoLeader => ErrorCode::Unavailable,
    };
    ApiError::new(code, error.to_string())
}
