//! Who is counted, for how long, and who is refused.

use weir_cluster::limits::KICKS_MAX;
use weir_model::Incarnation;

use super::*;

fn viewings(max: usize) -> Viewings {
    Viewings::new(Events::new(), Limits { total: max, per_address: max })
}

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

fn touch_from(viewings: &Viewings, id: u64, name: &str, remote: IpAddr) -> Verdict {
    let (channel, player) = (channel(name), "player\n/1");
    let visit = Visit { channel: &channel, account: None, protocol: "hls", remote, player };
    viewings.touch(ViewingId(id), visit)
}

fn touch(viewings: &Viewings, id: u64, name: &str) -> Verdict {
    let here = IpAddr::from([192, 0, 2, 1]);
    touch_from(viewings, id, name, here)
}

#[test]
fn a_viewer_counts_once_however_often_it_asks() {
    let viewings = viewings(10);
    for _ in 0..5 {
        assert_eq!(touch(&viewings, 1, "a"), Verdict::Go);
    }
    touch(&viewings, 2, "a");
    touch(&viewings, 3, "b");
    assert_eq!((viewings.count(&channel("a")), viewings.count(&channel("b"))), (2, 1));
    assert_eq!(viewings.total(), 3);
    let listed = viewings.list(Some(&channel("a")), 10);
    assert_eq!(listed.len(), 2);
    let first = listed.iter().find(|one| one.id == ViewingId(1)).unwrap();
    assert_eq!((first.requests, first.player.as_str()), (5, "player/1"));
    assert_eq!(viewings.list(None, 2).len(), 2);
}

#[test]
fn a_viewing_ends_some_time_after_its_newest_request() {
    let viewings = viewings(10);
    touch(&viewings, 1, "a");
    let seen = viewings.list(None, 1)[0].last_seen;
    assert_eq!(viewings.expire(seen.plus_ms(TIMEOUT_MS)), 0);
    assert_eq!(viewings.expire(seen.plus_ms(TIMEOUT_MS + 1)), 1);
    assert_eq!((viewings.total(), viewings.count(&channel("a"))), (0, 0));
    assert!(viewings.inner.per_channel.read().is_empty());
    assert_eq!(viewings.totals().ended, 1);
}

#[test]
fn a_full_node_refuses_new_viewings_and_serves_known_ones() {
    let viewings = viewings(2);
    touch(&viewings, 1, "a");
    touch(&viewings, 2, "a");
    assert_eq!(touch(&viewings, 3, "a"), Verdict::Full);
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Go);
    assert_eq!(viewings.totals().refused, 1);
    assert_eq!(viewings.total(), 2);
}

#[test]
fn one_address_gets_its_share_and_leaves_the_rest_to_others() {
    let viewings = Viewings::new(Events::new(), Limits { total: 10, per_address: 2 });
    let from = |id, address: &str| touch_from(&viewings, id, "a", address.parse().unwrap());
    for (n, (one, same, other)) in [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1"),
    ]
    .into_iter()
    .enumerate()
    {
        let n = n as u64 * 10;
        assert_eq!((from(n, one), from(n + 1, same)), (Verdict::Go, Verdict::Go));
        assert_eq!(from(n + 2, one), Verdict::AddressFull);
        assert_eq!(from(n + 2, same), Verdict::AddressFull);
        assert_eq!(from(n + 3, other), Verdict::Go);
        assert_eq!(from(n + 1, one), Verdict::Go, "a known one is served");
        assert!(viewings.kick(ViewingId(n)));
        assert_eq!(from(n + 2, one), Verdict::Go, "a place came back");
    }
    let totals = viewings.totals();
    assert_eq!((totals.refused, totals.refused_address, totals.started), (0, 4, 8));
    assert_eq!(viewings.total(), 6);
    viewings.expire(clock::now().plus_ms(TIMEOUT_MS + 1000));
    assert!(viewings.inner.per_network.lock().is_empty());
}

#[test]
fn a_kicked_viewing_cannot_come_back_by_its_id() {
    let viewings = viewings(10);
    touch(&viewings, 1, "a");
    assert!(viewings.kick(ViewingId(1)));
    assert!(!viewings.kick(ViewingId(1)));
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Kicked);
    assert_eq!(viewings.totals().kicked, 1);
    assert_eq!(viewings.count(&channel("a")), 0);
    assert!(viewings.inner.events.newest(1).is_empty(), "who kicks tells it");
    viewings.expire(clock::now().plus_ms(KICKED_MS + 1000));
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Go);
}

#[test]
fn the_list_of_kicks_is_bounded() {
    let viewings = viewings(10);
    let end = clock::now().plus_ms(KICKED_MS);
    let kicks = (0..KICKS_MAX as u64 + 3).map(|id| (ViewingId(id), end.plus_ms(-(id as i64))));
    viewings.take_kicks(kicks.collect());
    assert_eq!(viewings.totals().forgotten, 3);
    assert!(viewings.kicked(ViewingId(0)) && !viewings.kicked(ViewingId(KICKS_MAX as u64 + 2)));
}

#[test]
fn counts_stay_right_when_many_come_and_go_at_once() {
    let viewings = viewings(usize::MAX);
    std::thread::scope(|scope| {
        for worker in 0..4_u64 {
            let viewings = &viewings;
            scope.spawn(move || {
                for n in 0..500 {
                    let id = worker * 500 + n;
                    touch(viewings, id, "a");
                    if n % 2 == 0 {
                        viewings.kick(ViewingId(id));
                    }
                }
            });
        }
    });
    assert_eq!((viewings.total(), viewings.count(&channel("a"))), (1000, 1000));
}

/// Everything that a node has to say, taken in by another.
fn hear(viewings: &Viewings, from: u64, seats: Vec<Seat>) {
    for report in Reporter::new(NodeId(from), Incarnation(1)).changes(seats) {
        assert_eq!(viewings.take_report(report, 0), Received::Applied);
    }
}

fn seat(id: u64, name: &str, account: Option<AccountId>) -> Seat {
    let now = clock::now();
    Seat { id: ViewingId(id), channel: channel(name), account, since: now, newest: now }
}

#[test]
fn viewers_of_all_nodes_are_counted_once_each() {
    let viewings = viewings(10);
    let mut own = Reporter::new(NodeId(1), Incarnation(1));
    touch(&viewings, 1, "a");
    touch(&viewings, 2, "a");
    assert_eq!(viewings.watching(&channel("a")), 2, "before the first report");
    hear(&viewings, 2, vec![seat(2, "a", None), seat(3, "a", None), seat(4, "b", None)]);
    viewings.report(&mut own, 0);
    assert_eq!((viewings.watching(&channel("a")), viewings.watching(&channel("b"))), (3, 1));
    touch(&viewings, 5, "a");
    viewings.kick(ViewingId(1));
    viewings.kick(ViewingId(5));
    assert_eq!(viewings.watching(&channel("a")), 2, "before the next report");
    viewings.report(&mut own, 0);
    assert_eq!((viewings.watching(&channel("a")), viewings.total()), (2, 1));
    assert_eq!(viewings.channel_of(ViewingId(4)), Some(channel("b")));
    let (_, silent) = viewings.report(&mut own, counting::EXPIRE_MS + 1);
    assert_eq!((silent, viewings.watching(&channel("a"))), (vec![NodeId(2)], 1));
}

#[test]
fn a_channel_and_an_account_have_their_share_of_the_whole_cluster() {
    let shared = counting::Limits { per_channel: Some(3), per_account: Some(1) };
    let limits = Limits { total: 9, per_address: 9 };
    let viewings = Viewings::within(Events::new(), limits, shared);
    let account = Some(AccountId(7));
    hear(&viewings, 2, vec![seat(1, "a", None), seat(2, "a", account)]);
    assert_eq!(touch(&viewings, 3, "a"), Verdict::Go);
    assert_eq!(touch(&viewings, 4, "a"), Verdict::ChannelFull);
    assert_eq!(touch(&viewings, 4, "b"), Verdict::Go, "another channel");
    viewings.report(&mut Reporter::new(NodeId(1), Incarnation(1)), 0);
    assert_eq!(touch(&viewings, 5, "a"), Verdict::ChannelFull);
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Go, "it comes from another node");
    let (b, remote) = (channel("b"), IpAddr::from([192, 0, 2, 1]));
    let visit = Visit { channel: &b, account, protocol: "hls", remote, player: "" };
    assert_eq!(viewings.touch(ViewingId(6), visit), Verdict::AccountFull);
    assert_eq!(viewings.touch(ViewingId(2), visit), Verdict::Go, "it is the one of that account");
    assert_eq!(viewings.totals().refused_channel, 3);
}

#[test]
fn a_kick_of_another_node_ends_a_viewing_here_and_does_not_outlast_ours() {
    let viewings = viewings(10);
    touch(&viewings, 1, "a");
    let (_, read) = viewings.kicks_after(0);
    viewings.take_kicks(vec![
        (ViewingId(1), clock::now().plus_ms(1000)),
        (ViewingId(2), Timestamp(i64::MAX)),
        (ViewingId(3), Timestamp(i64::MIN)),
    ]);
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Kicked);
    assert_eq!(viewings.inner.events.newest(1)[0].kind, "viewing.kicked");
    assert_eq!((viewings.total(), viewings.totals().kicked), (0, 1));
    assert!(viewings.kicked(ViewingId(2)) && !viewings.kicked(ViewingId(3)));
    let (news, read) = viewings.kicks_after(read);
    let ids: Vec<u64> = news.iter().map(|(id, _)| id.0).collect();
    assert_eq!(ids, [1, 2], "they are passed on");
    assert!(viewings.kicks_after(read).0.is_empty());
    viewings.expire(clock::now().plus_ms(KICKED_MS + 1000));
    assert!(!viewings.kicked(ViewingId(2)));
}

#[test]
fn a_viewing_of_another_node_can_be_kicked_from_here() {
    let viewings = viewings(10);
    hear(&viewings, 2, vec![seat(1, "a", None)]);
    assert!(viewings.kick(ViewingId(1)) && !viewings.kick(ViewingId(2)));
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Kicked, "it comes here");
    assert_eq!(viewings.kicks_after(0).0.len(), 1);
}
