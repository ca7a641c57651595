//! Channels.

use axum::extract::State;
use axum::http::StatusCode;
use weir_model::api::{ChannelDetail, CreateChannel, Mutation};
use weir_model::{ApiError, Channel, ChannelName, ErrorCode};
use weir_people::Action;

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use crate::actors::clock;

/// All channels by name.
#[utoipa::path(
    get, path = "/v1/channels", tag = "channel",
    responses(
        (status = 200, body = Vec<Channel>),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    asker: Asker,
) -> Result<axum::Json<Vec<Channel>>, Refusal> {
    let mut channels = ctx.store.channels()?;
    channels.retain(|channel| asker.sees(Action::ChannelRead, &channel.name));
    Ok(axum::Json(channels))
}

/// Makes a channel.
#[utoipa::path(
    post, path = "/v1/channels", tag = "channel",
    params(Mutation),
    request_body = CreateChannel,
    responses(
        (status = 201, body = Channel),
        (status = 200, body = Channel, description = "dry run"),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn create(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<CreateChannel>,
) -> Result<(StatusCode, axum::Json<Channel>), Refusal> {
    let name: ChannelName = body
        .name
        .parse()
        .map_err(|error| Refusal::new(ErrorCode::Invalid, format!("`{}`: {error}", body.name)))?;
    let reason = reason(query.reason)?;
    let title = body.title.unwrap_or_else(|| name.to_string());
    let owner = match &body.owner {
        Some(owner) => ctx.store.account(owner)?.id,
        None => asker.principal.account,
    };
    let store = ctx.store_for(query.dry_run);
    let channel = store.create_channel_of(owner, name, title, clock::now()).await?;
    if query.dry_run {
        return Ok((StatusCode::OK, axum::Json(channel)));
    }
    let text = format!("channel {} was created", channel.name);
    Change::of(&channel.name, "channel.created", text, reason)
        .field("title", &channel.title)
        .field("owner", channel.owner)
        .emit(&ctx, &asker);
    Ok((StatusCode::CREATED, axum::Json(channel)))
}

/// A channel with its keys and its stream.
#[utoipa::path(
    get, path = "/v1/channels/{name}", tag = "channel",
    params(("name" = String, Path)),
    responses(
        (status = 200, body = ChannelDetail),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    asker: Asker,
    Path(name): Path<ChannelName>,
) -> Result<axum::Json<ChannelDetail>, Refusal> {
    let channel = ctx.store.channel(&name)?;
    let may_see_keys = asker.sees(Action::KeyRead, &name);
    let keys = if may_see_keys { ctx.store.keys(&name)? } else { Vec::new() };
    let stream = ctx.live.stream(&name).await.found;
    let (watch_url, playlist_url) =
        (ctx.addresses.watch_page(&name), ctx.addresses.playlist(&name));
    Ok(axum::Json(ChannelDetail { channel, keys, stream, watch_url, playlist_url }))
}

/// Deletes a channel with its keys; drops its publisher.
#[utoipa::path(
    delete, path = "/v1/channels/{name}", tag = "channel",
    params(("name" = String, Path), Mutation),
    responses(
        (status = 200, body = Channel),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn delete(
    State(ctx): State<Context>,
    asker: Asker,
    Path(name): Path<ChannelName>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<Channel>, Refusal> {
    let reason = reason(query.reason)?;
    let channel = ctx.store_for(query.dry_run).delete_channel(&name).await?;
    if !query.dry_run {
        let dropped = ctx.live.remove_stream(&name).await.found;
        Change::of(&name, "channel.deleted", format!("channel {name} was deleted"), reason)
            .field("publisher_dropped", dropped)
            .emit(&ctx, &asker);
    }
    Ok(axum::Json(channel))
}
