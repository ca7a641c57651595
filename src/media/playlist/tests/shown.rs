//! What is shown to whom is not shown everything.

use super::*;

/// Six whole segments of two parts, the fourth with a discontinuity and a section of its own, and one part of the
/// seventh.
fn six() -> Rendition {
    let mut rendition = Rendition::default();
    for msn in 0..7 {
        let hash = if msn < 3 { "aa" } else { "bb" };
        let mark = Mark { discontinuity: msn == 3, dsn_before: u64::from(msn > 3), ..mark(msn) };
        rendition.start(&TIMING, mark, &start(msn, Some(init(hash))));
        rendition.part(part(msn * 2, msn, 1_000_000, true));
        if msn < 6 {
            rendition.part(part(msn * 2 + 1, msn, 1_000_000, false));
            rendition.end(&TIMING, &SegmentEnd { msn, duration_us: 2_000_000, gap: false });
        }
    }
    rendition
}

fn shown(rendition: &Rendition, shown: Shown<'_>, skip: bool) -> String {
    let others = [(TrackId::AUDIO, Tip { next_msn: 6, open_parts: 2, last_parts: 2 })];
    render(rendition, &Surroundings { others: &others, shown, ..ALONE }, skip)
}

/// Segments and parts that the text names.
fn named(text: &str) -> (Vec<u64>, Vec<u64>) {
    let number = |uri: &str, kind: char| {
        uri.rsplit('/').next()?.strip_prefix(kind)?.split(".m4s").next()?.parse().ok()
    };
    let uris = || text.split(['"', '\n']).filter(|uri| uri.contains(".m4s"));
    let of = |kind: char| uris().filter_map(|uri| number(uri, kind)).collect();
    (of('s'), of('p'))
}

#[test]
fn a_playlist_begins_with_the_first_segment_that_is_public() {
    let rendition = six();
    let text = shown(&rendition, Shown { from: 4, query: None }, false);
    assert_eq!(line(&text, "#EXT-X-MEDIA-SEQUENCE"), "#EXT-X-MEDIA-SEQUENCE:4");
    assert_eq!(line(&text, "#EXT-X-DISCONTINUITY-SEQ"), "#EXT-X-DISCONTINUITY-SEQUENCE:1");
    assert_eq!(line(&text, "#EXT-X-MAP"), "#EXT-X-MAP:URI=\"init-bb.mp4\"");
    assert_eq!(line(&text, "#EXT-X-PROGRAM"), "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:28.000Z");
    assert_eq!(named(&text), (vec![4, 5], vec![8, 9, 10, 11, 12, 13]), "{text}");
    assert!(
        !text.contains("DISCONTINUITY\n") && !text.contains("GAP") && !text.contains("init-aa")
    );
    assert!(text.contains("RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=6,LAST-PART=1\n"));
}

#[test]
fn the_discontinuity_of_the_first_public_segment_is_told_and_not_counted() {
    let rendition = six();
    let text = shown(&rendition, Shown { from: 3, query: None }, false);
    assert_eq!(line(&text, "#EXT-X-DISCONTINUITY-SEQ"), "#EXT-X-DISCONTINUITY-SEQUENCE:0");
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1);
    let all = shown(&rendition, Shown::default(), false);
    assert_eq!(shown(&rendition, Shown { from: 0, query: None }, false), all);
    assert_eq!(line(&all, "#EXT-X-DISCONTINUITY-SEQ"), "#EXT-X-DISCONTINUITY-SEQUENCE:0");
}

#[test]
fn nothing_public_is_no_playlist_and_nothing_hints_at_what_is_hidden() {
    let rendition = six();
    assert!(!Shown { from: 6, query: None }.lists(&rendition));
    assert!(Shown { from: 5, query: None }.lists(&rendition));
    let text = shown(&rendition, Shown { from: 7, query: Some("?v=x") }, false);
    assert!(!text.contains("PRELOAD-HINT") && !text.contains("REPORT"), "{text}");
    assert!(named(&text).1.is_empty() && !text.contains("MAP"), "{text}");
}

#[test]
fn a_party_goes_on_in_the_same_playlist_with_gaps_where_it_may_not_look() {
    let rendition = six();
    let text = shown(&rendition, Shown { from: 5, query: Some("?v=x") }, false);
    assert_eq!(line(&text, "#EXT-X-MEDIA-SEQUENCE"), "#EXT-X-MEDIA-SEQUENCE:0");
    assert_eq!(named(&text), ((0..6).collect(), (10..14).collect()), "{text}");
    assert_eq!(text.matches("#EXT-X-GAP\n").count(), 5);
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1);
    let (gaps, rest) = text.split_once("s4.m4s").unwrap();
    assert!(!gaps.contains("MAP") && rest.contains("#EXT-X-MAP:URI=\"init-bb.mp4?v=x\""));
    for uri in text.split(['"', '\n']).filter(|uri| uri.contains(".m4s") || uri.contains(".m3u8")) {
        assert!(uri.ends_with("?v=x"), "{uri}");
    }
}

#[test]
fn a_delta_update_leaves_out_what_is_shown_only() {
    let mut rendition = six();
    rendition.part(part(13, 6, 1_000_000, false));
    rendition.end(&TIMING, &SegmentEnd { msn: 6, duration_us: 2_000_000, gap: false });
    for msn in 7..20 {
        fed(&mut rendition, msn, 2, 1_000_000);
    }
    let long = Timing { target_secs: 1, ..TIMING };
    let text =
        |shown, skip| render(&rendition, &Surroundings { timing: &long, shown, ..ALONE }, skip);
    for from in [0, 13, 15, 18] {
        let shown = Shown { from, query: None };
        let (full, delta) = (text(shown, false), text(shown, true));
        let skipped = line(&delta, "#EXT-X-SKIP").rsplit('=').next().unwrap().parse().unwrap_or(0);
        let (all, rest) = (named(&full).0, named(&delta).0);
        assert_eq!(all[skipped..], rest, "from {from}");
        assert_eq!(all[0], from.max(rendition.media_sequence()), "from {from}");
        assert_eq!(skipped > 0, from < 17, "from {from}: {delta}");
    }
}
