//! `weir provider`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::charge::LedgerId;
use weir_model::provider::{ParkedState, ProviderDetail, ProviderInfo};

use crate::act::{insist, told};
use crate::filter;
use crate::output::{Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir provider list\n  weir provider show acme -o json";

/// What can be asked about payment providers, and done with what they say.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists payment providers: what they hold by our books and by their own, and how many events are not counted.
    #[command(after_help = "Examples:\n  weir provider list\n  \
                            weir provider list --filter 'stopped>0 or oldest_at>1d' -o json")]
    List {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::PROVIDER))]
        filter: Option<Filter>,
    },
    /// Lists the oldest events of a provider that are not counted: what they wait for, or what is against them.
    #[command(
        after_help = "Examples:\n  weir provider show acme\n  weir provider show acme -o json"
    )]
    Show {
        /// Which one.
        name: String,
    },
    /// Puts an event aside that is not counted, because staff has seen to it. It never will be.
    #[command(
        after_help = "Examples:\n  weir provider dismiss acme 0123456789abcdef0123456789abcdef\n  \
                            weir provider dismiss acme 0123456789abcdef0123456789abcdef --yes --reason 'sent twice'"
    )]
    Dismiss {
        /// Whose.
        name: String,
        /// Which, by the id that `show` says.
        event: LedgerId,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::List { filter } => {
            let all = session.client.providers().await?;
            let all = filter::fitting(filter.as_ref(), all, session.view.now);
            let text = session.view.list(&all, || table(&all, &session.view));
            session.print(&text)
        }
        Verb::Show { name } => {
            let detail = session.client.provider(&name).await?;
            let text = session.view.rows(&detail, || events(&detail, &session.view));
            session.print(&text)
        }
        Verb::Dismiss { name, event } => {
            let how = session.mutation();
            session.confirm(&format!("Is event {event} of {name} never to be counted?")).await?;
            let ask = async || session.client.dismiss_event(&name, event, &how).await;
            let receipt = insist(session, event, ask).await?;
            told(session, &receipt)
        }
    }
}

fn table(all: &[ProviderInfo], view: &View) -> Table {
    let header = vec![
        "NAME",
        "TOLD",
        "WAITING",
        "STOPPED",
        "OLDEST",
        "PENDING",
        "AVAILABLE",
        "IT SAYS",
        "NEWEST",
    ];
    let rows = all.iter().map(|one| {
        let says = one.reported.as_ref().map(|its| format!("{} + {}", its.pending, its.available));
        vec![
            one.name.clone(),
            one.url.clone().unwrap_or_else(|| "by hand".into()),
            one.waiting.to_string(),
            one.stopped.to_string(),
            one.oldest_at.map(|at| view.ago(at)).unwrap_or_default(),
            one.pending.clone(),
            one.available.clone(),
            says.unwrap_or_default(),
            one.at.map(|at| view.ago(at)).unwrap_or_default(),
        ]
    });
    Table { header, rows: rows.collect() }
}

fn events(detail: &ProviderDetail, view: &View) -> Table {
    let header = vec!["ID", "EVENT", "WHAT", "STATE", "SINCE", "WHY"];
    let rows = detail.events.iter().map(|one| {
        let state = match one.state {
            ParkedState::Waiting => "waiting",
            ParkedState::Stopped => "stopped",
        };
        let (event, what, why) = (one.event.clone(), one.what.clone(), one.why.clone());
        vec![one.id.to_string(), event, what, state.into(), view.ago(one.since), why]
    });
    Table { header, rows: rows.collect() }
}
