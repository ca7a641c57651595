//! What RFC 8216bis and CMAF demand of every playlist and segment, as functions over what a player saw. Section numbers are
//! those of draft-pantos-hls-rfc8216bis-22. Each answers a list of violations; an empty list is a conforming stream.

use bytes::Bytes;
use reqwest::Url;

use super::hls::{Part, Player, Playlist, Segment, number};
use super::mp4::{self, Sample, Track};

/// Sentences that begin with the rule they are about.
pub(crate) type Violations = Vec<String>;

/// A rounding of the last printed digit.
const EPSILON: f64 = 0.0015;
/// Programme dates must follow the segments' lengths this closely, milliseconds.
const DATE_DRIFT_MS: f64 = 50.0;

/// Follows every rendition for `rounds` part updates each and checks all of it.
pub(crate) async fn follow(player: &Player, rounds: usize) -> Violations {
    let mut violations = Violations::new();
    let mut newest = Vec::new();
    for url in player.media_urls().await {
        let mut list = player.playlist(&url).await;
        violations.extend(of_playlist(&list));
        for _ in 0..rounds {
            let next = player.playlist_with(&url, list.next_part()).await;
            violations.extend(of_playlist(&next));
            violations.extend(of_update(&list, &next));
            list = next;
        }
        violations.extend(of_media(player, &url, &list).await);
        newest.push(player.playlist(&url).await);
    }
    for other in newest.iter().skip(1) {
        violations.extend(of_renditions(&newest[0], other));
    }
    violations
}

/// One playlist by itself.
pub(crate) fn of_playlist(list: &Playlist) -> Violations {
    let mut found = Violations::new();
    let mut must = |rule: &str, holds: bool, seen: String| {
        if !holds {
            found.push(format!("{rule}: {seen}"));
        }
    };
    must("4.4.1.2 version 9 for parts and skips", list.version >= 9, list.version.to_string());
    for one in &list.segments {
        let seen = format!("segment {} of {} s", one.msn, one.seconds);
        must(
            "4.4.4.1 EXTINF rounds to at most the target",
            one.seconds.round() <= list.target,
            seen,
        );
        must("6.2.1 every segment has a date", one.date.is_some(), one.uri.clone());
        // What fills a young playlist up is before every map.
        let mapped = one.map.is_some() || one.gap;
        must("4.4.4.5 every segment has a map", mapped, one.uri.clone());
    }
    let parts = || list.segments.iter().flat_map(|one| &one.parts).chain(&list.open);
    for part in parts() {
        let seen = format!("{} of {} s", part.uri, part.seconds);
        must(
            "4.4.4.9 a part is at most the part target",
            part.seconds <= list.part_target + EPSILON,
            seen,
        );
    }
    for group in list.segments.iter().map(|one| &one.parts).chain([&list.open]) {
        // The last part of a segment ends where the segment ends, so it may be short.
        for part in group.iter().rev().skip(1).filter(|part| !part.gap) {
            let seen = format!("{} of {} s", part.uri, part.seconds);
            must(
                "4.4.4.9 parts last 85 % of the target",
                part.seconds >= 0.85 * list.part_target,
                seen,
            );
        }
    }
    let hold_back = number(&list.control, "PART-HOLD-BACK");
    must("4.4.3.8 part hold back", hold_back >= 2.0 * list.part_target, hold_back.to_string());
    let skip = number(&list.control, "CAN-SKIP-UNTIL");
    must("4.4.3.8 skip boundary", skip == 0.0 || skip >= 6.0 * list.target, skip.to_string());
    must("4.4.5.3 a hint while live", list.ended || !list.hints.is_empty(), String::new());
    must("4.4.5.3 no hint after the end", !list.ended || list.hints.is_empty(), String::new());
    for pair in list.segments.windows(2) {
        found.extend(of_dates(&pair[0], &pair[1]));
    }
    found
}

fn of_dates(one: &Segment, next: &Segment) -> Option<String> {
    let (from, to) = (one.date?, next.date?);
    #[allow(clippy::cast_precision_loss)]
    let error = (to - from) as f64 - one.seconds * 1000.0;
    let broken = error.abs() > DATE_DRIFT_MS && !next.discontinuity;
    broken.then(|| format!("4.4.4.6 dates follow lengths: {error} ms from {one:?} to {next:?}"))
}

/// A playlist and a later one of the same rendition.
pub(crate) fn of_update(old: &Playlist, new: &Playlist) -> Violations {
    let mut found = Violations::new();
    if old.target.to_bits() != new.target.to_bits() {
        found.push(format!("6.2.1 the target never changes: {} → {}", old.target, new.target));
    }
    if new.msn < old.msn || new.end() < old.end() {
        let (was, is) = ((old.msn, old.end()), (new.msn, new.end()));
        found.push(format!("6.2.2 media sequence numbers never go back: {was:?} → {is:?}"));
    }
    for one in &old.segments {
        let same = new.segments.iter().find(|other| other.msn == one.msn);
        let stays = |other: &Segment| {
            // Parts leave the list when they are older than three targets; everything else stays.
            let without_parts = |of: &Segment| Segment { parts: Vec::new(), ..of.clone() };
            without_parts(other) == without_parts(one)
        };
        if same.is_some_and(|other| !stays(other)) {
            found.push(format!("6.2.1 a listed segment never changes: {one:?} → {same:?}"));
        }
    }
    let gone =
        old.segments.iter().filter(|one| one.msn < new.msn && one.discontinuity).count() as u64;
    if new.skipped == 0 && new.msn <= old.end() && new.discontinuities != old.discontinuities + gone
    {
        let (was, is) = (old.discontinuities, new.discontinuities);
        found.push(format!("6.2.2 removed discontinuities are counted: {was} + {gone} → {is}"));
    }
    found
}

/// Two renditions at about the same instant.
pub(crate) fn of_renditions(one: &Playlist, other: &Playlist) -> Violations {
    let mut found = Violations::new();
    if one.target.to_bits() != other.target.to_bits() || one.control != other.control {
        found.push("6.2.4 renditions share target and server control".into());
    }
    for mine in &one.segments {
        let Some(theirs) = other.segments.iter().find(|theirs| theirs.msn == mine.msn) else {
            continue;
        };
        if mine.discontinuity != theirs.discontinuity {
            found.push(format!("6.2.4 renditions share discontinuities: {}", mine.msn));
        }
        let dates = (mine.date.unwrap_or_default(), theirs.date.unwrap_or_default());
        if (dates.0 - dates.1).abs() > 100 {
            found.push(format!("6.2.4 renditions share dates: {} {dates:?}", mine.msn));
        }
    }
    found
}

/// Downloads what a playlist lists and looks inside.
async fn of_media(player: &Player, url: &Url, list: &Playlist) -> Violations {
    let mut found = Violations::new();
    let mut end: Option<u64> = None;
    for one in list.segments.iter().filter(|one| !one.gap) {
        let init = player.bytes(url, one.map.as_ref().expect("a map")).await;
        let tracks = mp4::tracks(&init);
        let bytes = player.bytes(url, &one.uri).await;
        let samples = mp4::samples(&bytes, &mp4::defaults(&init));
        if one.discontinuity {
            end = None;
        }
        found.extend(of_segment(one, list.independent, &tracks, &samples, end));
        end = samples.last().map(|last| last.dts + u64::from(last.duration));
        if !one.parts.is_empty() && one.parts.iter().all(|part| !part.gap) {
            let parts = all_parts(player, url, &one.parts).await;
            if parts != bytes {
                found.push(format!("CMAF 7.3.3 the parts of {} are its bytes", one.uri));
            }
        }
    }
    found
}

async fn all_parts(player: &Player, url: &Url, parts: &[Part]) -> Bytes {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&player.bytes(url, &part.uri).await);
    }
    bytes.into()
}

/// A segment's samples; `end` is where the one before ended.
pub(crate) fn of_segment(
    one: &Segment,
    independent: bool,
    tracks: &[Track],
    samples: &[Sample],
    end: Option<u64>,
) -> Violations {
    let mut found = Violations::new();
    let uri = &one.uri;
    let [track] = tracks else {
        return vec![format!("CMAF: one track per file, {uri} has {}", tracks.len())];
    };
    let Some(first) = samples.first() else {
        return vec![format!("{uri}: a segment without samples")];
    };
    if end.is_some_and(|end| end != first.dts) {
        found.push(format!(
            "CMAF: decode times continue: {uri} begins at {}, not {end:?}",
            first.dts
        ));
    }
    for pair in samples.windows(2) {
        if pair[1].dts != pair[0].dts + u64::from(pair[0].duration) || pair[0].duration == 0 {
            found.push(format!("CMAF: {uri}: a hole or an empty sample at {}", pair[0].dts));
        }
    }
    let video = track.size.0 > 0;
    if video && independent && !first.key {
        found.push(format!("4.3.5.1 {uri} does not begin with a key frame"));
    }
    let ticks: u64 = samples.iter().map(|sample| u64::from(sample.duration)).sum();
    #[allow(clippy::cast_precision_loss)]
    let seconds = ticks as f64 / f64::from(track.timescale);
    // Sound is cut between its own frames, which are up to 24 ms long.
    if (seconds - one.seconds).abs() > if video { 0.01 } else { 0.06 } {
        found.push(format!("4.4.4.1 {uri} holds {seconds} s, EXTINF says {}", one.seconds));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Playlist {
        let segment = |msn: u64| Segment {
            msn,
            uri: format!("s{msn}.m4s"),
            seconds: 2.0,
            date: Some(i64::try_from(msn).unwrap() * 2000),
            map: Some("init.mp4".into()),
            parts: (0..10).map(|n| part(&format!("p{msn}{n}"), 0.2)).collect(),
            ..Segment::default()
        };
        let control = [("PART-HOLD-BACK", "0.6"), ("CAN-SKIP-UNTIL", "24")];
        Playlist {
            version: 9,
            target: 4.0,
            part_target: 0.2,
            independent: true,
            msn: 5,
            control: control.map(|(name, value)| (name.into(), value.into())).into(),
            hints: vec![[("URI".into(), "p80".into())].into()],
            segments: (5..8).map(segment).collect(),
            ..Playlist::default()
        }
    }

    fn part(uri: &str, seconds: f64) -> Part {
        Part { uri: uri.into(), seconds, ..Part::default() }
    }

    #[test]
    fn a_conforming_playlist_has_no_violation() {
        assert_eq!(of_playlist(&list()), Violations::new());
        assert_eq!(of_update(&list(), &list()), Violations::new());
        assert_eq!(of_renditions(&list(), &list()), Violations::new());
    }

    #[test]
    fn every_planted_violation_of_a_playlist_is_found() {
        type Break = fn(&mut Playlist);
        let breaks: [(&str, Break); 9] = [
            ("4.4.1.2", |list| list.version = 7),
            ("4.4.4.1", |list| list.segments[1].seconds = 4.6),
            ("6.2.1 every segment has a date", |list| list.segments[0].date = None),
            ("4.4.4.5", |list| list.segments[0].map = None),
            ("4.4.4.9 a part is at most", |list| list.open.push(part("p80", 0.21))),
            ("4.4.4.9 parts last 85", |list| list.segments[0].parts[3].seconds = 0.1),
            ("4.4.3.8 part hold back", |list| {
                list.control.remove("PART-HOLD-BACK").map_or((), drop)
            }),
            ("4.4.5.3", |list| list.hints.clear()),
            ("4.4.4.6", |list| list.segments[2].date = Some(14_500)),
        ];
        for (rule, broken) in breaks {
            let mut list = list();
            broken(&mut list);
            let found = of_playlist(&list);
            assert!(found.iter().any(|one| one.starts_with(rule)), "{rule}: {found:?}");
        }
    }

    #[test]
    fn every_planted_violation_of_an_update_is_found() {
        type Break = fn(&mut Playlist);
        let breaks: [(&str, Break); 4] = [
            ("6.2.1 the target", |list| list.target = 5.0),
            ("6.2.2 media sequence", |list| list.msn = 4),
            ("6.2.1 a listed segment", |list| list.segments[1].uri = "other".into()),
            ("6.2.2 removed", |list| list.discontinuities = 3),
        ];
        for (rule, broken) in breaks {
            let mut new = list();
            broken(&mut new);
            let found = of_update(&list(), &new);
            assert!(found.iter().any(|one| one.starts_with(rule)), "{rule}: {found:?}");
        }
    }

    #[test]
    fn renditions_that_drift_apart_are_found() {
        let mut other = list();
        other.segments[1].discontinuity = true;
        other.segments[2].date = Some(14_300);
        assert_eq!(of_renditions(&list(), &other).len(), 2);
    }

    #[test]
    fn a_hole_between_segments_and_a_wrong_length_are_found() {
        let track = Track {
            id: 1,
            timescale: 1000,
            format: "avc1".into(),
            config: Bytes::new(),
            size: (640, 360),
        };
        let sample = |dts: u64| Sample {
            track: 1,
            dts,
            cts: 0,
            duration: 1000,
            key: dts == 0,
            data: Bytes::new(),
        };
        let segment = &list().segments[0];
        let check = |samples: &[Sample], end: Option<u64>| {
            of_segment(segment, true, std::slice::from_ref(&track), samples, end).len()
        };
        assert_eq!(check(&[sample(0), sample(1000)], Some(0)), 0);
        assert_eq!(check(&[sample(0), sample(1000)], Some(10)), 1);
        assert_eq!(check(&[sample(0)], None), 1);
        assert_eq!(check(&[sample(0), sample(1500)], None), 1);
        assert_eq!(check(&[sample(1000), sample(2000)], None), 1, "no key frame first");
    }
}
