//! Accounts. Passwords come in and never go out; hashes never leave the store.

use axum::extract::State;
use axum::http::StatusCode;
use weir_model::api::Mutation;
use weir_model::api::people::{AccountQuery, CreateAccount, SetPassword, SetRoles};
use weir_model::{Account, AccountName, AccountRole, ApiError, ErrorCode};
use weir_people::{Action, Target};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use crate::actors::clock;

/// Accounts of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

/// Accounts of one answer at most: about 2 MB of JSON.
const LIMIT_MAX: usize = 10_000;

/// Accounts by name, a page of them.
#[utoipa::path(
    get, path = "/v1/accounts", tag = "account",
    params(AccountQuery),
    responses((status = 200, body = Vec<Account>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    Query(query): Query<AccountQuery>,
) -> axum::Json<Vec<Account>> {
    let limit = query.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    axum::Json(ctx.store.accounts(query.after.as_ref(), limit))
}

/// An account.
#[utoipa::path(
    get, path = "/v1/accounts/{id}", tag = "account",
    params(("id" = String, Path, description = "its id or its name")),
    responses((status = 200, body = Account), (status = "default", body = ApiError)),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    Path(id): Path<String>,
) -> Result<axum::Json<Account>, Refusal> {
    Ok(axum::Json(ctx.store.account(&id)?))
}

/// Makes an account.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "account",
    params(Mutation),
    request_body = CreateAccount,
    responses(
        (status = 201, body = Account),
        (status = 200, body = Account, description = "dry run"),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn create(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<CreateAccount>,
) -> Result<(StatusCode, axum::Json<Account>), Refusal> {
    let reason = reason(query.reason)?;
    let name: AccountName =
        body.name.parse().map_err(|error| Refusal::new(ErrorCode::Invalid, format!("{error}")))?;
    let roles = body.roles.unwrap_or_else(|| vec![AccountRole::Viewer]).into_iter().collect();
    let password = match &body.password {
        Some(password) => Some(ctx.people.hash(&name, password).await?),
        None => None,
    };
    let store = ctx.store_for(query.dry_run);
    let made = store.create_account(name, roles, password, clock::now()).await?;
    if query.dry_run {
        return Ok((StatusCode::OK, axum::Json(made)));
    }
    let text = format!("account {} was created", made.name);
    changed("account.created", text, reason, &made).field("roles", made.roles).emit(&ctx, &asker);
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Gives an account these roles and no others. Its tokens stay and can what the roles can.
#[utoipa::path(
    put, path = "/v1/accounts/{id}/roles", tag = "account",
    params(("id" = String, Path, description = "its id or its name"), Mutation),
    request_body = SetRoles,
    responses((status = 200, body = Account), (status = "default", body = ApiError)),
)]
pub(super) async fn set_roles(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<Mutation>,
    Json(body): Json<SetRoles>,
) -> Result<axum::Json<Account>, Refusal> {
    let (reason, before) = (reason(query.reason)?, ctx.store.account(&id)?);
    let roles = body.roles.into_iter().collect();
    let after = ctx.store_for(query.dry_run).set_roles(before.id, roles).await?;
    if !query.dry_run && before.roles != after.roles {
        let text = format!("account {} has the roles {}", after.name, shown(&after));
        changed("account.roles_changed", text, reason, &after)
            .field("roles", after.roles)
            .field("before", before.roles)
            .emit(&ctx, &asker);
    }
    Ok(axum::Json(after))
}

/// Sets an account's password. Every token of it ends.
#[utoipa::path(
    put, path = "/v1/accounts/{id}/password", tag = "account",
    params(("id" = String, Path, description = "its id or its name"), Mutation),
    request_body = SetPassword,
    responses((status = 200, body = Account), (status = "default", body = ApiError)),
)]
pub(super) async fn set_password(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<Mutation>,
    Json(body): Json<SetPassword>,
) -> Result<axum::Json<Account>, Refusal> {
    let (reason, before) = (reason(query.reason)?, ctx.store.account(&id)?);
    let hash = ctx.people.hash(&before.name, &body.password).await?;
    let after = ctx.store_for(query.dry_run).set_password(before.id, hash).await?;
    if !query.dry_run {
        let text = format!("account {} has a new password; its tokens ended", after.name);
        changed("account.password_changed", text, reason, &after).emit(&ctx, &asker);
    }
    Ok(axum::Json(after))
}

/// Lets an account do nothing any more. Every token of it ends.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/disable", tag = "account",
    params(("id" = String, Path, description = "its id or its name"), Mutation),
    responses((status = 200, body = Account), (status = "default", body = ApiError)),
)]
pub(super) async fn disable(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<Account>, Refusal> {
    let (reason, before) = (reason(query.reason)?, ctx.store.account(&id)?);
    let after = ctx.store_for(query.dry_run).disable_account(before.id, clock::now()).await?;
    if !query.dry_run && before.disabled_at.is_none() {
        let text = format!("account {} was disabled", after.name);
        changed("account.disabled", text, reason, &after).emit(&ctx, &asker);
    }
    Ok(axum::Json(after))
}

/// Lets a disabled account sign in again.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/enable", tag = "account",
    params(("id" = String, Path, description = "its id or its name"), Mutation),
    responses((status = 200, body = Account), (status = "default", body = ApiError)),
)]
pub(super) async fn enable(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<Account>, Refusal> {
    let (reason, before) = (reason(query.reason)?, ctx.store.account(&id)?);
    let after = ctx.store_for(query.dry_run).enable_account(before.id).await?;
    if !query.dry_run && before.disabled_at.is_some() {
        let text = format!("account {} was enabled", after.name);
        changed("account.enabled", text, reason, &after).emit(&ctx, &asker);
    }
    Ok(axum::Json(after))
}

/// Ends every token of an account, those of programs too.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/log-out", tag = "account",
    params(("id" = String, Path, description = "its id or its name"), Mutation),
    responses((status = 200, body = Account), (status = "default", body = ApiError)),
)]
pub(super) async fn log_out(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<String>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<Account>, Refusal> {
    let reason = reason(query.reason)?;
    let account = own_or_any(&ctx, &asker, Action::AccountLogOut, Some(&id))?;
    let after = ctx.store_for(query.dry_run).log_out(account.id).await?;
    if !query.dry_run {
        let text = format!("account {} was logged out everywhere", after.name);
        changed("account.logged_out", text, reason, &after).emit(&ctx, &asker);
    }
    Ok(axum::Json(after))
}

/// The account that is meant, one's own when none is named; refused when `action` may not be done to it. Whoever may
/// ask about his own only is not told which others there are.
pub(super) fn own_or_any(
    ctx: &Context,
    asker: &Asker,
    action: Action,
    named: Option<&str>,
) -> Result<Account, Refusal> {
    let own = &asker.me.account;
    let found = match named {
        None => Ok(own.clone()),
        Some(named) => ctx.store.account(named),
    };
    let target = found.as_ref().map_or(Target::Any, |account| Target::Account(account.id));
    asker.principal.can(action, &target)?;
    Ok(found?)
}

fn changed<'a>(kind: &'a str, text: String, reason: String, account: &Account) -> Change<'a> {
    Change::of_cluster(kind, text, reason).field("account", account.id).field("name", &account.name)
}

fn shown(account: &Account) -> String {
    if account.roles.is_empty() { "(none)".into() } else { account.roles.to_string() }
}
