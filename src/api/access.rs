//! Who may watch a channel: everybody, its members, or whoever has a ticket.

use axum::extract::State;
use weir_ledger::Currency;
use weir_model::api::Mutation;
use weir_model::api::sale::SetAccess;
use weir_model::{Access, ApiError, Channel, ChannelName};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use super::money::amount;
use super::tickets;

/// What opens a channel. Whoever would buy it may ask.
#[utoipa::path(
    get, path = "/v1/channels/{name}/access", tag = "channel",
    params(("name" = String, Path)),
    responses((status = 200, body = Access), (status = "default", body = ApiError)),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    Path(name): Path<ChannelName>,
) -> Result<axum::Json<Access>, Refusal> {
    Ok(axum::Json(ctx.store.channel(&name)?.access))
}

/// Says who may watch a channel. Its owner and staff always do. Who watches and may no longer is stopped.
#[utoipa::path(
    put, path = "/v1/channels/{name}/access", tag = "channel",
    params(("name" = String, Path), Mutation),
    request_body = SetAccess,
    responses((status = 200, body = Channel), (status = "default", body = ApiError)),
)]
pub(super) async fn set(
    State(ctx): State<Context>,
    asker: Asker,
    Path(name): Path<ChannelName>,
    Query(query): Query<Mutation>,
    Json(body): Json<SetAccess>,
) -> Result<axum::Json<Channel>, Refusal> {
    let (reason, channel) = (reason(query.reason)?, ctx.store.channel(&name)?);
    let access = match body {
        SetAccess::Public => Access::Public,
        SetAccess::Members { price, period_secs } => {
            let currency = ctx.money.currency().await?;
            let price = canonical(&currency, &price)?;
            Access::Members { price, currency: currency.code().to_owned(), period_secs }
        }
        SetAccess::Ticket { event } => {
            let event = tickets::sold_by(&ctx, event, channel.owner).await?;
            let (price, currency) = (event.price, event.currency);
            Access::Ticket { price, currency, event: event.id }
        }
    };
    let changed = ctx.store_for(query.dry_run).set_access(&name, access).await?;
    if !query.dry_run {
        let text = format!("channel {name} is {}", words(&changed.access));
        Change::of(&name, "channel.access_set", text, reason).emit(&ctx, &asker);
    }
    Ok(axum::Json(changed))
}

/// A price in the one way in which it is written.
fn canonical(currency: &Currency, text: &str) -> Result<String, Refusal> {
    let units = amount(currency, text)?.units();
    Ok(currency.decimal(units.into()).to_string())
}

fn words(access: &Access) -> String {
    match access {
        Access::Public => "open to everybody".into(),
        Access::Members { price, currency, .. } => {
            format!("for its members, who pay {price} {currency} a period")
        }
        Access::Ticket { price, currency, event } => {
            format!("opened by a ticket for event {event}, which costs {price} {currency}")
        }
    }
}
