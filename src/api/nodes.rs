//! Nodes of the cluster: what they are, what is wanted of them, who may join.

use axum::extract::State;
use axum::http::StatusCode;
use weir_model::api::Mutation;
use weir_model::cluster::{
    ClusterNode, Invite, InviteInfo, InvitedNode, NodeChange, NodeChanged, NodeDetail,
};
use weir_model::{ApiError, ErrorCode, NodeId};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};

/// Invitations are good for a day at the longest: a token that lies around is a door that stands open.
const INVITE_SECS_MAX: u64 = 86_400;

/// All nodes by name.
#[utoipa::path(
    get, path = "/v1/nodes", tag = "cluster",
    responses((status = 200, body = Vec<ClusterNode>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
) -> Result<axum::Json<Vec<ClusterNode>>, Refusal> {
    Ok(axum::Json(ctx.cluster.nodes().await?))
}

/// A node with what it owns and the links to it.
#[utoipa::path(
    get, path = "/v1/nodes/{id}", tag = "cluster",
    params(("id" = String, Path, description = "its id or its name")),
    responses((status = 200, body = NodeDetail), (status = "default", body = ApiError)),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    Path(id): Path<String>,
) -> Result<axum::Json<NodeDetail>, Refusal> {
    let node = resolve(&ctx, &id).await?;
    let mut actors = ctx.cluster.leases().await?;
    actors.retain(|lease| lease.node == Some(node.id));
    let mut links = ctx.cluster.links().await?;
    links.retain(|link| link.to == node.id);
    Ok(axum::Json(NodeDetail { node, actors, links }))
}

/// Changes what is wanted of a node: `cordon`, `uncordon`, `drain`, `promote`, `demote` or `remove`.
#[utoipa::path(
    post, path = "/v1/nodes/{id}/{change}", tag = "cluster",
    params(
        ("id" = String, Path, description = "its id or its name"),
        ("change" = NodeChange, Path),
        Mutation,
    ),
    responses((status = 200, body = NodeChanged), (status = "default", body = ApiError)),
)]
pub(super) async fn change(
    State(ctx): State<Context>,
    asker: Asker,
    Path((id, change)): Path<(String, NodeChange)>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<NodeChanged>, Refusal> {
    let reason = reason(query.reason)?;
    let node = resolve(&ctx, &id).await?;
    let answer = ctx.cluster.change_node(node.id, change, query.dry_run).await?;
    if !query.dry_run && answer.changed {
        let (kind, name) = (format!("node.{}", change.done()), &answer.name);
        let text = match change {
            NodeChange::Drain => format!("the drain of node {name} began"),
            _ => format!("node {name} was {}", change.done()),
        };
        Change::of_cluster(&kind, text, reason).field("node", answer.node).emit(&ctx, &asker);
    }
    Ok(axum::Json(answer))
}

/// Invitations, newest first, without their secrets.
#[utoipa::path(
    get, path = "/v1/nodes/invites", tag = "cluster",
    responses((status = 200, body = Vec<InviteInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn invites(
    State(ctx): State<Context>,
) -> Result<axum::Json<Vec<InviteInfo>>, Refusal> {
    Ok(axum::Json(ctx.cluster.invites().await?))
}

/// Invites a machine to join. The token is shown this once; a dry run answers with an empty one.
#[utoipa::path(
    post, path = "/v1/nodes/invites", tag = "cluster",
    params(Mutation),
    request_body = Invite,
    responses(
        (status = 201, body = InvitedNode),
        (status = 200, body = InvitedNode, description = "dry run"),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn invite(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(wish): Json<Invite>,
) -> Result<(StatusCode, axum::Json<InvitedNode>), Refusal> {
    let reason = reason(query.reason)?;
    check(&wish)?;
    let mut made = ctx.cluster.invite(wish, query.dry_run).await?;
    if query.dry_run {
        // Nobody should carry a token over that opens nothing.
        made.token.clear();
        return Ok((StatusCode::OK, axum::Json(made)));
    }
    let text = format!("a node with the roles {} was invited", made.info.roles);
    Change::of_cluster("node.invited", text, reason)
        .field("invite", &made.info.id)
        .field("expires_at", made.info.expires_at)
        .emit(&ctx, &asker);
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Takes an invitation back.
#[utoipa::path(
    delete, path = "/v1/nodes/invites/{id}", tag = "cluster",
    params(("id" = String, Path), Mutation),
    responses((status = 200, body = InviteInfo), (status = "default", body = ApiError)),
)]
pub(super) async fn revoke_invite(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<InviteInfo>, Refusal> {
    let reason = reason(query.reason)?;
    let info = ctx.cluster.revoke_invite(&id, query.dry_run).await?;
    if !query.dry_run {
        let text = format!("the invitation {} was taken back", info.id);
        Change::of_cluster("node.invite_revoked", text, reason)
            .field("invite", &info.id)
            .emit(&ctx, &asker);
    }
    Ok(axum::Json(info))
}

fn check(wish: &Invite) -> Result<(), Refusal> {
    if wish.roles.is_empty() {
        let refusal = Refusal::new(ErrorCode::Invalid, "an invitation needs a role");
        return Err(refusal.hint("roles are ingest, edge, voter and transcode"));
    }
    match wish.ttl_secs {
        Some(secs) if secs == 0 || secs > INVITE_SECS_MAX => {
            let message = format!("an invitation is good for 1 to {INVITE_SECS_MAX} seconds");
            Err(Refusal::new(ErrorCode::Invalid, message))
        }
        _ => Ok(()),
    }
}

/// The node that is meant: by its id, or by a name that only one has.
pub(super) async fn resolve(ctx: &Context, text: &str) -> Result<ClusterNode, Refusal> {
    let nodes = ctx.cluster.nodes().await?;
    let id: Option<NodeId> = text.parse().ok();
    let meant = |node: &ClusterNode| id.map_or(node.name == text, |id| node.id == id);
    let mut found = nodes.into_iter().filter(meant);
    match (found.next(), found.next()) {
        (Some(node), None) => Ok(node),
        (None, _) => Err(Refusal::new(ErrorCode::NotFound, format!("there is no node {text}"))
            .hint("`weir node list` shows the nodes there are")),
        (Some(_), Some(_)) => {
            let message = format!("several nodes are called {text}");
            Err(Refusal::new(ErrorCode::Conflict, message)
                .hint("name one by its id; `weir node list -o json` shows the ids"))
        }
    }
}
