use proptest::prelude::*;

use super::*;

const FIRST: Incarnation = Incarnation(1);

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

fn seat(id: u64, newest: i64) -> Seat {
    Seat {
        id: ViewingId(id),
        channel: channel(if id.is_multiple_of(2) { "even" } else { "odd" }),
        account: (id < 6).then_some(AccountId(id / 3)),
        since: Timestamp(id as i64),
        newest: Timestamp(newest),
    }
}

fn edge(node: u64) -> Reporter {
    Reporter::new(NodeId(node), FIRST)
}

fn tell(viewings: &mut Viewings, from: &mut Reporter, seats: &[Seat], now_ms: u64) {
    for report in from.changes(seats.iter().cloned()) {
        assert_eq!(viewings.receive(report, now_ms), Received::Applied);
    }
}

fn home(viewings: &Viewings, id: u64) -> Option<u64> {
    viewings.home(ViewingId(id)).map(|(node, _)| node.0)
}

#[test]
fn a_viewing_on_two_edges_counts_once_and_is_at_home_where_it_asked_last() {
    let (mut viewings, mut a, mut b) = (Viewings::default(), edge(1), edge(2));
    tell(&mut viewings, &mut a, &[seat(1, 100)], 0);
    tell(&mut viewings, &mut b, &[seat(1, 200)], 0);
    assert_eq!((viewings.total(), home(&viewings, 1)), (1, Some(2)));
    assert_eq!(viewings.of_channel(&channel("odd")), 1);
    tell(&mut viewings, &mut a, &[seat(1, 150)], 10);
    assert_eq!(home(&viewings, 1), Some(2), "older news does not take it back");
    tell(&mut viewings, &mut a, &[seat(1, 150 + RETURN_MS)], 20);
    assert_eq!(home(&viewings, 1), Some(1), "newer news does");
    tell(&mut viewings, &mut a, &[], 30);
    assert_eq!((viewings.total(), home(&viewings, 1)), (1, Some(2)));
    tell(&mut viewings, &mut b, &[], 40);
    assert_eq!((viewings.total(), viewings.of_channel(&channel("odd"))), (0, 0));
}

#[test]
fn a_delta_says_only_news_and_is_sent_even_without_any() {
    let mut edge = edge(1);
    let news = |reports: &[Report]| match &reports[0].body {
        Body::Delta { seats, .. } => seats.len(),
        Body::Full { .. } => panic!("a delta"),
    };
    assert_eq!(news(&edge.changes([seat(1, 0), seat(2, 0)])), 2);
    let mut at = 0;
    while at + 1000 < REFRESH_MS {
        at += 1000;
        let reports = edge.changes([seat(1, at), seat(2, at)]);
        assert_eq!((reports.len(), news(&reports)), (1, 0), "at {at}");
    }
    assert_eq!(news(&edge.changes([seat(1, REFRESH_MS), seat(2, at)])), 1);
}

#[test]
fn a_missed_report_is_noticed_and_a_full_one_heals_it() {
    let (mut viewings, mut a) = (Viewings::default(), edge(1));
    tell(&mut viewings, &mut a, &[seat(1, 0), seat(2, 0)], 0);
    let lost = a.changes([seat(2, 0), seat(3, 0)]);
    let next = a.changes([seat(2, 0), seat(3, 0), seat(4, 0)]);
    assert_eq!(viewings.receive(next[0].clone(), 10), Received::NeedFull);
    for report in a.full() {
        assert_eq!(viewings.receive(report, 20), Received::Applied);
    }
    assert_eq!((viewings.total(), home(&viewings, 1)), (3, None));
    assert_eq!(viewings.receive(lost[0].clone(), 30), Received::Old);
    assert_eq!(viewings.receive(next[0].clone(), 30), Received::Old);
    tell(&mut viewings, &mut a, &[seat(2, 0)], 40);
    assert_eq!(viewings.total(), 1);
}

#[test]
fn a_full_report_in_parts_counts_when_it_is_whole() {
    let (mut viewings, mut a) = (Viewings::default(), edge(1));
    tell(&mut viewings, &mut a, &[seat(1, 0)], 0);
    let seats = |more: u64| (2..2 + SEATS_PER_REPORT_MAX as u64 + more).map(|id| seat(id, 0));
    let deltas = a.changes(seats(5));
    assert_eq!(deltas.len(), 3, "one says who left, two who came");
    let mut parts = a.full();
    assert_eq!(parts.len(), 2);
    assert_eq!(viewings.receive(parts.remove(1), 0), Received::Partly);
    assert_eq!(viewings.total(), 1, "no dip and no rise before");
    assert_eq!(viewings.receive(parts.remove(0), 0), Received::Applied);
    assert_eq!(viewings.total(), SEATS_PER_REPORT_MAX as u64 + 5);
    assert_eq!(home(&viewings, 1), None);
}

#[test]
fn a_restarted_fenced_or_silent_edge_has_no_seats() {
    let (mut viewings, mut a, mut b) = (Viewings::default(), edge(1), edge(2));
    tell(&mut viewings, &mut a, &[seat(1, 0), seat(2, 0)], 0);
    tell(&mut viewings, &mut b, &[seat(2, 5), seat(3, 0)], 0);
    let mut again = Reporter::new(NodeId(1), Incarnation(2));
    tell(&mut viewings, &mut again, &[seat(4, 0)], 0);
    assert_eq!((viewings.total(), home(&viewings, 1)), (3, None));
    assert_eq!(viewings.receive(a.changes([]).remove(0), 0), Received::Old);
    tell(&mut viewings, &mut b, &[seat(2, 5), seat(3, 0)], 3000);
    assert_eq!(viewings.expire(EXPIRE_MS), []);
    assert_eq!(viewings.expire(EXPIRE_MS + 1), [NodeId(1)]);
    assert_eq!(viewings.total(), 2);
    viewings.forget(NodeId(2));
    assert_eq!((viewings.total(), viewings.iter().count()), (0, 0));
}

#[test]
fn limits_count_over_all_edges_and_let_a_viewing_change_edges() {
    let (mut viewings, mut a, mut b) = (Viewings::default(), edge(1), edge(2));
    tell(&mut viewings, &mut a, &[seat(1, 0)], 0);
    tell(&mut viewings, &mut b, &[seat(2, 0), seat(3, 0)], 0);
    let account = Some(AccountId(0));
    let ask = |id, name, per_channel, per_account| {
        let limits = Limits { per_channel, per_account };
        viewings.admit(ViewingId(id), &channel(name), account, &limits)
    };
    assert_eq!(ask(9, "odd", Some(2), None), Err(LimitRefusal::Channel(2)));
    assert_eq!(ask(9, "even", Some(2), Some(2)), Err(LimitRefusal::Account(2)));
    assert_eq!(ask(1, "odd", Some(2), Some(2)), Ok(()), "it is one of the two");
    assert_eq!(ask(1, "even", Some(1), None), Err(LimitRefusal::Channel(1)), "another channel");
    assert_eq!(ask(9, "odd", None, None), Ok(()));
    assert_eq!(viewings.of_account(AccountId(0)), 2);
    assert_eq!(viewings.excess(AccountId(0), 1), [ViewingId(2)], "the one that began last");
}

#[test]
fn a_report_that_breaks_the_format_or_the_bounds_is_not_taken() {
    let mut viewings = Viewings::default();
    let report = |body| Report { node: NodeId(1), incarnation: FIRST, seq: 1, body };
    let many: Vec<Seat> = (0..=SEATS_PER_REPORT_MAX as u64).map(|id| seat(id, 0)).collect();
    for body in [
        Body::Full { part: 1, parts: 1, seats: vec![] },
        Body::Full { part: 0, parts: PARTS_MAX + 1, seats: vec![] },
        Body::Full { part: 0, parts: 1, seats: many.clone() },
        Body::Delta { seats: many, gone: vec![] },
    ] {
        assert_eq!(viewings.receive(report(body), 0), Received::Malformed);
    }
    let mut edge = edge(1);
    let all = SEATS_PER_REPORT_MAX as u64 * u64::from(PARTS_MAX);
    edge.changes((0..all + 3).map(|id| seat(id, 0)));
    assert_eq!((edge.left_out(), edge.full().len()), (3, PARTS_MAX as usize));
}

/// One second at one edge: who is there, whether the report arrives, whether the counter asks for a full one.
fn any_second() -> impl Strategy<Value = (usize, BTreeSet<u64>, bool)> {
    (0usize..3, prop::collection::btree_set(0u64..10, 0..8), any::<bool>())
}

proptest! {
    #[test]
    fn whatever_is_lost_counts_are_exact_once_each_edge_was_heard(
        seconds in prop::collection::vec(any_second(), 1..40)
    ) {
        let mut viewings = Viewings::default();
        let mut edges: Vec<Reporter> = (0..3).map(edge).collect();
        let mut truth: Vec<BTreeSet<u64>> = vec![BTreeSet::new(); 3];
        for (at, (who, there, arrives)) in (0..).zip(seconds) {
            truth[who] = there;
            let seats = truth[who].iter().map(|id| seat(*id, at * 1000));
            for report in edges[who].changes(seats) {
                if arrives && viewings.receive(report, 0) == Received::NeedFull {
                    edges[who].full().into_iter().for_each(|part| {
                        viewings.receive(part, 0);
                    });
                }
            }
        }
        for edge in &edges {
            edge.full().into_iter().for_each(|part| {
                viewings.receive(part, 0);
            });
        }
        let all: BTreeSet<u64> = truth.iter().flatten().copied().collect();
        prop_assert_eq!(viewings.total(), all.len() as u64);
        prop_assert_eq!(viewings.of_channel(&channel("odd")), all.iter().filter(|id| *id % 2 == 1).count() as u64);
        prop_assert_eq!(viewings.of_account(AccountId(1)), all.iter().filter(|id| (3..6).contains(*id)).count() as u64);
        for id in all {
            let home = viewings.home(ViewingId(id)).unwrap().0;
            prop_assert!(truth[home.0 as usize].contains(&id));
        }
    }
}
