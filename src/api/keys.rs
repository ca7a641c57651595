//! Stream keys. A secret leaves in the answer that made it and nowhere else.

use axum::extract::State;
use axum::http::StatusCode;
use weir_model::api::{CreateKey, CreatedKey, Mutation};
use weir_model::{ApiError, ChannelName, KeyId, StreamKey};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use crate::actors::clock;

/// Keys of a channel, oldest first, revoked ones included.
#[utoipa::path(
    get, path = "/v1/channels/{name}/keys", tag = "key",
    params(("name" = String, Path)),
    responses(
        (status = 200, body = Vec<StreamKey>),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    Path(name): Path<ChannelName>,
) -> Result<axum::Json<Vec<StreamKey>>, Refusal> {
    Ok(axum::Json(ctx.store.keys(&name)?))
}

/// Makes a key. The secret is shown this once; a dry run answers with an empty one.
#[utoipa::path(
    post, path = "/v1/channels/{name}/keys", tag = "key",
    params(("name" = String, Path), Mutation),
    request_body = CreateKey,
    responses(
        (status = 201, body = CreatedKey),
        (status = 200, body = CreatedKey, description = "dry run"),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn create(
    State(ctx): State<Context>,
    asker: Asker,
    Path(name): Path<ChannelName>,
    Query(query): Query<Mutation>,
    Json(body): Json<CreateKey>,
) -> Result<(StatusCode, axum::Json<CreatedKey>), Refusal> {
    let reason = reason(query.reason)?;
    let store = ctx.store_for(query.dry_run);
    let label = body.label.unwrap_or_default();
    let (info, secret) = store.create_key(&name, label, body.expires_at, clock::now()).await?;
    if !query.dry_run {
        let text = format!("key {} of channel {name} was created", info.id);
        Change::of(&name, "key.created", text, reason)
            .field("key", info.id)
            .field("label", &info.label)
            .emit(&ctx, &asker);
    }
    Ok(answer(&ctx, query.dry_run, info, secret))
}

/// Revokes a key and makes one in its place; drops the publisher that came with the old one.
#[utoipa::path(
    post, path = "/v1/channels/{name}/keys/{id}/rotate", tag = "key",
    params(("name" = String, Path), ("id" = String, Path), Mutation),
    request_body = CreateKey,
    responses(
        (status = 201, body = CreatedKey),
        (status = 200, body = CreatedKey, description = "dry run"),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn rotate(
    State(ctx): State<Context>,
    asker: Asker,
    Path((name, id)): Path<(ChannelName, KeyId)>,
    Query(query): Query<Mutation>,
    Json(body): Json<CreateKey>,
) -> Result<(StatusCode, axum::Json<CreatedKey>), Refusal> {
    let reason = reason(query.reason)?;
    let store = ctx.store_for(query.dry_run);
    let (info, secret) =
        store.rotate_key(&name, id, body.label, body.expires_at, clock::now()).await?;
    if !query.dry_run {
        let dropped = ctx.live.withdraw_key(&name, id).await.found;
        let text = format!("key {id} of channel {name} was replaced by {}", info.id);
        Change::of(&name, "key.rotated", text, reason)
            .field("key", info.id)
            .field("old_key", id)
            .field("publisher_dropped", dropped)
            .emit(&ctx, &asker);
    }
    Ok(answer(&ctx, query.dry_run, info, secret))
}

/// Revokes a key; drops the publisher that came with it.
#[utoipa::path(
    delete, path = "/v1/channels/{name}/keys/{id}", tag = "key",
    params(("name" = String, Path), ("id" = String, Path), Mutation),
    responses(
        (status = 200, body = StreamKey),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn revoke(
    State(ctx): State<Context>,
    asker: Asker,
    Path((name, id)): Path<(ChannelName, KeyId)>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<StreamKey>, Refusal> {
    let reason = reason(query.reason)?;
    let key = ctx.store_for(query.dry_run).revoke_key(&name, id, clock::now()).await?;
    if !query.dry_run {
        let dropped = ctx.live.withdraw_key(&name, id).await.found;
        let text = format!("key {id} of channel {name} was revoked");
        Change::of(&name, "key.revoked", text, reason)
            .field("key", id)
            .field("label", &key.label)
            .field("publisher_dropped", dropped)
            .emit(&ctx, &asker);
    }
    Ok(axum::Json(key))
}

fn answer(
    ctx: &Context,
    dry_run: bool,
    info: StreamKey,
    secret: String,
) -> (StatusCode, axum::Json<CreatedKey>) {
    let server = ctx.addresses.publish.clone();
    // The secret of a dry run opens nothing; nobody should paste it into an encoder.
    let (status, key) =
        if dry_run { (StatusCode::OK, String::new()) } else { (StatusCode::CREATED, secret) };
    (status, axum::Json(CreatedKey { key, server, info }))
}
