//! Members of channels: joining for a period, giving one to others, and what goes on by itself.

use axum::extract::State;
use weir_ledger::Amount;
use weir_ledger::request::{Command, Gift, MemberCommand, Terms};
use weir_ledger::row::{At, MemberId, Membership};
use weir_model::api::Mutation;
use weir_model::api::sale::{JoinMembers, MemberInfo, MemberQuery};
use weir_model::money::MoneyReceipt;
use weir_model::{Access, Account, AccountId, ApiError, ChannelName, ErrorCode};
use weir_people::Action;
use weir_session::limits::PASSES_SOLD_MAX;
use weir_session::{Good, PassId, Renewal};

use super::Context;
use super::accounts::own_or_any;
use super::acts::Act;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Json, Path, Query};
use super::money::{amount, told};
use super::payments::split;
use crate::actors::books::Question;
use crate::actors::clock;

/// Members of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

/// Members of one answer at most: a MB of JSON.
const LIMIT_MAX: usize = 5_000;

type Answer = Result<axum::Json<MoneyReceipt>, Refusal>;

/// What is sold of a channel.
struct Offer {
    channel: ChannelName,
    owner: AccountId,
    /// The channel's name in the ledger.
    ledger: u128,
    /// What a period costs, as people read it …
    shown: String,
    /// … and as the ledger counts it.
    price: Amount,
    period_secs: u64,
}

/// Members of a channel: all of them for whoever may read what its owner earns, else oneself.
#[utoipa::path(
    get, path = "/v1/channels/{name}/memberships", tag = "money",
    params(("name" = String, Path), MemberQuery),
    responses((status = 200, body = Vec<MemberInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    asker: Asker,
    Path(name): Path<ChannelName>,
    Query(query): Query<MemberQuery>,
) -> Result<axum::Json<Vec<MemberInfo>>, Refusal> {
    let good = Good::Channel(ctx.store.ledger_id(&name)?);
    let (all, now) = (asker.sees(Action::WalletRead, &name), clock::now());
    let mut passes = ctx.store.passes_of(good);
    passes.retain(|pass| pass.is_good(now) && (all || pass.id.account == asker.principal.account));
    passes.sort_by_key(|pass| std::cmp::Reverse((pass.until, pass.id)));
    passes.truncate(query.limit.unwrap_or(LIMIT).min(LIMIT_MAX));
    let infos = passes.into_iter().map(|pass| {
        let account = pass.id.account;
        let known = ctx.store.account(&account.to_string()).ok();
        MemberInfo {
            channel: name.clone(),
            account,
            name: known.map(|account| account.name),
            until: pass.until,
            renews: ctx.store.renews(&name, account),
        }
    });
    Ok(axum::Json(infos.collect()))
}

/// Pays a period as a member, for oneself or as a gift.
#[utoipa::path(
    post, path = "/v1/channels/{name}/memberships", tag = "money",
    params(("name" = String, Path), Mutation),
    request_body = JoinMembers,
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn join(
    State(ctx): State<Context>,
    asker: Asker,
    Path(name): Path<ChannelName>,
    Query(query): Query<Mutation>,
    Json(body): Json<JoinMembers>,
) -> Answer {
    let payer = own_or_any(&ctx, &asker, Action::WalletSpend, body.account.as_deref())?;
    let offer = agreed(&ctx, &name, &body.price).await?;
    if body.to.is_empty() {
        return subscribe(&ctx, &asker, query, &payer, &offer, &body).await;
    }
    if body.renew {
        let text = "a gift does not renew itself";
        return Err(Refusal::new(ErrorCode::Invalid, text));
    }
    give(&ctx, &asker, query, &payer, &offer, &body).await
}

/// A member stays one until what is paid for is over, and no longer. Doing it twice changes nothing.
#[utoipa::path(
    delete, path = "/v1/channels/{name}/memberships/{account}/renewal", tag = "money",
    params(("name" = String, Path), ("account" = String, Path), Mutation),
    responses((status = 200, body = MemberInfo), (status = "default", body = ApiError)),
)]
pub(super) async fn lapse(
    State(ctx): State<Context>,
    asker: Asker,
    Path((name, account)): Path<(ChannelName, String)>,
    Query(query): Query<Mutation>,
) -> Result<axum::Json<MemberInfo>, Refusal> {
    let member = own_or_any(&ctx, &asker, Action::WalletSpend, Some(&account))?;
    let (reason, good) = (reason(query.reason)?, Good::Channel(ctx.store.ledger_id(&name)?));
    ctx.store_for(query.dry_run).lapse(&name, member.id).await?;
    if !query.dry_run {
        let text = format!("account {} stays no member of channel {name}", member.name);
        Change::of(&name, "membership.lapsed", text, reason).emit(&ctx, &asker);
    }
    let pass = ctx.store.pass(&PassId { good, account: member.id });
    let until = pass.and_then(|pass| pass.until);
    let (account, name_of) = (member.id, Some(member.name));
    Ok(axum::Json(MemberInfo { channel: name, account, name: name_of, until, renews: false }))
}

/// What the channel sells, at the price that was shown.
async fn agreed(ctx: &Context, channel: &ChannelName, shown: &str) -> Result<Offer, Refusal> {
    let known = ctx.store.channel(channel)?;
    let Access::Members { price, currency: code, period_secs } = known.access else {
        let text = format!("channel {channel} has no members");
        return Err(Refusal::new(ErrorCode::Conflict, text)
            .hint("`weir price set CHANNEL --members PRICE` makes it theirs"));
    };
    let currency = ctx.money.currency().await?;
    let (units, agreed) = (amount(&currency, &price)?, amount(&currency, shown)?);
    if units != agreed {
        let text = format!("a period costs {price} {code}, and not {shown}");
        return Err(Refusal::new(ErrorCode::Conflict, text).hint("agree to that price"));
    }
    let ledger = ctx.store.ledger_id(channel)?;
    let (channel, owner) = (channel.clone(), known.owner);
    Ok(Offer { channel, owner, ledger, shown: price, price: units, period_secs })
}

async fn subscribe(
    ctx: &Context,
    asker: &Asker,
    how: Mutation,
    payer: &Account,
    offer: &Offer,
    body: &JoinMembers,
) -> Answer {
    room(ctx, 1)?;
    let period = next_period(ctx, payer.id, offer).await?;
    let member = MemberId { user: payer.id, channel: offer.ledger };
    let subscribe = MemberCommand::Subscribe {
        member,
        period,
        terms: terms(ctx, payer.id, offer, offer.price)?,
        price: offer.price,
        length_ms: offer.period_secs.saturating_mul(1_000),
    };
    let text = format!("account {} is a member of channel {}", payer.name, offer.channel);
    let act = Act {
        id: body.id,
        command: Command::Member(subscribe),
        channel: Some(offer.channel.clone()),
        event: ("membership.paid", text),
    };
    let is_dry = how.dry_run;
    let receipt = act.run_for(ctx, asker, how, payer.id).await?;
    let id = PassId { good: Good::Channel(offer.ledger), account: payer.id };
    if body.renew && !is_dry {
        let renewal = Renewal {
            account: payer.id,
            channel: offer.channel.clone(),
            price: offer.shown.clone(),
            period_secs: offer.period_secs,
        };
        ctx.store.renew(renewal).await?;
    }
    heard(ctx, is_dry, &receipt, vec![id]).await;
    Ok(receipt)
}

/// The period that is paid for: the first, which is done once under the request's id however often it is asked, or the
/// one behind all that is over. Nobody pays for another one by asking again.
async fn next_period(ctx: &Context, account: AccountId, offer: &Offer) -> Result<u32, Refusal> {
    let question = Question::Member { account, channel: offer.ledger };
    let known: Membership = told(ctx, question).await?;
    let now = At::from(clock::now());
    if known.periods <= 1 && known.until > now {
        // Told again as it was done, or refused because it was done under another id.
        return Ok(1);
    }
    if known.until > now {
        let until = known.until.time();
        let text = format!("this account is a member until {until}");
        return Err(Refusal::new(ErrorCode::Conflict, text).hint("nothing was paid"));
    }
    known.periods.checked_add(1).ok_or_else(|| {
        Refusal::new(ErrorCode::Conflict, "this account was a member for too many periods")
    })
}

async fn give(
    ctx: &Context,
    asker: &Asker,
    how: Mutation,
    payer: &Account,
    offer: &Offer,
    body: &JoinMembers,
) -> Answer {
    let to: Vec<AccountId> = body
        .to
        .iter()
        .map(|named| Ok(ctx.store.account(named)?.id))
        .collect::<Result<_, Refusal>>()?;
    room(ctx, to.len())?;
    let all = u64::try_from(to.len()).ok().and_then(|n| offer.price.units().checked_mul(n));
    let all = all.and_then(|units| Amount::try_from(units).ok());
    let too_much = || Refusal::new(ErrorCode::Invalid, "this is more than can be paid at once");
    let good = Good::Channel(offer.ledger);
    let passes = to.iter().map(|account| PassId { good, account: *account }).collect();
    let gift = Gift {
        terms: terms(ctx, payer.id, offer, all.ok_or_else(too_much)?)?,
        channel: offer.ledger,
        price: offer.price,
        length_ms: offer.period_secs.saturating_mul(1_000),
        to,
        partial: body.partial,
    };
    let count = gift.to.len();
    let text = format!("account {} gave {count} memberships of {}", payer.name, offer.channel);
    let act = Act {
        id: body.id,
        command: Command::Member(MemberCommand::Gift(gift)),
        channel: Some(offer.channel.clone()),
        event: ("membership.given", text),
    };
    let is_dry = how.dry_run;
    let receipt = act.run_for(ctx, asker, how, payer.id).await?;
    heard(ctx, is_dry, &receipt, passes).await;
    Ok(receipt)
}

fn terms(ctx: &Context, payer: AccountId, offer: &Offer, cap: Amount) -> Result<Terms, Refusal> {
    Ok(Terms { payer, cap, split: split(ctx.fee_bps, offer.owner)? })
}

/// Refuses to sell what could not be given: nobody pays for a pass that has no place.
pub(super) fn room(ctx: &Context, more: usize) -> Result<(), Refusal> {
    if ctx.store.pass_count() + more <= PASSES_SOLD_MAX {
        return Ok(());
    }
    let text = format!("the cluster has {PASSES_SOLD_MAX} members and tickets, and no more");
    Err(Refusal::new(ErrorCode::Conflict, text).hint("nothing was paid"))
}

/// Whoever is told that he has paid can watch: waits until the directory says so here. What was paid long ago may be over.
pub(super) async fn heard(ctx: &Context, is_dry: bool, receipt: &MoneyReceipt, ids: Vec<PassId>) {
    if !is_dry && !receipt.replayed {
        ctx.store.until_passes(&ids).await;
    }
}
