//! What people have, and what happened to it.

use axum::extract::State;
use serde_json::Value;
use weir_model::api::money::StatementQuery;
use weir_model::money::{StatementInfo, Wallet};
use weir_model::{AccountId, ApiError};
use weir_people::{Action, Target};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::extract::{Path, Query};
use crate::actors::books::{Question, RECORDS_MAX};

/// Lines of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

type Answer = Result<axum::Json<Value>, Refusal>;

/// What a person has.
#[utoipa::path(
    get, path = "/v1/wallets/{account}", tag = "wallet",
    params(("account" = String, Path, description = "its id or its name")),
    responses((status = 200, body = Wallet), (status = "default", body = ApiError)),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    asker: Asker,
    Path(account): Path<String>,
) -> Answer {
    let account = readable(&ctx, &asker, &account)?;
    Ok(axum::Json(ctx.money.ask(Question::Wallet { account }).await?))
}

/// What happened on an account of a person: the newest lines, oldest first.
#[utoipa::path(
    get, path = "/v1/wallets/{account}/statement", tag = "wallet",
    params(("account" = String, Path, description = "its id or its name"), StatementQuery),
    responses((status = 200, body = StatementInfo), (status = "default", body = ApiError)),
)]
pub(super) async fn statement(
    State(ctx): State<Context>,
    asker: Asker,
    Path(account): Path<String>,
    Query(query): Query<StatementQuery>,
) -> Answer {
    let account = readable(&ctx, &asker, &account)?;
    let limit = query.limit.unwrap_or(LIMIT).min(RECORDS_MAX);
    let question = Question::Statement { account, of: query.of, upto: query.upto, limit };
    Ok(axum::Json(ctx.money.ask(question).await?))
}

/// The account of that id or name, when whoever asks may read its wallet. Who may read his own only is not told which
/// others there are.
fn readable(ctx: &Context, asker: &Asker, account: &str) -> Result<AccountId, Refusal> {
    let found = ctx.store.account(account);
    let target = found.as_ref().map_or(Target::Any, |found| Target::Account(found.id));
    asker.principal.can(Action::WalletRead, &target)?;
    Ok(found?.id)
}
