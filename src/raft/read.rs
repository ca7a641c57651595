//! Reads that see everything that was acknowledged before them.

use std::time::Duration;

use bytes::Bytes;
use weir_model::NodeId;

use super::log::Log;
use super::network::{self, READ_INDEX};
use super::propose::ProposeError;
use super::{Consensus, Inner, types};

/// Between two looks for a leader.
const LEADER_PAUSE: Duration = Duration::from_millis(20);

/// openraft lets a leader that restarts before anybody noticed lead on in its old term. What it acknowledged before
/// is then in its log, but until it has been committed again it does not know that it ever was.
#[derive(Clone, Copy)]
pub(super) struct Resumed {
    term: u64,
    /// The newest entry in its log at the start.
    last: u64,
}

impl Consensus {
    /// Returns once everything that was acknowledged anywhere before this call can be read here; answers
    /// with the index up to which that is.
    ///
    /// # Errors
    /// When no leader confirmed it before `deadline`.
    pub async fn read_barrier(&self, deadline: Duration) -> Result<u64, ProposeError> {
        let confirmed = async {
            loop {
                match self.read_index().await {
                    Some(index) => break index,
                    None => tokio::time::sleep(LEADER_PAUSE).await,
                }
            }
        };
        let reached = async {
            let index = confirmed.await;
            let wait = self.inner.core.wait(None);
            let applied = wait.applied_index_at_least(Some(index), "a linearizable read").await;
            applied.map(|_| index).map_err(|error| ProposeError::Stopped(error.to_string()))
        };
        tokio::time::timeout(deadline, reached).await.unwrap_or(Err(ProposeError::NoLeader))
    }

    async fn read_index(&self) -> Option<u64> {
        let leader = self.inner.core.metrics().borrow().current_leader?;
        if leader == self.inner.node.0 {
            return self.inner.led_index().await;
        }
        let call =
            self.inner.network.call(NodeId(leader), READ_INDEX, Bytes::new(), types::ELECTION_MIN);
        network::decode::<Option<u64>>(&call.await.ok()?).ok()?
    }

    /// Asks the voters whether this node leads; true when most of them say so.
    pub async fn confirm(&self) -> bool {
        self.leads() && self.inner.led_index().await.is_some()
    }
}

impl Inner {
    /// The index a linearizable read waits for, confirmed by a majority; none when this node does not lead.
    pub(super) async fn led_index(&self) -> Option<u64> {
        let (index, applied) = self.core.get_read_log_id().await.ok()?;
        let index = index.max(applied)?.index;
        let term = self.core.metrics().borrow().current_term;
        let before = self.resumed.filter(|resumed| resumed.term == term);
        Some(before.map_or(index, |resumed| index.max(resumed.last)))
    }
}

pub(super) fn resumed(log: &Log, node: NodeId) -> Option<Resumed> {
    let vote: types::Vote = serde_json::from_slice(&log.vote()?).ok()?;
    let own = vote.committed && vote.leader_id.node_id == node.0;
    own.then_some(Resumed { term: vote.leader_id.term, last: log.last()?.index })
}
