//! How it looks, and what a command means on each page.
//!
//! A plural file is a list page, a singular one shows one thing. Views read the state, draw into a buffer and answer
//! with intents; they change nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::act::quoted;
use crate::intent::Intent;
use crate::keymap::Command;
use crate::state::data::About;
use crate::state::list::{List, Move};
use crate::state::nav::{Pane, TOP, TOP_CLUSTER, View};
use crate::state::{Mode, State};
use crate::theme::{Theme, Tone};
use paint::Paint;

pub mod actors;
pub mod audit;
pub mod bottom;
pub mod channel;
pub mod channels;
pub mod dialog;
pub mod events;
pub mod header;
pub mod help;
pub mod ledger;
pub mod links;
pub mod log;
pub mod money;
pub mod node;
pub mod nodes;
pub mod paint;
pub mod payouts;
pub mod people;
pub mod raft;
pub mod record;
pub mod replicas;
pub mod session;
pub mod sessions;
pub mod stream;
pub mod streams;
pub mod table;
pub mod wallet;

/// Lines of the header.
const HEADER_ROWS: u16 = 3;
/// Below this nothing useful fits.
const COLUMNS_MIN: u16 = 20;
/// Header, two lines of page, bottom line.
const ROWS_MIN: u16 = HEADER_ROWS + 3;

/// Draws the screen; answers where the text cursor is while something is typed.
pub fn render(buf: &mut Buffer, area: Rect, state: &State, theme: Theme) -> Option<Position> {
    let area = area.intersection(buf.area);
    let mut paint = Paint::new(buf, area, theme);
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        paint.line(0, "too small", Tone::Text);
        return None;
    }
    let (head, rest) = split_top(area, HEADER_ROWS);
    let (body, foot) = split_top(rest, rest.height - 1);
    header::draw(&mut paint.within(head), state);
    page(&mut paint.within(body), state);
    let mut cursor = bottom::draw(&mut paint.within(foot), state);
    match &state.mode {
        Mode::Help => help::draw(&mut paint.within(body), state),
        Mode::Confirm(ask) => cursor = dialog::confirm(&mut paint.within(body), ask),
        Mode::Trying(trial) => dialog::trying(&mut paint.within(body), trial),
        Mode::Columns(at) => dialog::columns(&mut paint.within(body), state, *at),
        Mode::Quit => dialog::quit(&mut paint.within(body), state),
        Mode::Normal | Mode::Filter(..) | Mode::Prompt(_) => {}
    }
    cursor
}

fn page(paint: &mut Paint<'_>, state: &State) {
    match state.nav.view() {
        View::Streams => streams::draw(paint, state),
        View::Stream(name) => stream::draw(paint, state, name),
        View::Node => node::draw(paint, state),
        View::Events => events::draw(paint, state),
        View::Channels => channels::draw(paint, state),
        View::Channel(name) => channel::draw(paint, state, name),
        View::Log => log::draw(paint, state),
        View::Nodes => nodes::draw(paint, state),
        View::Links => links::draw(paint, state),
        View::Actors => actors::draw(paint, state),
        View::Replicas => replicas::draw(paint, state),
        View::Raft => raft::draw(paint, state),
        View::Money(page) => money::draw(paint, state, page),
    }
}

/// What a command means on the open page.
#[must_use]
pub fn intent(command: Command, state: &State) -> Intent {
    let here = match state.nav.view() {
        View::Streams => streams::intent(command, state),
        View::Stream(name) => stream::intent(command, state, name),
        View::Channels => channels::intent(command, state),
        View::Channel(name) => channel::intent(command, state, name),
        View::Log => log::intent(command, state),
        View::Nodes => nodes::intent(command, state),
        View::Money(page) => money::intent(command, state, page),
        View::Node | View::Events | View::Links | View::Actors | View::Replicas | View::Raft => {
            None
        }
    };
    here.unwrap_or_else(|| common(command, state))
}

fn common(command: Command, state: &State) -> Intent {
    match command {
        Command::Alert => alert(state),
        Command::Back => Intent::Back,
        Command::Columns => Intent::Columns,
        Command::Down => Intent::Move(Move::By(1)),
        Command::Filter => Intent::EditFilter,
        Command::First => Intent::Move(Move::First),
        Command::Forward => Intent::Forward,
        Command::Freeze => Intent::Freeze,
        Command::HalfDown => Intent::Move(Move::Halves(1)),
        Command::HalfUp => Intent::Move(Move::Halves(-1)),
        Command::Help => Intent::Help,
        Command::LastRow => Intent::Move(Move::Last),
        Command::LastView => Intent::Last,
        Command::Log => Intent::Open(View::Log),
        Command::Money => top(TOP_CLUSTER),
        Command::PageDown => Intent::Move(Move::Pages(1)),
        Command::PageUp => Intent::Move(Move::Pages(-1)),
        Command::Pane => Intent::Pane,
        Command::Previous => Intent::Previous,
        Command::Prompt => Intent::Prompt,
        Command::Quit => Intent::Quit,
        Command::Redraw => Intent::Redraw,
        Command::Refresh => Intent::Refresh,
        Command::Reverse => Intent::Reverse,
        Command::Sort => Intent::Sort,
        Command::Top(n) => top(n),
        Command::Up => Intent::Move(Move::By(-1)),
        Command::Wide => Intent::Wide,
        Command::Cordon
        | Command::Credit
        | Command::Copy
        | Command::Drain
        | Command::End
        | Command::FreezeMoney
        | Command::Kick
        | Command::Older
        | Command::Open
        | Command::PayoutFailed
        | Command::PayoutPaid
        | Command::Rebalance
        | Command::Refund
        | Command::Revoke
        | Command::Uncordon
        | Command::UnfreezeMoney => Intent::None,
    }
}

fn top(n: usize) -> Intent {
    TOP.get(n).map_or(Intent::None, |top| Intent::Open(top.0.clone()))
}

/// The command line that prints what the open page shows, its filter with it; none for the log of this console.
#[must_use]
pub fn shell(state: &State) -> Option<String> {
    let line = match (state.nav.view(), state.pane) {
        (View::Streams, _) => "weir stream list".into(),
        (View::Stream(name), Pane::Overview) => format!("weir stream show {name}"),
        (View::Stream(name), Pane::Viewers) => format!("weir viewing list --channel {name}"),
        (View::Stream(name), Pane::Events) => {
            format!("weir event list --filter 'channel==\"{name}\"'")
        }
        (View::Stream(name), Pane::Explain) => format!("weir stream explain {name}"),
        // One command prints the whole node; its loops cannot be chosen there.
        (View::Node, _) => return Some("weir status -o json".into()),
        (View::Events, _) => "weir event list".into(),
        (View::Channels, _) => "weir channel list".into(),
        (View::Channel(name), _) => format!("weir key list {name}"),
        (View::Nodes, _) => "weir node list".into(),
        (View::Links, _) => "weir cluster links".into(),
        (View::Actors, _) => "weir actor list".into(),
        (View::Replicas, _) => "weir cluster replicas".into(),
        // One command prints the whole cluster; its voters cannot be chosen there.
        (View::Raft, _) => return Some("weir cluster status -o json".into()),
        (View::Money(page), _) => match money::shell(page) {
            (line, true) => line,
            (line, false) => return Some(line),
        },
        (View::Log, _) => return None,
    };
    Some(match state.list().filter(|list| !list.filter.is_empty()) {
        Some(list) => format!("{line} --filter {}", quoted(list.filter.typed())),
        None => line,
    })
}

fn alert(state: &State) -> Intent {
    match &state.shown().alert {
        None => Intent::Tell("nothing is wrong".into()),
        Some(alert) => Intent::Open(match &alert.about {
            About::Stream(channel) => View::Stream(channel.clone()),
            About::Node => View::Node,
            About::Cluster => View::Raft,
        }),
    }
}

/// Says why a list is empty: the node refused it, or there is nothing.
fn nothing(paint: &mut Paint<'_>, state: &State, list: &List, otherwise: &str) {
    let refused = state.shown().refused.as_deref();
    table::empty(paint, list, refused.unwrap_or(otherwise));
}

/// The first `rows` lines of an area, and the others.
fn split_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let top = Rect { height: rows, ..area };
    (top, Rect { y: area.y + rows, height: area.height - rows, ..area })
}
