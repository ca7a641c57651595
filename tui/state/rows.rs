//! How each listed thing is found, filtered and sorted.

use std::cmp::Ordering;

use weir_model::node::LoopInfo;
use weir_model::stream::HealthLevel;
use weir_model::{Channel, Event, StreamInfo, StreamKey, Viewing};

use super::list::Row;
use super::log::Entry;

impl Row for StreamInfo {
    const ORDERS: &'static [&'static str] =
        &["CHANNEL", "STATE", "CODEC", "SIZE", "FPS", "RATE", "VIEW", "UP", "HEALTH"];

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

    fn compare(&self, other: &Self, order: usize) -> Ordering {
        let by = match order {
            1 => stream_state(self).cmp(stream_state(other)),
            2 => codecs(self).cmp(&codecs(other)),
            3 => pixels(self).cmp(&pixels(other)),
            4 => fps(self).unwrap_or(0.0).total_cmp(&fps(other).unwrap_or(0.0)),
            5 => self.bitrate.cmp(&other.bitrate),
            6 => self.viewers.cmp(&other.viewers),
            // The longest show began first.
            7 => other.since.cmp(&self.since),
            8 => self.health.cmp(&other.health),
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

/// The name people use for an RFC 6381 codec string.
#[must_use]
pub fn codec_name(codec: &str) -> &str {
    match codec.split('.').next().unwrap_or(codec) {
        "avc1" | "avc3" => "h264",
        "hvc1" | "hev1" => "hevc",
        "av01" => "av1",
        "mp4a" => "aac",
        "opus" | "Opus" => "opus",
        other => other,
    }
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
    const ORDERS: &'static [&'static str] = &["SINCE", "REMOTE", "PLAYER", "REQUESTS"];

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {} {} {}", self.id, self.remote, self.player, self.protocol)
    }

    fn compare(&self, other: &Self, order: usize) -> Ordering {
        let by = match order {
            1 => self.remote.cmp(&other.remote),
            2 => self.player.cmp(&other.player),
            3 => self.requests.cmp(&other.requests),
            _ => self.since.cmp(&other.since),
        };
        by.then_with(|| self.id.cmp(&other.id))
    }
}

impl Row for LoopInfo {
    const ORDERS: &'static [&'static str] = &["LOOP", "STATE", "QUEUE", "DONE", "ERRORS"];

    fn id(&self) -> String {
        format!("{} {}", self.name, self.since.0)
    }

    fn text(&self) -> String {
        let error = self.last_error.as_deref().unwrap_or("");
        format!("{} {} {error}", self.name, loop_state(self))
    }

    fn compare(&self, other: &Self, order: usize) -> Ordering {
        let by = match order {
            1 => loop_state(self).cmp(loop_state(other)),
            2 => self.queue.cmp(&other.queue),
            3 => self.done.cmp(&other.done),
            4 => self.errors.cmp(&other.errors),
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
    const ORDERS: &'static [&'static str] = &["TIME", "KIND", "CHANNEL"];

    fn id(&self) -> String {
        self.cursor.to_string()
    }

    fn text(&self) -> String {
        let channel = self.channel.as_ref().map_or("", |c| c.as_str());
        format!("{} {channel} {}", self.kind, self.text)
    }

    fn compare(&self, other: &Self, order: usize) -> Ordering {
        let by = match order {
            1 => self.kind.cmp(&other.kind),
            2 => self.channel.cmp(&other.channel),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.cursor.cmp(&other.cursor))
    }
}

impl Row for Channel {
    const ORDERS: &'static [&'static str] = &["CHANNEL", "TITLE", "CREATED"];

    fn id(&self) -> String {
        self.name.to_string()
    }

    fn text(&self) -> String {
        format!("{} {}", self.name, self.title)
    }

    fn compare(&self, other: &Self, order: usize) -> Ordering {
        let by = match order {
            1 => self.title.cmp(&other.title),
            2 => self.created_at.cmp(&other.created_at),
            _ => Ordering::Equal,
        };
        by.then_with(|| self.name.cmp(&other.name))
    }
}

impl Row for StreamKey {
    const ORDERS: &'static [&'static str] = &["CREATED", "LABEL", "EXPIRES"];

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {}", self.id, self.label)
    }

    fn compare(&self, other: &Self, order: usize) -> Ordering {
        let by = match order {
            1 => self.label.cmp(&other.label),
            2 => self.expires_at.cmp(&other.expires_at),
            _ => self.created_at.cmp(&other.created_at),
        };
        by.then_with(|| self.id.cmp(&other.id))
    }
}

impl Row for Entry {
    const ORDERS: &'static [&'static str] = &["TIME"];

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn text(&self) -> String {
        format!("{} {}", self.cli, self.outcome.word())
    }

    fn compare(&self, other: &Self, _: usize) -> Ordering {
        self.id.cmp(&other.id)
    }
}
