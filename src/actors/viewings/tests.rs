//! Who is counted, for how long, and who is refused.

use super::*;

fn viewings(max: usize) -> Viewings {
    Viewings::new(Events::new(), Limits { total: max, per_address: max })
}

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

fn touch(viewings: &Viewings, id: u64, name: &str) -> Verdict {
    let here = IpAddr::from([192, 0, 2, 1]);
    viewings.touch(ViewingId(id), &channel(name), "hls", here, "player\n/1")
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
    let from = |id: u64, address: &str| {
        viewings.touch(ViewingId(id), &channel("a"), "hls", address.parse().unwrap(), "")
    };
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
        assert!(viewings.kick(ViewingId(n), ""));
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
    assert!(viewings.kick(ViewingId(1), "spam"));
    assert!(!viewings.kick(ViewingId(1), "spam"));
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Kicked);
    assert_eq!(viewings.count(&channel("a")), 0);
    let events = viewings.inner.events.newest(1);
    assert_eq!(events[0].kind, "viewing.kicked");
    assert_eq!(events[0].fields["reason"], "spam");
    viewings.expire(clock::now().plus_ms(KICKED_MS + 1));
    assert_eq!(touch(&viewings, 1, "a"), Verdict::Go);
}

#[test]
fn the_list_of_kicks_is_bounded() {
    let viewings = viewings(10);
    for id in 0..KICKED_MAX as u64 + 3 {
        touch(&viewings, id, "a");
        viewings.remember_kick(ViewingId(id), Timestamp(id as i64));
    }
    assert_eq!(viewings.inner.kicked.read().len(), KICKED_MAX);
    assert_eq!(viewings.totals().forgotten, 3);
    assert!(!viewings.inner.kicked.read().contains_key(&ViewingId(0)));
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
                        viewings.kick(ViewingId(id), "");
                    }
                }
            });
        }
    });
    assert_eq!((viewings.total(), viewings.count(&channel("a"))), (1000, 1000));
}
