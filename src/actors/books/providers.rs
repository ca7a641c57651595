//! Payment providers by the books.

use weir_ledger::account::{Account, Kind};
use weir_ledger::request::Provider;
use weir_ledger::row::{Heard, News, On, Telling};
use weir_ledger::text::inert;
use weir_model::ApiError;
use weir_model::charge::LedgerId;
use weir_model::money::{TellingInfo, TellingState};
use weir_model::provider::{ParkedEvent, ParkedState, ProviderDetail, ProviderInfo, Reported};

use super::read::{Reader, broken};

/// Events of one answer.
const EVENTS_MAX: usize = 1_000;

impl Reader<'_> {
    /// A provider, and the oldest events that are not counted.
    pub(super) fn provider(&self, provider: Provider) -> Result<ProviderDetail, ApiError> {
        let accounts =
            [Kind::PspPending, Kind::PspAvailable].map(|kind| Account { kind, of: provider.of() });
        let (balances, report, mut events) = self.ledger.read(|state| {
            let balances = accounts.map(|account| state.balance(&account));
            let events: Vec<ParkedEvent> = state.uncounted(provider).filter_map(parked).collect();
            (balances, state.report(provider).copied(), events)
        });
        events.sort_by_key(|event| event.since);
        let count = |state| events.iter().filter(|event| event.state == state).count();
        let [pending, available] =
            [0, 1].map(|at: usize| self.signed(balances[at].net(accounts[at].kind.class())));
        let newest = balances.iter().map(|balance| balance.touched).max().filter(|seq| *seq > 0);
        let record = newest.map(|seq| self.ledger.record(seq)).transpose().map_err(broken)?;
        let reported = report.map(|report| Reported {
            at: report.created.time(),
            pending: self.signed(report.pending.into()),
            available: self.signed(report.available.into()),
        });
        let info = ProviderInfo {
            name: provider.to_string(),
            url: None,
            waiting: count(ParkedState::Waiting),
            stopped: count(ParkedState::Stopped),
            oldest_at: events.first().map(|event| event.since),
            seq: newest,
            at: record.flatten().map(|record| record.at.time()),
            pending,
            available,
            reported,
            taken: 0,
            refused: 0,
        };
        events.truncate(EVENTS_MAX);
        Ok(ProviderDetail { provider: info, events })
    }

    /// How far the provider of a payout was told of it.
    pub(super) fn telling(&self, payout: u128) -> Option<TellingInfo> {
        let told = self.ledger.read(|state| state.told(payout).cloned())?;
        let (state, error) = match told.state {
            Telling::Tried => (TellingState::Trying, None),
            Telling::Sent => (TellingState::Sent, None),
            Telling::Failed(why) => (TellingState::Failed, Some(inert(&why))),
        };
        Some(TellingInfo { state, tries: told.tries, at: told.last.time(), error })
    }
}

fn parked(heard: &Heard) -> Option<ParkedEvent> {
    let (state, why, since) = match heard {
        Heard::Counted => return None,
        Heard::Waits { on: On::Payment(id), since, .. } => {
            (ParkedState::Waiting, format!("payment {id:032x}"), since)
        }
        Heard::Waits { on: On::Dispute(id), since, .. } => {
            (ParkedState::Waiting, format!("dispute {id:032x}"), since)
        }
        Heard::Stopped { why, since, .. } => (ParkedState::Stopped, inert(why), since),
    };
    let notice = heard.notice()?;
    Some(ParkedEvent {
        id: LedgerId::new(notice.event)?,
        event: notice.name.to_string(),
        what: what(&notice.news).into(),
        state,
        why,
        created: notice.created.time(),
        since: since.time(),
    })
}

const fn what(news: &News) -> &'static str {
    match news {
        News::Paid { .. } => "topup.paid",
        News::Settled { .. } => "topup.settled",
        News::Disputed { .. } => "dispute.opened",
        News::DisputeEnded { .. } => "dispute.ended",
        News::PayoutEnded { .. } => "payout.ended",
        News::RefundEnded { .. } => "refund.ended",
        News::Holds { .. } => "balance.report",
    }
}
