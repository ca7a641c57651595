//! `weir price`: who may watch a channel, and what it costs.

use clap::Subcommand;
use weir_model::api::sale::SetAccess;
use weir_model::charge::LedgerId;
use weir_model::time::span_ms;
use weir_model::{Access, ChannelName};

use crate::output::Sheet;
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir price set demo --members 4.99 --every 30d\n  weir price show demo";

/// What can be said about the price of a channel.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Says who may watch a channel: everybody, its members, or whoever has a ticket.
    #[command(after_help = "Examples:\n  weir price set demo --members 4.99 --every 30d\n  \
                            weir price set demo --ticket 0123456789abcdef0123456789abcdef\n  \
                            weir price set demo --public --dry-run")]
    Set(Price),
    /// What opens a channel.
    #[command(after_help = "Examples:\n  weir price show demo\n  weir price show demo -o json")]
    Show {
        /// Which one.
        channel: ChannelName,
    },
}

/// Who may watch.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("who").required(true))]
pub(crate) struct Price {
    /// Which channel.
    channel: ChannelName,
    /// Members, who pay so much a period.
    #[arg(long, value_name = "AMOUNT", group = "who")]
    members: Option<String>,
    /// How long a period is.
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = period, requires = "members")]
    every: u64,
    /// Whoever has a ticket for this event, as `weir ticket open` calls it.
    #[arg(long, value_name = "EVENT", group = "who")]
    ticket: Option<LedgerId>,
    /// Everybody.
    #[arg(long, group = "who")]
    public: bool,
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    let (channel, access) = match verb {
        Verb::Show { channel } => {
            let access = session.client.access(&channel).await?;
            (channel, access)
        }
        Verb::Set(price) => {
            let Price { channel, members, every, ticket, .. } = price;
            let body = match (members, ticket) {
                (Some(price), _) => SetAccess::Members { price, period_secs: every },
                (None, Some(event)) => SetAccess::Ticket { event },
                (None, None) => SetAccess::Public,
            };
            let how = session.mutation();
            let changed = session.client.set_access(&channel, &body, &how).await?;
            (channel, changed.access)
        }
    };
    let text = session.view.one(&access, || {
        Sheet(vec![("channel", channel.to_string()), ("watched by", words(&access))])
    });
    session.print(&text)
}

/// Who may watch, in words.
pub(crate) fn words(access: &Access) -> String {
    match access {
        Access::Public => "everybody".into(),
        Access::Members { price, currency, period_secs } => {
            format!("members, {price} {currency} for {}", span(*period_secs))
        }
        Access::Ticket { price, currency, event } => {
            format!("who has a ticket for {event}, {price} {currency}")
        }
    }
}

/// A period in its greatest whole unit.
fn span(secs: u64) -> String {
    match secs {
        secs if secs.is_multiple_of(86_400) => format!("{} d", secs / 86_400),
        secs if secs.is_multiple_of(3_600) => format!("{} h", secs / 3_600),
        secs => format!("{secs} s"),
    }
}

fn period(text: &str) -> Result<u64, String> {
    let whole = span_ms(text).filter(|ms| ms % 1_000 == 0);
    let seconds = whole.and_then(|ms| u64::try_from(ms / 1_000).ok());
    seconds.ok_or_else(|| format!("`{text}` is no span of whole seconds like 30d or 12h"))
}
