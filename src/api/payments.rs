//! Tips, and what is given back of any payment.

use axum::extract::State;
use weir_ledger::request::{Command, PaymentCommand, Terms};
use weir_ledger::split::Split;
use weir_model::api::Mutation;
use weir_model::api::money::{RefundCharge, SendTip};
use weir_model::approval::ApprovalInfo;
use weir_model::money::MoneyReceipt;
use weir_model::{AccountId, ApiError, ErrorCode};
use weir_people::Action;

use super::Context;
use super::accounts::own_or_any;
use super::acts::{Act, Acted, right_over};
use super::auth::Asker;
use super::error::Refusal;
use super::extract::{Json, Query};
use super::money::amount;
use crate::actors::books::names::id_of;

type Answer = Result<Acted, Refusal>;

/// Tips the owner of a channel, who gets what the platform does not keep.
#[utoipa::path(
    post, path = "/v1/tips", tag = "money",
    params(Mutation),
    request_body = SendTip,
    responses(
        (status = 200, body = MoneyReceipt),
        (status = 202, body = ApprovalInfo),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn tip(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<SendTip>,
) -> Answer {
    let payer = own_or_any(&ctx, &asker, Action::WalletSpend, body.from.as_deref())?;
    let owner = ctx.store.channel(&body.channel)?.owner;
    let amount = amount(&ctx.money.currency().await?, &body.amount)?;
    let terms = Terms { payer: payer.id, cap: amount, split: split(ctx.fee_bps, owner)? };
    let text = format!("account {} tipped channel {}", payer.name, body.channel);
    let act = Act {
        id: body.id,
        command: Command::Payment(PaymentCommand::Tip { terms, amount }),
        channel: Some(body.channel),
        event: ("tip.sent", text),
    };
    let reason = match (body.message, query.reason) {
        (Some(message), Some(reason)) => Some(format!("{message} ({reason})")),
        (message, reason) => message.or(reason),
    };
    let right = right_over(&asker, payer.id, Action::WalletSpend);
    act.run_by_staff(&ctx, &asker, Mutation { reason, ..query }, right).await
}

/// Gives back of a payment, from all who got something of it.
#[utoipa::path(
    post, path = "/v1/refunds", tag = "money",
    params(Mutation),
    request_body = RefundCharge,
    responses(
        (status = 200, body = MoneyReceipt),
        (status = 202, body = ApprovalInfo),
        (status = "default", body = ApiError),
    ),
)]
pub(super) async fn refund(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<RefundCharge>,
) -> Answer {
    let currency = ctx.money.currency().await?;
    let amount = body.amount.as_deref().map(|text| amount(&currency, text)).transpose()?;
    let charge = id_of(body.charge);
    let act = Act {
        id: body.id,
        command: Command::Payment(PaymentCommand::Refund { charge, amount }),
        channel: None,
        event: ("payment.refunded", format!("{} was refunded", body.charge)),
    };
    act.run_by_staff(&ctx, &asker, query, Some(Action::Refund)).await
}

/// The platform its part, rounded down, and the streamer the rest.
pub(super) fn split(fee_bps: u32, creator: AccountId) -> Result<Split, Refusal> {
    Split::less_fee(fee_bps, creator)
        .map_err(|error| Refusal::new(ErrorCode::Internal, error.to_string()))
}
