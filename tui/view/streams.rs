//! All streams.

use weir_model::StreamInfo;
use weir_model::stream::HealthLevel;

use crate::graph;
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::confirm::Confirm;
use crate::state::nav::View;
use crate::state::rows::{codecs, fps, health_word, node_name, size, stream_state};
use crate::text;
use crate::theme::{Theme, Tone};

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

/// Columns of the bitrate's graph in a narrow terminal, and in a wide one.
const SPARK: (u16, u16) = (6, 30);

fn columns(width: u16) -> [Column; 15] {
    let spark = if width >= 110 { SPARK.1 } else { SPARK.0 };
    [
        wide("CHANNEL", 10),
        left("STATE", 7, 0),
        left("CODEC", 9, 4),
        left("SIZE", 9, 3),
        right("FPS", 4, 5),
        right("RATE", 5, 1),
        left("", spark, 7),
        right("VIEW", 5, 1),
        right("UP", 6, 2),
        left("HEALTH", 7, 0),
        wide("ENCODER", 11),
        left("FROM", 15, 0),
        right("RECON", 6, 0),
        right("SKIP", 5, 0),
        left("NODE", 10, 6),
    ]
}

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.streams;
    let streams = &state.shown().streams;
    let columns = columns(paint.width());
    let theme = paint.theme;
    table::draw::<StreamInfo>(paint, list, &columns, |index| match streams.get(index) {
        Some(stream) => cells(stream, state, theme, &columns),
        None => Vec::new(),
    });
    let nothing = match state.shown().status {
        Some(_) => {
            "No channel has a stream yet. Publish with a stream key (page 4 lists channels)."
        }
        None => "Waiting for the node.",
    };
    table::empty(paint, list, nothing);
}

fn cells(stream: &StreamInfo, state: &State, theme: Theme, columns: &[Column; 15]) -> Vec<Cell> {
    let plain = |text: String| (text, Tone::Text);
    let up = match (state.node_now(), stream.since) {
        (Some(now), Some(since)) if stream.state == weir_model::StreamState::Live => {
            text::duration(now.since_ms(since))
        }
        _ => String::new(),
    };
    let feed = stream.publisher.as_ref();
    let fed = !stream.tracks.is_empty();
    let spark = graph::spark(&stream.bitrate_history, usize::from(columns[6].width), theme.ascii);
    let rate = if fed { text::bitrate(stream.bitrate) } else { String::new() };
    vec![
        (stream.channel.to_string(), Tone::Accent),
        state_cell(stream, theme),
        plain(codecs(stream)),
        plain(size(stream).map(|(w, h)| format!("{w}x{h}")).unwrap_or_default()),
        plain(fps(stream).map(text::fps).unwrap_or_default()),
        plain(rate),
        (spark, Tone::Ok),
        plain(text::count(stream.viewers)),
        plain(up),
        health_cell(stream, theme),
        plain(feed.map(|p| p.encoder.clone()).unwrap_or_default()),
        plain(feed.map(|p| p.remote.clone()).unwrap_or_default()),
        plain(text::count(u64::from(stream.reconnects))),
        plain(text::count(stream.skipped_frames)),
        plain(node_name(stream.node.as_ref()).to_owned()),
    ]
}

fn state_cell(stream: &StreamInfo, theme: Theme) -> Cell {
    let word = stream_state(stream);
    let (symbol, tone) = match word {
        "live" => (theme.symbol("●", "*"), Tone::Ok),
        "grace" => (theme.symbol("◌", "?"), Tone::Warning),
        _ => return (word.into(), Tone::Dim),
    };
    (format!("{symbol} {word}"), tone)
}

fn health_cell(stream: &StreamInfo, theme: Theme) -> Cell {
    if stream.publisher.is_none() {
        return (String::new(), Tone::Dim);
    }
    let word = match health_word(stream.health) {
        // The column is as wide as its head.
        "warning" => "warn",
        word => word,
    };
    let (symbol, tone) = health_look(stream.health, theme);
    (format!("{symbol} {word}"), tone)
}

/// Symbol and tone of a level.
#[must_use]
pub fn health_look(level: HealthLevel, theme: Theme) -> (&'static str, Tone) {
    match level {
        HealthLevel::Ok => (theme.symbol("✔", "+"), Tone::Ok),
        HealthLevel::Warning => (theme.symbol("▲", "!"), Tone::Warning),
        HealthLevel::Bad => (theme.symbol("✖", "X"), Tone::Bad),
    }
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    let stream = state.lists.streams.selected(&state.shown().streams);
    match command {
        Command::Open => Some(match stream {
            Some(stream) => Intent::Open(View::Stream(stream.channel.clone())),
            None => Intent::None,
        }),
        Command::Kick => Some(stream.map_or(Intent::None, kick)),
        _ => None,
    }
}

/// The question before a stream is kicked, or why there is nothing to kick.
#[must_use]
pub fn kick(stream: &StreamInfo) -> Intent {
    if stream.publisher.is_none() && stream.grace_until.is_none() {
        return Intent::Tell(format!("{} has no publisher to kick", stream.channel));
    }
    Intent::Ask(Box::new(Confirm::kick_stream(&stream.channel, stream.viewers, "")))
}
