//! How each listed thing is found, filtered and sorted.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::{Value, json};
pub use weir_client::filter::fields::codec_name;
use weir_client::filter::fields::{self, Field, Fields, Kind};
use weir_model::node::{LoopInfo, NodeRef};
use weir_model::stream::HealthLevel;
use weir_model::{Event, StreamInfo, StreamKey, Viewing};

use super::data::ChannelRow;
use super::list::Row;
use super::log::Entry;

impl Row for StreamInfo {
    const COLUMNS: &'static [&'static str] = &[
        "CHANNEL", "STATE", "CODEC", "SIZE", "FPS", "RATE", "GRAPH", "VIEW", "UP", "HEALTH",
        "ENCODER", "FROM", "RECON", "SKIP", "NODE",
    ];
    const EXTRAS: usize = 5;
    const FIELDS: Fields = fields::STREAM;

    fn id(&self) -> String {
        self.channel.to_string()
    }

    fn text(&self) -> String {
        let encoder = self.publisher.as_ref().map_or("", |p| &p.encoder);
        format!(
            "{} {} {} {} {encoder}",
            self.channel,
            stream_state(self),
            codecs(self),
            health_word(self.health)
        )
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let most = |stream: &Self| stream.bitrate_history.iter().copied().max();
        let feed = |stream: &Self| stream.publisher.clone().map(|p| (p.encoder, p.remote));
        let by = match column {
            1 => stream_state(self).cmp(stream_state(other)),
            2 => codecs(self).cmp(&codecs(other)),
            3 => pixels(self).cmp(&pixels(other)),
            4 => fps(self).unwrap_or(0.0).total_cmp(&fps(other).unwrap_or(0.0)),
            5 => self.bitrate.cmp(&other.bitrate),
            6 => most(self).cmp(&most(other)),
            7 => self.viewers.cmp(&other.viewers),
            // The longest show began first.
            8 => other.since.cmp(&self.since),
            9 => self.health.cmp(&other.health),
            10 => feed(self).cmp(&feed(other)),
            11 => feed(self).map(|f| f.1).cmp(&feed(other).map(|f| f.1)),
            12 => self.reconnects.cmp(&other.reconnects),
            13 => self.skipped_frames.cmp(&other.skipped_frames),
            14 => node_name(self.node.as_ref()).cmp(node_name(other.node.as_ref())),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.channel.cmp(&other.channel))
    }
}

/// The word for where a stream stands; a publisher that is away is worth its own.
#[must_use]
pub const fn stream_state(stream: &StreamInfo) -> &'static str {
    if stream.grace_until.is_some() { "grace" } else { stream.state.as_str() }
}

/// The word for a level.
#[must_use]
pub const fn health_word(level: HealthLevel) -> &'static str {
    match level {
        HealthLevel::Ok => "ok",
        HealthLevel::Warning => "warning",
        HealthLevel::Bad => "bad",
    }
}

/// The name of a node; nothing when there is none.
#[must_use]
pub fn node_name(node: Option<&NodeRef>) -> &str {
    node.map_or("", |node| &node.name)
}

/// Short codec names, video first, e.g. `h264/aac`.
#[must_use]
pub fn codecs(stream: &StreamInfo) -> String {
    let mut names: Vec<&str> = Vec::new();
    for track in &stream.tracks {
        let name = codec_name(&track.codec);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join("/")
}

/// Width and height of the first video track.
#[must_use]
pub fn size(stream: &StreamInfo) -> Option<(u32, u32)> {
    stream.tracks.iter().find_map(|t| Some((t.width?, t.height?)))
}

/// Measured frames per second of the first video track.
#[must_use]
pub fn fps(stream: &StreamInfo) -> Option<f64> {
    stream.tracks.iter().find_map(|t| t.fps)
}

fn pixels(stream: &StreamInfo) -> u64 {
    size(stream).map_or(0, |(w, h)| u64::from(w) * u64::from(h))
}

impl Row for Viewing {
    const COLUMNS: &'static [&'static str] =
        &["VIEWING", "REMOTE", "PLAYER", "BY", "FOR", "REQUESTS", "SEEN", "NODE"];
    const EXTRAS: usize = 2;
    const FIELDS: Fields = fields::VIEWING;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {} {}", self.id, self.remote, self.player, self.protocol)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.remote.cmp(&other.remote),
            2 => self.player.cmp(&other.player),
            3 => self.protocol.cmp(&other.protocol),
            // The longest viewing began first.
            4 => other.since.cmp(&self.since),
            5 => self.requests.cmp(&other.requests),
            6 => other.last_seen.cmp(&self.last_seen),
            7 => node_name(self.node.as_ref()).cmp(node_name(other.node.as_ref())),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.id.cmp(&other.id))
    }
}

impl Row for LoopInfo {
    const COLUMNS: &'static [&'static str] =
        &["LOOP", "STATE", "QUEUE", "DONE", "ERRORS", "AGE", "LAST ERROR", "STARTED"];
    const EXTRAS: usize = 1;
    const FIELDS: Fields = fields::LOOP;

    fn id(&self) -> String {
        format!("{} {}", self.name, self.since.0)
    }

    fn text(&self) -> String {
        let error = self.last_error.as_deref().unwrap_or("");
        format!("{} {} {error}", self.name, loop_state(self))
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => loop_state(self).cmp(loop_state(other)),
            2 => self.queue.cmp(&other.queue),
            3 => self.done.cmp(&other.done),
            4 => self.errors.cmp(&other.errors),
            5 => other.since.cmp(&self.since),
            6 => self.last_error.cmp(&other.last_error),
            7 => self.since.cmp(&other.since),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.name.cmp(&other.name)).then_with(|| self.since.cmp(&other.since))
    }
}

/// The word for a loop's state.
#[must_use]
pub const fn loop_state(info: &LoopInfo) -> &'static str {
    use weir_model::node::LoopState;
    match info.state {
        LoopState::Busy => "busy",
        LoopState::Idle => "idle",
        LoopState::Stopped => "stopped",
    }
}

impl Row for Event {
    const COLUMNS: &'static [&'static str] =
        &["TIME", "KIND", "CHANNEL", "TEXT", "FIELDS", "CURSOR"];
    const EXTRAS: usize = 2;
    const FIELDS: Fields = fields::EVENT;

    fn id(&self) -> String {
        self.cursor.to_string()
    }

    fn text(&self) -> String {
        let channel = self.channel.as_ref().map_or("", |c| c.as_str());
        format!("{} {channel} {}", self.kind, self.text)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.kind.cmp(&other.kind),
            2 => self.channel.cmp(&other.channel),
            3 => self.text.cmp(&other.text),
            4 => self.fields.cmp(&other.fields),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.cursor.cmp(&other.cursor))
    }
}

impl Row for ChannelRow {
    const COLUMNS: &'static [&'static str] =
        &["CHANNEL", "TITLE", "STREAM", "VIEW", "CREATED", "OWNER"];
    const EXTRAS: usize = 1;
    const FIELDS: Fields = fields::CHANNEL;

    fn id(&self) -> String {
        self.channel.name.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.channel.name, self.channel.title, self.state)
    }

    fn json(&self) -> Value {
        fields_of(&self.channel)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let (own, theirs) = (&self.channel, &other.channel);
        let by = match column {
            1 => own.title.cmp(&theirs.title),
            2 => self.state.cmp(other.state),
            3 => self.viewers.cmp(&other.viewers),
            4 => own.created_at.cmp(&theirs.created_at),
            5 => own.owner.to_string().cmp(&theirs.owner.to_string()),
            _ => Ordering::Equal,
        };
        by.then_with(|| own.name.cmp(&theirs.name))
    }
}

impl Row for StreamKey {
    const COLUMNS: &'static [&'static str] =
        &["KEY", "LABEL", "STATE", "CREATED", "EXPIRES", "REVOKED"];
    const EXTRAS: usize = 1;
    const FIELDS: Fields = fields::KEY;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {}", self.id, self.label)
    }

    fn json(&self) -> Value {
        fields_of(self)
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        // What expires sooner comes first, what never does last; so expired keys stand before valid ones.
        let end = |key: &Self| (key.expires_at.is_none(), key.expires_at);
        let by = match column {
            1 => self.label.cmp(&other.label),
            2 => (self.revoked_at.is_some(), end(self))
                .cmp(&(other.revoked_at.is_some(), end(other))),
            3 => self.created_at.cmp(&other.created_at),
            4 => end(self).cmp(&end(other)),
            5 => self.revoked_at.cmp(&other.revoked_at),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.id.cmp(&other.id))
    }
}

impl Row for Entry {
    const COLUMNS: &'static [&'static str] = &["TIME", "OUTCOME", "COMMAND", "ANSWER"];
    const FIELDS: Fields = &[
        Field { name: "at", kind: Kind::Since },
        Field { name: "outcome", kind: Kind::Word(&["done", "failed", "running"]) },
        Field { name: "command", kind: Kind::Text },
        Field { name: "answer", kind: Kind::Text },
    ];

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {}", self.cli, self.outcome.word())
    }

    fn json(&self) -> Value {
        let (outcome, answer) = (self.outcome.word(), self.outcome.text());
        json!({ "at": self.at, "outcome": outcome, "command": self.cli, "answer": answer })
    }

    fn compare(&self, other: &Self, column: usize) -> Ordering {
        let by = match column {
            1 => self.outcome.word().cmp(other.outcome.word()),
            2 => self.cli.cmp(&other.cli),
            3 => self.outcome.text().cmp(other.outcome.text()),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.id.cmp(&other.id))
    }
}

pub(super) fn fields_of<T: Serialize>(row: &T) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}
