//! The list on the open page: which it is, how it is sorted and filtered, where its cursor is.

use weir_client::filter::fields::Fields;
use weir_client::filter::{Filter, FilterError};
use weir_model::audit::AuditEntry;
use weir_model::cluster::{ClusterNode, LeaseInfo, LinkInfo, RaftPeer, ReplicaInfo};
use weir_model::money::{LedgerRecord, PayoutInfo, StatementLine};
use weir_model::node::LoopInfo;
use weir_model::session::{SessionInfo, SessionParty};
use weir_model::{Account, Event, StreamInfo, StreamKey, Viewing};

use super::State;
use super::data::ChannelRow;
use super::list::{List, Move, Row};
use super::lists::Which;
use super::log::Entry;
use super::nav::{MoneyPage, Pane, View};

/// Runs one expression on the open page's list and its rows, whatever they are.
macro_rules! on_list {
    ($state:expr, $which:expr, |$list:ident, $rows:ident| $body:expr) => {{
        let data = $state.shown().clone();
        match $which {
            Which::Streams => on_list!(@ $state.lists.streams, data.streams, $list, $rows, $body),
            Which::Viewings => {
                on_list!(@ $state.lists.viewings, data.viewings, $list, $rows, $body)
            }
            Which::Loops => {
                let loops = data.status.as_ref().map(|s| s.loops.as_slice()).unwrap_or_default();
                let ($list, $rows) = (&mut $state.lists.loops, loops);
                $body
            }
            Which::Events => on_list!(@ $state.lists.events, data.events, $list, $rows, $body),
            Which::Channels => {
                on_list!(@ $state.lists.channels, data.channels, $list, $rows, $body)
            }
            Which::Keys => on_list!(@ $state.lists.keys, data.keys, $list, $rows, $body),
            Which::Nodes => on_list!(@ $state.lists.nodes, data.nodes, $list, $rows, $body),
            Which::Links => on_list!(@ $state.lists.links, data.links, $list, $rows, $body),
            Which::Actors => on_list!(@ $state.lists.actors, data.actors, $list, $rows, $body),
            Which::Replicas => {
                on_list!(@ $state.lists.replicas, data.replicas, $list, $rows, $body)
            }
            Which::Peers => {
                let peers = data.cluster.as_ref().map(|c| c.raft.peers.as_slice());
                let ($list, $rows) = (&mut $state.lists.peers, peers.unwrap_or_default());
                $body
            }
            Which::Sessions => {
                on_list!(@ $state.lists.sessions, data.money.sessions, $list, $rows, $body)
            }
            Which::Parties => {
                on_list!(@ $state.lists.parties, data.money.parties, $list, $rows, $body)
            }
            Which::People => {
                on_list!(@ $state.lists.people, data.money.people, $list, $rows, $body)
            }
            Which::Lines => on_list!(@ $state.lists.lines, data.money.lines, $list, $rows, $body),
            Which::Payouts => {
                on_list!(@ $state.lists.payouts, data.money.payouts, $list, $rows, $body)
            }
            Which::Records => {
                on_list!(@ $state.lists.records, data.money.records, $list, $rows, $body)
            }
            Which::Audit => on_list!(@ $state.lists.audit, data.money.audit, $list, $rows, $body),
            Which::Log => {
                let ($list, $rows) = (&mut $state.lists.log, $state.log.entries());
                $body
            }
        }
    }};
    (@ $from:expr, $data:expr, $list:ident, $rows:ident, $body:expr) => {{
        let ($list, $rows) = (&mut $from, $data.as_slice());
        $body
    }};
}

/// Evaluates one expression for the type of the rows of a list.
macro_rules! on_rows {
    ($which:expr, $row:ident => $body:expr, else $nothing:expr) => {
        match $which {
            Some(Which::Streams) => on_rows!(@ StreamInfo, $row, $body),
            Some(Which::Viewings) => on_rows!(@ Viewing, $row, $body),
            Some(Which::Loops) => on_rows!(@ LoopInfo, $row, $body),
            Some(Which::Events) => on_rows!(@ Event, $row, $body),
            Some(Which::Channels) => on_rows!(@ ChannelRow, $row, $body),
            Some(Which::Keys) => on_rows!(@ StreamKey, $row, $body),
            Some(Which::Log) => on_rows!(@ Entry, $row, $body),
            Some(Which::Nodes) => on_rows!(@ ClusterNode, $row, $body),
            Some(Which::Links) => on_rows!(@ LinkInfo, $row, $body),
            Some(Which::Actors) => on_rows!(@ LeaseInfo, $row, $body),
            Some(Which::Replicas) => on_rows!(@ ReplicaInfo, $row, $body),
            Some(Which::Peers) => on_rows!(@ RaftPeer, $row, $body),
            Some(Which::Sessions) => on_rows!(@ SessionInfo, $row, $body),
            Some(Which::Parties) => on_rows!(@ SessionParty, $row, $body),
            Some(Which::People) => on_rows!(@ Account, $row, $body),
            Some(Which::Lines) => on_rows!(@ StatementLine, $row, $body),
            Some(Which::Payouts) => on_rows!(@ PayoutInfo, $row, $body),
            Some(Which::Records) => on_rows!(@ LedgerRecord, $row, $body),
            Some(Which::Audit) => on_rows!(@ AuditEntry, $row, $body),
            None => $nothing,
        }
    };
    (@ $type:ty, $row:ident, $body:expr) => {{
        type $row = $type;
        $body
    }};
}

impl State {
    pub(super) fn arrange(&mut self, which: Which) {
        let now = self.judged_at();
        on_list!(self, which, |list, rows| {
            if which.follows() && list.cursor() == 0 {
                list.follow();
            }
            list.arrange(rows, now);
        });
    }

    pub(super) fn which(&self) -> Option<Which> {
        Some(match (self.nav.view(), self.pane) {
            (View::Streams, _) => Which::Streams,
            (View::Stream(_), Pane::Viewers) => Which::Viewings,
            (View::Stream(_), _) => return None,
            (View::Node, _) => Which::Loops,
            (View::Events, _) => Which::Events,
            (View::Channels, _) => Which::Channels,
            (View::Channel(_), _) => Which::Keys,
            (View::Log, _) => Which::Log,
            (View::Nodes, _) => Which::Nodes,
            (View::Links, _) => Which::Links,
            (View::Actors, _) => Which::Actors,
            (View::Replicas, _) => Which::Replicas,
            (View::Raft, _) => Which::Peers,
            (View::Money(MoneyPage::Sessions), _) => Which::Sessions,
            (View::Money(MoneyPage::Session(_)), _) => Which::Parties,
            (View::Money(MoneyPage::People(_)), _) => Which::People,
            (View::Money(MoneyPage::Wallet(_)), _) => Which::Lines,
            (View::Money(MoneyPage::Payouts), _) => Which::Payouts,
            (View::Money(MoneyPage::Ledger(_)), _) => Which::Records,
            (View::Money(MoneyPage::Audit(_)), _) => Which::Audit,
            (View::Money(MoneyPage::Record(_)), _) => return None,
        })
    }

    /// The list on the open page.
    #[must_use]
    pub fn list(&self) -> Option<&List> {
        Some(self.lists.of(self.which()?))
    }

    /// Moves the cursor of the open page.
    pub fn go(&mut self, step: Move) {
        if let Some(which) = self.which() {
            on_list!(self, which, |list, rows| list.go(step, rows));
        }
    }

    /// Sets the open page's filter. One that is not understood hides nothing.
    ///
    /// # Errors
    /// Why it is not understood.
    pub fn set_filter(&mut self, typed: &str) -> Result<(), FilterError> {
        let parsed = Filter::parse(typed, self.fields());
        let (filter, result) = match parsed {
            Ok(filter) => (filter, Ok(())),
            Err(error) => (Filter::default(), Err(error)),
        };
        let now = self.judged_at();
        if let Some(which) = self.which() {
            on_list!(self, which, |list, rows| {
                list.filter = filter;
                list.arrange(rows, now);
            });
        }
        result
    }

    /// What filters of the open page can ask.
    #[must_use]
    pub fn fields(&self) -> Fields {
        on_rows!(self.which(), R => <R as Row>::FIELDS, else &[])
    }

    /// The columns of the open page: name, whether it is wanted, and whether it is sorted by.
    #[must_use]
    pub fn columns(&self) -> Vec<(&'static str, bool, bool)> {
        let Some(list) = self.list() else { return Vec::new() };
        let names = on_rows!(self.which(), R => <R as Row>::COLUMNS, else &[]);
        let wanted =
            |n: usize| on_rows!(self.which(), R => list.columns.wanted::<R>(n), else false);
        names.iter().enumerate().map(|(n, name)| (*name, wanted(n), list.order == n)).collect()
    }

    /// Sorts the open page by its next column.
    pub fn next_order(&mut self) {
        let now = self.judged_at();
        if let Some(which) = self.which() {
            on_list!(self, which, |list, rows| list.next_order(rows, now));
        }
    }

    /// Sorts the open page by a column; once more turns it round.
    pub fn order_by(&mut self, column: usize) {
        let now = self.judged_at();
        if let Some(which) = self.which() {
            on_list!(self, which, |list, rows| list.order_by(column, rows, now));
        }
    }

    /// Turns the open page's order round.
    pub fn reverse(&mut self) {
        if let Some(order) = self.list().map(|list| list.order) {
            self.order_by(order);
        }
    }

    /// Shows or hides a column of the open page; false when it always stays.
    pub fn toggle_column(&mut self, column: usize) -> bool {
        let Some(which) = self.which() else { return false };
        on_list!(self, which, |list, rows| toggle(list, rows, column))
    }

    /// Shows or hides the open page's extra columns.
    pub fn toggle_wide(&mut self) {
        if let Some(which) = self.which() {
            on_list!(self, which, |list, _rows| list.columns.wide = !list.columns.wide);
        }
    }
}

fn toggle<R: Row>(list: &mut List, _: &[R], column: usize) -> bool {
    list.columns.toggle::<R>(column)
}
