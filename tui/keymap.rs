//! Key bindings as data: the keyboard, the bottom line and the help read the same table.
//!
//! The letters are those that hands know from k9s, lazygit and less. `k` moves up as in vi, so kick is `x`; nothing
//! that ends something sits on a key without a question.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::state::State;
use crate::state::nav::{MoneyPage, Pane, View};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Go to the worst finding.
    Alert,
    /// Clear the filter, or leave the page.
    Back,
    /// Choose columns.
    Columns,
    /// Copy what is under the cursor.
    Copy,
    /// Give the node under the cursor nothing new, after a question.
    Cordon,
    /// Move a row down.
    Down,
    /// Move away what the node under the cursor has, after a question.
    Drain,
    /// End the private session under the cursor or on the page, after a question.
    End,
    /// Credit the open wallet, after questions.
    Credit,
    /// Type a filter.
    Filter,
    /// Move to the first row.
    First,
    /// Go again where one came back from.
    Forward,
    /// Freeze the screen or let it go on.
    Freeze,
    /// Let nothing leave the open account, after a question.
    FreezeMoney,
    /// Move half a page down.
    HalfDown,
    /// Move half a page up.
    HalfUp,
    /// Show the keys.
    Help,
    /// Kick what is under the cursor, after a question.
    Kick,
    /// Move to the last row.
    LastRow,
    /// Swap with the page before.
    LastView,
    /// Open the command log.
    Log,
    /// Open the pages about money.
    Money,
    /// Open the page behind this one: older lines, later names.
    Older,
    /// Open what is under the cursor.
    Open,
    /// Move a page down.
    PageDown,
    /// Move a page up.
    PageUp,
    /// Open the next part of the page.
    Pane,
    /// Say that the payout under the cursor came back, after a question.
    PayoutFailed,
    /// Say that it arrived, after a question.
    PayoutPaid,
    /// Go back in the history.
    Previous,
    /// Type a command.
    Prompt,
    /// Leave the console.
    Quit,
    /// Move what is better placed elsewhere, after a question.
    Rebalance,
    /// Draw the screen anew.
    Redraw,
    /// Look at the node now.
    Refresh,
    /// Give the payment of the line back, after questions.
    Refund,
    /// Turn the order round.
    Reverse,
    /// Revoke the key under the cursor, after a question.
    Revoke,
    /// Sort by the next column.
    Sort,
    /// Open the page of this digit, counted from zero.
    Top(usize),
    /// Let the node under the cursor take work again, after a question.
    Uncordon,
    /// Let money leave the open account again, after a question.
    UnfreezeMoney,
    /// Move a row up.
    Up,
    /// Show or hide the extra columns.
    Wide,
}

/// Lines that print the parts of pages.
const PARTS: &[&str] = &[
    "weir stream show demo",
    "weir viewing list --channel demo",
    "weir event list --filter 'channel==\"demo\"'",
    "weir stream explain demo",
    "weir wallet statement alice --of payable",
    "weir account list",
    "weir payout list",
    "weir ledger tail",
    "weir audit list",
];

/// Lines that print the pages about the node.
const NODE_PAGES: &[&str] = &[
    "weir stream list",
    "weir status",
    "weir event list",
    "weir event follow",
    "weir channel list",
];

/// Lines that print the pages about the cluster.
const CLUSTER_PAGES: &[&str] = &[
    "weir node list",
    "weir cluster links",
    "weir actor list",
    "weir cluster replicas",
    "weir cluster status",
];

/// Lines that filter as `/` does.
const FILTERS: &[&str] = &[
    "weir stream list --filter 'bitrate>4M and viewers<10'",
    "weir viewing list --channel demo --filter '~vlc'",
    "weir event follow --filter '!demo'",
    "weir channel list --filter 're:^night'",
    "weir key list demo --filter 'revoked_at==none'",
];

impl Command {
    /// Command lines that do the same from a shell, as examples. None for what only moves on the screen: it neither
    /// asks the node nor changes it.
    #[must_use]
    pub const fn shell(self) -> &'static [&'static str] {
        match self {
            Self::Alert => &["weir stream list --filter 'health>=warning'"],
            Self::Filter => FILTERS,
            Self::Kick => &[
                "weir stream kick demo --reason 'wrong scene' --yes",
                "weir viewing kick view_0000000000000001 --reason abuse --yes",
            ],
            Self::Open => &[
                "weir stream show demo",
                "weir channel show demo",
                "weir key list demo",
                "weir session show ses_0000000000000001",
            ],
            Self::Pane => PARTS,
            Self::Columns | Self::Wide => &["weir stream list -o json | jq '.[].publisher'"],
            Self::Reverse | Self::Sort => &["weir stream list -o json | jq 'sort_by(.bitrate)'"],
            Self::Revoke => &["weir key revoke demo key_0000000000000001 --yes"],
            Self::Top(0) => NODE_PAGES,
            Self::Top(5) => CLUSTER_PAGES,
            Self::Money | Self::End | Self::Older | Self::Credit | Self::Refund => self.money(),
            Self::FreezeMoney | Self::UnfreezeMoney => self.money(),
            Self::PayoutFailed | Self::PayoutPaid => self.money(),
            Self::Cordon => &["weir node cordon edge-2 --reason 'slow disk'"],
            Self::Uncordon => &["weir node uncordon edge-2"],
            Self::Drain => &["weir node drain edge-2 --reason 'new disk' --yes"],
            Self::Rebalance => {
                &["weir cluster rebalance --dry-run", "weir cluster rebalance --yes"]
            }
            Self::Help => &["weir help"],
            Self::Refresh => &["weir status"],
            Self::Back
            | Self::Copy
            | Self::Down
            | Self::First
            | Self::Forward
            | Self::Freeze
            | Self::HalfDown
            | Self::HalfUp
            | Self::LastRow
            | Self::LastView
            | Self::Log
            | Self::PageDown
            | Self::PageUp
            | Self::Previous
            | Self::Prompt
            | Self::Quit
            | Self::Redraw
            | Self::Top(_)
            | Self::Up => &[],
        }
    }
}

impl Command {
    const fn money(self) -> &'static [&'static str] {
        match self {
            Self::Money => &["weir session list"],
            Self::End => &["weir session end ses_0000000000000001 --reason abuse --yes"],
            Self::Older => {
                &["weir wallet statement alice --upto 7", "weir account list --after bob"]
            }
            Self::Credit => &["weir wallet credit alice 20.00 --reason 'bank transfer 7'"],
            Self::Refund => &["weir refund tip:0123456789abcdef0123456789abcdef 2.50 --dry-run"],
            Self::FreezeMoney => &["weir wallet freeze alice --reason 'stolen card'"],
            Self::UnfreezeMoney => &["weir wallet unfreeze alice"],
            Self::PayoutPaid => &["weir payout paid 0123456789abcdef0123456789abcdef --yes"],
            Self::PayoutFailed => &["weir payout fail 0123456789abcdef0123456789abcdef --yes"],
            _ => &[],
        }
    }
}

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Anywhere,
    /// Where there is a list.
    List,
    /// The streams page.
    Streams,
    /// The stream page.
    Stream,
    /// The stream page, unless its viewers are open.
    Publisher,
    /// The viewers of a stream.
    Viewers,
    /// The channels page.
    Channels,
    /// The channel page.
    Channel,
    /// The nodes page.
    Nodes,
    /// Private sessions.
    Sessions,
    /// One of them.
    Session,
    /// Accounts of people.
    People,
    /// A wallet.
    Wallet,
    /// A record of the ledger.
    Record,
    /// Payouts.
    Payouts,
    /// The ledger.
    Ledger,
    /// What staff did.
    Audit,
    /// The first pages about money.
    MoneyTop,
    /// The command log.
    Log,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Any of these.
    pub chords: &'static [Chord],
    /// Where.
    pub scope: Scope,
    /// What it asks for.
    pub command: Command,
    /// How the keys are written.
    pub keys: &'static str,
    /// One word for the bottom line.
    pub name: &'static str,
    /// One line for the help.
    pub help: &'static str,
    /// Place on the bottom line, lowest first; 0 is not there.
    pub rank: u8,
}

const fn ch(c: char) -> Chord {
    Chord { code: KeyCode::Char(c), ctrl: false }
}

const fn ctrl(c: char) -> Chord {
    Chord { code: KeyCode::Char(c), ctrl: true }
}

const fn key(code: KeyCode) -> Chord {
    Chord { code, ctrl: false }
}

macro_rules! bindings {
    ($($scope:ident $command:expr, [$($chord:expr),+], $keys:literal, $name:literal, $help:literal, $rank:literal;)+) => {
        &[$(Binding {
            chords: &[$($chord),+], scope: Scope::$scope, command: $command,
            keys: $keys, name: $name, help: $help, rank: $rank,
        }),+]
    };
}

/// Every binding, in the order of the help.
pub const BINDINGS: &[Binding] = bindings! {
    Streams Command::Open, [key(KeyCode::Enter)], "enter", "open", "open the stream", 1;
    Streams Command::Kick, [ch('x')], "x", "kick", "kick its publisher (asks why)", 2;
    Publisher Command::Kick, [ch('x')], "x", "kick", "kick its publisher (asks why)", 2;
    Viewers Command::Kick, [ch('x')], "x", "kick viewer", "kick the viewer (asks why)", 2;
    Stream Command::Pane, [key(KeyCode::Tab)], "tab", "next part", "next part of the page", 1;
    Channels Command::Open, [key(KeyCode::Enter)], "enter", "keys", "open the channel's keys", 1;
    Channel Command::Revoke, [ch('x')], "x", "revoke", "revoke the key (asks)", 2;
    Channel Command::Open, [key(KeyCode::Enter)], "enter", "stream", "open the channel's stream", 1;
    Nodes Command::Cordon, [ch('c')], "c", "cordon", "nothing new for it (asks)", 1;
    Nodes Command::Uncordon, [ch('u')], "u", "uncordon", "it takes work again (asks)", 2;
    Nodes Command::Drain, [ch('D')], "D", "drain", "move away what it has (asks)", 2;
    Nodes Command::Rebalance, [ch('R')], "R", "rebalance", "move what is misplaced (asks)", 0;
    Sessions Command::Open, [key(KeyCode::Enter)], "enter", "open", "open the session's bills", 1;
    Sessions Command::End, [ch('x')], "x", "end", "end the session (asks why)", 2;
    Session Command::Open, [key(KeyCode::Enter)], "enter", "wallet", "open the party's wallet", 1;
    Session Command::End, [ch('x')], "x", "end", "end the session (asks why)", 2;
    People Command::Open, [key(KeyCode::Enter)], "enter", "wallet", "open the wallet", 1;
    People Command::Older, [ch('n')], "n", "more", "names behind these", 2;
    Wallet Command::Open, [key(KeyCode::Enter)], "enter", "explain", "explain the record", 1;
    Wallet Command::Credit, [ch('c')], "c", "credit", "credit the wallet (asks)", 2;
    Wallet Command::Refund, [ch('R')], "R", "refund", "give the line back (asks)", 2;
    Record Command::Refund, [ch('R')], "R", "refund", "give its payment back (asks)", 1;
    Wallet Command::FreezeMoney, [ch('f')], "f", "freeze", "nothing leaves it (asks)", 2;
    Wallet Command::UnfreezeMoney, [ch('u')], "u", "unfreeze", "it can be used again (asks)", 2;
    Wallet Command::Pane, [key(KeyCode::Tab)], "tab", "account", "the person's next account", 3;
    Wallet Command::Older, [ch('n')], "n", "older", "older lines", 3;
    Payouts Command::PayoutPaid, [ch('p')], "p", "paid", "it has arrived (asks)", 1;
    Payouts Command::PayoutFailed, [ch('f')], "f", "failed", "it came back (asks)", 1;
    Payouts Command::Open, [key(KeyCode::Enter)], "enter", "wallet", "open the streamer's wallet", 1;
    Ledger Command::Open, [key(KeyCode::Enter)], "enter", "explain", "explain the record", 1;
    Ledger Command::Older, [ch('n')], "n", "older", "older records", 2;
    Audit Command::Older, [ch('n')], "n", "older", "older entries", 1;
    MoneyTop Command::Pane, [key(KeyCode::Tab)], "tab", "next page", "next page about money", 2;
    Log Command::Copy, [ch('c'), ch('y')], "c", "copy", "copy the command line", 1;
    List Command::Down, [ch('j'), key(KeyCode::Down)], "j/down", "down", "move down", 0;
    List Command::Up, [ch('k'), key(KeyCode::Up)], "k/up", "up", "move up", 0;
    List Command::First, [ch('g'), key(KeyCode::Home)], "g/home", "first", "first row, the newest event", 0;
    List Command::LastRow, [ch('G'), key(KeyCode::End)], "G/end", "last", "last row", 0;
    List Command::HalfDown, [ctrl('d')], "ctrl-d", "half down", "half a page down", 0;
    List Command::HalfUp, [ctrl('u')], "ctrl-u", "half up", "half a page up", 0;
    List Command::PageDown, [key(KeyCode::PageDown), ctrl('f')], "pgdn", "page down", "a page down", 0;
    List Command::PageUp, [key(KeyCode::PageUp), ctrl('b')], "pgup", "page up", "a page up", 0;
    List Command::Filter, [ch('/')], "/", "filter", "text !not ~fuzzy re: or a>1", 3;
    List Command::Sort, [ch('s')], "s", "sort", "sort by the next column", 4;
    List Command::Reverse, [ch('S')], "S", "reverse", "turn the order round", 0;
    List Command::Columns, [ch('C')], "C", "columns", "choose columns and order", 0;
    List Command::Wide, [ch('w')], "w", "wide", "more columns, or fewer", 0;
    Anywhere Command::Freeze, [ch(' ')], "space", "freeze", "freeze or continue the screen", 5;
    Anywhere Command::Back, [key(KeyCode::Esc)], "esc", "back", "clear the filter, or go back", 7;
    Anywhere Command::LastView, [ch('-')], "-", "last page", "swap with the page before", 0;
    Anywhere Command::Previous, [ch('[')], "[", "history", "back in the history", 0;
    Anywhere Command::Forward, [ch(']')], "]", "forward", "forward in the history", 0;
    Anywhere Command::Top(0), [ch('1'), ch('2'), ch('3'), ch('4')], "1 - 4", "streams", "streams node events channels", 0;
    Anywhere Command::Log, [ch('@'), ch('5')], "@/5", "log", "the command log", 0;
    Anywhere Command::Top(5), [ch('6'), ch('7'), ch('8'), ch('9'), ch('0')], "6 - 0", "cluster", "nodes links actors copies raft", 0;
    Anywhere Command::Money, [ch('$')], "$", "money", "sessions wallets ledger audit", 0;
    Anywhere Command::Alert, [ch('!')], "!", "alert", "go to the worst finding", 0;
    Anywhere Command::Prompt, [ch(':')], ":", "command", "type a command, tab completes", 6;
    Anywhere Command::Refresh, [ch('r')], "r", "refresh", "look at the node now", 0;
    Anywhere Command::Redraw, [ctrl('l')], "ctrl-l", "redraw", "draw the screen anew", 0;
    Anywhere Command::Help, [ch('?')], "?", "help", "these keys", 8;
    Anywhere Command::Quit, [ch('q'), ctrl('c')], "q", "quit", "leave the console", 9;
};

/// Bindings that hold on the open page, in the order of the help.
pub fn valid(state: &State) -> impl Iterator<Item = &'static Binding> {
    let view = state.nav.view().clone();
    let (pane, list) = (state.pane, state.list().is_some());
    BINDINGS.iter().filter(move |b| match b.scope {
        Scope::Anywhere => true,
        Scope::List => list,
        Scope::Streams => view == View::Streams,
        Scope::Stream => matches!(view, View::Stream(_)),
        Scope::Publisher => matches!(view, View::Stream(_)) && pane != Pane::Viewers,
        Scope::Viewers => matches!(view, View::Stream(_)) && pane == Pane::Viewers,
        Scope::Channels => view == View::Channels,
        Scope::Channel => matches!(view, View::Channel(_)),
        Scope::Nodes => view == View::Nodes,
        Scope::Sessions => view == View::Money(MoneyPage::Sessions),
        Scope::Session => matches!(view, View::Money(MoneyPage::Session(_))),
        Scope::People => matches!(view, View::Money(MoneyPage::People(_))),
        Scope::Wallet => matches!(view, View::Money(MoneyPage::Wallet(_))),
        Scope::Record => matches!(view, View::Money(MoneyPage::Record(_))),
        Scope::Payouts => view == View::Money(MoneyPage::Payouts),
        Scope::Ledger => matches!(view, View::Money(MoneyPage::Ledger(_))),
        Scope::Audit => matches!(view, View::Money(MoneyPage::Audit(_))),
        Scope::MoneyTop => matches!(view, View::Money(_)) && view == view.top(),
        Scope::Log => view == View::Log,
    })
}

/// What a key press asks for on the open page; nothing when no binding holds.
#[must_use]
pub fn command(event: &KeyEvent, state: &State) -> Option<Command> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    if event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META) {
        return None;
    }
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let pressed = Chord { code: event.code, ctrl };
    let bound = valid(state).find(|b| b.chords.contains(&pressed))?;
    Some(match (bound.command, event.code) {
        // One binding stands for the digits of several pages.
        (Command::Top(first), KeyCode::Char(digit)) => Command::Top(place_of(digit, first)),
        (command, _) => command,
    })
}

/// The place of the page that a digit opens; `0` stands behind `9`, as on the keyboard.
fn place_of(digit: char, otherwise: usize) -> usize {
    digit.to_digit(10).map_or(otherwise, |digit| (digit as usize + 9) % 10)
}

/// The bindings of the bottom line.
#[must_use]
pub fn bottom(state: &State) -> Vec<&'static Binding> {
    let mut shown: Vec<_> = valid(state).filter(|b| b.rank > 0).collect();
    shown.sort_by_key(|b| b.rank);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn no_key_means_two_things_on_any_page() {
        for state in fixture::every_page() {
            let mut seen: Vec<Chord> = Vec::new();
            for chord in valid(&state).flat_map(|b| b.chords) {
                assert!(!seen.contains(chord), "{chord:?} on {:?}", state.nav.view());
                seen.push(*chord);
            }
        }
    }

    #[test]
    fn help_fits_half_of_a_small_terminal() {
        for binding in BINDINGS {
            assert!(binding.help.len() <= 30 && binding.keys.len() <= 6, "{}", binding.help);
        }
    }

    #[test]
    fn nothing_sits_on_ctrl_k() {
        let all: Vec<_> = BINDINGS.iter().flat_map(|b| b.chords).collect();
        assert!(!all.contains(&&ctrl('k')));
    }

    #[test]
    fn keys_without_a_binding_do_nothing() {
        let state = fixture::state();
        for event in [
            KeyEvent::new(KeyCode::Char('Q'), KeyModifiers::NONE),
            KeyEvent::new(KeyCode::Char('x'), KeyModifiers::ALT),
            KeyEvent::new(KeyCode::Char('k'), KeyModifiers::CONTROL),
            KeyEvent::new(KeyCode::F(5), KeyModifiers::NONE),
        ] {
            assert_eq!(command(&event, &state), None, "{event:?}");
        }
    }
}
