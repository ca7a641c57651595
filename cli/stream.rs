//! `weir stream`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::{Kick, Kicked, StreamExplanation};
use weir_model::human::{bitrate, duration};
use weir_model::node::NodeRef;
use weir_model::stream::{HealthLevel, TrackInfo};
use weir_model::{ChannelName, StreamInfo};

use crate::output::{Sheet, Table, View, clean};
use crate::session::{Done, Session};
use crate::{actor, filter};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir stream list\n  weir stream explain demo";

/// What can be done with streams.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists streams with their state and health.
    #[command(after_help = "Examples:\n  weir stream list\n  \
                            weir stream list --filter 'bitrate>4M and viewers<10'\n  \
                            weir stream list --filter 'codec=~h26 && health>=warning' -o json | jq -r '.[].channel'")]
    List {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::STREAM))]
        filter: Option<Filter>,
    },
    /// Shows one stream in figures.
    #[command(after_help = "Examples:\n  weir stream show demo\n  \
                            weir stream show demo -o json | jq .tracks")]
    Show {
        /// Its channel.
        channel: ChannelName,
    },
    /// Says in plain sentences what happens, why, and what to do, then on which node it is and why.
    #[command(after_help = "Examples:\n  weir stream explain demo\n  \
                            weir stream explain demo -o json | jq '.sentences, .placement.rule'")]
    Explain {
        /// Its channel.
        channel: ChannelName,
    },
    /// Drops the publisher of a stream.
    #[command(after_help = "Examples:\n  weir stream kick demo --reason 'wrong scene'\n  \
                            weir stream kick demo --yes\n\nAn encoder may come back by itself; `weir key revoke` keeps it out.")]
    Kick {
        /// Its channel.
        channel: ChannelName,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::List { filter } => {
            let streams = session.client.streams().await?;
            let streams = filter::fitting(filter.as_ref(), streams, session.view.now);
            let text = session.view.list(&streams, || table(&streams, &session.view));
            session.print(&text)
        }
        Verb::Show { channel } => {
            let stream = session.client.stream(&channel).await?;
            let text = session.view.one(&stream, || sheet(&stream, &session.view));
            session.print(&text)
        }
        Verb::Explain { channel } => {
            let explained = session.client.explain_stream(&channel).await?;
            let text = session.view.text(&explained, || sentences(&explained));
            session.print(&text)
        }
        Verb::Kick { channel } => {
            session.confirm(&format!("Drop the publisher of channel {channel}?")).await?;
            let how = session.mutation();
            let body = Kick { reason: how.reason.clone() };
            let kicked = session.client.kick_stream(&channel, &body, &how).await?;
            kick_told(session, &kicked)
        }
    }
}

/// Prints what was kicked, and says which nodes have not heard of it yet.
pub(crate) fn kick_told(session: &mut Session<'_>, kicked: &Kicked) -> Done {
    let text = session.view.one(kicked, || Sheet(vec![("kicked", kicked.kicked.clone())]));
    session.print(&text)?;
    if !kicked.silent.is_empty() {
        session.say(&format!("no answer from {}", kicked.silent.join(", ")));
    }
    Ok(())
}

fn table(streams: &[StreamInfo], view: &View) -> Table {
    let header = vec!["CHANNEL", "STATE", "HEALTH", "MEDIA", "BITRATE", "VIEWERS", "SINCE", "NODE"];
    let rows = streams.iter().map(|stream| {
        vec![
            stream.channel.to_string(),
            state(stream).into(),
            health(stream.health).into(),
            stream.tracks.iter().map(brief).collect::<Vec<_>>().join(" + "),
            bitrate(stream.bitrate),
            stream.viewers.to_string(),
            stream.since.map(|since| view.ago(since)).unwrap_or_default(),
            node(stream.node.as_ref()),
        ]
    });
    Table { header, rows: rows.collect() }
}

fn sheet(stream: &StreamInfo, view: &View) -> Sheet {
    let mut rows = vec![
        ("channel", stream.channel.to_string()),
        ("state", state(stream).into()),
        ("node", node(stream.node.as_ref())),
        ("playable", if stream.playable { "yes" } else { "no" }.into()),
        ("health", health(stream.health).into()),
        ("show", stream.show.map(|show| show.to_string()).unwrap_or_default()),
        ("since", stream.since.map(|since| view.ago(since)).unwrap_or_default()),
        ("bitrate", bitrate(stream.bitrate)),
        ("viewers", stream.viewers.to_string()),
        ("newest segment", stream.msn.map(|msn| msn.to_string()).unwrap_or_default()),
        ("reconnects", stream.reconnects.to_string()),
        ("skipped frames", stream.skipped_frames.to_string()),
    ];
    if let Some(publisher) = &stream.publisher {
        let since = view.ago(publisher.since);
        rows.push((
            "publisher",
            format!("{} by {}, {since}", publisher.remote, publisher.protocol),
        ));
        rows.push(("encoder", publisher.encoder.clone()));
        rows.push(("key", publisher.key.to_string()));
    }
    if let Some(end) = stream.grace_until {
        rows.push(("ends in", duration(end.since_ms(view.now))));
    }
    for track in &stream.tracks {
        rows.push(("track", format!("{} {}, {}", track.id, brief(track), bitrate(track.bitrate))));
    }
    for finding in &stream.findings {
        rows.push(("finding", format!("{}: {}", health(finding.level), finding.text)));
    }
    Sheet(rows)
}

/// A node's name; nothing when there is none.
pub(crate) fn node(node: Option<&NodeRef>) -> String {
    node.map(|node| node.name.clone()).unwrap_or_default()
}

fn sentences(explained: &StreamExplanation) -> String {
    let sentences = explained.sentences.iter().map(|sentence| clean(sentence) + "\n");
    sentences.chain(explained.placement.as_ref().map(actor::in_short)).collect()
}

/// The state with what a table's reader would ask next.
fn state(stream: &StreamInfo) -> &'static str {
    match (stream.state, stream.grace_until) {
        (weir_model::StreamState::Live, Some(_)) => "waiting",
        (state, _) => state.as_str(),
    }
}

fn health(level: HealthLevel) -> &'static str {
    match level {
        HealthLevel::Ok => "ok",
        HealthLevel::Warning => "warning",
        HealthLevel::Bad => "bad",
    }
}

/// Codec family and size: `avc1 1280x720 30 fps`, `mp4a 48000 Hz`.
fn brief(track: &TrackInfo) -> String {
    let codec = track.codec.split('.').next().unwrap_or_default();
    let mut text = codec.to_owned();
    if let (Some(width), Some(height)) = (track.width, track.height) {
        text.push_str(&format!(" {width}x{height}"));
    }
    if let Some(fps) = track.fps {
        text.push_str(&format!(" {fps:.0} fps"));
    }
    if let Some(rate) = track.sample_rate {
        text.push_str(&format!(" {rate} Hz"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::cluster::explained;

    #[test]
    fn where_a_stream_is_is_said_in_lines_that_fit_a_terminal() {
        let text = actor::in_short(&explained());
        assert_eq!(
            text,
            "On core-1: a stream is where its publisher is connected.\n  \
               core-1, where it is now: 160 points (-40 load)\n  \
               edge-1: cannot have it: its publisher is connected to core-1\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn on_one_machine_one_line_is_enough() {
        let mut alone = explained();
        alone.scores.truncate(1);
        assert_eq!(
            actor::in_short(&alone),
            "On core-1: a stream is where its publisher is connected.\n"
        );
    }
}
