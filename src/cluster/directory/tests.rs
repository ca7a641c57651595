use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use weir_model::{ActorId, Epoch, Incarnation, Timestamp};

use super::*;
use crate::members::WhyFenced;
use crate::testing::{actor, profile};

fn start(id: u64, incarnation: u64) -> Command {
    let (id, profile) = (NodeId(id), profile(&format!("n{id}")));
    Command::Member(Change::Start { id, incarnation: Incarnation(incarnation), profile })
}

fn claim(key: u64, node: u64, incarnation: u64, supersedes: Option<Epoch>) -> Command {
    Command::Lease(LeaseCommand::Claim {
        actor: actor(&format!("room/{key}")),
        node: NodeId(node),
        incarnation: Incarnation(incarnation),
        supersedes,
        at: Timestamp(0),
    })
}

fn with_nodes(count: u64) -> Directory {
    let mut directory = Directory::default();
    for id in 0..count {
        let (id, profile) = (NodeId(id), profile(&format!("n{id}")));
        directory.apply(0, &Command::Member(Change::Join { id, profile })).unwrap();
    }
    directory
}

#[test]
fn only_a_living_incarnation_may_claim() {
    let mut directory = with_nodes(1);
    let refused = Err(Refusal::Lease(LeaseRefusal::NotAlive));
    assert_eq!(directory.apply(1, &claim(1, 0, 0, None)), refused, "joined and not started");
    directory.apply(2, &start(0, 5)).unwrap();
    assert_eq!(directory.apply(3, &claim(1, 0, 4, None)), refused, "an older start");
    assert!(directory.apply(4, &claim(1, 0, 5, None)).is_ok());
    let fence =
        Change::Fence { id: NodeId(0), incarnation: Incarnation(5), why: WhyFenced::Silence };
    directory.apply(5, &Command::Member(fence)).unwrap();
    assert_eq!(directory.apply(6, &claim(2, 0, 5, None)), refused, "a fenced one");
}

#[test]
fn fencing_restarting_and_removing_a_node_each_free_its_leases_in_the_same_step() {
    let fence = Command::Member(Change::Fence {
        id: NodeId(0),
        incarnation: Incarnation(5),
        why: WhyFenced::Silence,
    });
    let remove = Command::Member(Change::Remove { id: NodeId(0) });
    for end in [fence, remove, start(0, 6)] {
        let mut directory = with_nodes(2);
        directory.apply(1, &start(0, 5)).unwrap();
        directory.apply(2, &claim(1, 0, 5, None)).unwrap();
        let done = directory.apply(3, &end).unwrap();
        let Applied::Member { lost, .. } = done else { panic!("{done:?}") };
        assert_eq!(lost.len(), 1, "{end:?}");
        assert_eq!(directory.leases.iter().count(), 0);
    }
}

/// What a random step asks for; epochs to supersede are taken from the table or made up.
fn any_step() -> impl Strategy<Value = (u8, u64, u64, u64, u8)> {
    (0u8..11, 0u64..3, 0u64..3, 1u64..5, 0u8..3)
}

fn command(directory: &Directory, step: (u8, u64, u64, u64, u8)) -> Command {
    let (what, node, key, incarnation, named) = step;
    let id = NodeId(node);
    let newest = directory.members.of(id).map_or(Incarnation(0), |member| member.incarnation);
    let held = directory.leases.of(&actor(&format!("room/{key}"))).map(|lease| lease.epoch);
    match what {
        0 => start(node, newest.0 + u64::from(named)),
        1 => Command::Member(Change::Fence { id, incarnation: newest, why: WhyFenced::Silence }),
        2 => {
            let epoch = held.unwrap_or_else(|| Epoch(u64::from(named)));
            let actor = actor(&format!("room/{key}"));
            Command::Lease(LeaseCommand::Release { actor, epoch })
        }
        3 => claim(key, node, incarnation, None),
        4 => claim(key, node, newest.0, Some(Epoch(u64::from(named)))),
        5 | 6 => claim(key, node, newest.0, held),
        7 if named == 0 => Command::Member(Change::Remove { id }),
        7 => {
            let profile = profile(&format!("n{node}"));
            Command::Member(Change::Join { id, profile })
        }
        _ => claim(key, node, newest.0, None),
    }
}

proptest! {
    /// I4: at most one owner per (kind, key, epoch), and epochs strictly rise, even over release and fencing.
    #[test]
    fn each_epoch_has_one_owner_and_epochs_of_an_actor_rise_for_ever(
        steps in prop::collection::vec(any_step(), 0..120)
    ) {
        let mut directory = with_nodes(3);
        let mut twin = directory.clone();
        let mut given: BTreeSet<Epoch> = BTreeSet::new();
        let mut newest: BTreeMap<ActorId, Epoch> = BTreeMap::new();
        for (index, step) in steps.into_iter().enumerate() {
            let command = command(&directory, step);
            let index = index as u64 + 1;
            let before = directory.clone();
            let done = directory.apply(index, &command);
            prop_assert_eq!(twin.apply(index, &command), done.clone());
            if done.is_err() {
                prop_assert_eq!(&directory, &before);
            }
            if let Ok(Applied::Lease(LeaseDone::Granted { lease, .. })) = done {
                prop_assert!(given.insert(lease.epoch));
                let last = newest.insert(lease.actor.clone(), lease.epoch);
                prop_assert!(last.is_none_or(|last| last < lease.epoch));
            }
            for lease in directory.leases.iter() {
                let member = directory.members.of(lease.node).unwrap();
                prop_assert!(member.is_alive() && member.incarnation == lease.incarnation);
            }
        }
        let text = serde_json::to_string(&directory).unwrap();
        prop_assert_eq!(serde_json::from_str::<Directory>(&text).unwrap(), directory);
    }

    /// Whoever stores the parts and makes the edits has the same directory, and can take each step back.
    #[test]
    fn the_parts_are_the_directory_and_every_edit_can_be_taken_back(
        steps in prop::collection::vec(any_step(), 0..80)
    ) {
        let mut directory = with_nodes(3);
        let mut stored: BTreeMap<PartKey, Part> =
            directory.parts().map(|part| (part.key(), part)).collect();
        for (index, step) in steps.into_iter().enumerate() {
            let before = directory.clone();
            let planned = directory.plan(index as u64, &command(&directory, step));
            let mut undo = Vec::new();
            for edit in planned.map(|(edits, _)| edits).unwrap_or_default() {
                let key = match &edit {
                    Edit::Put(part) => part.key(),
                    Edit::Drop(key) => key.clone(),
                };
                let old = directory.part(&key);
                undo.push(old.map_or_else(|| Edit::Drop(key.clone()), Edit::Put));
                directory.edit(edit.clone());
                match edit {
                    Edit::Put(part) => stored.insert(key, part),
                    Edit::Drop(_) => stored.remove(&key),
                };
            }
            let mut back = directory.clone();
            undo.into_iter().rev().for_each(|edit| back.edit(edit));
            prop_assert_eq!(back, before);
            prop_assert_eq!(&stored.values().cloned().collect::<Directory>(), &directory);
            let parts = directory.parts().map(|part| (part.key(), part));
            prop_assert_eq!(&parts.collect::<BTreeMap<_, _>>(), &stored);
        }
    }

    /// I5, at an owner: whatever two copies of the table have read, at most one node takes a message of an epoch.
    #[test]
    fn no_two_nodes_take_a_message_of_one_epoch(
        steps in prop::collection::vec(any_step(), 1..80), lag in 0usize..40, believed in 0u64..80
    ) {
        let mut directory = with_nodes(3);
        let mut history = vec![directory.clone()];
        for (index, step) in steps.into_iter().enumerate() {
            let command = command(&directory, step);
            let _ = directory.apply(index as u64 + 1, &command);
            history.push(directory.clone());
        }
        let behind = &history[history.len().saturating_sub(lag + 1)];
        let takes = |copy: &Directory, node| {
            let verdict = copy.leases.check(&actor("room/1"), Epoch(believed), NodeId(node));
            matches!(verdict, crate::lease::Verdict::Owner { .. })
        };
        let takers = (0..3).filter(|node| takes(&directory, *node) || takes(behind, *node));
        prop_assert!(takers.count() <= 1);
    }
}
