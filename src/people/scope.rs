//! What a token is limited to. A scope takes away and never gives: the account's roles are asked too, at every use.

use crate::action::Action;

/// A word with the actions that it stands for.
type Group = (&'static str, fn(Action) -> bool);

/// The words that stand for several actions.
const GROUPS: [Group; 4] = [
    ("read", Action::only_reads),
    ("moderate", moderates),
    ("operate", operates),
    ("money", Action::is_money),
];

/// A set of actions, with the words that it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes {
    words: Vec<String>,
    /// None is no limit: the whole account.
    actions: Option<u64>,
}

/// Words that are no scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownScope {
    /// It names nothing.
    #[error(
        "`{0}` is no scope; write all, read, moderate, operate, money, or single actions such as key.create"
    )]
    Word(String),
    /// It would undo all other limits.
    #[error(
        "a token cannot be limited to {0}: it could lift its own limits by it; write `all` if that is meant"
    )]
    LiftsLimits(Action),
    /// There is none.
    #[error("a token needs a scope: all, read, moderate, operate, money, or single actions")]
    Missing,
}

const fn moderates(action: Action) -> bool {
    matches!(
        action,
        Action::SelfRead
            | Action::AccountRead
            | Action::ChannelRead
            | Action::StreamRead
            | Action::ViewingRead
            | Action::ViewingKick
    )
}

const fn operates(action: Action) -> bool {
    moderates(action)
        || matches!(
            action,
            Action::ChannelCreate
                | Action::ChannelDelete
                | Action::KeyRead
                | Action::KeyCreate
                | Action::KeyRevoke
                | Action::StreamEnd
                | Action::EventRead
                | Action::ClusterRead
                | Action::ClusterChange
                | Action::TokenRead
                | Action::SessionRead
                | Action::SessionEnd
        )
}

impl Scopes {
    /// No limit beside the account's own.
    #[must_use]
    pub fn all() -> Self {
        Self { words: vec!["all".into()], actions: None }
    }

    /// Reads the words of a token.
    ///
    /// # Errors
    /// When there is none, or one of them cannot be a scope.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, UnknownScope> {
        if words.is_empty() {
            return Err(UnknownScope::Missing);
        }
        // Every token may ask what it is.
        let mut scopes = Self { words: Vec::new(), actions: Some(Action::SelfRead.bit()) };
        for word in words {
            scopes.add(word.as_ref())?;
        }
        Ok(scopes)
    }

    fn add(&mut self, word: &str) -> Result<(), UnknownScope> {
        let added = match GROUPS.iter().find(|(group, _)| *group == word) {
            Some((_, holds)) => bits(Action::ALL.iter().copied().filter(|one| holds(*one))),
            None if word == "all" => {
                self.actions = None;
                0
            }
            None => {
                let unknown = || UnknownScope::Word(word.chars().take(32).collect());
                let action: Action = word.parse().map_err(|_| unknown())?;
                if action.lifts_limits() {
                    return Err(UnknownScope::LiftsLimits(action));
                }
                action.bit()
            }
        };
        self.actions = self.actions.map(|actions| actions | added);
        if !self.words.iter().any(|known| known == word) {
            self.words.push(word.to_owned());
        }
        Ok(())
    }

    /// Whether it lets `action` through.
    #[must_use]
    pub fn allow(&self, action: Action) -> bool {
        self.actions.is_none_or(|actions| actions & action.bit() != 0)
    }

    /// The words, as they were given.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

fn bits(actions: impl Iterator<Item = Action>) -> u64 {
    actions.fold(0, |bits, action| bits | action.bit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_single_actions_add_up_and_all_is_no_limit() {
        let scopes = Scopes::parse(&["read", "viewing.kick", "read"]).unwrap();
        assert!(scopes.allow(Action::ViewingKick) && scopes.allow(Action::LedgerRead));
        assert!(!scopes.allow(Action::KeyCreate));
        assert_eq!(scopes.words(), ["read", "viewing.kick"]);
        assert!(Action::ALL.iter().all(|action| Scopes::all().allow(*action)));
        assert_eq!(Scopes::parse(&["all"]), Ok(Scopes::all()));
    }

    #[test]
    fn no_limited_token_can_lift_its_limits() {
        for word in ["read", "moderate", "operate", "money"] {
            let scopes = Scopes::parse(&[word]).unwrap();
            let lifting = Action::ALL.iter().filter(|action| action.lifts_limits());
            assert!(lifting.clone().count() == 2 && lifting.clone().all(|a| !scopes.allow(*a)));
        }
        let single = Scopes::parse(&["account.manage"]);
        assert_eq!(single, Err(UnknownScope::LiftsLimits(Action::AccountManage)));
    }

    #[test]
    fn words_that_are_no_scopes_are_refused() {
        assert_eq!(Scopes::parse::<&str>(&[]), Err(UnknownScope::Missing));
        assert_eq!(Scopes::parse(&["rad"]), Err(UnknownScope::Word("rad".into())));
    }
}
