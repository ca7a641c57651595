//! `weir viewing`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::{Kick, ViewingQuery};
use weir_model::{ChannelName, Viewing, ViewingId};

use crate::filter;
use crate::output::{Table, View};
use crate::session::{Done, Session};
use crate::stream;

pub(crate) const EXAMPLES: &str = "Examples:\n  weir viewing list --channel demo\n  weir viewing kick view_0123456789abcdef --yes";

/// What can be done with viewings.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists who watches, oldest first.
    #[command(after_help = "Examples:\n  weir viewing list\n  \
                            weir viewing list --channel demo --limit 1000 -o jsonl\n  \
                            weir viewing list --filter 'player=~vlc and since>1h'")]
    List {
        /// Only viewers of this channel.
        #[arg(long)]
        channel: Option<ChannelName>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::VIEWING))]
        filter: Option<Filter>,
    },
    /// Ends a viewing: its player gets nothing any more.
    #[command(after_help = "Examples:\n  weir viewing kick view_0123456789abcdef\n  \
                            weir viewing kick view_0123456789abcdef --yes --reason abuse")]
    Kick {
        /// Which one.
        id: ViewingId,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::List { channel, limit, filter } => {
            let asked = if filter.is_some() { filter::ASKED_MAX } else { limit };
            let query = ViewingQuery { channel, limit: Some(asked) };
            let viewings = session.client.viewings(&query).await?;
            let mut viewings = filter::fitting(filter.as_ref(), viewings, session.view.now);
            viewings.truncate(limit);
            let text = session.view.list(&viewings, || table(&viewings, &session.view));
            session.print(&text)?;
            if viewings.len() == limit {
                session.say(&format!("only the first {limit}; raise --limit to see more"));
            }
            Ok(())
        }
        Verb::Kick { id } => {
            session.confirm(&format!("End viewing {id}?")).await?;
            let how = session.mutation();
            let body = Kick { reason: how.reason.clone() };
            let kicked = session.client.kick_viewing(id, &body, &how).await?;
            stream::kick_told(session, &kicked)
        }
    }
}

fn table(viewings: &[Viewing], view: &View) -> Table {
    let header = vec!["ID", "CHANNEL", "PROTOCOL", "REMOTE", "SINCE", "SEEN", "PLAYER", "NODE"];
    let rows = viewings.iter().map(|viewing| {
        vec![
            viewing.id.to_string(),
            viewing.channel.to_string(),
            viewing.protocol.clone(),
            viewing.remote.clone(),
            view.ago(viewing.since),
            view.ago(viewing.last_seen),
            viewing.player.clone(),
            stream::node(viewing.node.as_ref()),
        ]
    });
    Table { header, rows: rows.collect() }
}
