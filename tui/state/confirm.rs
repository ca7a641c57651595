//! The question before an act that cannot be taken back.

use weir_model::{ChannelName, StreamKey, Viewing};

use super::edit::Edit;
use crate::act::Act;

/// What must be typed before the act is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A reason, which becomes part of the act.
    Reason,
    /// This name, to show that one knows what goes.
    Name(String),
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
    act: Act,
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
            act: Act::KickStream { channel: channel.clone(), reason: String::new() },
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
            act: Act::KickViewing { id: viewing.id, reason: String::new() },
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
            act: Act::RevokeKey { channel: key.channel.clone(), key: key.id },
        }
    }

    /// What the field asks for.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.need {
            Need::Reason => "Reason".into(),
            Need::Name(name) => format!("Type {name}"),
        }
    }

    /// The act, once what was typed suffices; else notes what is missing.
    pub fn accept(&mut self) -> Option<Act> {
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
            Need::Reason | Need::Name(_) => {}
        }
        Some(match self.act.clone() {
            Act::KickStream { channel, .. } => Act::KickStream { channel, reason: typed },
            Act::KickViewing { id, .. } => Act::KickViewing { id, reason: typed },
            revoke @ Act::RevokeKey { .. } => revoke,
        })
    }
}
