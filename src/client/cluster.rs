//! One method per route of the cluster. A node is named by its id or by its name.

use std::fmt::Write;

use weir_model::ActorId;
use weir_model::api::{ActorQuery, Mutation};
use weir_model::cluster::{
    CheckReport, ClusterNode, ClusterStatus, Invite, InviteInfo, InvitedNode, LeaseInfo, LinkInfo,
    MoveActor, MovePlan, NodeChange, NodeChanged, NodeDetail, PlacementInfo, PlannedMove,
    ReplicaInfo,
};

use crate::Client;
use crate::routes::Answer;

/// Every method fails with the node's refusal or with what went wrong on the way.
#[allow(clippy::missing_errors_doc)]
impl Client {
    /// `GET /v1/cluster`.
    pub async fn cluster(&self) -> Answer<ClusterStatus> {
        self.read("/v1/cluster").await
    }

    /// `GET /v1/cluster/check`.
    pub async fn check_cluster(&self) -> Answer<CheckReport> {
        self.read("/v1/cluster/check").await
    }

    /// `POST /v1/cluster/rebalance`.
    pub async fn rebalance(&self, how: &Mutation) -> Answer<MovePlan> {
        self.post("/v1/cluster/rebalance", &(), how).await
    }

    /// `GET /v1/nodes`.
    pub async fn nodes(&self) -> Answer<Vec<ClusterNode>> {
        self.read("/v1/nodes").await
    }

    /// `GET /v1/nodes/{id}`.
    pub async fn node(&self, node: &str) -> Answer<NodeDetail> {
        self.read(&format!("/v1/nodes/{}", segment(node))).await
    }

    /// `POST /v1/nodes/{id}/cordon` and its like.
    pub async fn change_node(
        &self,
        node: &str,
        change: NodeChange,
        how: &Mutation,
    ) -> Answer<NodeChanged> {
        let path = format!("/v1/nodes/{}/{}", segment(node), change.as_str());
        self.post(&path, &(), how).await
    }

    /// `GET /v1/nodes/invites`.
    pub async fn invites(&self) -> Answer<Vec<InviteInfo>> {
        self.read("/v1/nodes/invites").await
    }

    /// `POST /v1/nodes/invites`.
    pub async fn invite(&self, body: &Invite, how: &Mutation) -> Answer<InvitedNode> {
        self.post("/v1/nodes/invites", body, how).await
    }

    /// `DELETE /v1/nodes/invites/{id}`.
    pub async fn revoke_invite(&self, id: &str, how: &Mutation) -> Answer<InviteInfo> {
        self.delete(&format!("/v1/nodes/invites/{}", segment(id)), how).await
    }

    /// `GET /v1/links`.
    pub async fn links(&self) -> Answer<Vec<LinkInfo>> {
        self.read("/v1/links").await
    }

    /// `GET /v1/replicas`.
    pub async fn replicas(&self) -> Answer<Vec<ReplicaInfo>> {
        self.read("/v1/replicas").await
    }

    /// `GET /v1/actors`.
    pub async fn actors(&self, query: &ActorQuery) -> Answer<Vec<LeaseInfo>> {
        self.query("/v1/actors", query).await
    }

    /// `POST /v1/actors/{kind}/{key}/move`.
    pub async fn move_actor(
        &self,
        actor: &ActorId,
        body: &MoveActor,
        how: &Mutation,
    ) -> Answer<PlannedMove> {
        self.post(&format!("{}/move", path(actor)), body, how).await
    }

    /// `GET /v1/actors/{kind}/{key}/explain`.
    pub async fn explain_actor(&self, actor: &ActorId) -> Answer<PlacementInfo> {
        self.read(&format!("{}/explain", path(actor))).await
    }
}

fn path(actor: &ActorId) -> String {
    format!("/v1/actors/{}/{}", actor.kind, segment(actor.key.as_str()))
}

/// One segment of a path, whatever the text (RFC 3986 section 2.3).
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_segment() {
        assert_eq!(segment("edge-1.x_~"), "edge-1.x_~");
        assert_eq!(segment("a/b?c#d%é"), "a%2Fb%3Fc%23d%25%C3%A9");
        assert_eq!(path(&"transcoder/demo/v1".parse().unwrap()), "/v1/actors/transcoder/demo%2Fv1");
    }
}
