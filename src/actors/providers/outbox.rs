//! Tells payment providers of payouts, and takes lost disputes back from whoever got the money: what the leader does
//! because the books say so.
//!
//! The payout is the intent, and it is in the books before anybody is told. Each attempt is recorded before it is made;
//! who gets no record of it does not make it, so that a leader that was replaced does no harm.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use weir_ledger::batch::Answer;
use weir_ledger::request::{DisputeCommand, FAILURE_CHARS_MAX, ProviderCommand, Refs};
use weir_ledger::row::{At, Id, Payout, Telling};
use weir_ledger::{Command, Currency, Request, State};
use weir_model::AccountId;
use weir_model::charge::LedgerId;
use weir_provider::intent::{Failure, PaymentProvider, PayoutIntent};
use weir_provider::telling::{self, Step};

use super::Providers;
use crate::actors::clock;
use crate::actors::tasks::Tasks;
use crate::actors::teller::{Teller, Untold};
use crate::raft::Consensus;
use crate::store::ledger::Ledger;

#[cfg(test)]
mod tests;

/// How often the books are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Providers that are told at the same time.
const AT_ONCE: usize = 8;
/// Payouts that are told of between two looks, and disputes.
const EACH_LOOK_MAX: usize = 64;

/// What it needs.
pub struct Parts {
    /// The ledger of this node, if it keeps one.
    pub ledger: Option<Ledger>,
    /// Says whether this node leads.
    pub consensus: Consensus,
    /// Writes.
    pub teller: Teller,
    /// Whom to tell.
    pub providers: Providers,
}

/// Something to tell.
struct Due {
    id: Id,
    nth: u32,
    look_up: bool,
    payout: Payout,
    intent: PayoutIntent,
}

/// Tells from now on, while this node leads.
pub fn start(parts: Parts, tasks: &Tasks) {
    let Parts { ledger, consensus, teller, providers } = parts;
    let Some(ledger) = ledger else { return };
    let clerk = Clerk { ledger, asks: Arc::new(teller), providers };
    tasks.spawn("payment providers", |handle| async move {
        let telling = async {
            loop {
                if consensus.leads() {
                    clerk.look(now()).await;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = telling => {}
            () = handle.stopping() => {}
        }
    });
}

/// Whoever has the ledger do things.
trait Asks: Send + Sync {
    fn ask<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, Untold>>;
}

impl Asks for Teller {
    fn ask<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, Untold>> {
        Box::pin(async move { self.ask(request).await.map(|told| told.answer) })
    }
}

struct Clerk {
    ledger: Ledger,
    asks: Arc<dyn Asks>,
    providers: Providers,
}

impl Clerk {
    async fn look(&self, now: At) {
        let disputes: Vec<Id> =
            self.ledger.read(|state| state.recoverable().take(EACH_LOOK_MAX).collect());
        for dispute in disputes {
            self.ask(Command::Dispute(DisputeCommand::Recover { dispute })).await;
        }
        let due = self.ledger.read(|state| self.due(state, now));
        futures_util::stream::iter(due).for_each_concurrent(AT_ONCE, |due| self.tell(due)).await;
    }

    fn due(&self, state: &State, now: At) -> Vec<Due> {
        let Some(founding) = state.founding() else { return Vec::new() };
        let leaving = state.leaving().filter_map(|(id, payout, told)| {
            self.providers.get(payout.provider)?.gateway.as_ref()?;
            let Step::Tell { nth, look_up } = telling::next(told, now) else { return None };
            let intent = intent(id, payout, &founding.currency)?;
            Some(Due { id, nth, look_up, payout: *payout, intent })
        });
        leaving.take(EACH_LOOK_MAX).collect()
    }

    async fn tell(&self, due: Due) {
        let one = self.providers.get(due.payout.provider);
        let Some(gateway) = one.and_then(|one| one.gateway.as_deref()) else { return };
        let (payout, nth) = (due.id, due.nth);
        let begun = self.ask(Command::Provider(ProviderCommand::Tell { payout, nth })).await;
        // Without a record of its own it is somebody else's attempt.
        if begun.is_none_or(|answer| answer.seq.is_none() || answer.result.is_err()) {
            return;
        }
        let state = match attempt(gateway, &due).await {
            Ok(()) => Telling::Sent,
            Err(failure) => {
                tracing::warn!(payout = %due.intent.payout, nth, %failure, "a provider was not told of a payout");
                Telling::Failed(failure.0.chars().take(FAILURE_CHARS_MAX).collect())
            }
        };
        self.ask(Command::Provider(ProviderCommand::Told { payout, nth, state })).await;
    }

    async fn ask(&self, command: Command) -> Option<Answer> {
        let (reason, refs) = (String::new(), Refs::default());
        // It is nobody's wish: the books say so.
        let request = Request { id: 0, by: AccountId(0), reason, refs, command };
        match self.asks.ask(&request).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%error, "what a payment provider is told is not recorded");
                None
            }
        }
    }
}

async fn attempt(gateway: &dyn PaymentProvider, due: &Due) -> Result<(), Failure> {
    if due.look_up && gateway.knows(due.intent.payout).await? {
        return Ok(());
    }
    gateway.pay_out(&due.intent).await
}

fn now() -> At {
    clock::now().into()
}

fn intent(id: Id, payout: &Payout, currency: &Currency) -> Option<PayoutIntent> {
    Some(PayoutIntent {
        payout: LedgerId::new(id)?,
        account: payout.creator,
        amount: currency.decimal(payout.units.into()).to_string(),
        currency: currency.code().to_owned(),
    })
}
