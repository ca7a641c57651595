//! All channels.

use weir_model::Channel;

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::list::Row;
use crate::state::nav::View;
use crate::state::rows::stream_state;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 5] = [
    wide("CHANNEL", 12),
    wide("TITLE", 14),
    left("STREAM", 8, 0),
    right("VIEW", 5, 1),
    left("CREATED", 16, 2),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.channels;
    let channels = &state.shown().channels;
    let order = Channel::ORDERS.get(list.order).copied();
    table::draw(paint, list, order, &COLUMNS, |index| match channels.get(index) {
        Some(channel) => cells(channel, state),
        None => Vec::new(),
    });
    let nothing = match &state.shown().refused {
        Some(why) => why.clone(),
        None => "No channels yet: weir channel create NAME makes one.".into(),
    };
    table::empty(paint, list, &nothing);
}

fn cells(channel: &Channel, state: &State) -> Vec<Cell> {
    let stream = state.shown().stream(&channel.name);
    let word = stream.map_or("offline", stream_state);
    let viewers = stream.map(|s| text::count(s.viewers)).unwrap_or_default();
    let tone = match word {
        "live" => Tone::Ok,
        "grace" => Tone::Warning,
        _ => Tone::Dim,
    };
    vec![
        (channel.name.to_string(), Tone::Accent),
        (channel.title.clone(), Tone::Text),
        (word.into(), tone),
        (viewers, Tone::Text),
        (text::day(channel.created_at), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State) -> Option<Intent> {
    if command != Command::Open {
        return None;
    }
    let channel = state.lists.channels.selected(&state.shown().channels);
    Some(match channel {
        Some(channel) => Intent::Open(View::Channel(channel.name.clone())),
        None => Intent::None,
    })
}
