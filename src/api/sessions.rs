//! Private sessions. What was agreed is in the directory, what it costs until now the node says that runs it.

mod change;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use futures_util::StreamExt;
use futures_util::stream::iter;
use weir_ledger::Currency;
use weir_model::api::session::SessionQuery;
use weir_model::session::SessionInfo;
use weir_model::{ApiError, ErrorCode, SessionId};
use weir_people::{Action, Target};
use weir_session::{PartyId, Session};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::extract::{Path, Query};
use super::live::told;
use super::money;
use crate::actors::books::Question;
use crate::actors::reach::Gathered;
use crate::actors::sessions::Standings;
use view::{Known, Sight};

pub(super) use change::{__path_end, __path_join, __path_leave, __path_offer};
pub(super) use change::{end, join, leave, offer};

/// Sessions of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

/// Sessions of one answer at most: a few MB of JSON.
const LIMIT_MAX: usize = weir_model::limits::ANSWER_ROWS_MAX;

/// Sessions of one answer whose nodes are asked at the same time.
const ASKED_AT_ONCE: usize = 32;

/// Sessions, the newest first, with what each party was billed until now. Those of one's own channels whole; of others
/// what one may join, and one's own part.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "session",
    params(SessionQuery),
    responses((status = 200, body = Vec<SessionInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    asker: Asker,
    Query(query): Query<SessionQuery>,
) -> Result<(HeaderMap, axum::Json<Vec<SessionInfo>>), Refusal> {
    if let Some(channel) = &query.channel {
        ctx.store.channel(channel)?;
    }
    let fits = |session: &Session| {
        query.channel.as_ref().is_none_or(|channel| *channel == session.channel)
            && query.state.is_none_or(|state| state == view::state(session.stage))
    };
    let mut all = ctx.store.sessions();
    all.retain(|session| fits(session));
    all.sort_by_key(|session| std::cmp::Reverse((session.offered_at, session.id)));
    let limit = query.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    let currency = ctx.money.currency().await.ok();
    let mut infos = Vec::new();
    for session in all {
        if let Some(sight) = sight(&asker, &session).filter(|_| infos.len() < limit) {
            infos.push(listed(&ctx, session, sight, currency.clone()));
        }
    }
    let (mut found, mut silent) = (Vec::new(), BTreeSet::new());
    let mut infos = iter(infos).buffered(ASKED_AT_ONCE);
    while let Some(one) = infos.next().await {
        found.push(one.found);
        silent.extend(one.silent);
    }
    Ok(told(Gathered { found, silent: silent.into_iter().collect() }))
}

/// A session, with what each party of a running one has been billed until now.
#[utoipa::path(
    get, path = "/v1/sessions/{id}", tag = "session",
    params(("id" = String, Path)),
    responses((status = 200, body = SessionInfo), (status = "default", body = ApiError)),
)]
pub(super) async fn show(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<SessionId>,
) -> Result<(HeaderMap, axum::Json<SessionInfo>), Refusal> {
    let (session, sight) = seen(&ctx, &asker, id)?;
    let currency = ctx.money.currency().await.ok();
    Ok(told(shown(&ctx, &session, sight, currency).await))
}

/// The session of that id, and how much of it `asker` sees. Who sees nothing is not told that there is one.
fn seen(ctx: &Context, asker: &Asker, id: SessionId) -> Result<(Arc<Session>, Sight), Refusal> {
    let found = ctx.store.session(id);
    let found = found.and_then(|session| Some((sight(asker, &session)?, session)));
    let (sight, session) = found.ok_or_else(|| {
        Refusal::new(ErrorCode::NotFound, format!("there is no session {id}"))
            .hint("`weir session list` shows the sessions there are")
    })?;
    Ok((session, sight))
}

fn sight(asker: &Asker, session: &Session) -> Option<Sight> {
    if asker.sees(Action::SessionRead, &session.channel) {
        return Some(Sight::Whole);
    }
    let own = asker.principal.account;
    let takes_part = session.parties.iter().any(|party| party.account == own);
    let may_join =
        session.ended.is_none() && (session.invited.is_empty() || session.invited.contains(&own));
    let may_read = asker.principal.can(Action::SessionRead, &Target::Account(own)).is_ok();
    (may_read && (takes_part || may_join)).then_some(Sight::Own(own))
}

/// The session as it is at this moment, with the node that runs it when that one is silent.
async fn shown(
    ctx: &Context,
    session: &Arc<Session>,
    sight: Sight,
    currency: Option<Currency>,
) -> Gathered<SessionInfo> {
    let Gathered { found: standings, silent } = standings(ctx, session).await;
    let means = if standings.is_empty() { BTreeMap::new() } else { means(ctx, session).await };
    let known = Known { currency, standings, means, names: names(ctx, session) };
    Gathered { found: view::info(session, sight, &known), silent }
}

/// The session as a row of a list.
async fn listed(
    ctx: &Context,
    session: Arc<Session>,
    sight: Sight,
    currency: Option<Currency>,
) -> Gathered<SessionInfo> {
    let Gathered { found: standings, silent } = standings(ctx, &session).await;
    let known = Known { currency, standings, names: names(ctx, &session), ..Known::default() };
    Gathered { found: view::info(&session, sight, &known), silent }
}

/// How its parties stand, when it runs.
async fn standings(ctx: &Context, session: &Arc<Session>) -> Gathered<Standings> {
    match session.is_at_work() {
        true => ctx.boards.standings(Arc::clone(session)).await,
        false => Gathered { found: Standings::new(), silent: Vec::new() },
    }
}

/// What the bills of those who take part can come to; nothing when the ledger does not say it.
async fn means(ctx: &Context, session: &Session) -> BTreeMap<PartyId, u64> {
    let parties: Vec<PartyId> = session.present().map(|(id, _)| id).collect();
    let bills = session.present().map(|(id, party)| (session.bill_id(id), party.account));
    let question = Question::Means { bills: bills.collect() };
    let units: Vec<u64> = money::told(ctx, question).await.unwrap_or_default();
    parties.into_iter().zip(units).collect()
}

fn names(
    ctx: &Context,
    session: &Session,
) -> BTreeMap<weir_model::AccountId, weir_model::AccountName> {
    let accounts = session.parties.iter().map(|party| party.account);
    let named = accounts.filter_map(|id| Some((id, ctx.store.account(&id.to_string()).ok()?.name)));
    named.collect()
}
