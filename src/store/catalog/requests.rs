//! Requests of the log: made once each, answered alike when they come again.
//!
//! Replies are remembered up to a bound. A request that was first asked before the oldest remembered reply
//! may have been made and forgotten; it is refused, so that nothing is ever made twice.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::super::record::{ForgottenRecord, ReplyRecord, RequestKey};
use super::{Answer, Catalog, Command};

/// Replies that are remembered: some seconds of a busy cluster, longer than a proposer tries again.
const REPLIES_MAX: usize = 8_192;

/// A request from the log.
#[derive(Debug, Clone)]
pub(in crate::store) struct Asked {
    pub(in crate::store) key: RequestKey,
    /// What its proposer had seen of the log when it first asked.
    pub(in crate::store) since: u64,
    pub(in crate::store) command: Box<RawValue>,
}

#[derive(Default)]
pub(super) struct Replies {
    by_number: BTreeMap<u64, ReplyRecord>,
    by_request: HashMap<RequestKey, u64>,
    pub(super) forgotten: u64,
}

impl Replies {
    pub(super) fn put(&mut self, reply: ReplyRecord) {
        self.by_request.insert(reply.request, reply.number);
        self.by_number.insert(reply.number, reply);
    }

    pub(super) fn remove(&mut self, number: u64) {
        if let Some(old) = self.by_number.remove(&number) {
            self.by_request.remove(&old.request);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let index = self.forgotten;
        let forgotten = (index > 0).then_some(Entry::Forgotten(ForgottenRecord { index }));
        forgotten.into_iter().chain(self.by_number.values().cloned().map(Entry::Reply))
    }

    fn of(&self, request: &RequestKey) -> Option<&str> {
        let number = self.by_request.get(request)?;
        self.by_number.get(number).map(|reply| reply.text.as_str())
    }
}

impl Catalog {
    /// Makes a request of entry `index` here; answers with its changes and its reply in JSON.
    pub(in crate::store) fn make(&mut self, index: u64, asked: &Asked) -> (Vec<Change>, String) {
        if let Some(text) = self.replies.of(&asked.key) {
            return (Vec::new(), text.to_owned());
        }
        let known = asked.since >= self.replies.forgotten;
        let planned = match serde_json::from_str::<Command>(asked.command.get()) {
            Ok(command) if known => self.plan(command, index),
            Ok(_) => Err(StoreError::Conflict(
                "the change came too late to know whether it was made before; look before you repeat it"
                    .into(),
            )),
            Err(error) => Err(StoreError::Invalid(format!(
                "this version does not know the change: {error}"
            ))),
        };
        let (mut changes, answer) = match planned {
            Ok((changes, answer)) => (changes, Ok(answer)),
            Err(refusal) => (Vec::new(), Err(refusal)),
        };
        let text = reply_text(&answer);
        changes.extend(self.remember(index, asked.key, &text));
        changes.iter().for_each(|change| self.apply(change));
        (changes, text)
    }

    fn remember(&self, index: u64, request: RequestKey, text: &str) -> Vec<Change> {
        let replies = &self.replies.by_number;
        let number = replies.last_key_value().map_or(0, |(number, _)| number + 1);
        let reply = ReplyRecord { number, request, index, text: text.to_owned() };
        let mut changes = vec![Change::Put(Entry::Reply(reply))];
        if replies.len() >= REPLIES_MAX
            && let Some((oldest, reply)) = replies.first_key_value()
        {
            let forgotten = ForgottenRecord { index: reply.index };
            changes.push(Change::RemoveReply(*oldest));
            changes.push(Change::Put(Entry::Forgotten(forgotten)));
        }
        changes
    }
}

fn reply_text(answer: &Result<Answer, StoreError>) -> String {
    let lost = |error: serde_json::Error| format!("{{\"Err\":{{\"Io\":\"{}\"}}}}", error.line());
    serde_json::to_string(answer).unwrap_or_else(lost)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weir_cluster::lease::{LeaseDone, LeaseRefusal};
    use weir_cluster::{Applied, Refusal};
    use weir_model::{AccountId, Timestamp};

    use super::*;
    use crate::store::catalog::cluster::LOST_TOLD_MAX;
    use crate::store::catalog::testing;

    fn asked(number: u64, since: u64, command: &Command) -> Asked {
        let command = serde_json::value::to_raw_value(command).unwrap();
        Asked { key: (1, 1, number), since, command }
    }

    fn channel(n: u8) -> Command {
        Command::CreateChannel {
            name: format!("c{n}").parse().unwrap(),
            title: String::new(),
            owner: AccountId(1),
            created_at: Timestamp(0),
        }
    }

    fn command() -> impl Strategy<Value = Command> {
        let name = |n: u8| format!("c{n}").parse().unwrap();
        prop_oneof![
            (0_u8..4).prop_map(channel),
            (0_u8..4).prop_map(move |n| Command::DeleteChannel { name: name(n) }),
            (0_u8..4, 1_u64..9)
                .prop_map(move |(n, count)| Command::ReserveMsn { channel: name(n), count }),
            testing::any_command(),
            testing::any_command(),
        ]
    }

    proptest! {
        #[test]
        fn the_same_requests_give_the_same_state_and_replies_also_when_they_come_twice(
            commands in prop::collection::vec((0_u64..30, command()), 0..40),
        ) {
            let (mut one, mut other) = (Catalog::default(), Catalog::default());
            let mut replies: HashMap<u64, String> = HashMap::new();
            for (index, (number, command)) in commands.iter().enumerate() {
                let request = asked(*number, 0, command);
                let (_, reply) = one.make(index as u64 + 1, &request);
                prop_assert_eq!(replies.entry(*number).or_insert_with(|| reply.clone()), &reply);
                let (changes, _) = other.make(index as u64 + 1, &request);
                prop_assert!(other.make(index as u64 + 1, &request).0.is_empty());
                let _ = changes;
            }
            prop_assert_eq!(one.records().unwrap(), other.records().unwrap());
        }
    }

    #[test]
    fn a_claim_is_won_once_and_its_epoch_is_the_index() {
        let mut catalog = Catalog::default();
        let mut make = |index, command| {
            let (_, text) = catalog.make(index, &asked(index, 0, &Command::Cluster(command)));
            serde_json::from_str::<Result<Answer, StoreError>>(&text).unwrap()
        };
        for (index, node) in [(1, 1), (2, 2)] {
            make(index, testing::join(node)).unwrap();
            make(index + 2, testing::start(node, 1)).unwrap();
        }
        let epoch = |answer: Result<Answer, StoreError>| match answer.unwrap() {
            Answer::Cluster(Applied::Lease(LeaseDone::Granted { lease, .. })) => lease.epoch.0,
            other => panic!("{other:?}"),
        };
        assert_eq!(epoch(make(5, testing::claim("a", 1, 1, None))), 5);
        let late = make(6, testing::claim("a", 2, 1, None)).unwrap_err();
        let StoreError::Cluster(Refusal::Lease(LeaseRefusal::Held(by))) = late else {
            panic!("{late}")
        };
        assert_eq!((by.node.0, by.epoch.0), (1, 5), "the refusal says who has it");
        assert_eq!(epoch(make(7, testing::claim("a", 2, 1, Some(5)))), 7);
        assert_eq!((catalog.changed, catalog.directory.leases.iter().count()), (7, 1));
    }

    #[test]
    fn an_answer_names_a_bounded_number_of_lost_leases_and_the_directory_has_all() {
        let mut catalog = Catalog::default();
        let mut make =
            |index, command| catalog.make(index, &asked(index, 0, &Command::Cluster(command))).1;
        make(1, testing::join(1));
        make(2, testing::start(1, 1));
        let count = LOST_TOLD_MAX as u64 + 3;
        (0..count).for_each(|n| drop(make(3 + n, testing::claim(&format!("r{n}"), 1, 1, None))));
        let text = make(1000, testing::start(1, 2));
        assert_eq!(text.matches("\"epoch\"").count(), LOST_TOLD_MAX);
        assert_eq!(catalog.directory.leases.vacancies().count() as u64, count);
        assert_eq!(catalog.directory.leases.iter().count(), 0);
    }

    #[test]
    fn replies_are_bounded_and_a_request_from_before_the_oldest_is_refused() {
        let mut catalog = Catalog::default();
        catalog.make(1, &asked(0, 0, &channel(0)));
        let reserve = Command::ReserveMsn { channel: "c0".parse().unwrap(), count: 1 };
        for number in 1..=REPLIES_MAX as u64 {
            catalog.make(number + 1, &asked(number, number, &reserve));
        }
        assert_eq!(catalog.replies.by_number.len(), REPLIES_MAX);
        assert_eq!(catalog.replies.by_request.len(), REPLIES_MAX);
        let (_, late) = catalog.make(9_000, &asked(0, 0, &channel(0)));
        assert!(late.contains("too late to know"), "{late}");
        let (_, new) = catalog.make(9_001, &asked(90_000, 8_000, &channel(1)));
        assert!(new.contains("Ok"), "{new}");
    }
}
