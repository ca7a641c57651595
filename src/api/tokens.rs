//! Tokens of accounts. A secret leaves in the answer that made it and nowhere else.

use axum::extract::State;
use axum::http::StatusCode;
use weir_model::api::Mutation;
use weir_model::api::people::{CreateToken, CreatedToken, TokenQuery};
use weir_model::{ApiError, ErrorCode, Token, TokenId, TokenKind};
use weir_people::{Action, Scopes, Target};

use super::Context;
use super::accounts::own_or_any;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use crate::actors::clock;
use crate::store::{NewToken, StoreError};

/// Tokens of an account, oldest first, without their secrets.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "token",
    params(TokenQuery),
    responses((status = 200, body = Vec<Token>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<TokenQuery>,
) -> Result<axum::Json<Vec<Token>>, Refusal> {
    let account = own_or_any(&ctx, &asker, Action::TokenRead, query.account.as_deref())?;
    Ok(axum::Json(ctx.store.tokens(account.id)))
}

/// Makes a token. The secret is shown this once; a dry run answers with an empty one.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "token",
    params(Mutation),
    request_body = CreateToken,
    responses(
        (status = 201, body = CreatedToken),
        (status = 200, body = CreatedToken, description = "dry run"),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn create(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<CreateToken>,
) -> Result<(StatusCode, axum::Json<CreatedToken>), Refusal> {
    let reason = reason(query.reason)?;
    let account = own_or_any(&ctx, &asker, Action::TokenCreate, body.account.as_deref())?;
    let scopes = Scopes::parse(&body.scopes)
        .map_err(|error| Refusal::new(ErrorCode::Invalid, error.to_string()))?;
    if let Some(channel) = &body.channel {
        ctx.store.channel(channel)?;
    }
    let new = NewToken {
        account: account.id,
        kind: TokenKind::Api,
        label: body.label.unwrap_or_default(),
        scopes,
        channel: body.channel,
        expires_at: body.expires_at,
        epoch: None,
    };
    let (info, secret) = ctx.store_for(query.dry_run).create_token(new, clock::now()).await?;
    if query.dry_run {
        // Nobody should keep a secret that opens nothing.
        return Ok((StatusCode::OK, axum::Json(CreatedToken { token: String::new(), info })));
    }
    let text = format!("token {} of account {} was created", info.id, info.account_name);
    changed("token.created", text, reason, &info)
        .field("scopes", info.scopes.join(","))
        .field("expires_at", info.expires_at)
        .emit(&ctx, &asker);
    Ok((StatusCode::CREATED, axum::Json(CreatedToken { token: secret, info })))
}

/// Revokes a token: it opens nothing any more, at no node.
#[utoipa::path(
    delete, path = "/v1/tokens/{id}", tag = "token",
    params(("id" = String, Path), Mutation),
    responses((status = 200, body = Token), (status = "default", body = ApiError)),
)]
pub(super) async fn revoke(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<TokenId>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<Token>, Refusal> {
    let reason = reason(query.reason)?;
    let found = ctx.store.token(id);
    let target = found.as_ref().map_or(Target::Any, |token| Target::Account(token.account));
    asker.principal.can(Action::TokenRevoke, &target)?;
    found.ok_or_else(|| StoreError::NotFound { what: format!("token {id}") })?;
    let token = ctx.store_for(query.dry_run).revoke_token(id).await?;
    if !query.dry_run {
        let text = format!("token {id} of account {} was revoked", token.account_name);
        changed("token.revoked", text, reason, &token).emit(&ctx, &asker);
    }
    Ok(axum::Json(token))
}

fn changed<'a>(kind: &'a str, text: String, reason: String, token: &Token) -> Change<'a> {
    Change::of_cluster(kind, text, reason)
        .field("token", token.id)
        .field("account", token.account)
        .field("name", &token.account_name)
        .field("label", &token.label)
}
