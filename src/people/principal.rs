//! Who asks, and whether he may.

use weir_model::{AccountId, AccountName, AccountRole, AccountRoles, ChannelName};

use crate::action::Action;
use crate::role::{Reach, reach, reach_of};
use crate::scope::Scopes;

/// Who asks: an account as it is right now, behind what it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Which account.
    pub account: AccountId,
    /// Its name.
    pub name: AccountName,
    /// Its roles right now.
    pub roles: AccountRoles,
    /// What its token is limited to.
    pub scopes: Scopes,
    /// The only channel that its token is good for.
    pub channel: Option<ChannelName>,
}

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Everything, or something that belongs to nobody.
    Any,
    /// An account, its tokens or its wallet.
    Account(AccountId),
    /// A channel or what belongs to it.
    Channel {
        /// Which one.
        name: &'a ChannelName,
        /// Whose it is; none when there is no such channel.
        owner: Option<AccountId>,
    },
}

/// Why not. The sentence says which role would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The roles do not allow it.
    #[error("account {name} ({}) may not {}: {}", shown(*roles), action.about(), who_may(*action, *own))]
    Role {
        /// Who asked.
        name: AccountName,
        /// With which roles.
        roles: AccountRoles,
        /// For what.
        action: Action,
        /// It would have been his own.
        own: bool,
    },
    /// The roles allow it, the token does not.
    #[error("the token of account {name} is limited to {scopes} and may not {}; use one with the scope `{action}`", action.about())]
    Scope {
        /// Who asked.
        name: AccountName,
        /// For what.
        action: Action,
        /// What the token is limited to.
        scopes: String,
    },
    /// The token is for another channel.
    #[error("the token of account {name} is good for channel {channel} only")]
    Channel {
        /// Who asked.
        name: AccountName,
        /// Where the token is good.
        channel: ChannelName,
    },
}

impl Principal {
    /// Somebody without a limit beside his roles.
    #[must_use]
    pub fn whole(account: AccountId, name: AccountName, roles: AccountRoles) -> Self {
        Self { account, name, roles, scopes: Scopes::all(), channel: None }
    }

    /// Whether this one may do `action` to `target`. The roles are asked first, then what the token is limited to.
    ///
    /// # Errors
    /// Why not.
    pub fn can(&self, action: Action, target: &Target<'_>) -> Result<(), Denied> {
        let own = self.owns(target);
        let needed = if own { Reach::Own } else { Reach::Any };
        let name = || self.name.clone();
        if reach_of(self.roles, action) < needed {
            return Err(Denied::Role { name: name(), roles: self.roles, action, own });
        }
        if !self.scopes.allow(action) {
            return Err(Denied::Scope {
                name: name(),
                action,
                scopes: self.scopes.words().join(", "),
            });
        }
        match (&self.channel, target) {
            (Some(channel), _) if action == Action::SelfRead || names(target, channel) => Ok(()),
            (Some(channel), _) => Err(Denied::Channel { name: name(), channel: channel.clone() }),
            (None, _) => Ok(()),
        }
    }

    /// Whether this one may do `action` to anything at all: whoever may sees a list of what he may see.
    ///
    /// # Errors
    /// Why not.
    pub fn can_some(&self, action: Action) -> Result<(), Denied> {
        let (name, roles) = (self.name.clone(), self.roles);
        if reach_of(roles, action) == Reach::Nothing {
            return Err(Denied::Role { name, roles, action, own: true });
        }
        if !self.scopes.allow(action) {
            return Err(Denied::Scope { name, action, scopes: self.scopes.words().join(", ") });
        }
        Ok(())
    }

    fn owns(&self, target: &Target<'_>) -> bool {
        match target {
            Target::Any => false,
            Target::Account(account) => *account == self.account,
            Target::Channel { owner, .. } => *owner == Some(self.account),
        }
    }
}

fn names(target: &Target<'_>, channel: &ChannelName) -> bool {
    matches!(target, Target::Channel { name, .. } if *name == channel)
}

fn shown(roles: AccountRoles) -> String {
    if roles.is_empty() { "no role".into() } else { roles.to_string() }
}

/// The end of a refusal: whose business it is.
fn who_may(action: Action, own: bool) -> String {
    let of = |least: Reach| -> Vec<&str> {
        let roles = AccountRole::ALL.iter().filter(|role| reach(**role, action) >= least);
        roles.map(|role| role.as_str()).collect()
    };
    let (any, all) = (of(Reach::Any), of(Reach::Own));
    if own || any.len() == all.len() {
        return format!("that takes the role {}", all.join(" or "));
    }
    format!("that takes the role {}, unless it is one's own", any.join(" or "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn principal(roles: AccountRoles, scopes: Scopes, channel: Option<ChannelName>) -> Principal {
        let name = "alice".parse().unwrap();
        Principal { account: AccountId(1), name, roles, scopes, channel }
    }

    fn one(role: AccountRole) -> Principal {
        principal([role].into_iter().collect(), Scopes::all(), None)
    }

    fn demo() -> ChannelName {
        "demo".parse().unwrap()
    }

    fn any_roles() -> impl Strategy<Value = AccountRoles> {
        prop::collection::vec(prop::sample::select(&AccountRole::ALL[..]), 0..3)
            .prop_map(|roles| roles.into_iter().collect())
    }

    fn any_scopes() -> impl Strategy<Value = Scopes> {
        let groups = ["all", "read", "moderate", "operate", "money"].map(str::to_owned);
        let singles = Action::ALL.iter().filter(|action| !action.lifts_limits());
        let words: Vec<String> =
            groups.into_iter().chain(singles.map(|action| action.as_str().to_owned())).collect();
        prop::collection::vec(prop::sample::select(words), 1..4)
            .prop_map(|words| Scopes::parse(&words).unwrap())
    }

    proptest! {
        #[test]
        fn a_token_never_can_more_than_its_account(
            roles in any_roles(),
            scopes in any_scopes(),
            limited in any::<bool>(),
            action in prop::sample::select(Action::ALL),
            (what, who) in (0_u8..3, 1_u64..3),
        ) {
            let (demo, other) = (demo(), "other".parse().unwrap());
            let target = match what {
                0 => Target::Any,
                1 => Target::Account(AccountId(who)),
                _ => Target::Channel {
                    name: if who == 1 { &demo } else { &other },
                    owner: Some(AccountId(who)),
                },
            };
            let token = principal(roles, scopes, limited.then(|| demo.clone()));
            let account = principal(roles, Scopes::all(), None);
            prop_assert!(token.can(action, &target).is_err() || account.can(action, &target).is_ok());
            prop_assert!(token.can_some(action).is_err() || account.can_some(action).is_ok());
            prop_assert!(token.can(action, &target).is_err() || token.can_some(action).is_ok());
        }

        #[test]
        fn nobody_but_an_operator_changes_the_cluster(roles in any_roles(), scopes in any_scopes()) {
            let asked = principal(roles, scopes, None);
            let may = asked.can(Action::ClusterChange, &Target::Any).is_ok();
            prop_assert!(!may || roles.contains(AccountRole::Operator));
        }
    }

    #[test]
    fn a_streamer_manages_the_keys_of_his_own_channels() {
        let (streamer, demo) = (one(AccountRole::Streamer), demo());
        let mine = Target::Channel { name: &demo, owner: Some(AccountId(1)) };
        assert_eq!(streamer.can(Action::KeyCreate, &mine), Ok(()));
        for target in [Target::Any, Target::Channel { name: &demo, owner: Some(AccountId(2)) }] {
            let denied = streamer.can(Action::KeyCreate, &target).unwrap_err().to_string();
            assert_eq!(
                denied,
                "account alice (streamer) may not make and rotate stream keys: that takes the role operator, \
                 unless it is one's own"
            );
        }
        // What does not exist belongs to nobody.
        assert!(
            streamer.can(Action::KeyRead, &Target::Channel { name: &demo, owner: None }).is_err()
        );
    }

    #[test]
    fn a_token_of_one_channel_is_good_nowhere_else() {
        let operator = [AccountRole::Operator].into_iter().collect();
        let token = principal(operator, Scopes::parse(&["operate"]).unwrap(), Some(demo()));
        let other = "other".parse().unwrap();
        let at = |name| Target::Channel { name, owner: None };
        let demo = demo();
        assert_eq!(token.can(Action::StreamEnd, &at(&demo)), Ok(()));
        for target in [at(&other), Target::Any, Target::Account(AccountId(1))] {
            let denied = token.can(Action::ClusterRead, &target).unwrap_err().to_string();
            assert_eq!(denied, "the token of account alice is good for channel demo only");
        }
        let denied = token.can(Action::Refund, &at(&demo)).unwrap_err().to_string();
        assert!(denied.contains("limited to operate") && denied.contains("`refund`"), "{denied}");
        assert_eq!(token.can(Action::SelfRead, &Target::Account(AccountId(1))), Ok(()));
    }

    #[test]
    fn a_refusal_says_which_role_would_do() {
        let denied = |role, action| one(role).can(action, &Target::Any).unwrap_err().to_string();
        let text = denied(AccountRole::Viewer, Action::ViewingKick);
        assert!(text.ends_with("that takes the role moderator or operator"), "{text}");
        let text = denied(AccountRole::Moderator, Action::LedgerRead);
        assert!(text.ends_with("that takes the role operator or auditor"), "{text}");
        let nobody = principal(AccountRoles::default(), Scopes::all(), None);
        let text = nobody.can_some(Action::SelfRead).unwrap_err().to_string();
        assert!(text.starts_with("account alice (no role) may not"), "{text}");
    }
}
