//! Who takes part: every node learns, some vote. Changes are made by the leader, one at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::error::{ClientWriteError, RaftError};
use openraft::{ChangeMembers, EmptyNode, RaftMetrics};
use weir_model::NodeId;

use super::network::{self, CallError};
use super::types::Core;

/// A change takes two rounds of the log and may wait for an election.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A learner that is further behind would, as a voter, hold up every commit until it caught up.
const PROMOTE_LAG_MAX: u64 = 500;
/// More voters make every write slower and survive no more than is useful.
const VOTERS_MAX: usize = 7;

/// A change of who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new node that learns.
    AddLearner(NodeId),
    /// A learner votes from now on.
    Promote(NodeId),
    /// A voter only learns from now on.
    Demote(NodeId),
    /// A node takes part no longer.
    Remove(NodeId),
}

/// Why a change of the membership was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum ChangeError {
    /// The state forbids it.
    #[error("{0}")]
    Forbidden(String),
    /// No answer; it may have been made.
    #[error(
        "the cluster did not answer in time; look at `weir cluster status` before you repeat it"
    )]
    Unknown,
    /// Nobody leads.
    #[error("the cluster has no leader now, nothing was changed; try again")]
    NoLeader,
}

/// Makes `change` as leader.
pub(super) async fn make(core: &Core, change: Change) -> Result<(), ChangeError> {
    allowed(&core.metrics().borrow(), change)?;
    match change {
        Change::AddLearner(node) => {
            let added = core.add_learner(node.0, EmptyNode::new(), false);
            answered(tokio::time::timeout(PATIENCE, added).await)
        }
        Change::Promote(node) => members(core, ChangeMembers::AddVoterIds(one(node)), true).await,
        Change::Demote(node) => {
            // A leader that stays as a learner would go on leading: it has to leave, and the next one takes it back.
            let stays = core.metrics().borrow().id != node.0;
            members(core, ChangeMembers::RemoveVoters(one(node)), stays).await
        }
        Change::Remove(node) => {
            if core.metrics().borrow().membership_config.voter_ids().any(|id| id == node.0) {
                members(core, ChangeMembers::RemoveVoters(one(node)), true).await?;
            }
            members(core, ChangeMembers::RemoveNodes(one(node)), true).await
        }
    }
}

/// Answers a change that another node forwarded.
pub(super) async fn answer(core: &Core, body: &[u8]) -> Result<Result<(), ChangeError>, CallError> {
    Ok(make(core, network::decode(body)?).await)
}

pub(super) fn allowed(
    metrics: &RaftMetrics<u64, EmptyNode>,
    change: Change,
) -> Result<(), ChangeError> {
    let forbidden = |text: String| Err(ChangeError::Forbidden(text));
    let membership = &metrics.membership_config;
    let voters: BTreeSet<u64> = membership.voter_ids().collect();
    let nodes: BTreeMap<u64, &EmptyNode> =
        membership.nodes().map(|(id, node)| (*id, node)).collect();
    let unknown = |node: NodeId| forbidden(format!("{node} is not in the cluster"));
    match change {
        Change::AddLearner(_) => Ok(()),
        Change::Promote(node) if !nodes.contains_key(&node.0) => unknown(node),
        Change::Promote(node) if voters.contains(&node.0) => {
            forbidden(format!("{node} votes already"))
        }
        Change::Promote(_) if voters.len() >= VOTERS_MAX => {
            forbidden(format!("at most {VOTERS_MAX} nodes vote; demote one first"))
        }
        Change::Promote(node) => match lag(metrics, node.0) {
            Some(lag) if lag <= PROMOTE_LAG_MAX => Ok(()),
            Some(lag) => forbidden(format!(
                "{node} is {lag} entries behind, at most {PROMOTE_LAG_MAX}; wait until it has caught up"
            )),
            None => forbidden(format!("{node} has not answered yet; is it running?")),
        },
        Change::Demote(node) | Change::Remove(node) if voters == BTreeSet::from([node.0]) => {
            forbidden(format!("{node} is the only voter; promote another one first"))
        }
        Change::Demote(node) if !voters.contains(&node.0) => {
            forbidden(format!("{node} does not vote"))
        }
        Change::Remove(node) if !nodes.contains_key(&node.0) => unknown(node),
        Change::Demote(_) | Change::Remove(_) => Ok(()),
    }
}

/// How many entries a node is behind its leader, if it ever answered.
pub(super) fn lag(metrics: &RaftMetrics<u64, EmptyNode>, node: u64) -> Option<u64> {
    let matched = (*metrics.replication.as_ref()?.get(&node)?)?.index;
    Some(metrics.last_log_index.unwrap_or_default().saturating_sub(matched))
}

async fn members(
    core: &Core,
    change: ChangeMembers<u64, EmptyNode>,
    stays: bool,
) -> Result<(), ChangeError> {
    answered(tokio::time::timeout(PATIENCE, core.change_membership(change, stays)).await)
}

type Written<T> = Result<T, RaftError<u64, ClientWriteError<u64, EmptyNode>>>;

fn answered<T>(answer: Result<Written<T>, tokio::time::error::Elapsed>) -> Result<(), ChangeError> {
    match answer {
        Err(_) => Err(ChangeError::Unknown),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => {
            Err(ChangeError::NoLeader)
        }
        Ok(Err(error)) => Err(ChangeError::Forbidden(error.to_string())),
    }
}

fn one(node: NodeId) -> BTreeSet<u64> {
    BTreeSet::from([node.0])
}
