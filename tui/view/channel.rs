//! One channel and its stream keys. Secrets are never shown: the node does not tell them.

use weir_model::{ChannelName, StreamKey};

use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::State;
use crate::state::confirm::Confirm;
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;
use super::stream::page_of;
use super::table::{self, Cell, Column, left, wide};

const COLUMNS: [Column; 6] = [
    left("KEY", 20, 0),
    wide("LABEL", 10),
    left("STATE", 8, 0),
    left("CREATED", 16, 2),
    left("EXPIRES", 16, 1),
    left("REVOKED", 16, 0),
];

/// Draws the page.
pub fn draw(paint: &mut Paint<'_>, state: &State, name: &ChannelName) {
    let data = state.shown();
    let channel = data.channels.iter().find(|row| row.channel.name == *name);
    let title = channel.map_or("", |row| &row.channel.title);
    paint.spans(0, 0, &[(name.as_str(), Tone::Accent), ("  ", Tone::Text), (title, Tone::Text)]);
    let Some(keys) = data.keys_of(name) else {
        let why = data.refused.as_deref().unwrap_or("Asking the node for the keys.");
        paint.line(2, why, Tone::Dim);
        return;
    };
    let list = &state.lists.keys;
    let hint = "Keys are shown once, when made: weir key create";
    let line = format!("{}. {hint} {name}", table::counted(list, "keys"));
    paint.line(1, &line, Tone::Dim);
    let height = paint.height();
    let body = &mut paint.rows(3, height);
    table::draw::<StreamKey>(body, list, &COLUMNS, |index| match keys.get(index) {
        Some(key) => cells(key, state),
        None => Vec::new(),
    });
    table::empty(body, list, "No keys: nobody can publish here.");
}

fn cells(key: &StreamKey, state: &State) -> Vec<Cell> {
    let expired = state.node_now().is_some_and(|now| key.expires_at.is_some_and(|end| now >= end));
    let (word, tone) = match (key.revoked_at.is_some(), expired) {
        (true, _) => ("revoked", Tone::Dim),
        (false, true) => ("expired", Tone::Warning),
        (false, false) => ("valid", Tone::Ok),
    };
    vec![
        (key.id.to_string(), Tone::Text),
        (key.label.clone(), Tone::Text),
        (word.into(), tone),
        (text::day(key.created_at), Tone::Dim),
        (key.expires_at.map_or_else(|| "never".into(), text::day), Tone::Dim),
        (key.revoked_at.map(text::day).unwrap_or_default(), Tone::Dim),
    ]
}

/// What a command means here.
#[must_use]
pub fn intent(command: Command, state: &State, name: &ChannelName) -> Option<Intent> {
    match command {
        Command::Open => Some(page_of(name)),
        Command::Revoke => Some(revoke(state, name)),
        _ => None,
    }
}

fn revoke(state: &State, name: &ChannelName) -> Intent {
    let keys = state.shown().keys_of(name).unwrap_or_default();
    match state.lists.keys.selected(keys) {
        None => Intent::None,
        Some(key) if key.revoked_at.is_some() => Intent::Tell("it is revoked already".into()),
        Some(key) => Intent::Ask(Box::new(Confirm::revoke_key(key))),
    }
}
