//! One stream: who feeds it, what it carries, what is wrong and what to do, who watches, what happened.

use weir_model::stream::{PublisherInfo, TrackInfo};
use weir_model::{ChannelName, Event, StreamInfo, Viewing};

use crate::graph;
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::confirm::Confirm;
use crate::state::nav::{Pane, View};
use crate::state::rows::{health_word, node_name, stream_state};
use crate::text;
use crate::theme::Tone;

use super::events::event_line;
use super::paint::Paint;
use super::streams::{health_look, kick};
use super::table::{self, Cell, Column, left, right, wide};

/// From this height on all parts are shown below each other.
const TALL: u16 = 34;
/// Highest a graph gets; more shows nothing more.
const GRAPH_ROWS_MAX: u16 = 8;

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, name: &ChannelName) {
    let Some(stream) = state.shown().stream(name) else {
        return missing(paint, state, name);
    };
    summary(paint, state, stream);
    let tall = paint.height() >= TALL;
    parts(paint, state, tall);
    let height = paint.height();
    if !tall {
        let body = &mut paint.rows(4, height);
        return match state.pane {
            Pane::Overview => overview(body, stream),
            Pane::Viewers => viewers(body, state, name),
            Pane::Events => events(body, state, name),
            Pane::Explain => explain(body, state, name),
        };
    }
    let rest = height - 4;
    let upper = rest / 2;
    let middle = (rest - upper) / 2;
    let top = &mut paint.rows(4, upper);
    match state.pane {
        Pane::Explain => explain(top, state, name),
        Pane::Overview | Pane::Viewers | Pane::Events => overview(top, stream),
    }
    paint.line(4 + upper, "Viewers", Tone::Title);
    viewers(&mut paint.rows(5 + upper, middle - 1), state, name);
    paint.line(4 + upper + middle, "Events", Tone::Title);
    events(&mut paint.rows(5 + upper + middle, height), state, name);
}

fn missing(paint: &mut Paint<'_>, state: &State, name: &ChannelName) {
    paint.line(0, name.as_str(), Tone::Accent);
    let why = match &state.shown().refused {
        Some(why) => why.clone(),
        None if state.shown().status.is_none() => "Waiting for the node.".into(),
        None => "The node lists no stream of this channel.".into(),
    };
    paint.line(1, &why, Tone::Dim);
}

fn summary(paint: &mut Paint<'_>, state: &State, stream: &StreamInfo) {
    let (symbol, tone) = health_look(stream.health, paint.theme);
    let health = match stream.publisher {
        Some(_) => format!("  health {symbol} {}", health_word(stream.health)),
        None => String::new(),
    };
    let x = paint.spans(
        0,
        0,
        &[
            (stream.channel.as_str(), Tone::Accent),
            ("  ", Tone::Text),
            (stream_state(stream), Tone::Title),
            (&health, tone),
        ],
    );
    paint.at(x + 2, 0, &figures(state, stream), Tone::Text);
    let now = state.node_now();
    let line = match (&stream.publisher, stream.grace_until, now) {
        (Some(publisher), _, now) => {
            let since = now.map(|now| text::duration(now.since_ms(publisher.since)));
            feed(publisher, &since.unwrap_or_default())
        }
        (None, Some(until), Some(now)) => {
            let left = until.since_ms(now).max(0).saturating_add(999);
            format!("The publisher is gone; the show ends in {}.", text::duration(left))
        }
        _ => "Nobody publishes.".into(),
    };
    let tone = if stream.grace_until.is_some() { Tone::Warning } else { Tone::Text };
    paint.line(1, &line, tone);
    paint.line(2, &counters(stream), Tone::Dim);
}

fn figures(state: &State, stream: &StreamInfo) -> String {
    let up = match (state.node_now(), stream.since) {
        (Some(now), Some(since)) if stream.state == weir_model::StreamState::Live => {
            format!("  up {}", text::duration(now.since_ms(since)))
        }
        _ => String::new(),
    };
    let start = if stream.playable { "" } else { "  not playable yet" };
    format!("{}bit/s  {} viewers{up}{start}", text::bitrate(stream.bitrate), stream.viewers)
}

fn feed(publisher: &PublisherInfo, since: &str) -> String {
    let encoder = match publisher.encoder.as_str() {
        "" => "an encoder without a name",
        name => name,
    };
    format!("{} from {} for {since}, {encoder}", publisher.protocol, publisher.remote)
}

fn counters(stream: &StreamInfo) -> String {
    let msn = stream.msn.map(|n| format!("segment {n}  ")).unwrap_or_default();
    let show = stream.show.map(|show| format!("  {show}")).unwrap_or_default();
    let key = stream.publisher.as_ref().map(|p| format!("  {}", p.key)).unwrap_or_default();
    format!(
        "{msn}reconnects {}  skipped frames {}{show}{key}",
        stream.reconnects, stream.skipped_frames
    )
}

fn parts(paint: &mut Paint<'_>, state: &State, tall: bool) {
    let mut x = 0;
    for (pane, title) in [
        (Pane::Overview, "Overview"),
        (Pane::Viewers, "Viewers"),
        (Pane::Events, "Events"),
        (Pane::Explain, "Explain"),
    ] {
        let open = pane == state.pane;
        let label = if open { format!("[{title}]") } else { format!(" {title} ") };
        x = paint.at(x, 3, &label, if open { Tone::Accent } else { Tone::Dim });
    }
    if tall && state.pane == Pane::Viewers {
        paint.at(x + 1, 3, "x kicks the viewer under the cursor", Tone::Dim);
    }
}

fn overview(paint: &mut Paint<'_>, stream: &StreamInfo) {
    let mut y = findings(paint, stream);
    y = tracks(paint, y, &stream.tracks);
    let room = paint.height().saturating_sub(y + 1).min(GRAPH_ROWS_MAX);
    if room < 2 {
        return;
    }
    let history = &stream.bitrate_history;
    let most = history.iter().copied().max().unwrap_or(0);
    let title = format!("Bitrate, last {} s, top {}bit/s", history.len(), text::bitrate(most));
    paint.line(y, &title, Tone::Title);
    let columns = usize::from(paint.width());
    let lines = graph::bars(history, columns, usize::from(room), paint.theme.ascii);
    for (row, line) in (y + 1..).zip(lines) {
        paint.line(row, &line, Tone::Ok);
    }
}

fn findings(paint: &mut Paint<'_>, stream: &StreamInfo) -> u16 {
    let wide = usize::from(paint.width().saturating_sub(2));
    let mut y = 0;
    if stream.findings.is_empty() {
        if stream.publisher.is_some() {
            paint.line(0, "Nothing is wrong with what the encoder sends.", Tone::Dim);
            y = 1;
        }
        return y;
    }
    for finding in &stream.findings {
        let (symbol, tone) = health_look(finding.level, paint.theme);
        paint.at(0, y, symbol, tone);
        for line in text::wrap(&finding.text, wide) {
            paint.at(2, y, &line, tone);
            y = y.saturating_add(1);
        }
        for line in text::wrap(&finding.advice, wide.saturating_sub(2)) {
            paint.at(4, y, &line, Tone::Text);
            y = y.saturating_add(1);
        }
    }
    y
}

fn tracks(paint: &mut Paint<'_>, y: u16, tracks: &[TrackInfo]) -> u16 {
    if tracks.is_empty() {
        return y;
    }
    paint.line(y, "TRACK CODEC                  FORMAT                      RATE", Tone::Title);
    let mut y = y.saturating_add(1);
    for track in tracks {
        let line = format!(
            "{:<5} {:<22} {:<24} {:>7}",
            text::fit(&track.id, 5, paint.theme.ascii),
            text::fit(&track.codec, 22, paint.theme.ascii),
            format_of(track),
            text::bitrate(track.bitrate)
        );
        paint.line(y, &line, Tone::Text);
        y = y.saturating_add(1);
    }
    y
}

fn format_of(track: &TrackInfo) -> String {
    let mut words = Vec::new();
    if let (Some(w), Some(h)) = (track.width, track.height) {
        words.push(format!("{w}x{h}"));
    }
    if let Some(fps) = track.fps {
        words.push(format!("{} fps", text::fps(fps)));
    }
    if let Some(rate) = track.sample_rate {
        words.push(format!("{rate} Hz"));
    }
    match track.channels {
        Some(1) => words.push("mono".into()),
        Some(2) => words.push("stereo".into()),
        Some(n) => words.push(format!("{n} channels")),
        None => {}
    }
    words.join(" ")
}

const VIEWERS: [Column; 8] = [
    left("VIEWING", 21, 3),
    left("REMOTE", 15, 0),
    wide("PLAYER", 10),
    left("BY", 4, 4),
    right("FOR", 6, 1),
    right("REQUESTS", 9, 2),
    right("SEEN", 6, 0),
    left("NODE", 10, 5),
];

fn viewers(paint: &mut Paint<'_>, state: &State, name: &ChannelName) {
    let Some(viewings) = state.shown().viewings_of(name) else {
        paint.line(0, "Asking the node who watches.", Tone::Dim);
        return;
    };
    let list = &state.lists.viewings;
    table::draw::<Viewing>(paint, list, &VIEWERS, |index| match viewings.get(index) {
        Some(viewing) => viewer(viewing, state),
        None => Vec::new(),
    });
    table::empty(paint, list, "Nobody watches.");
}

fn viewer(viewing: &Viewing, state: &State) -> Vec<Cell> {
    let now = state.node_now();
    let ago = |at| now.map(|now| text::duration(now.since_ms(at))).unwrap_or_default();
    [
        viewing.id.to_string(),
        viewing.remote.clone(),
        viewing.player.clone(),
        viewing.protocol.clone(),
        ago(viewing.since),
        text::count(viewing.requests),
        ago(viewing.last_seen),
        node_name(viewing.node.as_ref()).to_owned(),
    ]
    .map(|text| (text, Tone::Text))
    .into()
}

fn events(paint: &mut Paint<'_>, state: &State, name: &ChannelName) {
    let about = |e: &&Event| e.channel.as_ref() == Some(name);
    let rows = paint.height();
    let mut y = 0;
    for event in state.shown().events.iter().rev().filter(about).take(usize::from(rows)) {
        event_line(paint, y, event);
        y += 1;
    }
    if y == 0 {
        paint.line(0, "Nothing happened since the console started to listen.", Tone::Dim);
    }
}

fn explain(paint: &mut Paint<'_>, state: &State, name: &ChannelName) {
    if state.shown().about.as_ref() != Some(name) {
        paint.line(0, "Asking the node.", Tone::Dim);
        return;
    }
    let wide = usize::from(paint.width().saturating_sub(2));
    let mut y: u16 = 0;
    for sentence in state.shown().explanation.iter() {
        paint.at(0, y, "-", Tone::Accent);
        for line in text::wrap(sentence, wide) {
            paint.at(2, y, &line, Tone::Text);
            y = y.saturating_add(1);
        }
    }
    if y == 0 {
        paint.line(0, "The node has nothing to say about this stream.", Tone::Dim);
    }
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State, name: &ChannelName) -> Option<Intent> {
    if command != Command::Kick {
        return None;
    }
    if state.pane != Pane::Viewers {
        let stream = state.shown().stream(name);
        return Some(stream.map_or(Intent::None, kick));
    }
    let viewings = state.shown().viewings_of(name).unwrap_or_default();
    Some(match state.lists.viewings.selected(viewings) {
        Some(viewing) => Intent::Ask(Box::new(Confirm::kick_viewing(viewing))),
        None => Intent::None,
    })
}

/// The page of a channel's stream.
#[must_use]
pub fn page_of(name: &ChannelName) -> Intent {
    Intent::Open(View::Stream(name.clone()))
}
