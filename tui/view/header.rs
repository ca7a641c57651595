//! The head of every page: the node, the connection, the figures, and the worst that is wrong.

use weir_model::stream::HealthLevel;

use crate::state::data::{About, Totals};
use crate::state::nav::{TOP, TOP_CLUSTER, TOP_NODE, View};
use crate::state::{Link, Mode, State};
use crate::text;
use crate::theme::Tone;

use super::paint::Paint;

/// Columns the node's name keeps in the narrowest terminal.
const NAME_MIN: usize = 6;
/// Columns between name, connection and figures.
const GAP: usize = 2;

/// Draws the three lines.
pub fn draw(paint: &mut Paint<'_>, state: &State) {
    summary(paint, state);
    pages(paint, state);
    strip(paint, state);
}

fn summary(paint: &mut Paint<'_>, state: &State) {
    let (word, tone) = connection(state);
    let wide = usize::from(paint.width());
    let mut figures = figures(state, wide >= 110);
    if text::width(&word) + text::width(&figures) + NAME_MIN + 2 * GAP > wide {
        // The connection says whether the figures mean anything, so it stays.
        figures.clear();
    }
    let name = state
        .shown()
        .status
        .as_ref()
        .map_or_else(|| "weir".to_owned(), |s| format!("weir {} {}", s.name, s.version));
    let taken = text::width(&figures) + text::width(&word) + 2 * GAP;
    let name = text::fit(&name, wide.saturating_sub(taken).max(NAME_MIN), paint.theme.ascii);
    let x = paint.spans(0, 0, &[(&name, Tone::Accent), ("  ", Tone::Text)]);
    paint.at(x, 0, &word, tone);
    paint.right(0, &figures, Tone::Text);
}

fn connection(state: &State) -> (String, Tone) {
    let age = text::age(state.age_ms());
    match &state.link {
        Link::Connecting => ("connecting".into(), Tone::Warning),
        Link::Connected => (format!("connected, {age} old"), Tone::Ok),
        Link::Reconnecting { .. } if state.shown().status.is_some() => {
            (format!("LOST, {age} old"), Tone::Bad)
        }
        Link::Reconnecting { .. } => ("NOT CONNECTED".into(), Tone::Bad),
    }
}

fn figures(state: &State, roomy: bool) -> String {
    if state.shown().status.is_none() {
        return String::new();
    }
    let Totals { live, publishers, viewers, bitrate } = state.shown().totals;
    let [live, publishers, viewers] = [live, publishers, viewers].map(text::count);
    let rate = text::bitrate(bitrate);
    if roomy {
        format!("{live} live  {publishers} publishers  {viewers} viewers  ingest {rate}bit/s")
    } else {
        format!("{live} live {publishers} pub {viewers} view in {rate}bit/s")
    }
}

/// A group of pages: the word for it where there is no room for its titles, and its titles.
type Group = (&'static str, Vec<(String, bool)>);

fn groups(open: &View) -> [Group; 3] {
    let tab = |n: usize| match TOP.get(n) {
        Some((page, _, _, title)) => {
            // Pages about money have no digits.
            let title = match n {
                0..TOP_CLUSTER => format!("{} {title}", (n + 1) % 10),
                _ => (*title).to_owned(),
            };
            let is_open = page == open;
            (if is_open { format!("[{title}]") } else { format!(" {title} ") }, is_open)
        }
        None => (String::new(), false),
    };
    let tabs = |range: std::ops::Range<usize>| range.map(tab).collect();
    [
        (" 1-5 Node ", tabs(0..TOP_NODE)),
        (" 6-0 Cluster ", tabs(TOP_NODE..TOP_CLUSTER)),
        (" $ Money ", tabs(TOP_CLUSTER..TOP.len())),
    ]
}

/// Where there is no room for all titles, pages of the groups that are not open stand behind one word, the last group
/// first; where there is none for that either, they are not named.
fn pages(paint: &mut Paint<'_>, state: &State) {
    let groups = groups(&state.nav.view().top());
    let marks = marks(state);
    let taken = text::width(&marks) + usize::from(!marks.is_empty());
    let room = usize::from(paint.width()).saturating_sub(taken);
    let mut x = 0;
    for (tab, open) in fitting(groups, room) {
        x = paint.at(x, 1, &tab, if open { Tone::Accent } else { Tone::Dim });
    }
    let room = usize::from(paint.width().saturating_sub(x + 1));
    let marks = text::fit(&marks, room, paint.theme.ascii);
    paint.right(1, &marks, Tone::Warning);
}

fn fitting(groups: [Group; 3], room: usize) -> Vec<(String, bool)> {
    let width = |shown: &[Vec<(String, bool)>]| -> usize {
        shown.iter().flatten().map(|(tab, _)| text::width(tab)).sum()
    };
    let is_open = |tabs: &[(String, bool)]| tabs.iter().any(|(_, open)| *open);
    let closed: Vec<usize> = (0..groups.len()).rev().filter(|n| !is_open(&groups[*n].1)).collect();
    let words = groups.each_ref().map(|(word, _)| *word);
    let mut shown: Vec<_> = groups.into_iter().map(|(_, tabs)| tabs).collect();
    let shorter = [Some(words), None];
    for (words, n) in shorter.iter().flat_map(|words| closed.iter().map(move |n| (words, *n))) {
        if width(&shown) <= room {
            break;
        }
        let word = words.map(|words| (words[n].to_owned(), false));
        shown[n] = word.into_iter().collect();
    }
    shown.into_iter().flatten().collect()
}

fn marks(state: &State) -> String {
    let mut marks = Vec::new();
    if let Some(held) = state.held() {
        marks.push(format!("FROZEN, {held} held"));
    }
    if let Some(list) = state.list().filter(|l| !l.filter.is_empty()) {
        marks.push(format!("filter /{}", list.filter.typed()));
    }
    marks.join("  ")
}

fn strip(paint: &mut Paint<'_>, state: &State) {
    if let Mode::Filter(_, Some(error)) = &state.mode {
        // It answers what is being typed now.
        paint.line(2, &format!("filter: {}", error.sentence()), Tone::Warning);
        return;
    }
    if let Some(notice) = state.notice() {
        // What an act came to is news for a moment, also while the node is away: then above all.
        let sign = match state.link {
            Link::Reconnecting { .. } => "CONNECTION LOST, ",
            Link::Connecting | Link::Connected => "> ",
        };
        paint.spans(0, 2, &[(sign, Tone::Accent), (notice, Tone::Text)]);
        return;
    }
    if let Link::Reconnecting { error, next_ms, .. } = &state.link {
        let wait = next_ms.saturating_sub(state.now_ms).div_ceil(1000);
        paint.line(2, &format!("CONNECTION LOST, next try in {wait} s: {error}"), Tone::Banner);
        paint.tint(2, Tone::Banner);
        return;
    }
    let data = state.shown();
    let Some(alert) = &data.alert else {
        let calm = if data.status.is_some() { "nothing is wrong" } else { "" };
        paint.line(2, calm, Tone::Dim);
        return;
    };
    let (word, tone) = match alert.level {
        HealthLevel::Bad => (paint.theme.symbol("✖ bad", "X bad"), Tone::Bad),
        _ => (paint.theme.symbol("▲ warning", "! warning"), Tone::Warning),
    };
    let place = match &alert.about {
        About::Stream(channel) => channel.as_str(),
        About::Node => "node",
        About::Cluster => "cluster",
    };
    let more = data.alerts.saturating_sub(1);
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    let line = format!("{word}: {place}: {}", alert.text);
    let room = usize::from(paint.width()).saturating_sub(text::width(&more));
    let line = text::fit(&line, room, paint.theme.ascii);
    paint.spans(0, 2, &[(&line, tone), (&more, Tone::Dim)]);
}
