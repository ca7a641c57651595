//! The cluster as its operators ask for it: [`api::Cluster`](Cluster) over the directory's copy, the link, the log and
//! the heartbeats of this node.
//!
//! What is shown is made by [`weir_cluster::views`] from one look at all of them ([`facts`]). A change is tried on
//! the copy first, by the same rules as a dry run, and then made through the log, wherever its leader is.

mod change;
mod facts;
mod invites;
mod mover;
mod moves;

use std::sync::Arc;
use std::time::Duration;

use weir_cluster::placement;
use weir_cluster::views;
use weir_model::cluster::{
    ClusterNode, ClusterStatus, Invite, InviteInfo, InvitedNode, LeaseInfo, LinkInfo, MovePlan,
    NodeChange, NodeChanged, PlacementInfo, PlannedMove, ReplicaInfo,
};
use weir_model::{ActorId, NodeId};

use super::mesh::Mesh;
use crate::actors::membership::Membership;
use crate::actors::placement::Placement;
use crate::api::{Answer, Cluster};
use crate::store::Store;
use facts::Look;
pub(super) use mover::{Away, Mover, SendTo};

/// A question that has to be answered from the newest state waits so long for the leader, and is then answered
/// from what is here: an election takes a tenth of it.
const NEWEST_MAX: Duration = Duration::from_secs(3);

/// See the module.
pub(super) struct Operate {
    pub(super) store: Store,
    pub(super) mesh: Mesh,
    pub(super) membership: Membership,
    /// Where this node's link is reached.
    pub(super) link: String,
    pub(super) placement: Placement,
    pub(super) mover: Arc<dyn Mover>,
}

impl Operate {
    fn look(&self) -> Look {
        Look::at(&self.store, &self.mesh, &self.membership, &self.placement.lags())
    }

    /// The same after everything that was acknowledged anywhere has come here, if the leader can be asked.
    async fn newest(&self) -> Look {
        if let Err(error) = self.mesh.consensus.read_barrier(NEWEST_MAX).await {
            tracing::debug!(%error, "an operator is answered from this node's copy");
        }
        self.look()
    }
}

impl Cluster for Operate {
    fn status(&self) -> Answer<'_, ClusterStatus> {
        Box::pin(async { Ok(views::status(&self.look().facts())) })
    }

    fn nodes(&self) -> Answer<'_, Vec<ClusterNode>> {
        Box::pin(async { Ok(views::nodes(&self.look().facts())) })
    }

    fn links(&self) -> Answer<'_, Vec<LinkInfo>> {
        Box::pin(async {
            let look = self.look();
            Ok(views::links(&look.directory.members, look.links))
        })
    }

    fn leases(&self) -> Answer<'_, Vec<LeaseInfo>> {
        Box::pin(async { Ok(views::leases(&self.store.cluster())) })
    }

    fn replicas(&self) -> Answer<'_, Vec<ReplicaInfo>> {
        Box::pin(async {
            let copies = self.placement.copies().await;
            Ok(views::replicas(&self.store.cluster().members, copies))
        })
    }

    fn change_node(
        &self,
        node: NodeId,
        change: NodeChange,
        dry_run: bool,
    ) -> Answer<'_, NodeChanged> {
        Box::pin(self.make_change(node, change, dry_run))
    }

    fn invites(&self) -> Answer<'_, Vec<InviteInfo>> {
        Box::pin(async { Ok(self.all_invites()) })
    }

    fn invite(&self, wish: Invite, dry_run: bool) -> Answer<'_, InvitedNode> {
        Box::pin(self.make_invite(wish, dry_run))
    }

    fn revoke_invite<'a>(&'a self, id: &'a str, dry_run: bool) -> Answer<'a, InviteInfo> {
        Box::pin(self.take_back(id, dry_run))
    }

    fn move_actor<'a>(
        &'a self,
        actor: &'a ActorId,
        to: Option<NodeId>,
        dry_run: bool,
    ) -> Answer<'a, PlannedMove> {
        Box::pin(self.make_move(actor, to, dry_run))
    }

    fn explain_actor<'a>(&'a self, actor: &'a ActorId) -> Answer<'a, PlacementInfo> {
        Box::pin(async move {
            let look = self.look();
            Ok(placement::explain(&look.view(), &moves::as_it_is(&look.view(), actor)))
        })
    }

    fn rebalance(&self, dry_run: bool) -> Answer<'_, MovePlan> {
        Box::pin(self.make_rebalance(dry_run))
    }
}
