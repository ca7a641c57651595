//! Viewings.

use axum::extract::State;
use axum::http::HeaderMap;
use weir_model::api::{Kick, Kicked, Mutation, ViewingQuery};
use weir_model::{ApiError, ErrorCode, Viewing, ViewingId};
use weir_people::{Action, Target};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use super::live::told;

/// Viewings of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

/// Viewings of one answer at most: about 2 MB of JSON.
const LIMIT_MAX: usize = 10_000;

/// Viewings, oldest first.
#[utoipa::path(
    get, path = "/v1/viewings", tag = "viewing",
    params(ViewingQuery),
    responses(
        (status = 200, body = Vec<Viewing>),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<ViewingQuery>,
) -> Result<(HeaderMap, axum::Json<Vec<Viewing>>), Refusal> {
    if let Some(channel) = &query.channel {
        ctx.store.channel(channel)?;
    }
    let limit = query.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    if asker.principal.can(Action::ViewingRead, &Target::Any).is_ok() {
        return Ok(told(ctx.live.viewings(query.channel.as_ref(), limit).await));
    }
    // What one may not see must not count.
    let mut all = ctx.live.viewings(query.channel.as_ref(), LIMIT_MAX).await;
    all.found.retain(|viewing| asker.sees(Action::ViewingRead, &viewing.channel));
    all.found.truncate(limit);
    Ok(told(all))
}

/// Ends a viewing: every further request of its player is refused.
#[utoipa::path(
    post, path = "/v1/viewings/{id}/kick", tag = "viewing",
    params(("id" = String, Path), Mutation),
    request_body = Kick,
    responses(
        (status = 200, body = Kicked),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn kick(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<ViewingId>,
    Query(query): Query<Mutation>,
    Json(body): Json<Kick>,
) -> Result<axum::Json<Kicked>, Refusal> {
    let reason = reason(body.reason.or(query.reason))?;
    let gone = || {
        Refusal::new(ErrorCode::NotFound, format!("viewing {id} does not exist"))
            .hint("`weir viewing list` shows the viewings there are")
    };
    let channel = ctx.live.watches(id).ok_or_else(gone)?;
    asker.check_channel(Action::ViewingKick, &channel)?;
    let mut silent = Vec::new();
    if !query.dry_run {
        let kicked = ctx.live.kick_viewing(id).await;
        if !kicked.found {
            return Err(gone());
        }
        silent = kicked.silent;
        let text = format!("a viewer of channel {channel} was kicked");
        Change::of(&channel, "viewing.kicked", text, reason.clone())
            .field("viewing", id)
            .emit(&ctx, &asker);
    }
    Ok(axum::Json(Kicked { kicked: id.to_string(), reason, silent }))
}
