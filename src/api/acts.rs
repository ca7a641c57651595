//! What is done with money: a request to the ledger, done once under its id, or rehearsed.

use weir_ledger::request::{Command, Refs};
use weir_ledger::{Currency, Request};
use weir_model::api::Mutation;
use weir_model::charge::LedgerId;
use weir_model::money::{Durability, MoneyReceipt};
use weir_model::{ApiError, ChannelName, ErrorCode};
use weir_people::{Action, Target};

use super::Context;
use super::auth::Asker;
use super::error::Refusal;
use super::events::{Change, reason};
use super::money::told;
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

impl Act {
    /// Has it done, or rehearsed, in the name of whoever asks; an event says so when it was done now.
    pub(super) async fn run(
        self,
        ctx: &Context,
        asker: &Asker,
        how: Mutation,
    ) -> Result<axum::Json<MoneyReceipt>, Refusal> {
        self.run_after(ctx, asker, how, Vec::new()).await
    }

    /// The same; a rehearsal has `first` done before it. It shows what is on accounts to who may read them.
    pub(super) async fn run_after(
        self,
        ctx: &Context,
        asker: &Asker,
        how: Mutation,
        first: Vec<Request>,
    ) -> Result<axum::Json<MoneyReceipt>, Refusal> {
        let Self { id, command, channel, event: (kind, text) } = self;
        let reason = reason(how.reason)?;
        let no_id = || Refusal::new(ErrorCode::Internal, "the system gives no random numbers");
        let id = match command.is_repeatable() {
            true => 0,
            false => id.or_else(teller::new_id).ok_or_else(no_id)?.number(),
        };
        let refs = Refs { channel: channel.clone(), ..Refs::default() };
        let by = asker.principal.account;
        let request = Request { id, by, reason: reason.clone(), refs, command };
        request.check().map_err(|refusal| refused(&refusal, None))?;
        if how.dry_run {
            let reads_all = asker.principal.can(Action::WalletRead, &Target::Any).is_ok();
            let (of, request) = ((!reads_all).then_some(by), Box::new(request));
            return Ok(axum::Json(told(ctx, Question::Rehearse { first, request, of }).await?));
        }
        let receipt = done(ctx, &request, &ctx.money.currency().await?).await?;
        if !receipt.replayed {
            let told = Change::of_cluster(kind, text, reason).about(channel.as_ref());
            let told = told.field("amount", &receipt.amount);
            let seq = receipt.seq.map(|seq| seq.to_string()).unwrap_or_default();
            told.field("record", seq).emit(ctx, asker);
        }
        Ok(axum::Json(receipt))
    }
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
