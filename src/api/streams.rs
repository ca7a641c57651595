//! Streams.

use axum::extract::State;
use axum::http::HeaderMap;
use weir_model::api::{Kick, Kicked, Mutation, StreamExplanation};
use weir_model::{ActorId, ActorKind, ApiError, ChannelName, ErrorCode, StreamInfo};
use weir_people::Action;

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::explain::explain as sentences;
use super::extract::{Json, Path, Query};
use super::live::told;
use crate::actors::clock;
use crate::actors::reach::Gathered;

/// Every stream, by channel name.
#[utoipa::path(
    get, path = "/v1/streams", tag = "stream",
    responses(
        (status = 200, body = Vec<StreamInfo>),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    asker: Asker,
) -> (HeaderMap, axum::Json<Vec<StreamInfo>>) {
    let mut gathered = ctx.live.streams().await;
    gathered.found.retain(|stream| asker.sees(Action::StreamRead, &stream.channel));
    told(gathered)
}

/// A channel's stream.
#[utoipa::path(
    get, path = "/v1/streams/{channel}", tag = "stream",
    params(("channel" = String, Path)),
    responses(
        (status = 200, body = StreamInfo),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    Path(channel): Path<ChannelName>,
) -> Result<(HeaderMap, axum::Json<StreamInfo>), Refusal> {
    ctx.store.channel(&channel)?;
    Ok(told(ctx.live.stream(&channel).await))
}

/// A channel's stream in plain sentences, and on which node it is and why.
#[utoipa::path(
    get, path = "/v1/streams/{channel}/explain", tag = "stream",
    params(("channel" = String, Path)),
    responses(
        (status = 200, body = StreamExplanation),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn explain(
    State(ctx): State<Context>,
    Path(channel): Path<ChannelName>,
) -> Result<axum::Json<StreamExplanation>, Refusal> {
    ctx.store.channel(&channel)?;
    let stream = ctx.live.stream(&channel).await.found;
    let sentences = sentences(&stream, clock::now());
    let actor = ActorId::new(ActorKind::Stream, (&channel).into());
    // Without it the rest is still worth reading.
    let placement = ctx.cluster.explain_actor(&actor).await.ok();
    Ok(axum::Json(StreamExplanation { stream, sentences, placement }))
}

/// Drops a stream's publisher. Its encoder may come back; revoke its key to keep it out.
#[utoipa::path(
    post, path = "/v1/streams/{channel}/kick", tag = "stream",
    params(("channel" = String, Path), Mutation),
    request_body = Kick,
    responses(
        (status = 200, body = Kicked),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn kick(
    State(ctx): State<Context>,
    asker: Asker,
    Path(channel): Path<ChannelName>,
    Query(query): Query<Mutation>,
    Json(body): Json<Kick>,
) -> Result<axum::Json<Kicked>, Refusal> {
    ctx.store.channel(&channel)?;
    let reason = reason(body.reason.or(query.reason))?;
    let Gathered { found: dropped, silent } = if query.dry_run {
        let Gathered { found, silent } = ctx.live.stream(&channel).await;
        Gathered { found: found.publisher.is_some(), silent }
    } else {
        ctx.live.kick_stream(&channel, &reason).await
    };
    if !dropped {
        let message = match silent.as_slice() {
            [] => format!("nothing publishes into channel {channel}"),
            names => {
                let names = names.join(", ");
                format!(
                    "no node that answered has a publisher of channel {channel}; silent: {names}"
                )
            }
        };
        return Err(Refusal::new(ErrorCode::Conflict, message)
            .hint("`weir stream list` shows what is live"));
    }
    let answer = Kicked { kicked: channel.to_string(), reason: reason.clone(), silent };
    if !query.dry_run {
        let text = format!("the publisher of channel {channel} was kicked");
        Change::of(&channel, "stream.kicked", text, reason).emit(&ctx, &asker);
    }
    Ok(axum::Json(answer))
}
