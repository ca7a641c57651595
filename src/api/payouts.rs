//! Payouts: asked for, and what became of them at the payment provider.

use axum::extract::State;
use serde_json::Value;
use weir_ledger::request::{Command, PayoutCommand, Provider, Refs};
use weir_ledger::row::PayoutState;
use weir_ledger::{Currency, Request};
use weir_model::api::Mutation;
use weir_model::api::money::{PayoutQuery, RequestPayout};
use weir_model::approval::ApprovalInfo;
use weir_model::charge::LedgerId;
use weir_model::money::{MoneyReceipt, PayoutInfo};
use weir_model::{AccountId, ApiError, ErrorCode};
use weir_people::{Action, Target};

use super::Context;
use super::accounts::own_or_any;
use super::acts::{Act, Acted, done, right_over};
use super::auth::Asker;
use super::error::Refusal;
use super::extract::{Json, Path, Query};
use super::money::amount;
use crate::actors::books::{Question, RECORDS_MAX};

/// Payouts of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

/// The ledger makes some hours' earnings payable at a time; so many times cover years.
const MATURE_MAX: usize = 64;

type Answer = Result<Acted, Refusal>;

/// The newest payouts, of everybody or of one account, newest first.
#[utoipa::path(
    get, path = "/v1/payouts", tag = "money",
    params(PayoutQuery),
    responses((status = 200, body = Vec<PayoutInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<PayoutQuery>,
) -> Result<axum::Json<Value>, Refusal> {
    let reads_all = asker.principal.can(Action::WalletRead, &Target::Any).is_ok();
    let account = match (&query.account, reads_all) {
        (None, true) => None,
        (named, _) => Some(own_or_any(&ctx, &asker, Action::WalletRead, named.as_deref())?.id),
    };
    let limit = query.limit.unwrap_or(LIMIT).min(RECORDS_MAX);
    Ok(axum::Json(ctx.money.ask(Question::Payouts { account, limit }).await?))
}

/// Reserves what a streamer is to be paid; what was earned long enough ago is made payable first.
#[utoipa::path(
    post, path = "/v1/payouts", tag = "money",
    params(Mutation),
    request_body = RequestPayout,
    responses(
        (status = 200, body = MoneyReceipt),
        (status = 202, body = ApprovalInfo),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn request(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<RequestPayout>,
) -> Answer {
    let account = own_or_any(&ctx, &asker, Action::PayoutRequest, body.account.as_deref())?;
    let (creator, currency) = (account.id, ctx.money.currency().await?);
    let (amount, provider) =
        (amount(&currency, &body.amount)?, provider(body.provider.as_deref())?);
    let due = mature(asker.principal.account, creator);
    let first = match query.dry_run {
        true => vec![due; MATURE_MAX],
        false => {
            matured(&ctx, &due, &currency).await?;
            Vec::new()
        }
    };
    let act = Act {
        id: body.id,
        command: Command::Payout(PayoutCommand::Request { creator, amount, provider }),
        channel: None,
        event: ("payout.requested", format!("a payout to account {} was asked for", account.name)),
    };
    let right = right_over(&asker, creator, Action::PayoutRequest);
    act.run_after(&ctx, &asker, query, right, first).await
}

/// Says that a payout has arrived.
#[utoipa::path(
    post, path = "/v1/payouts/{id}/paid", tag = "money",
    params(("id" = String, Path), Mutation),
    responses(
        (status = 200, body = MoneyReceipt),
        (status = 202, body = ApprovalInfo),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn paid(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<LedgerId>,
    Query(query): Query<Mutation>,
) -> Answer {
    let text = format!("payout {id} has arrived");
    let act = ended(id, PayoutState::Paid, ("payout.paid", text));
    act.run_by_staff(&ctx, &asker, query, Some(Action::PayoutApprove)).await
}

/// Says that a payout came back: the money is the streamer's to be paid again.
#[utoipa::path(
    post, path = "/v1/payouts/{id}/fail", tag = "money",
    params(("id" = String, Path), Mutation),
    responses(
        (status = 200, body = MoneyReceipt),
        (status = 202, body = ApprovalInfo),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn fail(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<LedgerId>,
    Query(query): Query<Mutation>,
) -> Answer {
    let text = format!("payout {id} came back");
    let act = ended(id, PayoutState::Failed, ("payout.failed", text));
    act.run_by_staff(&ctx, &asker, query, Some(Action::PayoutApprove)).await
}

fn ended(id: LedgerId, state: PayoutState, event: (&'static str, String)) -> Act {
    let command = Command::Payout(PayoutCommand::End { payout: id.number(), state });
    Act { id: None, command, channel: None, event }
}

fn provider(named: Option<&str>) -> Result<Provider, Refusal> {
    let Some(name) = named else { return Ok(Provider::MANUAL) };
    let wrong = "a payment provider is named by 1 to 15 small letters and digits";
    Provider::named(name).ok_or_else(|| Refusal::new(ErrorCode::Invalid, wrong))
}

/// Makes some of what is due payable.
fn mature(by: AccountId, creator: AccountId) -> Request {
    let command = Command::Payout(PayoutCommand::Mature { creator });
    Request { id: 0, by, reason: String::new(), refs: Refs::default(), command }
}

async fn matured(ctx: &Context, due: &Request, currency: &Currency) -> Result<(), Refusal> {
    for _ in 0..MATURE_MAX {
        // Nothing is recorded once nothing is due.
        if done(ctx, due, currency).await?.seq.is_none() {
            break;
        }
    }
    Ok(())
}
