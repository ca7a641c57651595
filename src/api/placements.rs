//! The cluster as a whole: its condition, its links and copies, and where its actors are.

use axum::extract::State;
use weir_model::api::{ActorQuery, Mutation};
use weir_model::cluster::{
    CheckReport, ClusterFinding, ClusterStatus, LeaseInfo, LinkInfo, MoveActor, MovePlan,
    PlacementInfo, PlannedMove, ReplicaInfo,
};
use weir_model::money::{LedgerInfo, Verification};
use weir_model::stream::HealthLevel;
use weir_model::{ActorId, ActorKey, ActorKind, ApiError, ChannelName, ErrorCode};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use super::money::told;
use super::nodes::resolve;
use crate::actors::books::Question;

/// A leader founds it by itself.
const UNFOUNDED: &str = "wait for a leader; when there is one, its log says why";

/// The cluster as this node sees it.
#[utoipa::path(
    get, path = "/v1/cluster", tag = "cluster",
    responses((status = 200, body = ClusterStatus), (status = "default", body = ApiError)),
)]
pub(super) async fn status(
    State(ctx): State<Context>,
) -> Result<axum::Json<ClusterStatus>, Refusal> {
    Ok(axum::Json(ctx.cluster.status().await?))
}

/// What is wrong with the cluster, the worst first, and how bad that is.
#[utoipa::path(
    get, path = "/v1/cluster/check", tag = "cluster",
    responses((status = 200, body = CheckReport), (status = "default", body = ApiError)),
)]
pub(super) async fn check(State(ctx): State<Context>) -> Result<axum::Json<CheckReport>, Refusal> {
    let mut findings = ctx.cluster.status().await?.warnings;
    findings.extend(books(&ctx).await);
    Ok(axum::Json(CheckReport::of(findings)))
}

/// What is wrong with the ledger. Whether somebody can be asked about it at all, the cluster's own findings say.
async fn books(ctx: &Context) -> Vec<ClusterFinding> {
    let stand: Result<LedgerInfo, _> = told(ctx, Question::Stand).await;
    let verified: Result<Option<Verification>, _> = told(ctx, Question::Verified).await;
    let (stand, fault) = (stand.ok(), verified.ok().flatten().and_then(|known| known.fault));
    let uneven = stand.as_ref().filter(|stand| !stand.is_even).map(|_| {
        let text = "debits are not credits: the ledger is damaged".to_owned();
        bad("ledger_uneven", text, "stop money, and look with `weir ledger verify`")
    });
    let fault = fault.map(|fault| {
        let text =
            format!("record {} of the ledger is not as it was made: {}", fault.seq, fault.what);
        bad("ledger_fault", text, "compare the ledger's folder with that of another voter")
    });
    let unfounded = stand.filter(|stand| stand.currency.is_none()).map(|_| ClusterFinding {
        level: HealthLevel::Warning,
        ..bad("ledger_unfounded", "the ledger is not founded: no money moves".into(), UNFOUNDED)
    });
    [uneven, fault, unfounded].into_iter().flatten().collect()
}

fn bad(code: &str, text: String, advice: &str) -> ClusterFinding {
    let (code, advice) = (code.into(), advice.into());
    ClusterFinding { code, level: HealthLevel::Bad, node: None, text, advice }
}

/// Moves what is better placed elsewhere; a dry run answers with the plan.
#[utoipa::path(
    post, path = "/v1/cluster/rebalance", tag = "cluster",
    params(Mutation),
    responses((status = 200, body = MovePlan), (status = "default", body = ApiError)),
)]
pub(super) async fn rebalance(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<MovePlan>, Refusal> {
    let reason = reason(query.reason)?;
    let plan = ctx.cluster.rebalance(query.dry_run).await?;
    let (moves, refused) = (plan.moves.len(), plan.refused.len());
    if !query.dry_run && moves + refused > 0 {
        let text = match refused {
            0 => format!("a rebalance of {moves} actors began"),
            _ => format!("a rebalance of {moves} actors began, {refused} more were refused"),
        };
        Change::of_cluster("cluster.rebalanced", text, reason)
            .field("moves", moves)
            .field("refused", refused)
            .emit(&ctx, &asker);
    }
    Ok(axum::Json(plan))
}

/// Links of this node.
#[utoipa::path(
    get, path = "/v1/links", tag = "cluster",
    responses((status = 200, body = Vec<LinkInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn links(
    State(ctx): State<Context>,
) -> Result<axum::Json<Vec<LinkInfo>>, Refusal> {
    Ok(axum::Json(ctx.cluster.links().await?))
}

/// Copies of streams' windows, by channel.
#[utoipa::path(
    get, path = "/v1/replicas", tag = "cluster",
    responses((status = 200, body = Vec<ReplicaInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn replicas(
    State(ctx): State<Context>,
) -> Result<axum::Json<Vec<ReplicaInfo>>, Refusal> {
    Ok(axum::Json(ctx.cluster.replicas().await?))
}

/// Who owns what, by actor.
#[utoipa::path(
    get, path = "/v1/actors", tag = "cluster",
    params(ActorQuery),
    responses((status = 200, body = Vec<LeaseInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn actors(
    State(ctx): State<Context>,
    Query(query): Query<ActorQuery>,
) -> Result<axum::Json<Vec<LeaseInfo>>, Refusal> {
    let node = match &query.node {
        Some(node) => Some(resolve(&ctx, node).await?.id),
        None => None,
    };
    let mut leases = ctx.cluster.leases().await?;
    leases.retain(|lease| {
        query.kind.is_none_or(|kind| lease.actor.kind == kind)
            && (node.is_none() || lease.node == node)
    });
    Ok(axum::Json(leases))
}

/// Moves an actor.
#[utoipa::path(
    post, path = "/v1/actors/{kind}/{key}/move", tag = "cluster",
    params(("kind" = ActorKind, Path), ("key" = String, Path), Mutation),
    request_body = MoveActor,
    responses((status = 200, body = PlannedMove), (status = "default", body = ApiError)),
)]
pub(super) async fn move_actor(
    State(ctx): State<Context>,
    asker: Asker,
    Path((kind, key)): Path<(ActorKind, String)>,
    Query(query): Query<Mutation>,
    Json(body): Json<MoveActor>,
) -> Result<axum::Json<PlannedMove>, Refusal> {
    let (actor, reason) = (named(kind, &key)?, reason(query.reason)?);
    let to = match &body.to {
        Some(node) => Some(resolve(&ctx, node).await?.id),
        None => None,
    };
    let step = ctx.cluster.move_actor(&actor, to, query.dry_run).await?;
    if let (false, Some(to)) = (query.dry_run, step.to) {
        let text = format!("the move of {actor} began");
        let channel: Option<ChannelName> = actor.key.channel().parse().ok();
        Change::of_cluster("actor.moved", text, reason)
            .about(channel.as_ref())
            .field("actor", &actor)
            .field("from", step.from)
            .field("to", to)
            .emit(&ctx, &asker);
    }
    Ok(axum::Json(step))
}

/// Why an actor is where it is, or where it would be.
#[utoipa::path(
    get, path = "/v1/actors/{kind}/{key}/explain", tag = "cluster",
    params(("kind" = ActorKind, Path), ("key" = String, Path)),
    responses((status = 200, body = PlacementInfo), (status = "default", body = ApiError)),
)]
pub(super) async fn explain_actor(
    State(ctx): State<Context>,
    Path((kind, key)): Path<(ActorKind, String)>,
) -> Result<axum::Json<PlacementInfo>, Refusal> {
    Ok(axum::Json(ctx.cluster.explain_actor(&named(kind, &key)?).await?))
}

fn named(kind: ActorKind, key: &str) -> Result<ActorId, Refusal> {
    let key: ActorKey = key
        .parse()
        .map_err(|error| Refusal::new(ErrorCode::Invalid, format!("`{kind}/{key}`: {error}")))?;
    Ok(ActorId::new(kind, key))
}
