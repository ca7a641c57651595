//! News that come late, because what they are about has its own stream, or whose author is gone.

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

/// A world whose packager dies when the next segment has begun without a part, here and there; its number.
fn bare() -> (World, u64) {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(39);
    let next = world.next_part / PARTS;
    [V, A].into_iter().for_each(|track| world.begin(track, next));
    world.tick();
    let at = world.assembly.places()[&V];
    assert_eq!((at.msn, at.whole), (next, false));
    world.streams.clear();
    world.seen = [V, A].into_iter().map(|track| (track, next - 1)).collect();
    (world, next)
}

#[test]
fn a_segment_that_had_no_part_yet_begins_again_at_whoever_takes_over() {
    let (mut world, next) = bare();
    let tip = world.origin.tip().unwrap();
    assert_eq!(tip.next_msn, next);
    world.take_over(tip);
    world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
    world.run(30);
    for track in [V, A] {
        let mut listed = world.edge.rendition(track).unwrap().listed();
        let again = listed.find(|one| one.mark.msn == next).unwrap();
        assert!(again.mark.discontinuity && !again.gap);
    }
    assert_eq!(world.assembly.tally().gaps, 0);
    world.same();
}

#[test]
fn a_segment_that_had_no_part_yet_is_a_gap_of_some_length_when_its_number_was_used_elsewhere() {
    let (mut world, next) = bare();
    let tip = world.origin.tip().unwrap();
    world.next_part = (next + 1) * PARTS;
    world.take_over(Tip { next_msn: next + 1, ..tip });
    // It also begins without a part, and the copy hears of that first.
    [V, A].into_iter().for_each(|track| world.begin(track, next + 1));
    world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
    world.tick();
    world.run(30);
    let tally = world.assembly.tally();
    assert_eq!((tally.gaps, tally.broken), (0, 0), "the new packager declares it");
    for track in [V, A] {
        let listed: Vec<_> = world.edge.rendition(track).unwrap().listed().collect();
        let gap = listed.iter().find(|one| one.mark.msn == next).unwrap();
        assert!(gap.gap && gap.duration_us >= 1_000, "{}", gap.duration_us);
        let behind = listed.iter().find(|one| one.mark.msn > next).unwrap();
        assert!(gap.mark.discontinuity || behind.mark.discontinuity);
    }
}

#[test]
fn another_show_of_the_next_owner_is_begun_anew_with_its_own_part_target() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(44);
    // The copy is cut off, its show ends unheard, and another node begins the next one.
    let other = World::new(70, Vec::new());
    (world.origin, world.next_part) = (other.origin, other.next_part);
    world.origin.set_part_target_us(300_000);
    world.streams.clear();
    world.seen.clear();
    (0..PARTS + 2).for_each(|_| world.produce());
    world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
    world.run(12);
    assert_eq!(world.edge.told_part_target_us(), Some(300_000));
    assert_eq!(world.assembly.tally().started_over, 0);
    world.same();
}

#[test]
fn the_break_of_a_take_over_is_told_although_its_first_segment_is_lost() {
    let mut world = World::new(50, Vec::new());
    world.produce();
    world.join();
    world.run(45);
    let first = world.next_part / PARTS + 1;
    world.short.push(first - 1);
    let tip = world.origin.tip().unwrap();
    (world.next_part, world.lost) = (first * PARTS, Some(first));
    world.take_over(Tip { next_msn: first, ..tip });
    world.streams.clear();
    world.seen = [V, A].into_iter().map(|track| (track, first - 2)).collect();
    world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
    world.run(60);
    for track in [V, A] {
        let marks = |ladder: &Ladder| -> Vec<_> {
            let listed = ladder.rendition(track).unwrap().listed();
            listed.map(|one| (one.mark.msn, one.mark.discontinuity, one.mark.dsn_before)).collect()
        };
        let (here, there) = (marks(&world.edge), marks(&world.origin));
        assert!(here.iter().any(|mark| mark.0 == first && mark.1), "{here:?}");
        assert_eq!(here, there);
    }
}

/// An owner that hung while another node took its show over, and told its own viewers `more` parts before it heard of
/// that.
fn hung(more: u64) -> World {
    let mut world = World::new(50, Vec::new());
    for _ in 0..2 {
        world.next_part = 50 * PARTS;
        (0..4 * PARTS + 3).for_each(|_| world.produce());
        std::mem::swap(&mut world.origin, &mut world.edge);
    }
    let known = world.next_part;
    std::mem::swap(&mut world.origin, &mut world.edge);
    (0..more).for_each(|_| world.produce());
    std::mem::swap(&mut world.origin, &mut world.edge);
    world.short.push((world.next_part - 1) / PARTS);
    world.short.push(known / PARTS);
    let tip = world.origin.tip().unwrap();
    world.next_part = tip.next_msn * PARTS;
    world.take_over(tip);
    world.assembly.inherit(&world.edge.leave().unwrap(), 1);
    world
}

/// Number, duration, parts and discontinuity of each listed segment.
fn listed(ladder: &Ladder, track: TrackId) -> Vec<(u64, i64, usize, bool)> {
    let listed = ladder.rendition(track).unwrap().listed();
    let told = |one: &weir_media::rendition::Segment| {
        (one.mark.msn, one.duration_us, one.parts.len(), one.mark.discontinuity)
    };
    listed.map(told).collect()
}

#[test]
fn an_owner_that_hung_goes_on_behind_what_it_told_when_it_hears_that_another_one_has_the_show() {
    for more in [0, 3, PARTS - 3, PARTS + 4] {
        let mut world = hung(more);
        let told = [V, A].map(|track| listed(&world.edge, track));
        (0..PARTS + 2).for_each(|_| world.produce());
        assert!(!world.assembly.is_ahead_of(&world.origin.outline(), 2));
        world.joined = true;
        let has = world.assembly.places().into_iter();
        world.seen = has.map(|(track, place)| (track, place.msn)).collect();
        world.assembly.outline(world.origin.outline(), 2, world.now).unwrap();
        world.run(3 * PARTS);
        for (track, told) in [V, A].into_iter().zip(told) {
            let now = listed(&world.edge, track);
            let newest = told.last().unwrap().0;
            let (before, behind): (Vec<_>, Vec<_>) = now.iter().partition(|one| one.0 <= newest);
            assert!(told.ends_with(&before), "{more}: {told:?} became {before:?}");
            let new_breaks = behind.iter().filter(|one| one.3 && one.0 % 5 != 3);
            let first = behind.first().unwrap();
            assert!(first.0 == newest + 1 && first.3, "{more}: goes on with {first:?}");
            assert_eq!(new_breaks.count(), usize::from(first.0 % 5 != 3), "{more}");
            assert_eq!(world.edge.newest_msn(), world.origin.newest_msn());
        }
        assert_eq!((world.assembly.tally().gaps, world.assembly.tally().started_over), (0, 0));
    }
}

#[test]
fn an_owner_that_hung_far_ahead_of_the_next_one_begins_anew() {
    let mut world = hung(4 * PARTS);
    let outline = world.origin.outline();
    assert!(world.assembly.is_ahead_of(&outline, 2));
    assert!(!world.assembly.is_ahead_of(&outline, 1), "the same owner cannot be behind");
    world.assembly.begin_anew();
    (world.edge, world.joined) = (Ladder::new(TIMING), true);
    world.assembly.outline(outline, 2, world.now).unwrap();
    world.run(2 * PARTS);
    assert_eq!(world.edge.newest_msn(), world.origin.newest_msn());
}
