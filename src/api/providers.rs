//! Payment providers: what they send, what of it is not counted, and pages on which viewers pay.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use weir_ledger::request::{Command, Provider, ProviderCommand};
use weir_model::api::Mutation;
use weir_model::charge::LedgerId;
use weir_model::money::MoneyReceipt;
use weir_model::provider::{Heard, OpenTopUp, ProviderDetail, ProviderInfo, TopUpPage};
use weir_model::{ApiError, ErrorCode};
use weir_people::Action;
use weir_provider::event::{Event, NoEvent};
use weir_provider::intent::TopUpIntent;
use weir_provider::signature::HEADER;

use super::Context;
use super::accounts::own_or_any;
use super::acts::{Act, untold};
use super::auth::Asker;
use super::error::Refusal;
use super::extract::{Json, Path, Query, Raw};
use super::money::amount;
use crate::actors::books::{Question, refused};
use crate::actors::clock;
use crate::actors::providers::One;
use crate::actors::teller;

/// Events that are looked at at the same time; a provider sends a further one again.
pub(super) const WEBHOOKS_MAX: usize = 64;

/// Takes an event of a provider, signed by one of its secrets. It is answered once it is durable.
#[utoipa::path(
    post, path = "/v1/webhooks/{provider}", tag = "provider", security(()),
    params(("provider" = String, Path, description = "its name in the configuration")),
    request_body(content = Value, description = "an event, signed in the header `weir-signature`"),
    responses((status = 200, body = Heard), (status = "default", body = ApiError)),
)]
pub(super) async fn hear(
    State(ctx): State<Context>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<axum::Json<Heard>, Refusal> {
    let (provider, one) = known(&ctx, &name)?;
    let heard = take(&ctx, provider, one, (&headers, &body)).await;
    let counted = match &heard {
        Ok(_) => &one.figures.taken,
        Err(_) => &one.figures.refused,
    };
    counted.fetch_add(1, Ordering::Relaxed);
    heard.map(axum::Json)
}

async fn take(
    ctx: &Context,
    provider: Provider,
    one: &One,
    (headers, body): (&HeaderMap, &Bytes),
) -> Result<Heard, Refusal> {
    let busy = |_| {
        Refusal::new(ErrorCode::Unavailable, "too many events at once; send it again in a moment")
    };
    let _place = ctx.webhooks.try_acquire().map_err(busy)?;
    let signature = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = u64::try_from(clock::now().0 / 1_000).unwrap_or_default();
    one.secrets.verify(signature, body, now).map_err(|error| {
        Refusal::new(ErrorCode::Invalid, error.to_string())
            .hint("`[provider]` in cluster.toml names the files with the secrets")
    })?;
    let event = Event::read(body).map_err(no_event)?;
    if let Some(account) = event.account() {
        ctx.store.account(&account.to_string())?;
    }
    let currency = ctx.money.currency().await?;
    let request = event.request(provider, &currency).map_err(no_event)?;
    let answer = ctx.money.act(&request).await.map_err(untold)?.answer;
    answer.result.map_err(|refusal| refused(&refusal, Some(&currency)))?;
    Ok(Heard { seq: answer.seq, duplicate: answer.seq.is_none() })
}

fn no_event(error: NoEvent) -> Refusal {
    Refusal::new(ErrorCode::Invalid, error.to_string())
}

fn known<'a>(ctx: &'a Context, name: &str) -> Result<(Provider, &'a One), Refusal> {
    let provider = Provider::named(name);
    provider.and_then(|provider| Some((provider, ctx.providers.get(provider)?))).ok_or_else(|| {
        Refusal::new(ErrorCode::NotFound, "there is no payment provider of that name")
            .hint("`[provider.NAME]` in cluster.toml makes one")
    })
}

/// The payment providers that are configured on this node.
#[utoipa::path(
    get, path = "/v1/providers", tag = "provider",
    responses((status = 200, body = Vec<ProviderInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
) -> Result<axum::Json<Vec<ProviderInfo>>, Refusal> {
    let mut all = Vec::new();
    for (provider, one) in ctx.providers.iter() {
        all.push(detail(&ctx, provider, one).await?.provider);
    }
    Ok(axum::Json(all))
}

/// A payment provider, and the oldest of its events that are not counted.
#[utoipa::path(
    get, path = "/v1/providers/{name}", tag = "provider",
    params(("name" = String, Path)),
    responses((status = 200, body = ProviderDetail), (status = "default", body = ApiError)),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<axum::Json<ProviderDetail>, Refusal> {
    let (provider, one) = known(&ctx, &name)?;
    Ok(axum::Json(detail(&ctx, provider, one).await?))
}

async fn detail(ctx: &Context, provider: Provider, one: &One) -> Result<ProviderDetail, Refusal> {
    let answer = ctx.money.ask(Question::Provider { provider }).await?;
    let unreadable =
        |error| ApiError::new(ErrorCode::Internal, format!("the ledger's answer: {error}"));
    let mut detail: ProviderDetail = serde_json::from_value(answer).map_err(unreadable)?;
    detail.provider.url.clone_from(&one.url);
    detail.provider.taken = one.figures.taken.load(Ordering::Relaxed);
    detail.provider.refused = one.figures.refused.load(Ordering::Relaxed);
    Ok(detail)
}

/// Puts an event aside that is not counted: staff has seen to it, and it never will be.
#[utoipa::path(
    post, path = "/v1/providers/{name}/events/{event}/dismiss", tag = "provider",
    params(("name" = String, Path), ("event" = String, Path, description = "the ledger's name of it"), Mutation),
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn dismiss(
    State(ctx): State<Context>,
    asker: Asker,
    Path((name, event)): Path<(String, LedgerId)>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<MoneyReceipt>, Refusal> {
    known(&ctx, &name)?;
    let command = Command::Provider(ProviderCommand::PutAside { event: event.number() });
    let text = format!("event {event} of {name} was put aside");
    let event = ("provider.event_dismissed", text);
    Act { id: None, command, channel: None, event }.run(&ctx, &asker, query).await
}

/// Asks a provider for a page on which somebody pays into a wallet. Nothing is in the books before the provider says
/// that it was paid.
#[utoipa::path(
    post, path = "/v1/topups", tag = "provider",
    params(Mutation),
    request_body = OpenTopUp,
    responses((status = 201, body = TopUpPage), (status = "default", body = ApiError)),
)]
pub(super) async fn top_up(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<Mutation>,
    Json(body): Json<OpenTopUp>,
) -> Result<(StatusCode, axum::Json<TopUpPage>), Refusal> {
    let account = own_or_any(&ctx, &asker, Action::WalletSpend, body.account.as_deref())?;
    let (_, one) = known(&ctx, &body.provider)?;
    let by_hand = || {
        Refusal::new(ErrorCode::Conflict, format!("{} has no address to ask", body.provider))
            .hint("`provider.NAME.url` in cluster.toml is where it is asked")
    };
    let gateway = one.gateway.as_ref().ok_or_else(by_hand)?;
    let currency = ctx.money.currency().await?;
    let units = amount(&currency, &body.amount)?.units();
    let no_id = || Refusal::new(ErrorCode::Internal, "the system gives no random numbers");
    let reference = body.id.or_else(teller::new_id).ok_or_else(no_id)?;
    let intent = TopUpIntent {
        reference,
        account: account.id,
        amount: currency.decimal(units.into()).to_string(),
        currency: currency.code().to_owned(),
    };
    if query.dry_run {
        return Ok((StatusCode::OK, axum::Json(TopUpPage { reference, url: None })));
    }
    let checkout = gateway.top_up(&intent).await.map_err(|failure| {
        Refusal::new(ErrorCode::Unavailable, failure.to_string())
            .hint("nothing was paid; ask again with the same id")
    })?;
    let page = TopUpPage { reference, url: Some(checkout.url) };
    Ok((StatusCode::CREATED, axum::Json(page)))
}
