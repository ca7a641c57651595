//! Events and their tickets. What is paid waits in escrow until the event has taken place, or goes back.

use axum::extract::State;
use serde_json::Value;
use weir_ledger::Request;
use weir_ledger::request::{Command, EventCommand, Refs};
use weir_ledger::row::EventState;
use weir_model::api::Mutation;
use weir_model::api::sale::{
    BuyTicket, EndTicketEvent, OpenTicketEvent, TicketEvent, TicketEventState,
};
use weir_model::charge::LedgerId;
use weir_model::money::MoneyReceipt;
use weir_model::{AccountId, ApiError, ErrorCode};
use weir_people::{Action, Target};
use weir_session::{Good, PassId};

use super::Context;
use super::accounts::own_or_any;
use super::acts::{Act, done};
use super::auth::Asker;
use super::error::Refusal;
use super::extract::{Json, Path, Query};
use super::memberships::{heard, room};
use super::money::amount;
use super::payments::split;
use crate::actors::books::Question;

/// Events of one answer.
const LIMIT: usize = 1_000;

/// Records of settled tickets that one request waits for; the leader goes on with the rest.
const SETTLE_MAX: usize = 64;

type Answer = Result<axum::Json<MoneyReceipt>, Refusal>;

/// Events that tickets are sold for, or were, the newest first.
#[utoipa::path(
    get, path = "/v1/ticket-events", tag = "money",
    responses((status = 200, body = Vec<TicketEvent>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(State(ctx): State<Context>) -> Result<axum::Json<Value>, Refusal> {
    Ok(axum::Json(ctx.money.ask(Question::TicketEvents { limit: LIMIT }).await?))
}

/// Sells tickets from now on; `PUT /v1/channels/{name}/access` lets them open the channel.
#[utoipa::path(
    post, path = "/v1/ticket-events", tag = "money",
    params(Mutation),
    request_body = OpenTicketEvent,
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn open(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<OpenTicketEvent>,
) -> Answer {
    asker.check_channel(Action::PriceSet, &body.channel)?;
    let owner = ctx.store.channel(&body.channel)?.owner;
    let price = amount(&ctx.money.currency().await?, &body.price)?;
    let split = split(ctx.fee_bps, owner)?;
    let text = format!("tickets of {} are sold on channel {}", body.price, body.channel);
    let act = Act {
        id: body.id,
        command: Command::Event(EventCommand::Open { price, capacity: body.capacity, split }),
        channel: Some(body.channel),
        event: ("ticket_event.opened", text),
    };
    act.run(&ctx, &asker, query).await
}

/// Buys a ticket: one for each account.
#[utoipa::path(
    post, path = "/v1/ticket-events/{id}/tickets", tag = "money",
    params(("id" = String, Path), Mutation),
    request_body = BuyTicket,
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn buy(
    State(ctx): State<Context>,
    asker: Asker,
    Path(event): Path<LedgerId>,
    Query(query): Query<Mutation>,
    Json(body): Json<BuyTicket>,
) -> Answer {
    let account = own_or_any(&ctx, &asker, Action::WalletSpend, body.account.as_deref())?;
    room(&ctx, 1)?;
    let (user, good) = (account.id, Good::Event(event.number()));
    let act = Act {
        id: body.id,
        command: Command::Event(EventCommand::Buy { event: event.number(), user }),
        channel: None,
        event: ("ticket.bought", format!("account {} has a ticket for {event}", account.name)),
    };
    let is_dry = query.dry_run;
    let receipt = act.run_for(&ctx, &asker, query, user).await?;
    heard(&ctx, is_dry, &receipt, vec![PassId { good, account: user }]).await;
    Ok(receipt)
}

/// Ends an event: what was paid goes to its creator, or back. Tickets open nothing any more.
#[utoipa::path(
    post, path = "/v1/ticket-events/{id}/end", tag = "money",
    params(("id" = String, Path), Mutation),
    request_body = EndTicketEvent,
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn end(
    State(ctx): State<Context>,
    asker: Asker,
    Path(event): Path<LedgerId>,
    Query(query): Query<Mutation>,
    Json(body): Json<EndTicketEvent>,
) -> Answer {
    let known = told(&ctx, event).await?;
    let owner = known.creator.map_or(Target::Any, Target::Account);
    asker.principal.can(Action::PriceSet, &owner)?;
    let (state, what) = match body.cancelled {
        true => (EventState::Cancelled, "was cancelled"),
        false => (EventState::Delivered, "has taken place"),
    };
    let act = Act {
        id: None,
        command: Command::Event(EventCommand::End { event: event.number(), state }),
        channel: None,
        event: ("ticket_event.ended", format!("event {event} {what}")),
    };
    let is_dry = query.dry_run;
    let receipt = act.run(&ctx, &asker, query).await?;
    if !is_dry {
        settle(&ctx, asker.principal.account, event).await?;
    }
    Ok(receipt)
}

/// Gives what tickets cost to whom it belongs.
async fn settle(ctx: &Context, by: AccountId, event: LedgerId) -> Result<(), Refusal> {
    let currency = ctx.money.currency().await?;
    let command = Command::Event(EventCommand::Settle { event: event.number() });
    let request = Request { id: 0, by, reason: String::new(), refs: Refs::default(), command };
    for _ in 0..SETTLE_MAX {
        // Nothing is recorded once all of them are settled.
        if done(ctx, &request, &currency).await?.seq.is_none() {
            break;
        }
    }
    Ok(())
}

async fn told(ctx: &Context, event: LedgerId) -> Result<TicketEvent, Refusal> {
    let answer = ctx.money.ask(Question::TicketEvent { event }).await?;
    let unreadable = |error: serde_json::Error| {
        Refusal::new(ErrorCode::Internal, format!("the ledger's answer: {error}"))
    };
    serde_json::from_value(answer).map_err(unreadable)
}

/// An event that is open and whose creator is `owner`: no other one opens a channel of his.
pub(super) async fn sold_by(
    ctx: &Context,
    event: LedgerId,
    owner: AccountId,
) -> Result<TicketEvent, Refusal> {
    let known = told(ctx, event).await?;
    if known.creator != Some(owner) || known.state != TicketEventState::Open {
        let text = format!("event {event} is over, or not of the channel's owner");
        return Err(Refusal::new(ErrorCode::Conflict, text)
            .hint("`weir ticket open CHANNEL` makes one for the channel"));
    }
    Ok(known)
}
