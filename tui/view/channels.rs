//! All channels.

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::data::ChannelRow;
use crate::state::nav::View;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::table::{self, Cell, Column, left, right, wide};

const COLUMNS: [Column; 6] = [
    wide("CHANNEL", 12),
    wide("TITLE", 14),
    left("STREAM", 8, 0),
    right("VIEW", 5, 1),
    left("CREATED", 16, 2),
    left("OWNER", 21, 0),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    let list = &state.lists.channels;
    let channels = &state.shown().channels;
    table::draw::<ChannelRow>(paint, list, &COLUMNS, |index| match channels.get(index) {
        Some(row) => cells(row),
        None => Vec::new(),
    });
    let nothing = match &state.shown().refused {
        Some(why) => why.clone(),
        None => "No channels yet: weir channel create NAME makes one.".into(),
    };
    table::empty(paint, list, &nothing);
}

fn cells(row: &ChannelRow) -> Vec<Cell> {
    let channel = &row.channel;
    let tone = match row.state {
        "live" => Tone::Ok,
        "grace" => Tone::Warning,
        _ => Tone::Dim,
    };
    vec![
        (channel.name.to_string(), Tone::Accent),
        (channel.title.clone(), Tone::Text),
        (row.state.into(), tone),
        (row.viewers.map(text::count).unwrap_or_default(), Tone::Text),
        (text::day(channel.created_at), Tone::Dim),
        (channel.owner.to_string(), Tone::Dim),
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
        Some(row) => Intent::Open(View::Channel(row.channel.name.clone())),
        None => Intent::None,
    })
}
