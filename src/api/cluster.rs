//! What the API asks of the cluster. A trait, so that the API is tested without one and a lone node answers too.

use weir_model::cluster::{
    ClusterNode, ClusterStatus, Invite, InviteInfo, InvitedNode, LeaseInfo, LinkInfo, MovePlan,
    NodeChange, NodeChanged, PlacementInfo, PlannedMove, ReplicaInfo,
};
use weir_model::{ActorId, ApiError, NodeId};

use super::live::Reply;

/// An answer that takes a while and may be a refusal.
pub type Answer<'a, T> = Reply<'a, Result<T, ApiError>>;

/// The cluster, as this node knows it. Names are resolved before: everything here is asked by id.
///
/// Changes go through the log, wherever its leader is; with `dry_run` they are only tried, by the same rules.
/// The API tells of each change in an event; what happens because of it is for the implementor to tell.
pub trait Cluster: Send + Sync + 'static {
    /// Everything on one page: members, agreement, findings.
    fn status(&self) -> Answer<'_, ClusterStatus>;

    /// All members, by name.
    fn nodes(&self) -> Answer<'_, Vec<ClusterNode>>;

    /// This node's links.
    fn links(&self) -> Answer<'_, Vec<LinkInfo>>;

    /// Who owns what, by actor.
    fn leases(&self) -> Answer<'_, Vec<LeaseInfo>>;

    /// Copies of streams' windows, by channel.
    fn replicas(&self) -> Answer<'_, Vec<ReplicaInfo>>;

    /// Changes a node.
    fn change_node(
        &self,
        node: NodeId,
        change: NodeChange,
        dry_run: bool,
    ) -> Answer<'_, NodeChanged>;

    /// Invitations, newest first, without their secrets.
    fn invites(&self) -> Answer<'_, Vec<InviteInfo>>;

    /// Makes an invitation; the answer to a dry run has no token.
    fn invite(&self, wish: Invite, dry_run: bool) -> Answer<'_, InvitedNode>;

    /// Takes an invitation back.
    fn revoke_invite<'a>(&'a self, id: &'a str, dry_run: bool) -> Answer<'a, InviteInfo>;

    /// Moves an actor, to the best place when `to` is none.
    fn move_actor<'a>(
        &'a self,
        actor: &'a ActorId,
        to: Option<NodeId>,
        dry_run: bool,
    ) -> Answer<'a, PlannedMove>;

    /// Why an actor is where it is, or where it would be.
    fn explain_actor<'a>(&'a self, actor: &'a ActorId) -> Answer<'a, PlacementInfo>;

    /// Moves what is better placed elsewhere; a dry run only plans.
    fn rebalance(&self, dry_run: bool) -> Answer<'_, MovePlan>;
}
