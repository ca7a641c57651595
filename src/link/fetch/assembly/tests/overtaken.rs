//! News that come late, because what they are about has its own stream.

use super::*;

#[test]
fn the_news_that_a_show_is_over_does_not_end_the_next_one_that_overtook_it() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(39);
    world.origin.end();
    world.tick();
    world.origin.begin_show(None);
    let late = world.origin.status();
    (0..2 * PARTS).for_each(|_| world.produce());
    world.send();
    world.assembly.status(&late, world.now);
    world.tick();
    assert!(world.edge.newest_msn().is_some());
    world.same();
}

#[test]
fn a_show_that_is_over_is_forgotten_when_nothing_follows_yet() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(39);
    world.origin.begin_show(None);
    world.tick();
    world.same();
    assert_eq!(world.edge.playlist(V, false), None);
}

#[test]
fn a_section_that_comes_behind_the_segment_that_needs_it_is_used_for_it() {
    let mut world = World::new(50, Vec::new());
    (0..2 * PARTS).for_each(|_| world.produce());
    world.join();
    let heads = world.origin.heads_after(&BTreeMap::new());
    let begun = |world: &World| {
        let begun = |head: &&SegmentHead| {
            world.assembly.lines[&head.track].has(&SegmentHead { whole: false, ..(*head).clone() })
        };
        heads.iter().filter(begun).count()
    };
    for head in &heads {
        world.assembly.begin(head, 50, 200_000, 0, world.now).unwrap();
    }
    assert_eq!((heads.len(), begun(&world)), (4, 0));
    for track in [V, A] {
        world.assembly.init(track, section(track));
    }
    assert_eq!(begun(&world), 4);
}
