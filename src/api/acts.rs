//! What is done with money: a request to the ledger, done once under its id, or rehearsed.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use weir_ledger::request::{Command, Refs};
use weir_ledger::{Currency, Request};
use weir_model::api::Mutation;
use weir_model::approval::ApprovalInfo;
use weir_model::charge::LedgerId;
use weir_model::money::{Durability, MoneyReceipt};
use weir_model::{AccountId, ApiError, ChannelName, ErrorCode};
use weir_people::{Action, Target};

use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::money::told;
use super::{Context, approvals};
use crate::actors::books::{Question, receipt_of, refused};
use crate::actors::teller::{self, Untold};

/// Something to be done with money.
pub(super) struct Act {
    /// Under which id; a new one when absent.
    pub(super) id: Option<LedgerId>,
    /// What.
    pub(super) command: Command,
    /// On which channel.
    pub(super) channel: Option<ChannelName>,
    /// Its event's kind, and what that says.
    pub(super) event: (&'static str, String),
}

/// An act that can be asked for.
pub(super) struct Planned {
    /// What the ledger is asked for.
    pub(super) request: Request,
    /// On which channel.
    pub(super) channel: Option<ChannelName>,
    /// Its event's kind, and what that says.
    pub(super) event: (&'static str, String),
}

/// What came of an act that may take two people.
pub(super) enum Acted {
    /// It was done, or rehearsed.
    Done(Box<MoneyReceipt>),
    /// Nothing has moved: somebody else decides.
    Proposed(Box<ApprovalInfo>),
}

impl IntoResponse for Acted {
    fn into_response(self) -> Response {
        match self {
            Self::Done(receipt) => axum::Json(receipt).into_response(),
            Self::Proposed(info) => (StatusCode::ACCEPTED, axum::Json(info)).into_response(),
        }
    }
}

impl Act {
    /// Has it done, or rehearsed, in the name of whoever asks; an event says so when it was done now. For what moves no
    /// money to anybody, or only that of whoever asks.
    pub(super) async fn run(
        self,
        ctx: &Context,
        asker: &Asker,
        how: Mutation,
    ) -> Result<axum::Json<MoneyReceipt>, Refusal> {
        let planned = self.planned(asker, how.reason)?;
        planned.run(ctx, asker, how.dry_run, Vec::new()).await.map(axum::Json)
    }

    /// The same with the money of `payer`. What staff would have to propose is refused: somebody buys it for himself.
    pub(super) async fn run_for(
        self,
        ctx: &Context,
        asker: &Asker,
        how: Mutation,
        payer: AccountId,
    ) -> Result<axum::Json<MoneyReceipt>, Refusal> {
        let planned = self.planned(asker, how.reason)?;
        let is_own = asker.principal.account == payer || how.dry_run;
        if !is_own && approvals::takes_two(ctx, &planned.request).await?.is_some() {
            let text = "so much of somebody else's money is not spent by one person";
            return Err(Refusal::new(ErrorCode::Conflict, text)
                .hint("nothing was done; the account itself can, with a token of its own"));
        }
        planned.run(ctx, asker, how.dry_run, Vec::new()).await.map(axum::Json)
    }

    /// The same by staff that has `right`; above the configured limit it is proposed to another one who has it.
    pub(super) async fn run_by_staff(
        self,
        ctx: &Context,
        asker: &Asker,
        how: Mutation,
        right: Option<Action>,
    ) -> Result<Acted, Refusal> {
        self.run_after(ctx, asker, how, right, Vec::new()).await
    }

    /// The same; a rehearsal has `first` done before it.
    pub(super) async fn run_after(
        self,
        ctx: &Context,
        asker: &Asker,
        how: Mutation,
        right: Option<Action>,
        first: Vec<Request>,
    ) -> Result<Acted, Refusal> {
        let planned = self.planned(asker, how.reason)?;
        if let (Some(right), false) = (right, how.dry_run)
            && let Some(receipt) = approvals::takes_two(ctx, &planned.request).await?
        {
            let info = approvals::propose(ctx, asker, right, planned, receipt).await?;
            return Ok(Acted::Proposed(Box::new(info)));
        }
        let receipt = planned.run(ctx, asker, how.dry_run, first).await?;
        Ok(Acted::Done(Box::new(receipt)))
    }

    fn planned(self, asker: &Asker, why: Option<String>) -> Result<Planned, Refusal> {
        let Self { id, command, channel, event } = self;
        let reason = reason(why)?;
        let no_id = || Refusal::new(ErrorCode::Internal, "the system gives no random numbers");
        let id = match command.is_repeatable() {
            true => 0,
            false => id.or_else(teller::new_id).ok_or_else(no_id)?.number(),
        };
        let refs = Refs { channel: channel.clone(), ..Refs::default() };
        let by = asker.principal.account;
        let request = Request { id, by, reason, refs, command };
        request.check().map_err(|refusal| refused(&refusal, None))?;
        Ok(Planned { request, channel, event })
    }
}

/// Whose right it is to have something done with the money of `owner`: none's but his own when he asks himself.
pub(super) fn right_over(asker: &Asker, owner: AccountId, right: Action) -> Option<Action> {
    (asker.principal.account != owner).then_some(right)
}

impl Planned {
    async fn run(
        self,
        ctx: &Context,
        asker: &Asker,
        is_dry: bool,
        first: Vec<Request>,
    ) -> Result<MoneyReceipt, Refusal> {
        let Self { request, channel, event: (kind, text) } = self;
        if is_dry {
            return Ok(rehearsed(ctx, asker, first, request).await?);
        }
        let receipt = done(ctx, &request, &ctx.money.currency().await?).await?;
        if !receipt.replayed {
            let told = Change::of_cluster(kind, text, request.reason).about(channel.as_ref());
            moved(told, &receipt).emit(ctx, asker);
        }
        Ok(receipt)
    }
}

/// An event with what moved.
pub(super) fn moved<'a>(change: Change<'a>, receipt: &MoneyReceipt) -> Change<'a> {
    let seq = receipt.seq.map(|seq| seq.to_string()).unwrap_or_default();
    change.field("amount", &receipt.amount).field("record", seq)
}

/// What it would bring about after `first`. It shows what is on accounts to who may read them.
pub(super) async fn rehearsed(
    ctx: &Context,
    asker: &Asker,
    first: Vec<Request>,
    request: Request,
) -> Result<MoneyReceipt, ApiError> {
    let reads_all = asker.principal.can(Action::WalletRead, &Target::Any).is_ok();
    let of = (!reads_all).then_some(asker.principal.account);
    told(ctx, Question::Rehearse { first, request: Box::new(request), of }).await
}

/// Has the ledger do it.
pub(super) async fn done(
    ctx: &Context,
    request: &Request,
    currency: &Currency,
) -> Result<MoneyReceipt, ApiError> {
    let teller::Told { answer, durability } = ctx.money.act(request).await.map_err(untold)?;
    let receipt = answer.result.map_err(|refusal| refused(&refusal, Some(currency)))?;
    let durability = match durability {
        teller::Durability::Local => Durability::Local,
        teller::Durability::Quorum => Durability::Quorum,
    };
    Ok(MoneyReceipt {
        seq: answer.seq,
        replayed: answer.replayed,
        durability: Some(durability),
        ..receipt_of(request, Some(currency), &receipt)
    })
}

pub(super) fn untold(error: Untold) -> ApiError {
    let text = error.to_string();
    match error {
        Untold::Busy => ApiError::new(ErrorCode::Unavailable, text)
            .hint("nothing was done; ask again in a moment"),
        Untold::Unavailable(_) => {
            ApiError::new(ErrorCode::Unavailable, text).hint("nothing was done")
        }
        Untold::Unanswered => ApiError::new(ErrorCode::Timeout, text)
            .hint("ask again with the same id; `weir ledger tail` shows what was done"),
    }
}
