//! What a request would bring about, for whoever wants to know before it is asked.

use super::{Decision, Done, State};
use crate::account::{Account, Balance};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::row::{At, Row};

/// What a request would bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// What [`State::execute`] would answer, with the record that it would make.
    pub done: Done,
    /// The accounts that the record would touch, each once; none when there would be no record, or one of a refusal.
    pub accounts: Vec<Change>,
}

/// An account as it is and as it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub account: Account,
    /// What is on it.
    pub before: Balance,
    /// What would be on it.
    pub after: Balance,
}

impl State {
    /// What [`Self::execute`] would answer to `request` at `wall`, to the byte, and what would be on accounts then.
    /// Nothing changes, and somebody else may be first.
    ///
    /// # Errors
    /// Those of [`Self::execute`].
    pub fn rehearse(&self, request: &Request, wall: At) -> Result<Rehearsal, Refusal> {
        self.rehearse_after(&[], request, wall)
    }

    /// The same when those of `first` are done before it: repeatable ones, of which `request` sees what they do to
    /// accounts and not what money of new origin they make. All of it is shown as one record.
    ///
    /// # Errors
    /// Those of [`Self::execute`], and when one of `first` is not repeatable.
    pub fn rehearse_after(
        &self,
        first: &[Request],
        request: &Request,
        wall: At,
    ) -> Result<Rehearsal, Refusal> {
        if first.iter().any(|one| !one.command.is_repeatable()) {
            return Err(Refusal::Invalid("what comes first can be done again".into()));
        }
        let (entry, balances) = match self.decide_after(first, request, wall)? {
            Decision::Says(done) => return Ok(Rehearsal { done, accounts: Vec::new() }),
            Decision::Makes(entry, made) => (entry, made.balances),
        };
        let touched = entry.record.seq;
        let moved = balances.into_iter().map(|after| Change {
            account: after.account,
            before: after.before,
            after: Balance { touched, ..after.balance },
        });
        // Where an operator says something of an account, nothing moves.
        let said = entry.record.rows.iter().filter_map(|row| match *row {
            Row::Standing(account, standing) => {
                let before = self.balance(&account);
                Some(Change { account, before, after: Balance { standing, ..before } })
            }
            _ => None,
        });
        let accounts = moved.chain(said).collect();
        Ok(Rehearsal { done: Done::Recorded(entry), accounts })
    }
}
