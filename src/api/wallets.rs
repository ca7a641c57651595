//! What people have, what happened to it, and what operators do with it.

use axum::extract::State;
use serde_json::Value;
use weir_ledger::account::{Account, Kind, Standing};
use weir_ledger::request::{Command, ControlCommand, IncomeCommand, Provider};
use weir_ledger::row::At;
use weir_model::api::Mutation;
use weir_model::api::money::{CreditWallet, SetStanding, StatementQuery};
use weir_model::approval::ApprovalInfo;
use weir_model::money::{MoneyReceipt, PersonalAccount, StatementInfo, Wallet};
use weir_model::{ApiError, ErrorCode};
use weir_people::Action;

use super::Context;
use super::accounts::own_or_any;
use super::acts::{Act, Acted};
use super::auth::Asker;
use super::error::Refusal;
use super::extract::{Json, Path, Query};
use super::money::amount;
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
    let account = own_or_any(&ctx, &asker, Action::WalletRead, Some(&account))?.id;
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
    let account = own_or_any(&ctx, &asker, Action::WalletRead, Some(&account))?.id;
    let limit = query.limit.unwrap_or(LIMIT).min(RECORDS_MAX);
    let question = Question::Statement { account, of: query.of, upto: query.upto, limit };
    Ok(axum::Json(ctx.money.ask(question).await?))
}

/// Puts money into a wallet: paid in by hand, or given by the platform.
#[utoipa::path(
    post, path = "/v1/wallets/{account}/credit", tag = "wallet",
    params(("account" = String, Path, description = "its id or its name"), Mutation),
    request_body = CreditWallet,
    responses(
        (status = 200, body = MoneyReceipt),
        (status = 202, body = ApprovalInfo),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn credit(
    State(ctx): State<Context>,
    asker: Asker,
    Path(account): Path<String>,
    Query(query): Query<Mutation>,
    Json(body): Json<CreditWallet>,
) -> Result<Acted, Refusal> {
    let account = ctx.store.account(&account)?;
    let (user, amount) = (account.id, amount(&ctx.money.currency().await?, &body.amount)?);
    let command = match (body.grant, body.expires_at) {
        (false, None) => IncomeCommand::TopUp { user, amount, provider: Provider::MANUAL },
        (false, Some(_)) => {
            let text = "only what the platform gives expires";
            return Err(Refusal::new(ErrorCode::Invalid, text).hint("say `grant` beside it"));
        }
        (true, expires_at) => {
            let expires_at = expires_at.map(At::from);
            IncomeCommand::Grant { user, amount, expires_at }
        }
    };
    let text = format!("account {} was credited", account.name);
    let (id, command, channel) = (body.id, Command::Income(command), None);
    let act = Act { id, command, channel, event: ("wallet.credited", text) };
    act.run_by_staff(&ctx, &asker, query, Some(Action::WalletChange)).await
}

/// Lets nothing leave what somebody pays with, or is paid.
#[utoipa::path(
    post, path = "/v1/wallets/{account}/freeze", tag = "wallet",
    params(("account" = String, Path, description = "its id or its name"), Mutation),
    request_body = SetStanding,
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn freeze(
    State(ctx): State<Context>,
    asker: Asker,
    Path(account): Path<String>,
    Query(query): Query<Mutation>,
    Json(body): Json<SetStanding>,
) -> Result<axum::Json<MoneyReceipt>, Refusal> {
    stand(&ctx, &account, &body, Standing::Frozen)?.run(&ctx, &asker, query).await
}

/// Opens again what was frozen.
#[utoipa::path(
    post, path = "/v1/wallets/{account}/unfreeze", tag = "wallet",
    params(("account" = String, Path, description = "its id or its name"), Mutation),
    request_body = SetStanding,
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn unfreeze(
    State(ctx): State<Context>,
    asker: Asker,
    Path(account): Path<String>,
    Query(query): Query<Mutation>,
    Json(body): Json<SetStanding>,
) -> Result<axum::Json<MoneyReceipt>, Refusal> {
    stand(&ctx, &account, &body, Standing::Open)?.run(&ctx, &asker, query).await
}

fn stand(
    ctx: &Context,
    account: &str,
    body: &SetStanding,
    standing: Standing,
) -> Result<Act, Refusal> {
    let (event, is) = match standing {
        Standing::Open => ("wallet.unfrozen", "unfrozen"),
        Standing::Frozen | Standing::Closed => ("wallet.frozen", "frozen"),
    };
    let event = (event, format!("money of {account} was {is}"));
    let kind = match body.of {
        PersonalAccount::Wallet => Kind::Wallet,
        PersonalAccount::Payable => Kind::CreatorPayable,
        PersonalAccount::Pending | PersonalAccount::Debt => {
            let text = "only a wallet, or what is payable, is frozen";
            return Err(Refusal::new(ErrorCode::Invalid, text));
        }
    };
    let account = Account::person(kind, ctx.store.account(account)?.id);
    let command = Command::Control(ControlCommand::SetStanding { account, standing });
    Ok(Act { id: body.id, command, channel: None, event })
}
