//! What takes two people: whoever proposes it never decides, and what nobody decides in time never happens.
//!
//! A decision is made in the order of the log, before the ledger is asked: of a confirmation and a rejection at the same
//! time one is refused. The ledger does a request once, so a confirmed one may be asked for again until it is known to be
//! done.

use weir_model::approval::ApprovalState;
use weir_model::charge::LedgerId;
use weir_model::{AccountId, Timestamp};

use crate::action::{Action, UnknownAction};
use crate::limits::APPROVAL_MS;

/// A proposal, without what is proposed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Which.
    pub id: LedgerId,
    /// What whoever decides must be allowed to do: an action's word.
    pub right: String,
    /// Who proposed it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub stage: Stage,
}

/// How far a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nobody has decided.
    Open,
    /// The ledger is to do it.
    Confirmed(Decision),
    /// The ledger has done it.
    Done {
        /// Who confirmed it.
        decision: Decision,
        /// Its record, when there is one.
        seq: Option<u64>,
    },
    /// It never happens.
    Rejected(Decision),
}

/// Who decided, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decision {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// What is done with a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It shall be done.
    Confirm(Decision),
    /// It shall never be done.
    Reject(Decision),
    /// The ledger has done it.
    Finish {
        /// Its record, when there is one.
        seq: Option<u64>,
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// One person is not two.
    #[error("whoever proposed it cannot decide about it; another account does")]
    Own,
    /// It was over before.
    #[error("nobody decided in time, so it never happens; propose it again, with a new id")]
    Expired,
    /// It was decided otherwise.
    #[error("it was rejected, so it never happens")]
    Rejected,
    /// It was decided otherwise.
    #[error("it was confirmed before, and may be done already")]
    Confirmed,
    /// Nobody confirmed it.
    #[error("nobody confirmed it")]
    Open,
}

impl Proposal {
    /// It never happens when nobody decides before.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.at.plus_ms(APPROVAL_MS)
    }

    /// What became of it.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ApprovalState {
        match self.stage {
            Stage::Open if now >= self.expires_at() => ApprovalState::Expired,
            Stage::Open => ApprovalState::Open,
            Stage::Confirmed(_) => ApprovalState::Confirmed,
            Stage::Done { .. } => ApprovalState::Done,
            Stage::Rejected(_) => ApprovalState::Rejected,
        }
    }

    /// Who confirmed or rejected it.
    #[must_use]
    pub const fn decision(&self) -> Option<Decision> {
        match self.stage {
            Stage::Open => None,
            Stage::Confirmed(decision)
            | Stage::Rejected(decision)
            | Stage::Done { decision, .. } => Some(decision),
        }
    }

    /// What whoever decides must be allowed to do.
    ///
    /// # Errors
    /// When a newer version wrote it, which knows more actions.
    pub fn action(&self) -> Result<Action, UnknownAction> {
        self.right.parse()
    }

    /// How far it is after `step`.
    ///
    /// # Errors
    /// Why that cannot be.
    pub fn after(&self, step: Step) -> Result<Stage, Undecided> {
        match (step, self.stage) {
            (Step::Finish { seq }, Stage::Confirmed(decision)) => Ok(Stage::Done { decision, seq }),
            (Step::Finish { .. }, Stage::Done { .. }) => Ok(self.stage),
            (Step::Finish { .. }, Stage::Open) => Err(Undecided::Open),
            (Step::Confirm(decision) | Step::Reject(decision), _) if decision.by == self.by => {
                Err(Undecided::Own)
            }
            (Step::Confirm(_), Stage::Confirmed(_) | Stage::Done { .. })
            | (Step::Reject(_), Stage::Rejected(_)) => Ok(self.stage),
            (Step::Confirm(_) | Step::Finish { .. }, Stage::Rejected(_)) => {
                Err(Undecided::Rejected)
            }
            (Step::Reject(_), Stage::Confirmed(_) | Stage::Done { .. }) => {
                Err(Undecided::Confirmed)
            }
            (Step::Confirm(decision) | Step::Reject(decision), Stage::Open)
                if decision.at >= self.expires_at() =>
            {
                Err(Undecided::Expired)
            }
            (Step::Confirm(decision), Stage::Open) => Ok(Stage::Confirmed(decision)),
            (Step::Reject(decision), Stage::Open) => Ok(Stage::Rejected(decision)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn proposal(stage: Stage) -> Proposal {
        let id = LedgerId::new(7).unwrap();
        Proposal { id, right: "refund".into(), by: AccountId(1), at: Timestamp(0), stage }
    }

    fn by(account: u64, at: i64) -> Decision {
        Decision { by: AccountId(account), at: Timestamp(at) }
    }

    #[test]
    fn another_account_decides_once_and_only_what_is_confirmed_is_done() {
        let open = proposal(Stage::Open);
        let (yes, no) = (by(2, 1), by(3, 1));
        assert_eq!(open.after(Step::Finish { seq: None }), Err(Undecided::Open));
        assert_eq!(open.after(Step::Confirm(yes)), Ok(Stage::Confirmed(yes)));
        assert_eq!(open.after(Step::Reject(no)), Ok(Stage::Rejected(no)));
        let confirmed = proposal(Stage::Confirmed(yes));
        assert_eq!(confirmed.after(Step::Confirm(no)), Ok(Stage::Confirmed(yes)));
        assert_eq!(confirmed.after(Step::Reject(no)), Err(Undecided::Confirmed));
        let done = Stage::Done { decision: yes, seq: Some(9) };
        assert_eq!(confirmed.after(Step::Finish { seq: Some(9) }), Ok(done));
        assert_eq!(proposal(done).after(Step::Finish { seq: Some(10) }), Ok(done));
        assert_eq!(proposal(done).after(Step::Confirm(yes)), Ok(done));
        let rejected = proposal(Stage::Rejected(no));
        assert_eq!(rejected.after(Step::Reject(yes)), Ok(Stage::Rejected(no)));
        for step in [Step::Confirm(yes), Step::Finish { seq: None }] {
            assert_eq!(rejected.after(step), Err(Undecided::Rejected));
        }
    }

    #[test]
    fn whoever_proposed_it_never_decides() {
        let decided = Stage::Confirmed(by(2, 1));
        for stage in [Stage::Open, decided, Stage::Rejected(by(2, 1))] {
            for step in [Step::Confirm(by(1, 2)), Step::Reject(by(1, 2))] {
                assert_eq!(proposal(stage).after(step), Err(Undecided::Own));
            }
        }
    }

    #[test]
    fn after_a_day_nobody_decides_but_what_was_confirmed_is_still_done() {
        let open = proposal(Stage::Open);
        assert_eq!(open.state(Timestamp(DAY - 1)), ApprovalState::Open);
        assert_eq!(open.state(Timestamp(DAY)), ApprovalState::Expired);
        assert!(open.after(Step::Confirm(by(2, DAY - 1))).is_ok());
        for step in [Step::Confirm(by(2, DAY)), Step::Reject(by(2, DAY))] {
            assert_eq!(open.after(step), Err(Undecided::Expired));
        }
        let confirmed = proposal(Stage::Confirmed(by(2, DAY - 1)));
        assert_eq!(confirmed.state(Timestamp(DAY)), ApprovalState::Confirmed);
        assert!(confirmed.after(Step::Confirm(by(3, 2 * DAY))).is_ok());
    }
}
