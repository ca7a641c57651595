//! What the console knows: the node's data, where the operator is, and what was asked of the node.
//!
//! Changed by updates of the connection and by intents; never by drawing.

use weir_client::filter::{Filter, FilterError};
use weir_model::Timestamp;
use weir_model::charge::LedgerId;

use crate::act::money::Tried;
use crate::conn::{Snapshot, Update};
use confirm::{Confirm, Trial};
use data::Data;
use edit::Edit;
use history::History;
use lists::{LOOKED, Lists, Which};
use log::{Log, Outcome};
use nav::{MoneyPage, Nav, Pane, View};

pub mod cluster;
pub mod columns;
pub mod confirm;
pub mod data;
pub mod edit;
pub mod history;
pub mod list;
pub mod lists;
pub mod log;
pub mod money;
pub mod nav;
mod page;
pub mod rows;

/// How long a notice stays: long enough to read a line.
const NOTICE_MS: u64 = 5_000;
/// Lines of the prompt one can go back through.
const PROMPT_LINES_MAX: usize = 50;

/// How the connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The first answer is awaited.
    Connecting,
    /// The node answers.
    Connected,
    /// It does not, and is asked again.
    Reconnecting {
        /// Why.
        error: String,
        /// Failures in a row.
        attempt: u32,
        /// Monotonic milliseconds of the next try.
        next_ms: u64,
    },
}

/// What the keys do right now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are commands.
    #[default]
    Normal,
    /// They edit the page's filter, which may not be understood yet.
    Filter(Edit, Option<FilterError>),
    /// They edit a command.
    Prompt(Edit),
    /// They answer a question.
    Confirm(Box<Confirm>),
    /// `esc` gives up what the node is asked to try.
    Trying(Box<Trial>),
    /// They choose among the columns; the cursor is on this one.
    Columns(usize),
    /// Any key closes the help.
    Help,
    /// `y` leaves although acts are under way.
    Quit,
}

/// Everything the console knows.
#[derive(Debug, Clone)]
pub struct State {
    /// Monotonic milliseconds since the console started.
    pub now_ms: u64,
    /// The connection.
    pub link: Link,
    /// The open page.
    pub nav: Nav,
    /// The open part of the stream page.
    pub pane: Pane,
    /// What keys do.
    pub mode: Mode,
    /// The lists.
    pub lists: Lists,
    /// Acts.
    pub log: Log,
    /// Figures over time.
    pub history: History,
    /// Lines typed at the prompt, oldest first.
    pub typed: Vec<String>,
    /// Position in them while going back.
    pub typed_at: usize,
    /// The number of the next id under which money is moved; 0 when the system gave none.
    pub next_id: u128,
    tries: u64,
    live: Data,
    frozen: Option<(Data, u64)>,
    notice: Option<(String, u64)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            now_ms: 0,
            link: Link::Connecting,
            nav: Nav::default(),
            pane: Pane::default(),
            mode: Mode::default(),
            lists: Lists::default(),
            log: Log::default(),
            history: History::default(),
            typed: Vec::new(),
            typed_at: 0,
            next_id: 0,
            tries: 0,
            live: Data::default(),
            frozen: None,
            notice: None,
        }
    }
}

impl State {
    /// The data on the screen: the newest, or what was there when it was frozen.
    #[must_use]
    pub fn shown(&self) -> &Data {
        self.frozen.as_ref().map_or(&self.live, |(data, _)| data)
    }

    /// Updates held back by the freeze; none when not frozen.
    #[must_use]
    pub fn held(&self) -> Option<u64> {
        self.frozen.as_ref().map(|(_, held)| *held)
    }

    /// Milliseconds since the shown data were heard.
    #[must_use]
    pub fn age_ms(&self) -> u64 {
        self.now_ms.saturating_sub(self.shown().seen_ms)
    }

    /// The node's clock now, as far as it can be told from here.
    #[must_use]
    pub fn node_now(&self) -> Option<Timestamp> {
        let status = self.shown().status.as_ref()?;
        Some(status.now.plus_ms(i64::try_from(self.age_ms()).unwrap_or(i64::MAX)))
    }

    /// What was just done, while it is news.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        let (text, until) = self.notice.as_ref()?;
        (self.now_ms < *until).then_some(text)
    }

    /// Shows a line for a moment.
    pub fn tell(&mut self, text: impl Into<String>) {
        self.notice = Some((text.into(), self.now_ms.saturating_add(NOTICE_MS)));
    }

    /// Takes in what the connection learned.
    pub fn update(&mut self, update: Update) {
        match update {
            Update::Seen(snapshot) => self.seen(*snapshot),
            Update::Lost { mut error, attempt, retry_ms } => {
                crate::clean::clean_in(&mut error);
                let next_ms = self.now_ms.saturating_add(retry_ms);
                self.link = Link::Reconnecting { error, attempt, next_ms };
            }
            Update::Event(event) => {
                self.live.note(event);
                self.changed(&[Which::Events]);
            }
            Update::Done { id, result } => self.done(id, result),
            Update::Tried { id, result } => self.tried(id, result),
        }
    }

    /// What was tried is asked about, unless nobody waits for it any more.
    fn tried(&mut self, id: u64, result: Result<Box<Tried>, String>) {
        let Mode::Trying(trial) = &self.mode else { return };
        if trial.id != id {
            return;
        }
        let trial = trial.clone();
        self.mode = match result {
            Ok(mut tried) => {
                money::clean_receipt(&mut tried.receipt);
                Mode::Confirm(Box::new(Confirm::tried(*tried, &trial)))
            }
            Err(why) => {
                self.tell(crate::clean::clean(&format!("nothing was done: {why}")));
                Mode::Normal
            }
        };
    }

    /// Notes that something is tried; answers its number and the id under which it will be done, or none when the
    /// system gave no random numbers.
    pub fn begin_try(&mut self, title: String, reason: String) -> Option<(u64, LedgerId)> {
        let once = LedgerId::new(self.next_id)?;
        self.next_id = self.next_id.checked_add(1)?;
        self.tries += 1;
        let id = self.tries;
        self.mode = Mode::Trying(Box::new(Trial { id, title, once, reason }));
        Some((id, once))
    }

    fn seen(&mut self, snapshot: Snapshot) {
        self.history.note(&snapshot.status, self.now_ms);
        self.live.take(snapshot, self.now_ms);
        self.link = Link::Connected;
        self.changed(&LOOKED);
    }

    fn changed(&mut self, lists: &[Which]) {
        if let Some((_, held)) = &mut self.frozen {
            *held += 1;
            return;
        }
        for which in lists {
            self.arrange(*which);
        }
    }

    /// The time by which filters judge; before the node was seen there is nothing to judge.
    fn judged_at(&self) -> Timestamp {
        self.node_now().unwrap_or_default()
    }

    fn done(&mut self, id: u64, result: Result<String, String>) {
        let clean = |text: String| crate::clean::clean(&text);
        let ended = self.log.end(id, result.map(clean).map_err(clean)).cloned();
        if let Some(entry) = ended {
            let word = entry.outcome.word();
            match &entry.outcome {
                Outcome::Failed(why) => self.tell(format!("{word}: {why}: {}", entry.cli)),
                Outcome::Running | Outcome::Done(_) => self.tell(format!("{word}: {}", entry.cli)),
            }
        }
        self.arrange(Which::Log);
    }

    /// Notes an act that is sent now; answers its number.
    pub fn begin(&mut self, cli: String) -> u64 {
        let id = self.log.begin(self.node_now(), cli);
        self.arrange(Which::Log);
        id
    }

    /// Freezes or thaws the screen.
    pub fn toggle_freeze(&mut self) {
        if self.frozen.take().is_none() {
            self.frozen = Some((self.live.clone(), 0));
            return;
        }
        for which in LOOKED.into_iter().chain([Which::Events]) {
            self.arrange(which);
        }
    }

    /// Opens a page one comes back from.
    pub fn open(&mut self, view: View) {
        if let View::Stream(channel) | View::Channel(channel) = &view
            && self.shown().about.as_ref() != Some(channel)
        {
            self.pane = Pane::Overview;
            self.lists.viewings.filter = Filter::default();
            self.lists.keys.filter = Filter::default();
        }
        self.begin_money(&view);
        self.nav.open(view);
    }

    /// Opens a page in place of the open one.
    pub fn swap(&mut self, view: View) {
        self.begin_money(&view);
        self.nav.swap(view);
    }

    /// Neither filter nor cursor goes from one person or session to another.
    fn begin_money(&mut self, view: &View) {
        let View::Money(page) = view else { return };
        if self.shown().money.is_of(page) {
            return;
        }
        match page {
            MoneyPage::Session(_) => self.lists.parties.begin(),
            MoneyPage::People(_) => self.lists.people.begin(),
            MoneyPage::Wallet(_) => self.lists.lines.begin(),
            MoneyPage::Ledger(_) => self.lists.records.begin(),
            MoneyPage::Audit(_) => self.lists.audit.begin(),
            MoneyPage::Sessions | MoneyPage::Payouts | MoneyPage::Record(_) => {}
        }
    }

    /// Keeps a line typed at the prompt.
    pub fn remember(&mut self, line: String) {
        if self.typed.len() >= PROMPT_LINES_MAX {
            self.typed.remove(0);
        }
        self.typed.push(line);
        self.typed_at = self.typed.len();
    }
}

#[cfg(test)]
mod tests;
