//! `weir payout`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::money::{PayoutQuery, RequestPayout};
use weir_model::charge::LedgerId;
use weir_model::money::{PayoutInfo, TellingInfo, TellingState};

use crate::act::{Once, insist, outcome, repeat};
use crate::filter;
use crate::output::{Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir payout list --filter 'state==open'\n  weir payout request 50.00 --account alice";

/// What became of a payout is told by its own id.
const AGAIN: &str = "type the same command again";

/// What can be done with payouts.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists payouts, the newest first.
    #[command(after_help = "Examples:\n  weir payout list --account alice\n  \
                            weir payout list --filter 'state==open and at>2d' -o json")]
    List {
        /// Only those of this account, by name or id.
        #[arg(long)]
        account: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::PAYOUT))]
        filter: Option<Filter>,
    },
    /// Reserves what somebody is to be paid.
    #[command(after_help = "Examples:\n  weir payout request 50.00\n  \
                            weir payout request 50.00 --account alice --provider stripe --dry-run")]
    Request {
        /// How much, in the ledger's currency.
        amount: String,
        /// To whom, by name or id; whose token it is when absent.
        #[arg(long)]
        account: Option<String>,
        /// The payment provider that pays; by hand when absent.
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
        #[command(flatten)]
        once: Once,
    },
    /// Says that a payout has arrived.
    #[command(after_help = "Examples:\n  weir payout paid 0123456789abcdef0123456789abcdef\n  \
                            weir payout paid 0123456789abcdef0123456789abcdef --yes --reason 'bank statement 7'")]
    Paid {
        /// Which one.
        id: LedgerId,
    },
    /// Says that a payout came back; its money can be paid out again.
    #[command(after_help = "Examples:\n  weir payout fail 0123456789abcdef0123456789abcdef\n  \
                            weir payout fail 0123456789abcdef0123456789abcdef --yes --reason 'account closed'")]
    Fail {
        /// Which one.
        id: LedgerId,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    let how = session.mutation();
    let done = match verb {
        Verb::List { account, limit, filter } => {
            return list(session, account, limit, filter.as_ref()).await;
        }
        Verb::Request { amount, account, provider, once } => {
            let id = once.id(session)?;
            let body = RequestPayout { id: Some(id), account, amount, provider };
            insist(session, id, async || session.client.request_payout(&body, &how).await).await?
        }
        Verb::Paid { id } => {
            session.confirm(&format!("Has payout {id} arrived?")).await?;
            repeat(session, AGAIN, async || session.client.payout_paid(id, &how).await).await?
        }
        Verb::Fail { id } => {
            session.confirm(&format!("Did payout {id} come back?")).await?;
            repeat(session, AGAIN, async || session.client.payout_failed(id, &how).await).await?
        }
    };
    outcome(session, &done)
}

async fn list(
    session: &mut Session<'_>,
    account: Option<String>,
    limit: usize,
    filter: Option<&Filter>,
) -> Done {
    let asked = filter::asked(filter, limit);
    let payouts = session.client.payouts(&PayoutQuery { account, limit: Some(asked) }).await?;
    let found = payouts.len();
    let mut payouts = filter::fitting(filter, payouts, session.view.now);
    payouts.truncate(limit);
    let text = session.view.list(&payouts, || table(&payouts, &session.view));
    session.print(&text)?;
    filter::say_if_cut(session, found, payouts.len() == limit);
    Ok(())
}

fn table(payouts: &[PayoutInfo], view: &View) -> Table {
    let header = vec!["ID", "ACCOUNT", "AMOUNT", "STATE", "PROVIDER", "TOLD", "SINCE", "RECORD"];
    let rows = payouts.iter().map(|payout| {
        vec![
            payout.id.to_string(),
            payout.account.to_string(),
            payout.amount.clone(),
            payout.state.to_string(),
            payout.provider.clone(),
            payout.told.as_ref().map(told_as).unwrap_or_default(),
            view.ago(payout.at),
            payout.seq.to_string(),
        ]
    });
    Table { header, rows: rows.collect() }
}

/// How far the provider was told.
fn told_as(told: &TellingInfo) -> String {
    let tries = told.tries;
    match told.state {
        TellingState::Trying => format!("trying, {tries}"),
        TellingState::Sent => "sent".into(),
        TellingState::Failed => {
            format!("failed, {tries}: {}", told.error.as_deref().unwrap_or_default())
        }
    }
}
