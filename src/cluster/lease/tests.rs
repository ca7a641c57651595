use super::*;
use crate::testing::actor;

fn claim(name: &str, node: u64, incarnation: u64, supersedes: Option<u64>) -> LeaseCommand {
    LeaseCommand::Claim {
        actor: actor(name),
        node: NodeId(node),
        incarnation: Incarnation(incarnation),
        supersedes: supersedes.map(Epoch),
        at: Timestamp(0),
    }
}

fn epoch_of(leases: &Leases, name: &str) -> Option<u64> {
    leases.of(&actor(name)).map(|lease| lease.epoch.0)
}

#[test]
fn a_free_actor_goes_to_the_first_who_claims_it() {
    let mut leases = Leases::default();
    assert!(matches!(
        leases.apply(10, &claim("room/a", 1, 1, None)),
        Ok(LeaseDone::Granted { .. })
    ));
    assert!(matches!(leases.apply(11, &claim("room/a", 2, 1, None)), Err(LeaseRefusal::Held(_))));
    assert_eq!(leases.apply(12, &claim("room/a", 1, 1, None)), Ok(LeaseDone::Unchanged));
    assert_eq!(epoch_of(&leases, "room/a"), Some(10));
}

#[test]
fn a_newer_start_of_the_owner_takes_over_with_a_greater_epoch_and_an_older_one_does_not() {
    let mut leases = Leases::default();
    leases.apply(10, &claim("room/a", 1, 5, None)).unwrap();
    leases.apply(11, &claim("room/a", 1, 6, None)).unwrap();
    assert_eq!(epoch_of(&leases, "room/a"), Some(11));
    assert!(matches!(leases.apply(12, &claim("room/a", 1, 5, None)), Err(LeaseRefusal::Held(_))));
}

#[test]
fn a_take_over_has_to_name_the_epoch_it_supersedes() {
    let mut leases = Leases::default();
    leases.apply(10, &claim("room/a", 1, 1, None)).unwrap();
    let done = leases.apply(11, &claim("room/a", 2, 1, Some(10))).unwrap();
    let LeaseDone::Granted { lease, before } = done else { panic!("{done:?}") };
    assert_eq!((lease.node, before.map(|old| old.node)), (NodeId(2), Some(NodeId(1))));
    let late = leases.apply(12, &claim("room/a", 3, 1, Some(10)));
    assert_eq!(late, Err(LeaseRefusal::Stale { named: Epoch(10), newest: Some(Epoch(11)) }));
    // A local restart of the actor is a take-over from oneself.
    leases.apply(13, &claim("room/a", 2, 1, Some(11))).unwrap();
    assert_eq!(epoch_of(&leases, "room/a"), Some(13));
}

#[test]
fn a_released_actor_is_forgotten_and_its_next_epoch_is_greater_all_the_same() {
    let mut leases = Leases::default();
    leases.apply(10, &claim("room/a", 1, 1, None)).unwrap();
    let release = |epoch| LeaseCommand::Release { actor: actor("room/a"), epoch: Epoch(epoch) };
    assert!(matches!(leases.apply(11, &release(9)), Err(LeaseRefusal::Stale { .. })));
    assert!(matches!(leases.apply(12, &release(10)), Ok(LeaseDone::Released(_))));
    assert_eq!(leases.apply(13, &release(10)), Ok(LeaseDone::Unchanged));
    assert_eq!((leases.iter().count(), leases.vacancies().count()), (0, 0));
    // Even a log that begins again below does not bring an old epoch back.
    leases.apply(3, &claim("room/a", 2, 1, None)).unwrap();
    assert_eq!(epoch_of(&leases, "room/a"), Some(11));
}

#[test]
fn fencing_frees_what_that_start_owned_and_keeps_a_list_of_it() {
    let mut leases = Leases::default();
    leases.apply(10, &claim("room/a", 1, 1, None)).unwrap();
    leases.apply(11, &claim("room/b", 1, 2, None)).unwrap();
    leases.apply(12, &claim("room/c", 2, 1, None)).unwrap();
    let lost = leases.fence(NodeId(1), Incarnation(1));
    assert_eq!(lost.iter().map(|lease| lease.epoch.0).collect::<Vec<_>>(), [10]);
    let (vacant, vacancy) = leases.vacancies().next().unwrap();
    assert_eq!((vacant, vacancy.epoch), (&actor("room/a"), Epoch(10)));
    leases.apply(13, &claim("room/a", 2, 1, None)).unwrap();
    assert_eq!(leases.vacancies().count(), 0);
}

#[test]
fn giving_up_a_lost_actor_ends_the_search_for_its_owner() {
    let mut leases = Leases::default();
    leases.apply(10, &claim("room/a", 1, 1, None)).unwrap();
    leases.fence(NodeId(1), Incarnation(1));
    let release = LeaseCommand::Release { actor: actor("room/a"), epoch: Epoch(10) };
    leases.apply(11, &release).unwrap();
    assert_eq!(leases.vacancies().count(), 0);
}

#[test]
fn a_message_reaches_the_owner_it_means_or_is_sent_on_or_refused() {
    let mut leases = Leases::default();
    leases.apply(10, &claim("room/a", 1, 1, None)).unwrap();
    leases.apply(20, &claim("room/a", 2, 1, Some(10))).unwrap();
    let check = |epoch, me| leases.check(&actor("room/a"), Epoch(epoch), NodeId(me));
    let redirect = Verdict::Redirect { node: NodeId(2), epoch: Epoch(20) };
    assert_eq!(check(20, 2), Verdict::Owner { epoch: Epoch(20) });
    assert_eq!(check(10, 2), redirect, "a newer owner answers with a redirect");
    assert_eq!(check(10, 1), redirect, "so does the older one that knows it");
    assert_eq!(check(20, 1), redirect);
    assert_eq!(check(21, 2), Verdict::Stale, "the sender has read further in the log");
    let none = |epoch| leases.check(&actor("room/z"), Epoch(epoch), NodeId(1));
    assert_eq!((none(5), none(21)), (Verdict::Vacant, Verdict::Stale));
}

#[test]
fn nobody_older_passes_a_gate_that_has_heard_a_newer_owner() {
    let mut gate = EpochGate::at(Epoch(3));
    assert!(gate.admit(Epoch(3)).is_ok());
    assert!(gate.admit(Epoch(7)).is_ok());
    assert_eq!(gate.admit(Epoch(6)), Err(StaleSender { sent: Epoch(6), seen: Epoch(7) }));
    assert!(gate.admit(Epoch(7)).is_ok());
}

#[test]
fn the_table_is_bounded_and_only_new_actors_feel_it() {
    let mut leases = Leases::default();
    for at in 0..LEASES_MAX as u64 {
        leases.apply(at, &claim(&format!("room/r{at}"), 1, 1, None)).unwrap();
    }
    let next = LEASES_MAX as u64 + 5;
    assert_eq!(leases.apply(next, &claim("room/more", 1, 1, None)), Err(LeaseRefusal::Full));
    assert!(leases.apply(next, &claim("room/r7", 1, 2, None)).is_ok());
}

#[test]
fn whoever_was_silent_gets_its_actor_back_only_when_nobody_had_it_since() {
    let mut leases = Leases::default();
    leases.apply(10, &claim("room/a", 1, 1, None)).unwrap();
    leases.fence(NodeId(1), Incarnation(1));
    leases.apply(11, &claim("room/a", 1, 2, Some(10))).unwrap();
    leases.fence(NodeId(1), Incarnation(2));
    leases.apply(12, &claim("room/a", 2, 1, Some(11))).unwrap();
    leases.fence(NodeId(2), Incarnation(1));
    let stale = Err(LeaseRefusal::Stale { named: Epoch(11), newest: Some(Epoch(12)) });
    assert_eq!(leases.apply(13, &claim("room/a", 1, 3, Some(11))), stale, "node 2 had it");
    let release = LeaseCommand::Release { actor: actor("room/a"), epoch: Epoch(12) };
    leases.apply(14, &release).unwrap();
    let stale = Err(LeaseRefusal::Stale { named: Epoch(11), newest: None });
    assert_eq!(leases.apply(15, &claim("room/a", 1, 3, Some(11))), stale, "and gave it up");
    leases.apply(16, &claim("room/a", 1, 3, None)).unwrap();
}
