use proptest::prelude::*;

use super::*;

fn profile(name: &str) -> Profile {
    Profile { name: name.into(), roles: Roles::all(), weight: 1, ..Profile::default() }
}

fn join(id: u64) -> Change {
    Change::Join { id: NodeId(id), profile: profile(&format!("n{id}")) }
}

fn start(id: u64, incarnation: u64) -> Change {
    let profile = profile(&format!("n{id}"));
    Change::Start { id: NodeId(id), incarnation: Incarnation(incarnation), profile }
}

fn fence(id: u64, incarnation: u64) -> Change {
    Change::Fence { id: NodeId(id), incarnation: Incarnation(incarnation), why: WhyFenced::Silence }
}

fn after(changes: &[Change]) -> Members {
    let mut members = Members::default();
    for change in changes {
        members.apply(change).unwrap();
    }
    members
}

#[test]
fn a_node_joins_starts_and_takes_work() {
    let mut members = after(&[join(1)]);
    assert_eq!(members.of(NodeId(1)).unwrap().state, NodeState::Joining);
    assert!(!members.of(NodeId(1)).unwrap().takes_work());
    assert_eq!(members.apply(&start(1, 5)), Ok(Changed::Something));
    assert!(members.of(NodeId(1)).unwrap().takes_work());
    assert_eq!(members.apply(&start(2, 5)), Err(ChangeRefusal::Unknown));
}

#[test]
fn a_newer_start_fences_the_older_one_and_an_older_one_is_refused() {
    let mut members = after(&[join(1), start(1, 5)]);
    assert_eq!(members.apply(&start(1, 6)), Ok(Changed::Lost(Incarnation(5))));
    let refused = ChangeRefusal::OldIncarnation { newest: Incarnation(6) };
    assert_eq!(members.apply(&start(1, 5)), Err(refused));
    assert_eq!(members.apply(&fence(1, 5)), Ok(Changed::Nothing));
    assert_eq!(members.of(NodeId(1)).unwrap().state, NodeState::Up);
}

#[test]
fn a_fenced_node_comes_back_only_as_a_newer_incarnation() {
    let mut members = after(&[join(1), start(1, 5)]);
    assert_eq!(members.apply(&fence(1, 5)), Ok(Changed::Lost(Incarnation(5))));
    assert_eq!(members.apply(&fence(1, 5)), Ok(Changed::Nothing));
    assert_eq!(members.apply(&start(1, 5)), Err(ChangeRefusal::Fenced));
    assert_eq!(members.apply(&start(1, 6)), Ok(Changed::Something));
}

#[test]
fn a_suspect_keeps_what_it_has_and_gets_nothing_new() {
    let suspect = Change::Suspect { id: NodeId(1), incarnation: Incarnation(5) };
    let recover = Change::Recover { id: NodeId(1), incarnation: Incarnation(5) };
    let mut members = after(&[join(1), start(1, 5), suspect]);
    let member = members.of(NodeId(1)).unwrap();
    assert!(member.is_alive() && !member.takes_work());
    members.apply(&recover).unwrap();
    assert!(members.of(NodeId(1)).unwrap().takes_work());
}

#[test]
fn what_operators_want_outlives_a_restart() {
    let drain = Change::SetDuty { id: NodeId(1), duty: Duty::Draining };
    let members = after(&[join(1), start(1, 5), drain, start(1, 6)]);
    let member = members.of(NodeId(1)).unwrap();
    assert_eq!((member.state, member.duty), (NodeState::Up, Duty::Draining));
    assert!(!member.takes_work());
}

#[test]
fn a_voter_is_demoted_before_it_is_removed_and_one_voter_stays() {
    let voter = |id, voter| Change::SetVoter { id: NodeId(id), voter };
    let remove = Change::Remove { id: NodeId(1) };
    let mut members = after(&[join(1), join(2), start(1, 5), voter(1, true)]);
    assert_eq!(members.apply(&remove), Err(ChangeRefusal::StillVotes));
    assert_eq!(members.apply(&voter(1, false)), Err(ChangeRefusal::LastVoter));
    members.apply(&voter(2, true)).unwrap();
    members.apply(&voter(1, false)).unwrap();
    assert_eq!(members.apply(&remove), Ok(Changed::Lost(Incarnation(5))));
    assert!(members.was_removed(NodeId(1)));
    assert_eq!(members.apply(&start(1, 6)), Err(ChangeRefusal::Removed));
    assert_eq!(members.apply(&remove), Ok(Changed::Nothing));
}

#[test]
fn only_a_node_with_the_role_becomes_one_of_at_most_seven_voters() {
    let mut members = Members::default();
    for id in 1..=8 {
        members.apply(&join(id)).unwrap();
        let voter = members.apply(&Change::SetVoter { id: NodeId(id), voter: true });
        assert_eq!(voter.is_ok(), id <= 7);
    }
    let edge = Profile { roles: Roles::default().with(Role::Edge), ..profile("edge") };
    members.apply(&Change::Join { id: NodeId(9), profile: edge }).unwrap();
    let promoted = members.apply(&Change::SetVoter { id: NodeId(9), voter: true });
    assert_eq!(promoted, Err(ChangeRefusal::NoVoterRole));
}

#[test]
fn two_nodes_cannot_share_a_name_and_texts_have_an_end() {
    let mut members = after(&[join(1)]);
    let same = Change::Join { id: NodeId(2), profile: profile("n1") };
    assert_eq!(members.apply(&same), Err(ChangeRefusal::NameTaken { by: NodeId(1) }));
    let long = Change::Join { id: NodeId(2), profile: profile(&"x".repeat(TEXT_MAX + 1)) };
    assert_eq!(members.apply(&long), Err(ChangeRefusal::TooLong));
}

#[test]
fn members_are_bounded_and_so_are_the_remembered_removals() {
    let mut members = after(&(0..NODES_MAX as u64).map(join).collect::<Vec<_>>());
    assert_eq!(members.apply(&join(9999)), Err(ChangeRefusal::Full));
    for id in 0..=REMOVED_MAX as u64 {
        let _ = members.apply(&join(id));
        members.apply(&Change::Remove { id: NodeId(id) }).unwrap();
    }
    assert!(!members.was_removed(NodeId(0)) && members.was_removed(NodeId(1)));
}

fn with_keys(keys: &[u8]) -> Profile {
    let keys = keys.iter().map(|key| KeyPrint([*key; 32])).collect();
    Profile { keys, ..profile("n1") }
}

#[test]
fn a_node_is_admitted_with_its_keys_and_each_start_names_them_anew() {
    let id = NodeId(1);
    let start = |number, keys: &[u8]| {
        let incarnation = Incarnation(number);
        Change::Start { id, incarnation, profile: with_keys(keys) }
    };
    let mut members = after(&[Change::Join { id, profile: with_keys(&[1, 2]) }]);
    let on_record = |members: &Members| members.of(id).unwrap().profile.keys.clone();
    assert_eq!(on_record(&members), with_keys(&[1, 2]).keys);
    members.apply(&start(1, &[1, 2])).unwrap();
    assert_eq!(members.apply(&start(1, &[2, 3])), Ok(Changed::Something), "the same start goes on");
    assert_eq!(on_record(&members), with_keys(&[2, 3, 1]).keys);
    members.apply(&start(2, &[])).unwrap();
    assert!(on_record(&members).is_empty(), "a version that takes new keys without a word");
}

#[test]
fn a_node_that_an_older_version_recorded_has_no_keys_and_one_without_keys_is_recorded_as_ever() {
    let older =
        r#"{"do":"start","id":"node_0000000000000001","incarnation":5,"profile":{"name":"n1"}}"#;
    let change: Change = serde_json::from_str(older).unwrap();
    let members = after(&[join(1), change]);
    assert!(members.of(NodeId(1)).unwrap().profile.keys.is_empty());
    let text = serde_json::to_string(&members).unwrap();
    assert!(!text.contains("keys"), "{text}");
}

#[test]
fn a_change_of_a_newer_version_with_more_fields_is_still_read() {
    let text =
        r#"{"do":"join","id":"node_0000000000000001","why":"x","profile":{"name":"a","new":1}}"#;
    let change: Change = serde_json::from_str(text).unwrap();
    assert_eq!(change.node(), NodeId(1));
}

fn any_change() -> impl Strategy<Value = Change> {
    let duty = prop_oneof![Just(Duty::Serving), Just(Duty::Cordoned), Just(Duty::Draining)];
    (0u64..4, 1u64..4, any::<bool>(), duty, 0u8..8).prop_map(|(id, inc, voter, duty, what)| {
        let (node, incarnation) = (NodeId(id), Incarnation(inc));
        match what {
            0 => join(id),
            1 | 2 => start(id, inc),
            3 => Change::Suspect { id: node, incarnation },
            4 => Change::Recover { id: node, incarnation },
            5 => fence(id, inc),
            6 => Change::SetDuty { id: node, duty },
            _ if voter => Change::SetVoter { id: node, voter: duty == Duty::Serving },
            _ => Change::Remove { id: node },
        }
    })
}

proptest! {
    #[test]
    fn incarnations_never_fall_while_a_node_is_a_member_and_a_snapshot_is_the_same(
        changes in prop::collection::vec(any_change(), 0..60)
    ) {
        let mut members = Members::default();
        for change in &changes {
            let before = members.clone();
            let done = members.apply(change);
            if done.is_err() || done == Ok(Changed::Nothing) {
                prop_assert_eq!(&members, &before);
            }
            for old in before.iter() {
                let rising = |new: &Member| new.incarnation >= old.incarnation;
                prop_assert!(members.of(old.id).is_none_or(rising));
            }
            prop_assert!(before.voters().count() == 0 || members.voters().count() > 0);
        }
        let text = serde_json::to_string(&members).unwrap();
        prop_assert_eq!(serde_json::from_str::<Members>(&text).unwrap(), members);
    }
}
