//! What the leader does by itself, a bounded part with each turn: takes passes away that have ended, has members pay the
//! next period who asked for it, and settles tickets of events that are over.
//!
//! A period is paid once: it is named by its number, and the ledger does the same one once, however often it is asked and
//! by whichever leader.

use std::collections::{BTreeMap, BTreeSet};

use weir_ledger::request::{Command, EventCommand, MemberCommand, Refs, Terms};
use weir_ledger::row::{At, MemberId, Membership};
use weir_ledger::split::Split;
use weir_ledger::{Amount, Request, State};
use weir_model::{AccountId, ChannelName, Timestamp};
use weir_session::limits::PASSES_AT_ONCE_MAX;
use weir_session::{PassId, Renewal, Touched};

use super::Usher;
use crate::actors::clock;

/// Between two turns, milliseconds.
const EVERY_MS: u64 = 2_000;
/// Members that are asked to pay in one turn.
const RENEWED_AT_ONCE: usize = 64;
/// Records of settled tickets in one turn.
const SETTLED_AT_ONCE: usize = 16;
/// Of the time in which a period can be paid ahead, each attempt that was refused waits for this part.
const TRIES: i64 = 8;

/// When what is done next.
#[derive(Debug, Default)]
pub(super) struct Turns {
    next_ms: u64,
    /// Members who could not pay, and when they are asked again. Those of them who renew no more are forgotten.
    tried: BTreeMap<(ChannelName, AccountId), Timestamp>,
}

/// Why a membership does not go on.
type Over = &'static str;

impl Usher {
    /// Does what is due.
    pub(super) async fn chores(&mut self) {
        let now_ms = clock::monotonic_ms();
        if now_ms < self.chores.next_ms {
            return;
        }
        self.chores.next_ms = now_ms.saturating_add(EVERY_MS);
        if let Err(error) = self.take_ended().await {
            tracing::debug!(error, "passes that have ended stay a while");
        }
        self.settle().await;
        self.renew().await;
    }

    async fn take_ended(&self) -> Result<(), String> {
        let now = clock::now();
        let passes = self.parts.store.passes().into_iter();
        let ended = passes.filter(|pass| !pass.is_good(now)).map(|pass| pass.id);
        let ended: BTreeSet<PassId> = ended.take(PASSES_AT_ONCE_MAX).collect();
        self.change(Touched::Some(ended)).await.map(drop)
    }

    /// Whoever ended an event does this himself; it is left here when he was cut off.
    async fn settle(&self) {
        for _ in 0..SETTLED_AT_ONCE {
            let Some(event) = self.ledger.read(State::unsettled) else { return };
            let command = Command::Event(EventCommand::Settle { event });
            if self.asked(self.parts.store.operator(), command).await.is_err() {
                return;
            }
        }
    }

    async fn renew(&mut self) {
        let (now, renewals) = (clock::now(), self.parts.store.renewals());
        let key = |one: &Renewal| (one.channel.clone(), one.account);
        let known: BTreeSet<_> = renewals.iter().map(key).collect();
        self.chores.tried.retain(|key, _| known.contains(key));
        let mut asked = 0;
        for renewal in renewals {
            let waits = self.chores.tried.get(&key(&renewal)).is_some_and(|at| *at > now);
            if waits || !self.is_due(&renewal, now) {
                continue;
            }
            if asked == RENEWED_AT_ONCE {
                return;
            }
            asked += 1;
            if let Err(over) = self.pay(&renewal, now).await {
                self.lapse(&renewal, over).await;
            }
        }
    }

    fn member(&self, renewal: &Renewal) -> Option<Membership> {
        let channel = self.parts.store.ledger_id(&renewal.channel).ok()?;
        let id = MemberId { user: renewal.account, channel };
        Some(self.ledger.read(|state| state.member(id)))
    }

    fn is_due(&self, renewal: &Renewal, now: Timestamp) -> bool {
        let ahead = At::from(now.plus_ms(renewal.ahead_ms()));
        self.member(renewal).is_none_or(|member| member.until <= ahead)
    }

    /// Has the next period paid, or tries again later.
    ///
    /// # Errors
    /// When the membership is over.
    async fn pay(&mut self, renewal: &Renewal, now: Timestamp) -> Result<(), Over> {
        let member = self.member(renewal).filter(|member| member.until > At::from(now));
        let member = member.ok_or("the member did not pay in time, or was paid back")?;
        let channel = self.parts.store.channel(&renewal.channel);
        let channel = channel.map_err(|_| "there is no such channel")?;
        if !renewal.fits(&channel.access) {
            return Err("it costs something else now, or is not for members");
        }
        let command = self.subscribe(renewal, &member, channel.owner);
        let command = command.ok_or("its price cannot be read")?;
        match self.asked(renewal.account, command).await {
            Ok(()) => {
                let text = "the next period of a membership was paid";
                self.tell("membership.renewed", renewal, text);
            }
            Err(why) => {
                tracing::info!(account = %renewal.account, channel = %renewal.channel, why, "a period is not paid yet");
                let again = now.plus_ms((renewal.ahead_ms() / TRIES).max(1));
                self.chores.tried.insert((renewal.channel.clone(), renewal.account), again);
            }
        }
        Ok(())
    }

    fn subscribe(
        &self,
        renewal: &Renewal,
        member: &Membership,
        owner: AccountId,
    ) -> Option<Command> {
        let currency = self.ledger.read(|state| Some(state.founding()?.currency.clone()))?;
        let price: Amount = currency.parse(&renewal.price).ok()?;
        let split = Split::less_fee(self.parts.fee_bps, owner).ok()?;
        let channel = self.parts.store.ledger_id(&renewal.channel).ok()?;
        Some(Command::Member(MemberCommand::Subscribe {
            member: MemberId { user: renewal.account, channel },
            // The first one is somebody's own request, with an id.
            period: member.periods.checked_add(1).filter(|period| *period > 1)?,
            terms: Terms { payer: renewal.account, cap: price, split },
            price,
            length_ms: renewal.period_secs.saturating_mul(1_000),
        }))
    }

    async fn asked(&self, by: AccountId, command: Command) -> Result<(), String> {
        let (reason, refs) = ("when it was due".to_owned(), Refs::default());
        let request = Request { id: 0, by, reason, refs, command };
        let told = self.parts.teller.ask(&request).await.map_err(|error| error.to_string())?;
        told.answer.result.map(drop).map_err(|refusal| refusal.to_string())
    }

    async fn lapse(&self, renewal: &Renewal, why: Over) {
        match self.parts.store.lapse(&renewal.channel, renewal.account).await {
            Ok(()) => {
                self.tell(
                    "membership.over",
                    renewal,
                    &format!("a membership does not go on: {why}"),
                );
            }
            Err(error) => tracing::debug!(%error, "a renewal stays a while"),
        }
    }

    fn tell(&self, kind: &str, renewal: &Renewal, text: &str) {
        let fields = [("account", renewal.account.to_string())];
        self.parts.events.emit(kind, Some(&renewal.channel), text, &fields);
    }
}
