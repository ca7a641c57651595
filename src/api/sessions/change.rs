//! What is done with sessions: offered, joined, left, ended.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use weir_ledger::Currency;
use weir_ledger::meter::{Halt, Tariff};
use weir_model::api::Mutation;
use weir_model::api::session::{JoinSession, LeaveSession, OfferSession};
use weir_model::session::SessionInfo;
use weir_model::{AccountId, ApiError, ErrorCode, SessionId};
use weir_people::Action;
use weir_session::{Command, Offer, Price, Session};

use super::view::{self, Sight};
use super::{seen, shown};
use crate::actors::{clock, sessions};
use crate::api::Context;
use crate::api::accounts::own_or_any;
use crate::api::auth::Asker;
use crate::api::error::Refusal;
use crate::api::events::reason;
use crate::api::extract::{Json, Path, Query};
use crate::api::money::amount;

/// What whoever pays for the session itself joins for.
const GUEST: &str = "guest";
/// What whoever only watches joins for.
const ONLOOKER: &str = "onlooker";

type Answer = Result<axum::Json<SessionInfo>, Refusal>;

/// Offers a session on a channel. The stream stays public until somebody has joined and can pay.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "session",
    params(Mutation),
    request_body = OfferSession,
    responses(
        (status = 201, body = SessionInfo),
        (status = 200, body = SessionInfo, description = "dry run"),
        (status = "default", body = ApiError),
    ),
)]
pub(in crate::api) async fn offer(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<OfferSession>,
) -> Result<(StatusCode, axum::Json<SessionInfo>), Refusal> {
    asker.check_channel(Action::SessionOffer, &body.channel)?;
    let reason = reason(query.reason)?;
    let host = ctx.store.channel(&body.channel)?.owner;
    let currency = ctx.money.currency().await?;
    let offer = Offer {
        id: ctx.store.new_session_id()?,
        host,
        fee_bps: ctx.fee_bps,
        prices: prices(&body, &currency)?,
        invited: invited(&ctx, &body.invited)?,
        at: clock::now(),
        channel: body.channel,
    };
    let rate =
        currency.decimal(offer.prices.first().map_or(0, |price| price.tariff.rate.units()).into());
    let by = By { asker: &asker, reason, is_dry_run: query.dry_run };
    let fields = [("rate", rate.to_string())];
    let session = by.change(&ctx, Command::Offer(offer), &fields).await?;
    let info = shown(&ctx, &session, Sight::Whole, Some(currency)).await.found;
    if query.dry_run {
        return Ok((StatusCode::OK, axum::Json(info)));
    }
    Ok((StatusCode::CREATED, axum::Json(info)))
}

/// Joins a session at the price that was shown. The money for the first minute is reserved at once; who has less is
/// out again.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/join", tag = "session",
    params(("id" = String, Path), Mutation),
    request_body = JoinSession,
    responses((status = 200, body = SessionInfo), (status = "default", body = ApiError)),
)]
pub(in crate::api) async fn join(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<SessionId>,
    Query(query): Query<Mutation>,
    Json(body): Json<JoinSession>,
) -> Answer {
    let account = own_or_any(&ctx, &asker, Action::SessionJoin, body.account.as_deref())?;
    let (reason, (session, sight)) = (reason(query.reason)?, seen(&ctx, &asker, id)?);
    let currency = ctx.money.currency().await?;
    let (price, shown_price) = agreed(&session, &body, &currency)?;
    let (cap, at) = (amount(&currency, &body.cap)?, clock::now());
    let command =
        Command::Join { session: id, account: account.id, price, shown: shown_price, cap, at };
    let by = By { asker: &asker, reason, is_dry_run: query.dry_run };
    let session = by.change(&ctx, command, &[("cap", body.cap)]).await?;
    Ok(axum::Json(shown(&ctx, &session, sight, Some(currency)).await.found))
}

/// Leaves a session. Who leaves himself pays the agreed minimum at least. Leaving twice changes nothing.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/leave", tag = "session",
    params(("id" = String, Path), Mutation),
    request_body = LeaveSession,
    responses((status = 200, body = SessionInfo), (status = "default", body = ApiError)),
)]
pub(in crate::api) async fn leave(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<SessionId>,
    Query(query): Query<Mutation>,
    Json(body): Json<LeaveSession>,
) -> Answer {
    let account = own_or_any(&ctx, &asker, Action::SessionJoin, body.account.as_deref())?;
    let (reason, (mut session, sight)) = (reason(query.reason)?, seen(&ctx, &asker, id)?);
    let is_himself = account.id == asker.principal.account;
    let why = if is_himself { Halt::Viewer } else { Halt::Operator };
    if let Some((party, _)) = session.party_of(account.id) {
        let command = Command::Leave { session: id, party, why, at: clock::now() };
        let by = By { asker: &asker, reason, is_dry_run: query.dry_run };
        session = by.change(&ctx, command, &[]).await?;
    } else if !session.parties.iter().any(|party| party.account == account.id) {
        let text = format!("account {} takes no part in session {id}", account.name);
        return Err(Refusal::new(ErrorCode::NotFound, text));
    }
    let currency = ctx.money.currency().await.ok();
    Ok(axum::Json(shown(&ctx, &session, sight, currency).await.found))
}

/// Ends a session for everybody in it; each gets a receipt. Ending it twice changes nothing.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/end", tag = "session",
    params(("id" = String, Path), Mutation),
    responses((status = 200, body = SessionInfo), (status = "default", body = ApiError)),
)]
pub(in crate::api) async fn end(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<SessionId>,
    Query(query): Query<Mutation>,
) -> Answer {
    let reason = reason(query.reason)?;
    let (before, sight) = seen(&ctx, &asker, id)?;
    asker.check_channel(Action::SessionEnd, &before.channel)?;
    let is_host = asker.principal.account == before.host;
    let why = if is_host { Halt::Streamer } else { Halt::Operator };
    let command = Command::End { session: id, why, at: clock::now() };
    let by = By { asker: &asker, reason, is_dry_run: query.dry_run };
    let session = by.change(&ctx, command, &[]).await?;
    let currency = ctx.money.currency().await.ok();
    Ok(axum::Json(shown(&ctx, &session, sight, currency).await.found))
}

/// Who changes a session, and why.
struct By<'a> {
    asker: &'a Asker,
    reason: String,
    is_dry_run: bool,
}

impl By<'_> {
    /// Changes it, or only says what it would be.
    async fn change(
        self,
        ctx: &Context,
        command: Command,
        fields: &[(&str, String)],
    ) -> Result<Arc<Session>, Refusal> {
        if self.is_dry_run {
            return Ok(ctx.store_for(true).change_session(command).await?.0);
        }
        let mut said = fields.to_vec();
        said.push(("by", self.asker.principal.name.to_string()));
        said.extend(Some(("reason", self.reason)).filter(|(_, reason)| !reason.is_empty()));
        Ok(sessions::change(&ctx.store, &ctx.events, command, &said).await?)
    }
}

fn prices(body: &OfferSession, currency: &Currency) -> Result<Vec<Price>, Refusal> {
    let guest = Tariff {
        rate: amount(currency, &body.rate)?,
        mode: view::mode(body.count.unwrap_or(weir_model::session::Counting::Second)),
        min_seconds: body.min_seconds,
        free_ms: u64::from(body.free_seconds) * 1_000,
    };
    let places = body.places.unwrap_or(1);
    let mut prices = vec![Price { name: GUEST.into(), tariff: guest, places }];
    if let Some(onlookers) = &body.onlookers {
        let rate = amount(currency, &onlookers.rate)?;
        let tariff = Tariff { rate, min_seconds: 0, ..guest };
        prices.push(Price { name: ONLOOKER.into(), tariff, places: onlookers.places });
    }
    Ok(prices)
}

fn invited(ctx: &Context, named: &[String]) -> Result<Vec<AccountId>, Refusal> {
    let mut ids = Vec::new();
    for name in named {
        let id = ctx.store.account(name)?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The price that is meant, which has to be the one that was shown.
fn agreed(
    session: &Session,
    body: &JoinSession,
    currency: &Currency,
) -> Result<(u8, Price), Refusal> {
    let mut offered = (0..).zip(&session.prices);
    let meant = |price: &Price| body.price.as_ref().is_none_or(|name| *name == price.name);
    let (number, price) = offered.find(|(_, price)| meant(price)).ok_or_else(|| {
        let names: Vec<&str> = session.prices.iter().map(|price| price.name.as_str()).collect();
        Refusal::new(ErrorCode::Invalid, format!("the session has the prices {}", names.join(", ")))
    })?;
    if price.tariff.rate != amount(currency, &body.rate)? {
        let rate = currency.decimal(price.tariff.rate.units().into());
        let text = format!("a minute costs {rate} {}, not {}", currency.code(), body.rate);
        return Err(Refusal::new(ErrorCode::Conflict, text)
            .hint("nobody joins at a price that was not shown; look at the session again"));
    }
    Ok((number, price.clone()))
}
