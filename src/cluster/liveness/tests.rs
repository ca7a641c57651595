use proptest::prelude::*;
use weir_model::cluster::NodeState;
use weir_model::{Incarnation, NodeId};

use super::*;
use crate::members::{Change, Members, WhyFenced};
use crate::testing::{Cluster, profile};

const FIRST: Incarnation = Incarnation(1);

fn watch_of(count: u64) -> (Watch, Cluster) {
    let cluster = Cluster::of(count);
    (Watch::take_office(&cluster.directory.members, [], 0), cluster)
}

/// What is due for a leader that is confirmed all the time.
fn due(watch: &mut Watch, now_ms: u64) -> Due {
    watch.decide(now_ms, now_ms)
}

fn fenced(due: &Due) -> Vec<u64> {
    let fences = due.changes.iter().filter(|change| matches!(change, Change::Fence { .. }));
    fences.map(|change| change.node().0).collect()
}

#[test]
fn a_node_counts_from_when_it_sent_and_a_tenth_less() {
    let mut lease = NodeLease::new(FIRST);
    assert!(!lease.is_valid(0));
    let (one, two) = (lease.beat(1000), lease.beat(1500));
    lease.granted(two);
    assert_eq!(lease.until_ms(), 1500 + 3600);
    lease.granted(one);
    lease.granted(two);
    lease.granted(Beat { incarnation: Incarnation(2), ..lease.clone().beat(9000) });
    assert_eq!(lease.until_ms(), 5100, "old, repeated and foreign answers prolong nothing");
    assert!(lease.is_valid(5099) && !lease.is_valid(5100));
}

#[test]
fn unanswered_heartbeats_are_bounded_and_a_fenced_node_owns_nothing() {
    let mut lease = NodeLease::new(FIRST);
    let beats: Vec<Beat> = (0..=BEATS_MAX as u64).map(|at| lease.beat(at)).collect();
    lease.granted(beats[0]);
    assert_eq!(lease.until_ms(), 0, "given up");
    lease.granted(beats[1]);
    assert_eq!(lease.until_ms(), 1 + NODE_TTL_MS);
    lease.fenced(Incarnation(0));
    assert!(!lease.is_valid(2));
    assert_eq!(lease.incarnation(), Incarnation(2), "newer in any case");
    lease.granted(beats[2]);
    assert!(!lease.is_valid(3));
}

#[test]
fn a_silent_node_is_suspected_then_fenced_and_a_heard_one_recovers() {
    let (mut watch, mut cluster) = watch_of(1);
    let suspect = Change::Suspect { id: NodeId(1), incarnation: FIRST };
    assert_eq!(due(&mut watch, SUSPECT_MS), Due::default());
    assert_eq!(due(&mut watch, SUSPECT_MS + 1).changes.first(), Some(&suspect));
    cluster.change(suspect);
    let members = &cluster.directory.members;
    watch.applied(members, 2100);
    assert_eq!(due(&mut watch, 2200), Due::default(), "said once");
    assert_eq!(watch.heard(NodeId(1), FIRST, members, 2300, 2300), Heard::Granted);
    let recover = Change::Recover { id: NodeId(1), incarnation: FIRST };
    assert_eq!(due(&mut watch, 2400).changes, [recover]);
    assert_eq!(fenced(&due(&mut watch, 2300 + 5000)), [0u64; 0]);
    assert_eq!(fenced(&due(&mut watch, 2300 + 5001)), [1]);
    assert_eq!(fenced(&due(&mut watch, 9000)), [1], "repeated until it was applied");
}

#[test]
fn once_fencing_was_decided_nothing_is_granted_any_more() {
    let (mut watch, mut cluster) = watch_of(1);
    due(&mut watch, 5001);
    let members = &cluster.directory.members;
    assert_eq!(watch.heard(NodeId(1), FIRST, members, 5002, 5002), Heard::Fenced);
    cluster.change(Change::Fence { id: NodeId(1), incarnation: FIRST, why: WhyFenced::Silence });
    let members = &cluster.directory.members;
    watch.applied(members, 5100);
    assert_eq!(due(&mut watch, 20_000), Due::default());
    assert_eq!(watch.heard(NodeId(1), FIRST, members, 5200, 5200), Heard::Fenced);
    assert_eq!(watch.heard(NodeId(1), Incarnation(2), members, 5200, 5200), Heard::NewStart);
    assert_eq!(watch.heard(NodeId(7), FIRST, members, 5200, 5200), Heard::Unknown);
}

#[test]
fn a_newer_start_is_counted_afresh_and_the_older_is_refused_at_once() {
    let (mut watch, mut cluster) = watch_of(1);
    let again =
        Change::Start { id: NodeId(1), incarnation: Incarnation(2), profile: profile("n1") };
    cluster.change(again);
    let members = &cluster.directory.members;
    assert_eq!(members.of(NodeId(1)).map(|member| member.state), Some(NodeState::Up));
    watch.applied(members, 4000);
    assert_eq!(watch.heard(NodeId(1), FIRST, members, 4100, 4100), Heard::Fenced);
    assert_eq!(fenced(&due(&mut watch, 9000)), [0u64; 0]);
    assert_eq!(fenced(&due(&mut watch, 9001)), [1]);
}

#[test]
fn a_leader_that_no_quorum_confirms_promises_nothing() {
    let (mut watch, cluster) = watch_of(1);
    let members = &cluster.directory.members;
    assert_eq!(watch.heard(NodeId(1), FIRST, members, 1000, 1500), Heard::Granted);
    assert_eq!(watch.heard(NodeId(1), FIRST, members, 1000, 1501), Heard::Unconfirmed);
    assert_eq!(watch.silence_ms(NodeId(1), 1600), Some(100));
}

#[test]
fn time_in_which_the_leader_could_not_grant_is_nobodys_silence() {
    let (mut watch, _cluster) = watch_of(1);
    for now in (0..60_000).step_by(500) {
        assert_eq!(watch.decide(now.min(1000), now), Due::default());
    }
    assert_eq!(watch.silence_ms(NodeId(1), 59_500), Some(1500));
    assert_eq!(fenced(&due(&mut watch, 63_000)), [0u64; 0]);
    assert_eq!(fenced(&due(&mut watch, 63_001)), [1]);
}

#[test]
fn the_brake_lets_one_node_or_a_fifth_be_fenced_in_thirty_seconds() {
    for (nodes, limit) in [(1, 1), (3, 1), (9, 1), (10, 2), (50, 10)] {
        let (mut watch, _cluster) = watch_of(nodes);
        let now = due(&mut watch, 6000);
        assert_eq!(fenced(&now).len(), limit);
        assert_eq!(now.held_back.len(), nodes as usize - limit);
        assert_eq!(fenced(&due(&mut watch, 35_999)).len(), limit);
        assert_eq!(fenced(&due(&mut watch, 36_000)).len(), (2 * limit).min(nodes as usize));
    }
}

#[test]
fn a_new_leader_gives_everybody_a_full_ttl_and_remembers_what_it_saw_fenced() {
    let cluster = Cluster::of(2);
    let mut watch = Watch::take_office(&cluster.directory.members, [90_000], 100_000);
    assert_eq!(due(&mut watch, 105_000).held_back.len(), 0);
    let now = due(&mut watch, 105_001);
    assert_eq!((fenced(&now).len(), now.held_back.len()), (0, 2));
    assert_eq!(fenced(&due(&mut watch, 120_000)).len(), 1);
}

#[test]
fn who_was_given_up_for_its_silence_counts_and_who_stopped_by_itself_does_not() {
    let mut cluster = Cluster::of(3);
    let mut fencings = Fencings::default();
    fencings.look(&cluster.directory.members, 0);
    let mut change = |change: Change, now_ms| {
        cluster.change(change);
        fencings.look(&cluster.directory.members, now_ms);
        fencings.times().collect::<Vec<u64>>()
    };
    let fence = |id, why| Change::Fence { id: NodeId(id), incarnation: FIRST, why };
    assert_eq!(change(fence(1, WhyFenced::Silence), 4_000), [4_000]);
    assert_eq!(change(fence(2, WhyFenced::Leave), 5_000), [4_000]);
    assert_eq!(change(fence(3, WhyFenced::Silence), 23_000), [4_000, 23_000]);
    assert_eq!(change(Change::Remove { id: NodeId(2) }, 34_000), [23_000]);
}

/// A run of one node and two leaders in true milliseconds, with clocks in percent of true time.
#[derive(Debug, Clone)]
struct Run {
    clocks: [u64; 3],
    /// When the first leader was last confirmed (never the last time when huge), and how long after that the second takes office.
    confirmed: u64,
    gap: u64,
    /// Each heartbeat's delays to the leaders and back; none is a loss.
    delays: Vec<[Option<u64>; 4]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Sent(usize),
    Arrives(usize, usize),
    Answered(usize),
    Ticks(usize),
}

impl Run {
    /// When, in true time, the node last stopped believing, and when a leader in office first gave it up.
    fn play(&self) -> (u64, Option<u64>) {
        let cluster = Cluster::of(1);
        let members = &cluster.directory.members;
        let office = self.confirmed + self.gap;
        let clock = |who: usize, at: u64| at * self.clocks[who] / 100;
        let mut node = NodeLease::new(FIRST);
        let mut beats = Vec::new();
        let mut leaders = [Watch::take_office(members, [], 0), Watch::default()];
        let mut first_fenced = None;
        let mut agenda = self.agenda(office);
        while let Some((at, what)) = agenda.pop_first() {
            match what {
                Happens::Sent(_) => beats.push(node.beat(clock(2, at))),
                Happens::Arrives(_, 1) if at < office => {}
                Happens::Arrives(beat, who) => {
                    let confirmed = if who == 0 { at.min(self.confirmed) } else { at };
                    let (now, confirmed) = (clock(who, at), clock(who, confirmed));
                    let heard = leaders[who].heard(NodeId(1), FIRST, members, confirmed, now);
                    if let (Heard::Granted, Some(back)) = (heard, self.delays[beat][2 + who]) {
                        agenda.insert((at + back, Happens::Answered(beat)));
                    }
                }
                Happens::Answered(beat) => node.granted(beats[beat]),
                Happens::Ticks(who) => {
                    if who == 1 && at == office {
                        leaders[1] = Watch::take_office(members, [], clock(1, at));
                    }
                    let in_office = if who == 0 { at <= office } else { at >= office };
                    let confirmed = clock(who, if who == 0 { at.min(self.confirmed) } else { at });
                    let now = leaders[who].decide(confirmed, clock(who, at));
                    if in_office && !fenced(&now).is_empty() {
                        first_fenced = first_fenced.or(Some(at));
                    }
                }
            }
        }
        (node.until_ms() * 100 / self.clocks[2], first_fenced)
    }

    fn agenda(&self, office: u64) -> std::collections::BTreeSet<(u64, Happens)> {
        let mut agenda = std::collections::BTreeSet::new();
        for (beat, delays) in self.delays.iter().enumerate() {
            let sent = beat as u64 * HEARTBEAT_MS * 100 / self.clocks[2];
            agenda.insert((sent, Happens::Sent(beat)));
            for (who, delay) in delays.iter().take(2).enumerate() {
                if let Some(delay) = delay {
                    agenda.insert((sent + delay, Happens::Arrives(beat, who)));
                }
            }
        }
        let end = self.delays.len() as u64 * HEARTBEAT_MS + 20_000;
        agenda.extend((0..end).step_by(50).map(|at| (at, Happens::Ticks(0))));
        agenda.extend((office..end).step_by(50).map(|at| (at, Happens::Ticks(1))));
        agenda
    }
}

fn any_run() -> impl Strategy<Value = Run> {
    let clocks = [95u64..=105, 95u64..=105, 95u64..=105];
    let delay = || prop_oneof![3 => (0u64..20).prop_map(Some), 1 => (0u64..6000).prop_map(Some), 1 => Just(None)];
    let beat = [delay(), delay(), delay(), delay()];
    let beats = prop::collection::vec(beat, 1..30);
    let confirmed = prop_oneof![0u64..15_000, Just(u64::MAX / 1000)];
    let run = (clocks, confirmed, 0u64..3000, beats, any::<bool>());
    run.prop_map(|(clocks, confirmed, gap, mut delays, cut)| {
        // A node that only the old leader hears is the one that the next leader fences.
        delays.iter_mut().filter(|_| cut).for_each(|beat| beat[1] = None);
        Run { clocks, confirmed, gap, delays }
    })
}

proptest! {
    #[test]
    fn no_node_believes_its_lease_valid_once_a_leader_has_fenced_it(run in any_run()) {
        let (stopped, fenced) = run.play();
        prop_assert!(fenced.is_some(), "a node that fell silent is fenced in the end");
        prop_assert!(fenced.is_some_and(|fenced| stopped <= fenced), "{stopped} {fenced:?}");
    }
}

#[test]
fn the_margins_hold_at_the_worst_clocks_and_delays() {
    let beat = [Some(470), None, Some(0), None];
    for slow in [95, 100, 105] {
        for fast in [95, 100, 105] {
            let run = Run { clocks: [fast, fast, slow], confirmed: 0, gap: 0, delays: vec![beat] };
            let (stopped, fenced) = run.play();
            assert!(stopped >= 3600 * 100 / 105 && stopped < fenced.unwrap(), "{run:?}");
        }
    }
}

#[test]
fn members_that_left_are_not_watched() {
    let (mut watch, mut cluster) = watch_of(2);
    cluster.change(Change::Remove { id: NodeId(2) });
    watch.applied(&cluster.directory.members, 10);
    assert_eq!(watch.silence_ms(NodeId(2), 20), None);
    watch.applied(&Members::default(), 30);
    assert_eq!(due(&mut watch, 99_999), Due::default());
}
