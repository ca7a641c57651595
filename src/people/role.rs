//! What each role may do: the one table.

use weir_model::{AccountRole, AccountRoles};

use crate::action::Action;

/// How far a right goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It is none.
    Nothing,
    /// What belongs to the account: itself, its tokens, its wallet, its channels.
    Own,
    /// Everything.
    Any,
}

/// How far `role` may do `action`.
#[must_use]
pub const fn reach(role: AccountRole, action: Action) -> Reach {
    use AccountRole::{Auditor, Moderator, Operator, Streamer, Viewer};
    match (role, action) {
        (Operator, _) => Reach::Any,
        (Auditor, action) if action.only_reads() => Reach::Any,
        // Whoever can sign in can sign out and take his own tokens back.
        (_, Action::SelfRead | Action::TokenRead | Action::TokenRevoke | Action::AccountLogOut) => {
            Reach::Own
        }
        (
            Moderator,
            Action::AccountRead
            | Action::ChannelRead
            | Action::StreamRead
            | Action::ViewingRead
            | Action::ViewingKick,
        ) => Reach::Any,
        // Who watches, with their addresses, is none of his business; how many do, his stream says.
        (
            Streamer,
            Action::ChannelRead
            | Action::KeyRead
            | Action::KeyCreate
            | Action::KeyRevoke
            | Action::StreamRead
            | Action::WalletRead
            | Action::PayoutRequest
            | Action::SessionRead
            | Action::SessionOffer
            | Action::SessionEnd
            | Action::PriceSet,
        ) => Reach::Own,
        (
            Viewer,
            Action::WalletRead | Action::WalletSpend | Action::SessionRead | Action::SessionJoin,
        ) => Reach::Own,
        (Viewer | Streamer | Moderator | Auditor, _) => Reach::Nothing,
    }
}

/// How far any of `roles` may do `action`.
#[must_use]
pub fn reach_of(roles: AccountRoles, action: Action) -> Reach {
    roles.iter().map(|role| reach(role, action)).max().unwrap_or(Reach::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_operator_changes_what_is_not_his_but_a_moderator_kicks() {
        for action in Action::ALL.iter().copied().filter(|action| !action.only_reads()) {
            for role in AccountRole::ALL {
                let may = reach(role, action) == Reach::Any;
                let kicks = role == AccountRole::Moderator && action == Action::ViewingKick;
                assert_eq!(may, role == AccountRole::Operator || kicks, "{role} {action}");
            }
        }
    }

    #[test]
    fn an_auditor_reads_everything_and_a_moderator_nothing_of_money_or_cluster() {
        for action in Action::ALL.iter().copied() {
            let own_safety = matches!(action, Action::TokenRevoke | Action::AccountLogOut);
            let expected = match (action.only_reads(), own_safety) {
                (true, _) => Reach::Any,
                (false, true) => Reach::Own,
                (false, false) => Reach::Nothing,
            };
            assert_eq!(reach(AccountRole::Auditor, action), expected, "{action}");
            let closed = action.is_money() || action.as_str().starts_with("cluster.");
            assert!(!closed || reach(AccountRole::Moderator, action) == Reach::Nothing);
        }
    }

    #[test]
    fn a_streamer_runs_sessions_of_his_own_and_a_viewer_joins_and_pays_himself() {
        use AccountRole::{Streamer, Viewer};
        for (action, streamer, viewer) in [
            (Action::SessionRead, Reach::Own, Reach::Own),
            (Action::SessionOffer, Reach::Own, Reach::Nothing),
            (Action::SessionEnd, Reach::Own, Reach::Nothing),
            (Action::PriceSet, Reach::Own, Reach::Nothing),
            (Action::SessionJoin, Reach::Nothing, Reach::Own),
            (Action::WalletSpend, Reach::Nothing, Reach::Own),
            (Action::PayoutRequest, Reach::Own, Reach::Nothing),
            (Action::PayoutApprove, Reach::Nothing, Reach::Nothing),
            (Action::WalletChange, Reach::Nothing, Reach::Nothing),
            (Action::Refund, Reach::Nothing, Reach::Nothing),
        ] {
            assert_eq!(
                (reach(Streamer, action), reach(Viewer, action)),
                (streamer, viewer),
                "{action}"
            );
        }
    }

    #[test]
    fn no_role_is_no_right() {
        let none = AccountRoles::default();
        assert!(Action::ALL.iter().all(|action| reach_of(none, *action) == Reach::Nothing));
    }
}
