//! `weir channel`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::{ChannelDetail, CreateChannel};
use weir_model::{Access, Channel, ChannelName};

use crate::filter;
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir channel create demo --title 'Demo channel'\n  weir channel list -o json";

/// What can be done with channels.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes a channel.
    #[command(after_help = "Examples:\n  weir channel create demo\n  \
                            weir channel create studio-1 --title 'Studio One' --owner alice -o json")]
    Create {
        /// Its name in every URL: a-z, 0-9, `-` and `_`.
        name: ChannelName,
        /// Shown to viewers; the name when absent.
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// The account that owns it, by name or id; one's own when absent.
        #[arg(long, value_name = "ACCOUNT")]
        owner: Option<String>,
    },
    /// Lists all channels.
    #[command(after_help = "Examples:\n  weir channel list\n  weir channel list | cut -f1\n  \
                            weir channel list --filter 'title=~night and created_at<7d'")]
    List {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::CHANNEL))]
        filter: Option<Filter>,
    },
    /// Shows a channel with its keys and its stream.
    #[command(after_help = "Examples:\n  weir channel show demo\n  weir channel show demo -o json")]
    Show {
        /// Which one.
        name: ChannelName,
    },
    /// Deletes a channel with its keys and drops its publisher.
    #[command(after_help = "Examples:\n  weir channel delete demo\n  \
                            weir channel delete demo --yes --reason 'asked by its owner'")]
    Delete {
        /// Which one.
        name: ChannelName,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Create { name, title, owner } => {
            let body = CreateChannel { name: name.to_string(), title, owner };
            let made = session.client.create_channel(&body, &session.mutation()).await?;
            let text = session.view.one(&made, || sheet(&made, &session.view));
            session.print(&text)?;
            session.say(&format!("next: weir key create {name}"));
        }
        Verb::List { filter } => {
            let channels = session.client.channels().await?;
            let channels = filter::fitting(filter.as_ref(), channels, session.view.now);
            let text = session.view.list(&channels, || table(&channels, &session.view));
            session.print(&text)?;
        }
        Verb::Show { name } => {
            let detail = session.client.channel(&name).await?;
            let text = session.view.one(&detail, || detail_sheet(&detail, &session.view));
            session.print(&text)?;
        }
        Verb::Delete { name } => {
            session.confirm(&format!("Delete channel {name} with all its keys?")).await?;
            let deleted = session.client.delete_channel(&name, &session.mutation()).await?;
            let text = session.view.one(&deleted, || sheet(&deleted, &session.view));
            session.print(&text)?;
        }
    }
    Ok(())
}

fn table(channels: &[Channel], view: &View) -> Table {
    let rows = channels.iter().map(|channel| {
        let name = channel.name.to_string();
        let who = match channel.access {
            Access::Public => "everybody",
            Access::Members { .. } => "members",
            Access::Ticket { .. } => "ticket",
        };
        vec![name, channel.title.clone(), who.into(), view.ago(channel.created_at)]
    });
    Table { header: vec!["NAME", "TITLE", "WATCHED BY", "CREATED"], rows: rows.collect() }
}

fn sheet(channel: &Channel, view: &View) -> Sheet {
    Sheet(vec![
        ("name", channel.name.to_string()),
        ("title", channel.title.clone()),
        ("owner", channel.owner.to_string()),
        ("created", view.ago(channel.created_at)),
        ("watched by", super::price::words(&channel.access)),
    ])
}

fn detail_sheet(detail: &ChannelDetail, view: &View) -> Sheet {
    let Sheet(mut rows) = sheet(&detail.channel, view);
    rows.push(("state", detail.stream.state.as_str().into()));
    rows.push(("viewers", detail.stream.viewers.to_string()));
    rows.push(("watch", detail.watch_url.clone()));
    rows.push(("playlist", detail.playlist_url.clone()));
    for key in &detail.keys {
        rows.push(("key", format!("{} {} {}", key.id, super::key::state(key, view), key.label)));
    }
    Sheet(rows)
}
