//! `weir member`: members of channels.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::sale::{JoinMembers, MemberInfo, MemberQuery};
use weir_model::{Access, ChannelName};

use crate::act::{Once, insist, told};
use crate::exit::{Exit, Failure};
use crate::filter;
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir member join demo\n  weir member gift demo --to alice,bob\n  weir member list demo";

/// Most members that the node gives at once.
const ASKED_MAX: usize = 5_000;

/// What can be done with members.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Pays a period as a member of a channel.
    #[command(after_help = "Examples:\n  weir member join demo\n  \
                            weir member join demo --price 4.99 --renew\n  \
                            weir member join demo --as alice --yes --dry-run")]
    Join(Join),
    /// Gives a period to others. Unless it is --partial, nobody gets anything when one of them is a member already.
    #[command(after_help = "Examples:\n  weir member gift demo --to alice,bob\n  \
                            weir member gift demo --to alice,bob --partial --price 4.99")]
    Gift(Gift),
    /// Lists who may watch as a member: all of them for the owner and staff, else oneself.
    #[command(after_help = "Examples:\n  weir member list demo\n  \
                            weir member list demo --filter 'until<7d and renews==false' -o json")]
    List {
        /// Of which channel.
        channel: ChannelName,
        /// At most this many, those who stay longest first.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::MEMBER))]
        filter: Option<Filter>,
    },
    /// Stays a member until what is paid for is over, and no longer.
    #[command(
        after_help = "Examples:\n  weir member lapse demo\n  weir member lapse demo --as alice"
    )]
    Lapse {
        /// Of which channel.
        channel: ChannelName,
        /// Somebody else, by name or id.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
    },
}

/// A period for oneself.
#[derive(Debug, clap::Args)]
pub(crate) struct Join {
    #[command(flatten)]
    paid: Paid,
    /// Each further period is paid when it is due, as long as its price stays the same.
    #[arg(long)]
    renew: bool,
}

/// A period for others.
#[derive(Debug, clap::Args)]
pub(crate) struct Gift {
    #[command(flatten)]
    paid: Paid,
    /// To whom, by name or id.
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',', required = true)]
    to: Vec<String>,
    /// Whoever is a member already is left out and not paid for.
    #[arg(long)]
    partial: bool,
}

/// What is agreed to.
#[derive(Debug, clap::Args)]
pub(crate) struct Paid {
    /// Of which channel.
    channel: ChannelName,
    /// What a period may cost; without it the price is looked up and asked about.
    #[arg(long, value_name = "AMOUNT")]
    price: Option<String>,
    /// Somebody else pays, by name or id.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
    #[command(flatten)]
    once: Once,
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Join(Join { paid, renew }) => {
            let body = JoinMembers { renew, ..JoinMembers::default() };
            pay(session, paid, body).await
        }
        Verb::Gift(Gift { paid, to, partial }) => {
            let body = JoinMembers { to, partial, ..JoinMembers::default() };
            pay(session, paid, body).await
        }
        Verb::List { channel, limit, filter } => list(session, &channel, limit, filter).await,
        Verb::Lapse { channel, account } => {
            let account = match account {
                Some(account) => account,
                None => session.client.me().await?.account.id.to_string(),
            };
            let how = session.mutation();
            let member = session.client.lapse(&channel, &account, &how).await?;
            let text = session.view.one(&member, || sheet(&member, &session.view));
            session.print(&text)
        }
    }
}

async fn list(
    session: &mut Session<'_>,
    channel: &ChannelName,
    limit: usize,
    filter: Option<Filter>,
) -> Done {
    let asked = if filter.is_some() { ASKED_MAX } else { limit };
    let members = session.client.members(channel, &MemberQuery { limit: Some(asked) }).await?;
    let mut members = filter::fitting(filter.as_ref(), members, session.view.now);
    members.truncate(limit);
    let text = session.view.list(&members, || table(&members, &session.view));
    session.print(&text)?;
    if members.len() == limit {
        session.say(&format!("only {limit}; raise --limit to see more"));
    }
    Ok(())
}

async fn pay(session: &mut Session<'_>, paid: Paid, body: JoinMembers) -> Done {
    let Paid { channel, price, account, once } = paid;
    let price = match price {
        Some(price) => price,
        None => shown(session, &channel).await?,
    };
    let (how, id) = (session.mutation(), once.id(session)?);
    let body = JoinMembers { id: Some(id), account, price, ..body };
    let ask = async || session.client.join_members(&channel, &body, &how).await;
    let receipt = insist(session, id, ask).await?;
    told(session, &receipt)
}

/// The price as it is now, agreed to.
async fn shown(session: &mut Session<'_>, channel: &ChannelName) -> Result<String, Failure> {
    let access = session.client.access(channel).await?;
    let Access::Members { price, .. } = &access else {
        let text =
            format!("channel {channel} has no members: {} watch", super::price::words(&access));
        return Err(Failure::new(Exit::Conflict, text));
    };
    session.confirm(&format!("Pay for {}?", super::price::words(&access))).await?;
    Ok(price.clone())
}

fn table(members: &[MemberInfo], view: &View) -> Table {
    let rows = members.iter().map(|one| {
        vec![
            one.account.to_string(),
            one.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            one.until.map(|until| view.ago(until)).unwrap_or_default(),
            if one.renews { "renews" } else { "" }.into(),
        ]
    });
    Table { header: vec!["ACCOUNT", "NAME", "UNTIL", "THEN"], rows: rows.collect() }
}

fn sheet(member: &MemberInfo, view: &View) -> Sheet {
    Sheet(vec![
        ("channel", member.channel.to_string()),
        ("account", member.account.to_string()),
        ("until", member.until.map(|until| view.ago(until)).unwrap_or_default()),
        ("then", if member.renews { "it renews" } else { "it is over" }.into()),
    ])
}
