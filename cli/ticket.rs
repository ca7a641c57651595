//! `weir ticket`: events that a ticket opens a channel for.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::ChannelName;
use weir_model::api::sale::{
    BuyTicket, EndTicketEvent, OpenTicketEvent, TicketEvent, TicketEventState,
};
use weir_model::charge::LedgerId;

use crate::act::{Once, insist, told};
use crate::filter;
use crate::output::Table;
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir ticket open demo 3.00 --places 500\n  \
    weir ticket buy 0123456789abcdef0123456789abcdef\n  weir ticket list";

/// What can be done with tickets.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Opens an event: tickets are sold from now on; `weir price set --ticket` lets them open the channel.
    #[command(after_help = "Examples:\n  weir ticket open demo 3.00 --places 500\n  \
                            weir ticket open demo 3.00 --places 500 --dry-run -o json")]
    Open(Open),
    /// Buys a ticket: one for each account.
    #[command(after_help = "Examples:\n  weir ticket buy 0123456789abcdef0123456789abcdef\n  \
                            weir ticket buy 0123456789abcdef0123456789abcdef --as alice --dry-run")]
    Buy(Buy),
    /// Ends an event: what was paid is its creator's, or is given back when it is --cancelled.
    #[command(after_help = "Examples:\n  weir ticket end 0123456789abcdef0123456789abcdef\n  \
                            weir ticket end 0123456789abcdef0123456789abcdef --cancelled --yes")]
    End {
        /// Which event.
        event: LedgerId,
        /// It did not take place.
        #[arg(long)]
        cancelled: bool,
    },
    /// Lists events, the newest first.
    #[command(after_help = "Examples:\n  weir ticket list\n  \
                            weir ticket list --filter 'state==open and sold>100' -o json")]
    List {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::TICKET_EVENT))]
        filter: Option<Filter>,
    },
}

/// An event.
#[derive(Debug, clap::Args)]
pub(crate) struct Open {
    /// Its owner is paid.
    channel: ChannelName,
    /// What a ticket costs, in the ledger's currency.
    price: String,
    /// How many there are.
    #[arg(long)]
    places: u32,
    #[command(flatten)]
    once: Once,
}

/// A ticket.
#[derive(Debug, clap::Args)]
pub(crate) struct Buy {
    /// For which event.
    event: LedgerId,
    /// For somebody else, who pays it, by name or id.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
    #[command(flatten)]
    once: Once,
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Open(Open { channel, price, places, once }) => {
            let (how, id) = (session.mutation(), once.id(session)?);
            let body = OpenTicketEvent { id: Some(id), channel, price, capacity: places };
            let ask = async || session.client.open_ticket_event(&body, &how).await;
            let receipt = insist(session, id, ask).await?;
            told(session, &receipt)?;
            session.say(&format!("next: weir price set {} --ticket {id}", body.channel));
            Ok(())
        }
        Verb::Buy(Buy { event, account, once }) => {
            let (how, id) = (session.mutation(), once.id(session)?);
            let body = BuyTicket { id: Some(id), account };
            let ask = async || session.client.buy_ticket(event, &body, &how).await;
            let receipt = insist(session, id, ask).await?;
            told(session, &receipt)
        }
        Verb::End { event, cancelled } => {
            let what = if cancelled { "Give back all tickets for" } else { "End" };
            session.confirm(&format!("{what} event {event}?")).await?;
            let (how, body) = (session.mutation(), EndTicketEvent { cancelled });
            let ask = async || session.client.end_ticket_event(event, &body, &how).await;
            let receipt = insist(session, event, ask).await?;
            told(session, &receipt)
        }
        Verb::List { filter } => {
            let events = session.client.ticket_events().await?;
            let events = filter::fitting(filter.as_ref(), events, session.view.now);
            let text = session.view.list(&events, || table(&events));
            session.print(&text)
        }
    }
}

fn table(events: &[TicketEvent]) -> Table {
    let rows = events.iter().map(|one| {
        let state = match one.state {
            TicketEventState::Open => "open",
            TicketEventState::Delivered => "delivered",
            TicketEventState::Cancelled => "cancelled",
        };
        vec![
            one.id.to_string(),
            state.into(),
            format!("{} {}", one.price, one.currency),
            format!("{} of {}", one.sold, one.capacity),
            one.creator.map(|creator| creator.to_string()).unwrap_or_default(),
        ]
    });
    Table { header: vec!["EVENT", "STATE", "PRICE", "SOLD", "CREATOR"], rows: rows.collect() }
}
