//! What takes two people: the proposals, and what each change of them does.

use std::collections::BTreeMap;

use weir_model::Timestamp;
use weir_model::approval::ApprovalState;
use weir_model::charge::LedgerId;
use weir_people::limits::{APPROVALS_KEPT_MAX, APPROVALS_OPEN_MAX};
use weir_people::{Proposal, Step};

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::super::record::Approval;
use super::{Catalog, Planned};

/// Proposals by their ids.
pub(in crate::store) type Approvals = BTreeMap<LedgerId, Approval>;

impl Catalog {
    /// Answers with the proposal as it stands: asked for again, it is the one that was made before.
    pub(super) fn plan_proposal(&self, new: Approval) -> Planned<Approval> {
        if let Some(known) = self.approvals.get(&new.proposal.id) {
            return match known.request == new.request {
                true => Ok((Vec::new(), known.clone())),
                false => Err(StoreError::Conflict(
                    "another proposal has that id; a new attempt needs a new id".into(),
                )),
            };
        }
        let now = new.proposal.at;
        let open = || self.approvals.values().filter(|one| is_open(one, now));
        // What names itself what it is about is proposed once at a time, whoever proposes it.
        let is_same =
            |one: &&Approval| one.request.id == 0 && one.request.command == new.request.command;
        if let Some(known) = open().find(is_same) {
            let id = known.proposal.id;
            return match known.proposal.by == new.proposal.by {
                true => Ok((Vec::new(), known.clone())),
                false => Err(StoreError::Conflict(format!(
                    "proposal {id} asks for the same; `weir approval confirm {id}` has it done"
                ))),
            };
        }
        if open().count() >= APPROVALS_OPEN_MAX {
            let (what, limit) =
                ("proposals that wait for a second person".into(), APPROVALS_OPEN_MAX);
            return Err(StoreError::Limit { what, limit });
        }
        let mut changes = self.without_old_approvals(now);
        changes.push(put(new.clone()));
        Ok((changes, new))
    }

    /// Makes room for one more.
    fn without_old_approvals(&self, now: Timestamp) -> Vec<Change> {
        let excess = (self.approvals.len() + 1).saturating_sub(APPROVALS_KEPT_MAX);
        let over = self.approvals.values().filter(|one| !is_open(one, now));
        let mut over: Vec<&Proposal> = over.map(|one| &one.proposal).collect();
        // One that was confirmed and is not known to be done goes last.
        over.sort_by_key(|one| (one.state(now) == ApprovalState::Confirmed, one.at, one.id));
        over.into_iter().take(excess).map(|one| Change::RemoveApproval(one.id)).collect()
    }

    /// Answers with the proposal after `step`.
    pub(super) fn plan_decision(&self, id: LedgerId, step: Step) -> Planned<Approval> {
        let known = self.approvals.get(&id);
        let known = known.ok_or_else(|| StoreError::NotFound { what: format!("proposal {id}") })?;
        let stage = known.proposal.after(step);
        let stage = stage.map_err(|error| StoreError::Conflict(error.to_string()))?;
        let proposal = Proposal { stage, ..known.proposal.clone() };
        let next = Approval { proposal, ..known.clone() };
        let changes = if next == *known { Vec::new() } else { vec![put(next.clone())] };
        Ok((changes, next))
    }

    pub(super) fn approval_entries(&self) -> impl Iterator<Item = Entry> {
        self.approvals.values().cloned().map(|one| Entry::Approval(Box::new(one)))
    }
}

fn is_open(one: &Approval, now: Timestamp) -> bool {
    one.proposal.state(now) == ApprovalState::Open
}

fn put(one: Approval) -> Change {
    Change::Put(Entry::Approval(Box::new(one)))
}

#[cfg(test)]
mod tests {
    use weir_ledger::Request;
    use weir_ledger::request::{Command, IncomeCommand, PayoutCommand, Provider, Refs};
    use weir_ledger::row::PayoutState;
    use weir_model::AccountId;
    use weir_people::{Decision, Stage};

    use super::*;

    /// Credits somebody under the id `id`; or, without one, says that payout 5 has arrived.
    fn approval(id: u128, by: u64, at: i64, repeatable: bool) -> Approval {
        let (user, amount) = (AccountId(9), 100.try_into().unwrap());
        let command = match repeatable {
            true => Command::Payout(PayoutCommand::End { payout: 5, state: PayoutState::Paid }),
            false => {
                let provider = Provider::MANUAL;
                Command::Income(IncomeCommand::TopUp { user, amount, provider })
            }
        };
        let request_id = if repeatable { 0 } else { id };
        let (by, at) = (AccountId(by), Timestamp(at));
        let (reason, refs) = (String::new(), Refs::default());
        let request = Request { id: request_id, by, reason, refs, command };
        let (id, right) = (LedgerId::new(id).unwrap(), "wallet.change".into());
        let proposal = Proposal { id, right, by, at, stage: Stage::Open };
        let (amount, currency) = ("1.00".into(), "EUR".into());
        let (event, text) = ("wallet.credited".into(), String::new());
        Approval { proposal, request, amount, currency, event, text, channel: None }
    }

    fn made(catalog: &mut Catalog, planned: Planned<Approval>) -> Result<Approval, StoreError> {
        let (changes, answer) = planned?;
        changes.iter().for_each(|change| catalog.apply(change));
        Ok(answer)
    }

    fn propose(catalog: &mut Catalog, one: Approval) -> Result<Approval, StoreError> {
        let planned = catalog.plan_proposal(one);
        made(catalog, planned)
    }

    fn reject(catalog: &mut Catalog, id: u128) {
        let decision = Decision { by: AccountId(77), at: Timestamp(1) };
        let planned = catalog.plan_decision(LedgerId::new(id).unwrap(), Step::Reject(decision));
        made(catalog, planned).unwrap();
    }

    #[test]
    fn the_same_is_proposed_once_and_another_thing_under_its_id_is_refused() {
        let mut catalog = Catalog::default();
        propose(&mut catalog, approval(1, 1, 0, false)).unwrap();
        let again = propose(&mut catalog, approval(1, 1, 5, false)).unwrap();
        assert_eq!((again.proposal.at, catalog.approvals.len()), (Timestamp(0), 1));
        let other = propose(&mut catalog, approval(1, 2, 5, false)).unwrap_err();
        assert!(other.to_string().contains("another proposal has that id"), "{other}");
        propose(&mut catalog, approval(2, 1, 0, true)).unwrap();
        let same = propose(&mut catalog, approval(3, 1, 0, true)).unwrap();
        assert_eq!(same.proposal.id, LedgerId::new(2).unwrap());
        let twin = propose(&mut catalog, approval(4, 2, 0, true)).unwrap_err().to_string();
        assert!(twin.contains("weir approval confirm 00000000000000000000000000000002"), "{twin}");
        reject(&mut catalog, 2);
        assert!(propose(&mut catalog, approval(4, 2, 0, true)).is_ok());
    }

    #[test]
    fn so_many_wait_at_once_and_the_oldest_that_is_over_makes_room() {
        let mut catalog = Catalog::default();
        let most = APPROVALS_OPEN_MAX as u128;
        for id in 1..=most {
            propose(&mut catalog, approval(id, 1, 0, false)).unwrap();
        }
        let refused = propose(&mut catalog, approval(most + 1, 1, 0, false)).unwrap_err();
        assert!(matches!(refused, StoreError::Limit { .. }), "{refused}");
        for id in most + 1..4 * most {
            reject(&mut catalog, id - most);
            propose(&mut catalog, approval(id, 1, 0, false)).unwrap();
        }
        assert_eq!(catalog.approvals.len(), APPROVALS_KEPT_MAX);
        assert!(catalog.approvals.contains_key(&LedgerId::new(4 * most - 1).unwrap()));
        assert!(!catalog.approvals.contains_key(&LedgerId::new(1).unwrap()));
    }

    #[test]
    fn a_proposal_is_written_and_read_again() {
        for repeatable in [false, true] {
            let entry = Entry::Approval(Box::new(approval(u128::MAX, 1, 0, repeatable)));
            let (name, bytes) = (entry.name(), entry.encode().unwrap());
            assert_eq!(Entry::decode(name.as_bytes(), &bytes), Ok(entry));
        }
    }
}
