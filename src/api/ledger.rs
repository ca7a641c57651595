//! The ledger: where it stands, its records, what is on every account.

use axum::extract::State;
use serde_json::Value;
use weir_model::ApiError;
use weir_model::api::money::{AccountQuery, ExportQuery, RecordQuery};
use weir_model::money::{
    AccountBalance, ExportPiece, LedgerExplanation, LedgerInfo, LedgerRecord, Verification,
};

use super::Context;
use super::error::Refusal;
use super::extract::{Path, Query};
use crate::actors::books::{ACCOUNTS_MAX, Question, RECORDS_MAX};

/// Records of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

type Answer = Result<axum::Json<Value>, Refusal>;

/// Where the ledger stands.
#[utoipa::path(
    get, path = "/v1/ledger", tag = "ledger",
    responses((status = 200, body = LedgerInfo), (status = "default", body = ApiError)),
)]
pub(super) async fn show(State(ctx): State<Context>) -> Answer {
    Ok(axum::Json(ctx.money.ask(Question::Stand).await?))
}

/// Records from a number on, or the newest; oldest first.
#[utoipa::path(
    get, path = "/v1/ledger/records", tag = "ledger",
    params(RecordQuery),
    responses((status = 200, body = Vec<LedgerRecord>), (status = "default", body = ApiError)),
)]
pub(super) async fn records(
    State(ctx): State<Context>,
    Query(query): Query<RecordQuery>,
) -> Answer {
    let limit = query.limit.unwrap_or(LIMIT).min(RECORDS_MAX);
    Ok(axum::Json(ctx.money.ask(Question::Records { from: query.from, limit }).await?))
}

/// A record, in sentences too.
#[utoipa::path(
    get, path = "/v1/ledger/records/{seq}", tag = "ledger",
    params(("seq" = u64, Path)),
    responses((status = 200, body = LedgerExplanation), (status = "default", body = ApiError)),
)]
pub(super) async fn explain(State(ctx): State<Context>, Path(seq): Path<u64>) -> Answer {
    Ok(axum::Json(ctx.money.ask(Question::Explain { seq }).await?))
}

/// What is on accounts: so many as are asked for, in the order in which they came into being; those of an answer by name.
#[utoipa::path(
    get, path = "/v1/ledger/trial-balance", tag = "ledger",
    params(AccountQuery),
    responses((status = 200, body = Vec<AccountBalance>), (status = "default", body = ApiError)),
)]
pub(super) async fn trial_balance(
    State(ctx): State<Context>,
    Query(query): Query<AccountQuery>,
) -> Answer {
    let limit = query.limit.unwrap_or(ACCOUNTS_MAX).min(ACCOUNTS_MAX);
    let question = Question::TrialBalance { from: query.from.unwrap_or_default(), limit };
    Ok(axum::Json(ctx.money.ask(question).await?))
}

/// A piece of all records in another program's words.
#[utoipa::path(
    get, path = "/v1/ledger/export", tag = "ledger",
    params(ExportQuery),
    responses((status = 200, body = ExportPiece), (status = "default", body = ApiError)),
)]
pub(super) async fn export(State(ctx): State<Context>, Query(query): Query<ExportQuery>) -> Answer {
    let ExportQuery { format, from, continues } = query;
    let question = Question::Export { format, from: from.unwrap_or(1), continues };
    Ok(axum::Json(ctx.money.ask(question).await?))
}

/// How far looking at every record is; begins it when nobody ever did.
#[utoipa::path(
    get, path = "/v1/ledger/verification", tag = "ledger",
    responses((status = 200, body = Verification), (status = "default", body = ApiError)),
)]
pub(super) async fn verification(State(ctx): State<Context>) -> Answer {
    Ok(axum::Json(ctx.money.ask(Question::Verify { begin: false }).await?))
}

/// Looks at every record again.
#[utoipa::path(
    post, path = "/v1/ledger/verification", tag = "ledger",
    responses((status = 200, body = Verification), (status = "default", body = ApiError)),
)]
pub(super) async fn verify(State(ctx): State<Context>) -> Answer {
    Ok(axum::Json(ctx.money.ask(Question::Verify { begin: true }).await?))
}
