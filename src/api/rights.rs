//! What one may do, asked before it is tried.

use axum::extract::State;
use weir_model::api::people::{CanI, Me, Permission};
use weir_model::{ApiError, ErrorCode};
use weir_people::{Action, Principal, Target};

use super::Context;
use super::accounts::own_or_any;
use super::auth::Asker;
use super::error::Refusal;
use super::extract::Json;

/// Who asks, and by which token.
#[utoipa::path(
    get, path = "/v1/auth/me", tag = "account",
    responses((status = 200, body = Me), (status = "default", body = ApiError)),
)]
pub(super) async fn me(asker: Asker) -> axum::Json<Me> {
    axum::Json(asker.me)
}

/// Whether somebody may do something. Changes nothing.
#[utoipa::path(
    post, path = "/v1/auth/can-i", tag = "account",
    request_body = CanI,
    responses((status = 200, body = Permission), (status = "default", body = ApiError)),
)]
pub(super) async fn can_i(
    State(ctx): State<Context>,
    asker: Asker,
    Json(body): Json<CanI>,
) -> Result<axum::Json<Permission>, Refusal> {
    let action: Action = body
        .action
        .parse()
        .map_err(|error| Refusal::new(ErrorCode::Invalid, format!("{error}")))?;
    let (principal, disabled) = match body.account.as_deref() {
        None => (asker.principal, false),
        Some(named) => {
            let account = own_or_any(&ctx, &asker, Action::AccountRead, Some(named))?;
            let (name, disabled) = (account.name, account.disabled_at.is_some());
            (Principal::whole(account.id, name, account.roles), disabled)
        }
    };
    let owner = body.channel.as_ref().map(|name| ctx.store.channel(name)).transpose()?;
    let target = match (&body.channel, owner) {
        (Some(name), Some(channel)) => Target::Channel { name, owner: Some(channel.owner) },
        _ => own_target(action, &principal),
    };
    let text = match principal.can(action, &target) {
        _ if disabled => Err(format!("account {} is disabled", principal.name)),
        Ok(()) => Ok(format!("account {} may {}", principal.name, action.about())),
        Err(denied) => Err(denied.to_string()),
    };
    Ok(axum::Json(Permission {
        allowed: text.is_ok(),
        action: action.to_string(),
        account: principal.name,
        text: text.unwrap_or_else(|no| no),
    }))
}

/// Without a channel the question is about everything; what is never done but to oneself is about oneself.
fn own_target(action: Action, principal: &Principal) -> Target<'static> {
    match action {
        Action::SelfRead
        | Action::TokenRead
        | Action::TokenRevoke
        | Action::AccountLogOut
        | Action::WalletRead
        | Action::WalletSpend
        | Action::SessionJoin
        | Action::PayoutRequest => Target::Account(principal.account),
        _ => Target::Any,
    }
}
