//! The question before an act that cannot be taken back.

use weir_model::cluster::{ClusterNode, NodeChange};
use weir_model::session::SessionInfo;
use weir_model::{ChannelName, StreamKey, Viewing};

use super::edit::Edit;
use super::money::session::names;
use crate::act::Act;
use crate::act::money::Wish;

mod money;

pub use money::{Trial, is_amount};

/// What must be typed before the act is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A reason, which becomes part of the act.
    Reason,
    /// This name, to show that one knows what goes.
    Name(String),
    /// An amount; nothing at all where nothing means all.
    Amount {
        /// Whether nothing means all.
        all: bool,
    },
}

/// What comes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// It is done.
    Act(Act),
    /// It is tried, and asked about again with what it would do.
    Try(Wish),
}

/// An open question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// What is asked, with the name of the thing.
    pub title: String,
    /// What it means.
    pub lines: Vec<String>,
    /// What must be typed.
    pub need: Need,
    /// What was typed.
    pub edit: Edit,
    /// Why `enter` did not do it.
    pub problem: Option<&'static str>,
    then: Then,
}

impl Confirm {
    /// Asks before a stream is kicked.
    #[must_use]
    pub fn kick_stream(channel: &ChannelName, viewers: u64, reason: &str) -> Self {
        Self {
            title: format!("Kick the stream of {channel}?"),
            lines: vec![
                format!("The publisher of {channel} is disconnected; {viewers} viewers see it."),
                "The encoder may come back with the same key.".into(),
            ],
            need: Need::Reason,
            edit: Edit::of(reason),
            problem: None,
            then: Then::Act(Act::KickStream { channel: channel.clone(), reason: String::new() }),
        }
    }

    /// Asks before a viewer is kicked.
    #[must_use]
    pub fn kick_viewing(viewing: &Viewing) -> Self {
        Self {
            title: format!("Kick this viewer of {}?", viewing.channel),
            lines: vec![format!("{} at {}", viewing.id, viewing.remote), viewing.player.clone()],
            need: Need::Reason,
            edit: Edit::default(),
            problem: None,
            then: Then::Act(Act::KickViewing { id: viewing.id, reason: String::new() }),
        }
    }

    /// Asks before a private session is ended.
    #[must_use]
    pub fn end_session(session: &SessionInfo, reason: &str) -> Self {
        let parties = match names(session) {
            none if none.is_empty() => "Nobody is in it.".into(),
            names => format!("It ends for {names}; each pays for the time that was delivered."),
        };
        Self {
            title: format!("End the private session of {}?", session.channel),
            lines: vec![session.id.to_string(), parties],
            need: Need::Reason,
            edit: Edit::of(reason),
            problem: None,
            then: Then::Act(Act::EndSession { id: session.id, reason: String::new() }),
        }
    }

    /// Asks before a key is revoked.
    #[must_use]
    pub fn revoke_key(key: &StreamKey) -> Self {
        Self {
            title: format!("Revoke a stream key of {}?", key.channel),
            lines: vec![
                format!("{} {}", key.id, key.label),
                "It never works again; a publisher that uses it is disconnected.".into(),
            ],
            need: Need::Name(key.channel.to_string()),
            edit: Edit::default(),
            problem: None,
            then: Then::Act(Act::RevokeKey { channel: key.channel.clone(), key: key.id }),
        }
    }

    /// Asks before what is wanted of a node changes.
    #[must_use]
    pub fn change_node(node: &ClusterNode, change: NodeChange, reason: &str) -> Self {
        let name = &node.name;
        let line = match change {
            NodeChange::Cordon => "It keeps what it has and gets nothing new.".into(),
            NodeChange::Uncordon => "It takes whatever it is given again; a drain ends.".into(),
            NodeChange::Drain => {
                format!("It is cordoned, and its {} actors move to other nodes.", node.leases)
            }
            NodeChange::Promote => "It votes on the directory.".into(),
            NodeChange::Demote => "It votes on the directory no more.".into(),
            NodeChange::Remove => "It leaves the cluster for ever.".into(),
            NodeChange::Fence => {
                format!(
                    "Others may take over its {} actors. Only when it is dead for sure.",
                    node.leases
                )
            }
        };
        let verb = change.as_str();
        let shown = format!("weir node {verb} {name} --dry-run shows what would happen.");
        let mut title = format!("{verb} {name}?");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            title,
            lines: vec![line, shown],
            need: Need::Reason,
            edit: Edit::of(reason),
            problem: None,
            then: Then::Act(Act::ChangeNode { node: name.clone(), change, reason: String::new() }),
        }
    }

    /// Asks before actors are moved about.
    #[must_use]
    pub fn rebalance(reason: &str) -> Self {
        Self {
            title: "Rebalance the cluster?".into(),
            lines: vec![
                "Actors move to nodes that suit them much better; streams stay.".into(),
                "weir cluster rebalance --dry-run shows the plan.".into(),
            ],
            need: Need::Reason,
            edit: Edit::of(reason),
            problem: None,
            then: Then::Act(Act::Rebalance { reason: String::new() }),
        }
    }

    /// What the field asks for.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.need {
            Need::Reason => "Reason".into(),
            Need::Name(name) => format!("Type {name}"),
            Need::Amount { all: false } => "Amount".into(),
            Need::Amount { all: true } => "Amount; nothing for all that is left".into(),
        }
    }

    /// What `enter` is for.
    #[must_use]
    pub const fn enter(&self) -> &'static str {
        match self.then {
            Then::Act(_) => "do it",
            Then::Try(_) => "see what it would do",
        }
    }

    /// The same in a sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.then {
            Then::Act(_) => "enter does it, esc does nothing",
            Then::Try(_) => "enter shows what it would do, esc does nothing",
        }
    }

    /// What comes of it, once what was typed suffices; else notes what is missing.
    pub fn accept(&mut self) -> Option<Then> {
        let typed = self.edit.text().trim().to_owned();
        match &self.need {
            Need::Reason if typed.is_empty() => {
                self.problem = Some("a reason is needed; it is kept with the event");
                return None;
            }
            Need::Name(name) if typed != *name => {
                self.problem = Some("that is not the name");
                return None;
            }
            Need::Amount { all } if !(is_amount(&typed) || *all && typed.is_empty()) => {
                self.problem = Some("an amount looks like 5.00");
                return None;
            }
            Need::Reason | Need::Name(_) | Need::Amount { .. } => {}
        }
        Some(match self.then.clone() {
            Then::Try(wish) => Then::Try(money::with_amount(wish, typed)),
            Then::Act(act) => Then::Act(with_reason(act, typed)),
        })
    }
}

fn with_reason(act: Act, reason: String) -> Act {
    match act {
        Act::KickStream { channel, .. } => Act::KickStream { channel, reason },
        Act::KickViewing { id, .. } => Act::KickViewing { id, reason },
        Act::EndSession { id, .. } => Act::EndSession { id, reason },
        Act::ChangeNode { node, change, .. } => Act::ChangeNode { node, change, reason },
        Act::Rebalance { .. } => Act::Rebalance { reason },
        Act::Money { deed, once, .. } => Act::Money { deed, once, reason },
        revoke @ Act::RevokeKey { .. } => revoke,
    }
}
