//! `weir event`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::EventQuery;
use weir_model::{Event, Timestamp};

use crate::filter;
use crate::output::{Format, Table, View, clean, json_line};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir event list --limit 20\n  weir event follow --kind 'stream.*' -o jsonl";

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the newest events, or those after a cursor, oldest first.
    #[command(after_help = "Examples:\n  weir event list --kind 'publish.*'\n  \
                            weir event list --since 1700000000000000 -o jsonl\n  \
                            weir event list --filter 'channel==demo and at<10m'")]
    List {
        #[command(flatten)]
        which: Which,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Prints events as they happen, until Ctrl-C; goes on after the node was restarted.
    #[command(after_help = "Examples:\n  weir event follow\n  \
                            weir event follow --since 1700000000000000 --kind 'stream.*' -o jsonl\n  \
                            weir event follow --filter 'fields.reason=~loud or kind=~kicked'")]
    Follow {
        #[command(flatten)]
        which: Which,
        /// Print this many older events first, those of them that fit.
        #[arg(long, default_value_t = 0)]
        limit: usize,
    },
}

/// Which events.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// Only events after this cursor.
    #[arg(long, value_name = "CURSOR")]
    since: Option<u64>,
    /// Only kinds that match; `*` stands for any text.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only events that fit: a text, or an expression over the fields of the JSON.
    #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::EVENT))]
    filter: Option<Filter>,
}

impl Which {
    fn query(&self, limit: usize) -> EventQuery {
        let kind = self.kind.clone();
        EventQuery { since: self.since, limit: Some(limit), kind, follow: false }
    }
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::List { which, limit } => {
            let asked = if which.filter.is_some() { filter::ASKED_MAX } else { limit };
            let events = session.client.events(&which.query(asked)).await?;
            let events = newest(which, events, limit, session.view.now);
            let text = session.view.list(&events, || table(&events, &session.view));
            session.print(&text)
        }
        Verb::Follow { which, limit } => follow(session, which, limit).await,
    }
}

/// The events that fit, of them at most `limit`: the first ones behind a cursor, else the newest.
fn newest(which: Which, events: Vec<Event>, limit: usize, now: Timestamp) -> Vec<Event> {
    let mut events = filter::fitting(which.filter.as_ref(), events, now);
    if which.since.is_none() {
        events.drain(..events.len().saturating_sub(limit));
    }
    events.truncate(limit);
    events
}

/// The first contact must succeed; after it an outage is only news.
async fn follow(session: &mut Session<'_>, which: Which, limit: usize) -> Done {
    session.client.events(&EventQuery { limit: Some(0), ..EventQuery::default() }).await?;
    let mut events = session.client.follow(which.query(limit));
    let filter = which.filter.unwrap_or_default();
    while let Some(next) = events.next().await {
        match next {
            Ok(event) if !filter.keeps_json(&event, session.now()) => {}
            Ok(event) => {
                let text = line(&event, &session.view);
                session.print(&text)?;
            }
            Err(error) if error.is_transient() => {
                session.say(&format!("{error}; trying again"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn table(events: &[Event], view: &View) -> Table {
    let rows = events.iter().map(|event| {
        vec![
            event.cursor.to_string(),
            view.ago(event.at),
            event.kind.clone(),
            event.channel.as_ref().map(ToString::to_string).unwrap_or_default(),
            event.text.clone(),
        ]
    });
    Table { header: vec!["CURSOR", "WHEN", "KIND", "CHANNEL", "TEXT"], rows: rows.collect() }
}

/// An endless list cannot align its columns nor be one JSON value: it is lines.
fn line(event: &Event, view: &View) -> String {
    if view.format != Format::Table {
        return json_line(event);
    }
    let channel = event.channel.as_ref().map_or("-", |channel| channel.as_str());
    let (kind, text) = (clean(&event.kind), clean(&event.text));
    match view.terminal {
        true => format!("{}  {kind:18} {channel:16} {text}\n", event.at),
        false => format!("{}\t{}\t{kind}\t{channel}\t{text}\n", event.cursor, event.at),
    }
}
