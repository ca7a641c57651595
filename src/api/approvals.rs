//! What takes two people: proposals of staff that move more than the configured limit.
//!
//! A confirmation is decided in the directory and then done by the ledger, which does each request once. Between the two a
//! crash loses nothing: the proposal says that it was confirmed and is not known to be done, and confirming it again asks
//! the ledger again. The other way round, somebody else's rejection could come after the money has moved.

use axum::extract::State;
use weir_ledger::Request;
use weir_model::api::Mutation;
use weir_model::approval::{ApprovalInfo, ApprovalState};
use weir_model::charge::LedgerId;
use weir_model::money::MoneyReceipt;
use weir_model::{ApiError, ErrorCode};
use weir_people::{Action, Decision, Proposal, Stage, Step, Target, Undecided};

use super::Context;
use super::acts::{Planned, done, moved, rehearsed};
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::extract::{Path, Query};
use super::money::told;
use crate::actors::books::Question;
use crate::actors::{clock, teller};
use crate::store::Approval;

/// All proposals, the newest first; those that were decided, or not in time, included.
#[utoipa::path(
    get, path = "/v1/approvals", tag = "money",
    responses((status = 200, body = Vec<ApprovalInfo>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(State(ctx): State<Context>) -> axum::Json<Vec<ApprovalInfo>> {
    let mut all: Vec<_> = ctx.store.approvals().iter().map(|one| info(&ctx, one)).collect();
    all.sort_by_key(|one| std::cmp::Reverse((one.at, one.id)));
    axum::Json(all)
}

/// Has it done: by another account than the one that proposed it. Doing it twice moves nothing twice.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/confirm", tag = "money",
    params(("id" = String, Path), Mutation),
    responses((status = 200, body = MoneyReceipt), (status = "default", body = ApiError)),
)]
pub(super) async fn confirm(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<LedgerId>,
    Query(how): Query<Mutation>,
) -> Result<axum::Json<MoneyReceipt>, Refusal> {
    let one = decide(&ctx, &asker, id, Step::Confirm(decision(&asker)), &how).await?;
    if how.dry_run {
        return Ok(axum::Json(rehearsed(&ctx, &asker, Vec::new(), one.request).await?));
    }
    let receipt = done(&ctx, &one.request, &ctx.money.currency().await?).await?;
    if !receipt.replayed {
        let why = one.request.reason.clone();
        let event =
            Change::of_cluster(&one.event, one.text.clone(), why).about(one.channel.as_ref());
        moved(event, &receipt).field("proposal", id).emit(&ctx, &asker);
    }
    if matches!(one.proposal.stage, Stage::Confirmed(_)) {
        let finish = Step::Finish { seq: receipt.seq };
        if let Err(error) = ctx.store.decide_approval(id, finish).await {
            tracing::warn!(%id, %error, "a proposal was done, and the directory does not say so");
        }
    }
    Ok(axum::Json(receipt))
}

/// It never happens. Another account than the one that proposed it says so.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/reject", tag = "money",
    params(("id" = String, Path), Mutation),
    responses((status = 200, body = ApprovalInfo), (status = "default", body = ApiError)),
)]
pub(super) async fn reject(
    State(ctx): State<Context>,
    asker: Asker,
    Path(id): Path<LedgerId>,
    Query(how): Query<Mutation>,
) -> Result<axum::Json<ApprovalInfo>, Refusal> {
    let one = decide(&ctx, &asker, id, Step::Reject(decision(&asker)), &how).await?;
    Ok(axum::Json(info(&ctx, &one)))
}

fn decision(asker: &Asker) -> Decision {
    Decision { by: asker.principal.account, at: clock::now() }
}

/// Decides about a proposal, for whoever may do himself what it proposes; an event says so when that is new.
async fn decide(
    ctx: &Context,
    asker: &Asker,
    id: LedgerId,
    step: Step,
    how: &Mutation,
) -> Result<Approval, Refusal> {
    let why = reason(how.reason.clone())?;
    let unknown = || {
        Refusal::new(ErrorCode::NotFound, format!("there is no proposal {id}"))
            .hint("`weir approval list` shows those there are")
    };
    let known = ctx.store.approval(id).ok_or_else(unknown)?;
    let right = known.proposal.action();
    let right = right.map_err(|error| Refusal::new(ErrorCode::Forbidden, error.to_string()))?;
    asker.principal.can(right, &Target::Any)?;
    let stage = known.proposal.after(step).map_err(refused)?;
    let one = ctx.store_for(how.dry_run).decide_approval(id, step).await?;
    if !how.dry_run && stage != known.proposal.stage {
        let (kind, was) = match step {
            Step::Reject(_) => ("approval.rejected", "rejected"),
            Step::Confirm(_) | Step::Finish { .. } => ("approval.confirmed", "confirmed"),
        };
        event(kind, &one, was, why).emit(ctx, asker);
    }
    Ok(one)
}

fn refused(error: Undecided) -> Refusal {
    let code = match error {
        Undecided::Own => ErrorCode::Forbidden,
        Undecided::Expired | Undecided::Rejected | Undecided::Confirmed | Undecided::Open => {
            ErrorCode::Conflict
        }
    };
    Refusal::new(code, error.to_string()).hint("`weir approval list` says how it stands")
}

/// What it would move, when that is more than one member of staff may: none of what was done before.
pub(super) async fn takes_two(
    ctx: &Context,
    request: &Request,
) -> Result<Option<MoneyReceipt>, Refusal> {
    let Some(limit) = &ctx.approve_above else { return Ok(None) };
    let currency = ctx.money.currency().await?;
    let request = Box::new(request.clone());
    let tried = told(ctx, Question::Rehearse { first: Vec::new(), request, of: None });
    let tried: MoneyReceipt = tried.await?;
    let is_above = match (currency.parse(&tried.amount), currency.parse(limit)) {
        (Ok(amount), Ok(limit)) => amount.units() > limit.units(),
        // Zero is no amount; and a limit in another currency's digits holds for everything else.
        _ => tried.amount.bytes().any(|digit| (b'1'..=b'9').contains(&digit)),
    };
    Ok((is_above && !tried.replayed).then_some(tried))
}

/// Proposes what `tried` shows to somebody else who has `right`.
pub(super) async fn propose(
    ctx: &Context,
    asker: &Asker,
    right: Action,
    planned: Planned,
    tried: MoneyReceipt,
) -> Result<ApprovalInfo, Refusal> {
    let Planned { request, channel, event: (kind, text) } = planned;
    let no_id = || Refusal::new(ErrorCode::Internal, "the system gives no random numbers");
    let id = LedgerId::new(request.id).or_else(teller::new_id).ok_or_else(no_id)?;
    let (by, at, right) = (asker.principal.account, clock::now(), right.as_str().to_owned());
    let proposal = Proposal { id, right, by, at, stage: Stage::Open };
    let MoneyReceipt { amount, currency, .. } = tried;
    let event_kind = kind.to_owned();
    let new = Approval { proposal, request, amount, currency, event: event_kind, text, channel };
    let one = ctx.store.propose_approval(new).await?;
    let told = info(ctx, &one);
    if matches!(told.state, ApprovalState::Rejected | ApprovalState::Expired) {
        let text = format!("proposal {id} is {}, so it never happens", told.state);
        return Err(Refusal::new(ErrorCode::Conflict, text).hint("a new attempt needs a new id"));
    }
    // Made now, and not told again.
    if one.proposal.id == id && one.proposal.at == at {
        event("approval.proposed", &one, "proposed", one.request.reason.clone()).emit(ctx, asker);
    }
    Ok(told)
}

fn event<'a>(kind: &'a str, one: &Approval, was: &str, why: String) -> Change<'a> {
    let text =
        format!("{} of {} {} was {was}", one.request.command.name(), one.amount, one.currency);
    Change::of_cluster(kind, text, why).field("proposal", one.proposal.id)
}

fn info(ctx: &Context, one: &Approval) -> ApprovalInfo {
    let Approval { proposal, request, amount, currency, text, .. } = one;
    let (id, state) = (proposal.id, proposal.state(clock::now()));
    let next = match state {
        ApprovalState::Open => format!(
            "nothing has moved; another account that may do it confirms it before {}: `weir approval confirm {id}`",
            proposal.expires_at()
        ),
        ApprovalState::Confirmed => format!(
            "it was confirmed and is not known to be done; `weir approval confirm {id}` asks the ledger again, which \
             does it once"
        ),
        ApprovalState::Done | ApprovalState::Rejected | ApprovalState::Expired => String::new(),
    };
    let seq = match proposal.stage {
        Stage::Done { seq, .. } => seq,
        Stage::Open | Stage::Confirmed(_) | Stage::Rejected(_) => None,
    };
    ApprovalInfo {
        id,
        what: request.command.name().to_owned(),
        amount: amount.clone(),
        currency: currency.clone(),
        then: text.clone(),
        reason: request.reason.clone(),
        right: proposal.right.clone(),
        by: proposal.by,
        name: ctx.store.account(&proposal.by.to_string()).ok().map(|account| account.name),
        at: proposal.at,
        expires_at: proposal.expires_at(),
        state,
        decided_by: proposal.decision().map(|decision| decision.by),
        decided_at: proposal.decision().map(|decision| decision.at),
        seq,
        next,
    }
}
