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
    /// What [`Self::rehearse`] says of `request` when those of `first` are done before it, in their order: the accounts of
    /// all of them, as they are now and as they would be in the end. When one of `first` is refused, that is the answer.
    ///
    /// # Errors
    /// Those of [`Self::execute`].
    pub fn rehearse_after(
        &self,
        first: &[Request],
        request: &Request,
        wall: At,
    ) -> Result<Rehearsal, Refusal> {
        let (mut copy, mut moved): (Option<Self>, Vec<Change>) = (None, Vec::new());
        for earlier in first {
            let Rehearsal { done, accounts } =
                copy.as_ref().unwrap_or(self).rehearse(earlier, wall)?;
            match done {
                Done::Recorded(_) => {
                    accounts.into_iter().for_each(|change| join(&mut moved, change));
                    copy.get_or_insert_with(|| self.clone()).execute(earlier, wall)?;
                }
                Done::Replayed(_) | Done::Unchanged(_) => {}
                Done::Mismatch(_) | Done::Refused(_) => {
                    return Ok(Rehearsal { done, accounts: Vec::new() });
                }
            }
        }
        let Rehearsal { done, accounts } = copy.as_ref().unwrap_or(self).rehearse(request, wall)?;
        let is_made = matches!(&done, Done::Recorded(entry) if entry.record.result.is_ok());
        accounts.into_iter().for_each(|change| join(&mut moved, change));
        Ok(Rehearsal { done, accounts: if is_made { moved } else { Vec::new() } })
    }

    /// What [`Self::execute`] would answer to `request` at `wall`, to the byte, and what would be on accounts then.
    /// Nothing changes, and somebody else may be first.
    ///
    /// # Errors
    /// Those of [`Self::execute`].
    pub fn rehearse(&self, request: &Request, wall: At) -> Result<Rehearsal, Refusal> {
        let (entry, balances) = match self.decide(request, wall)? {
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

/// Adds what happens to an account later to what happened to it before.
fn join(all: &mut Vec<Change>, later: Change) {
    match all.iter_mut().find(|known| known.account == later.account) {
        Some(known) => known.after = later.after,
        None => all.push(later),
    }
}
