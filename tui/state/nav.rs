//! Which page is open and how one came there.

use weir_model::money::PersonalAccount;
use weir_model::{AccountName, ChannelName, SessionId};

use crate::conn::Focus;

/// Pages one can go back through.
const TRAIL_MAX: usize = 32;

/// A page: the plural is a list, the singular shows one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum View {
    /// All streams.
    #[default]
    Streams,
    /// One stream.
    Stream(ChannelName),
    /// The node.
    Node,
    /// Events.
    Events,
    /// All channels.
    Channels,
    /// One channel and its keys.
    Channel(ChannelName),
    /// The command log.
    Log,
    /// Nodes of the cluster.
    Nodes,
    /// Links of the node to the others.
    Links,
    /// Who owns what in the cluster.
    Actors,
    /// Copies of streams.
    Replicas,
    /// The agreement of the voters.
    Raft,
    /// Something about money.
    Money(MoneyPage),
}

/// A page about money; it is also what is asked of the node for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyPage {
    /// Private sessions.
    Sessions,
    /// One of them and its parties.
    Session(SessionId),
    /// Accounts of people by name, from behind this one on.
    People(Option<AccountName>),
    /// What somebody has, and what happened to it.
    Wallet(WalletPage),
    /// Payouts.
    Payouts,
    /// Records of the ledger, the newest or those from a number on.
    Ledger(Option<u64>),
    /// One of them, in sentences.
    Record(u64),
    /// What staff did, the newest or what stands before a record.
    Audit(Option<u64>),
}

/// A part of somebody's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletPage {
    /// Whose, by name or id.
    pub account: String,
    /// Of which of his accounts.
    pub of: PersonalAccount,
    /// Nothing behind this record.
    pub upto: Option<u64>,
}

impl WalletPage {
    /// The newest of what somebody pays with.
    #[must_use]
    pub fn of(account: impl ToString) -> Self {
        Self { account: account.to_string(), of: PersonalAccount::Wallet, upto: None }
    }
}

/// Pages that the digit keys and `:` open, in the order of the digits: page, name, short name, title.
/// Those below [`TOP_NODE`] are about the node that is asked, those below [`TOP_CLUSTER`] about its cluster, the others
/// about money; there are no digits left for these.
pub const TOP: [(View, &str, &str, &str); 15] = [
    (View::Streams, "streams", "st", "Streams"),
    (View::Node, "node", "nd", "Node"),
    (View::Events, "events", "ev", "Events"),
    (View::Channels, "channels", "ch", "Channels"),
    (View::Log, "log", "lo", "Log"),
    (View::Nodes, "nodes", "no", "Nodes"),
    (View::Links, "links", "li", "Links"),
    (View::Actors, "actors", "act", "Actors"),
    (View::Replicas, "replicas", "re", "Replicas"),
    (View::Raft, "raft", "ra", "Raft"),
    (View::Money(MoneyPage::Sessions), "sessions", "se", "Sessions"),
    (View::Money(MoneyPage::People(None)), "people", "pe", "People"),
    (View::Money(MoneyPage::Payouts), "payouts", "pa", "Payouts"),
    (View::Money(MoneyPage::Ledger(None)), "ledger", "le", "Ledger"),
    (View::Money(MoneyPage::Audit(None)), "audit", "au", "Audit"),
];

/// What people also call the things on a page.
pub const ALIASES: [(&str, View); 4] = [
    ("leases", View::Actors),
    ("placements", View::Actors),
    ("users", View::Money(MoneyPage::People(None))),
    ("wallets", View::Money(MoneyPage::People(None))),
];

/// How many of the pages are about the one node.
pub const TOP_NODE: usize = 5;

/// Where the pages about the cluster end and those about money begin.
pub const TOP_CLUSTER: usize = 10;

impl View {
    /// The page with this name, short name or alias.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let page = TOP.iter().find(|(_, long, short, _)| *long == name || *short == name);
        let alias = || ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, page)| page);
        page.map(|(page, ..)| page).or_else(alias).cloned()
    }

    /// The page whose digit is lit while this one is open.
    #[must_use]
    pub fn top(&self) -> Self {
        match self {
            Self::Stream(_) => Self::Streams,
            Self::Channel(_) => Self::Channels,
            Self::Money(page) => Self::Money(page.top()),
            other => other.clone(),
        }
    }

    /// What the connection must ask for this page.
    #[must_use]
    pub fn focus(&self) -> Focus {
        match self {
            Self::Stream(name) => Focus::Stream(name.clone()),
            Self::Channels => Focus::Channels,
            Self::Channel(name) => Focus::Channel(name.clone()),
            Self::Nodes => Focus::Nodes,
            Self::Links => Focus::Links,
            Self::Actors => Focus::Actors,
            Self::Replicas => Focus::Replicas,
            Self::Raft => Focus::Raft,
            Self::Money(page) => Focus::Money(page.clone()),
            Self::Streams | Self::Node | Self::Events | Self::Log => Focus::Overview,
        }
    }
}

impl MoneyPage {
    fn top(&self) -> Self {
        match self {
            Self::Sessions | Self::Session(_) => Self::Sessions,
            Self::People(_) | Self::Wallet(_) => Self::People(None),
            Self::Payouts => Self::Payouts,
            Self::Ledger(_) | Self::Record(_) => Self::Ledger(None),
            Self::Audit(_) => Self::Audit(None),
        }
    }
}

/// A part of the stream page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pane {
    /// Publisher, tracks, health, graph.
    #[default]
    Overview,
    /// Who watches.
    Viewers,
    /// What happened to it.
    Events,
    /// What the node says about it, in sentences.
    Explain,
}

impl Pane {
    /// The next one round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Overview => Self::Viewers,
            Self::Viewers => Self::Events,
            Self::Events => Self::Explain,
            Self::Explain => Self::Overview,
        }
    }
}

/// The trail of pages.
#[derive(Debug, Clone, Default)]
pub struct Nav {
    trail: Vec<View>,
    ahead: Vec<View>,
    current: View,
    last: Option<View>,
}

impl Nav {
    /// The open page.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.current
    }

    /// Opens a page that one comes back from.
    pub fn open(&mut self, view: View) {
        if view == self.current {
            return;
        }
        if self.trail.len() >= TRAIL_MAX {
            self.trail.remove(0);
        }
        let left = std::mem::replace(&mut self.current, view);
        self.trail.push(left.clone());
        self.ahead.clear();
        self.last = Some(left);
    }

    /// Puts another page in the place of the open one.
    pub fn swap(&mut self, view: View) {
        self.current = view;
    }

    /// Goes back where one came from; false when there is nowhere to go.
    pub fn back(&mut self) -> bool {
        let Some(view) = self.trail.pop() else { return false };
        let left = std::mem::replace(&mut self.current, view);
        self.ahead.push(left.clone());
        self.last = Some(left);
        true
    }

    /// Goes again where one came back from; false when there is nowhere to go.
    pub fn forward(&mut self) -> bool {
        let Some(view) = self.ahead.pop() else { return false };
        let left = std::mem::replace(&mut self.current, view);
        self.trail.push(left.clone());
        self.last = Some(left);
        true
    }

    /// Swaps with the page that was open before.
    pub fn last(&mut self) {
        if let Some(view) = self.last.take() {
            self.last = Some(std::mem::replace(&mut self.current, view));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_leads_through_the_pages_in_reverse() {
        let mut nav = Nav::default();
        nav.open(View::Node);
        nav.open(View::Events);
        assert!(nav.back() && *nav.view() == View::Node);
        assert!(nav.back() && *nav.view() == View::Streams);
        assert!(!nav.back());
    }

    #[test]
    fn forward_undoes_back_until_another_page_is_opened() {
        let mut nav = Nav::default();
        nav.open(View::Node);
        nav.open(View::Events);
        assert!(!nav.forward());
        assert!(nav.back() && nav.back());
        assert!(nav.forward() && *nav.view() == View::Node);
        assert!(nav.forward() && *nav.view() == View::Events);
        assert!(nav.back());
        nav.open(View::Log);
        assert!(!nav.forward() && nav.back() && *nav.view() == View::Node);
    }

    #[test]
    fn last_toggles_between_two_pages() {
        let mut nav = Nav::default();
        nav.last();
        assert_eq!(*nav.view(), View::Streams);
        nav.open(View::Node);
        nav.last();
        assert_eq!(*nav.view(), View::Streams);
        nav.last();
        assert_eq!(*nav.view(), View::Node);
    }

    #[test]
    fn names_and_short_names_open_the_same_page() {
        assert_eq!(View::named("events"), View::named("ev"));
        assert_eq!(View::named("nothing"), None);
    }
}
