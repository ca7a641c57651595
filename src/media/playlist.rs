//! The text of a media playlist (RFC 8216bis §4.4), written by hand: no crate on offer keeps the low-latency
//! tags, and the order of tags matters to players.
//!
//! Version 9, the lowest that allows the delta updates on offer. What is announced never changes while a
//! stream lives, so an ended playlist keeps its header and its parts: a player that stood inside a segment
//! finds the parts it still needs. URIs are relative and the same for every viewer, so that a cache can
//! share the text; whoever is shown what others are not ([`Shown`]) has a text of his own.

use std::fmt::Write;

use crate::output::Part;
use crate::rendition::{Rendition, Segment, Timing};
use crate::{TrackId, reload::Tip};

/// Targets from the end within which parts are listed (§6.2.2).
const PART_TARGETS: i64 = 3;

/// Targets from the end that a delta update never skips: the lowest allowed (§4.4.3.8).
const SKIP_TARGETS: i64 = 6;

/// Part targets a player stays behind the end (§4.4.3.8: at least two, should be three).
const PART_HOLD_BACK: i64 = 3;

/// Whole segments that must be independent before that is claimed: it is observed, not promised by the
/// publisher, and a claim that is taken back after the first long group of pictures is worth less than none.
const INDEPENDENT_SEEN: usize = 3;

/// What of a rendition somebody is shown. By default all of it, as everybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown<'a> {
    /// No media of a segment below this number.
    pub from: u64,
    /// Whoever is meant alone: stands behind every URI and begins with `?`. A player that is shown less from now on
    /// than before goes on without a break, so segments below `from` stay listed, as gaps (§4.4.4.7).
    pub query: Option<&'a str>,
}

impl Shown<'_> {
    const fn hides(&self, segment: &Segment) -> bool {
        segment.mark.msn < self.from
    }

    /// Segments that are listed, oldest first.
    fn listed<'r>(&self, rendition: &'r Rendition) -> impl DoubleEndedIterator<Item = &'r Segment> {
        let first = if self.query.is_some() { 0 } else { self.from };
        rendition.listed().filter(move |segment| segment.mark.msn >= first)
    }

    /// Whether there is anything to be listed.
    #[must_use]
    pub fn lists(&self, rendition: &Rendition) -> bool {
        self.listed(rendition).next_back().is_some()
    }
}

/// What a playlist says besides its own rendition.
#[derive(Debug, Clone)]
pub struct Surroundings<'a> {
    /// The stream's lengths.
    pub timing: &'a Timing,
    /// The show is over.
    pub ended: bool,
    /// Every other rendition and where its playlist ends (§4.4.5.4).
    pub others: &'a [(TrackId, Tip)],
    /// What is shown of it.
    pub shown: Shown<'a>,
}

/// The playlist of `rendition`; with `skip`, as a delta update if that leaves anything out (§6.2.5.1).
#[must_use]
pub fn render(rendition: &Rendition, around: &Surroundings<'_>, skip: bool) -> String {
    let mut text = String::with_capacity(256 + 96 * rendition.listed_len() + 8192);
    // Writing to a String cannot fail.
    let _ = write(&mut text, rendition, around, skip);
    text
}

fn write(
    out: &mut String,
    rendition: &Rendition,
    around: &Surroundings<'_>,
    skip: bool,
) -> std::fmt::Result {
    header(out, rendition, around)?;
    let skipped = if skip && !around.ended { skippable(rendition, around) } else { 0 };
    if skipped > 0 {
        writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")?;
    }
    body(out, rendition, around, skipped)?;
    if around.ended {
        return writeln!(out, "#EXT-X-ENDLIST");
    }
    trailer(out, rendition, around)
}

fn header(out: &mut String, rendition: &Rendition, around: &Surroundings<'_>) -> std::fmt::Result {
    let Surroundings { timing, shown, .. } = around;
    writeln!(out, "#EXTM3U\n#EXT-X-VERSION:9")?;
    writeln!(out, "#EXT-X-TARGETDURATION:{}", timing.target_secs)?;
    let skip = Seconds(SKIP_TARGETS * timing.target_us());
    let hold = Seconds(PART_HOLD_BACK * timing.part_target_us);
    writeln!(
        out,
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={skip},PART-HOLD-BACK={hold}"
    )?;
    writeln!(out, "#EXT-X-PART-INF:PART-TARGET={}", Seconds(timing.part_target_us))?;
    let first = shown.listed(rendition).next();
    let msn = first.map_or_else(|| rendition.media_sequence(), |first| first.mark.msn);
    writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{msn}")?;
    let dsn = rendition.discontinuity_sequence_at(msn);
    writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{dsn}")?;
    let open = rendition.open_segment();
    let seen = shown.listed(rendition).count() >= INDEPENDENT_SEEN;
    if seen && shown.listed(rendition).chain(open).all(Segment::independent) {
        writeln!(out, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    }
    Ok(())
}

fn body(
    out: &mut String,
    rendition: &Rendition,
    around: &Surroundings<'_>,
    skipped: usize,
) -> std::fmt::Result {
    let shown = &around.shown;
    let query = shown.query.unwrap_or_default();
    let open = rendition.open_segment().filter(|open| !open.parts.is_empty());
    let listed_us: i64 = shown.listed(rendition).map(|segment| segment.duration_us).sum();
    let mut after_us = listed_us + open.map_or(0, |open| open.duration_us);
    let mut map = None;
    for (at, segment) in shown.listed(rendition).enumerate() {
        after_us -= segment.duration_us;
        let hidden = shown.hides(segment);
        if at < skipped {
            let own = segment.init.as_ref().filter(|_| !hidden).map(|init| init.hash.as_str());
            map = own.or(map);
            continue;
        }
        map = before(out, segment, map, shown)?;
        if after_us <= PART_TARGETS * around.timing.target_us() && !hidden {
            parts(out, &segment.parts, query)?;
        }
        if segment.gap || hidden {
            writeln!(out, "#EXT-X-GAP")?;
        }
        let duration = Seconds(segment.duration_us);
        writeln!(out, "#EXTINF:{duration},\ns{}.m4s{query}", segment.mark.msn)?;
    }
    if let Some(open) = open.filter(|open| !shown.hides(open)) {
        before(out, open, map, shown)?;
        parts(out, &open.parts, query)?;
    }
    Ok(())
}

/// Tags that a segment's parts need before them. Returns the section that is now in force.
fn before<'a>(
    out: &mut String,
    segment: &'a Segment,
    map: Option<&'a str>,
    shown: &Shown<'_>,
) -> Result<Option<&'a str>, std::fmt::Error> {
    if segment.mark.discontinuity {
        writeln!(out, "#EXT-X-DISCONTINUITY")?;
    }
    let own = segment.init.as_ref().filter(|_| !shown.hides(segment));
    let own = own.map(|init| init.hash.as_str());
    if let Some(hash) = own.filter(|_| segment.mark.discontinuity || own != map) {
        let query = shown.query.unwrap_or_default();
        writeln!(out, "#EXT-X-MAP:URI=\"init-{hash}.mp4{query}\"")?;
    }
    writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", segment.mark.pdt)?;
    Ok(own.or(map))
}

fn parts(out: &mut String, parts: &[Part], query: &str) -> std::fmt::Result {
    for part in parts {
        let duration = Seconds(part.duration_us);
        write!(out, "#EXT-X-PART:DURATION={duration},URI=\"p{}.m4s{query}\"", part.number)?;
        out.push_str(if part.independent { ",INDEPENDENT=YES\n" } else { "\n" });
    }
    Ok(())
}

fn trailer(out: &mut String, rendition: &Rendition, around: &Surroundings<'_>) -> std::fmt::Result {
    let Shown { from, query } = around.shown;
    let query = query.unwrap_or_default();
    // The next part is of this segment or of one behind it.
    let is_shown = rendition.tip().next_msn >= from;
    if let Some(number) = rendition.next_part().filter(|_| is_shown) {
        writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p{number}.m4s{query}\"")?;
    }
    for (track, tip) in around.others {
        let Some((msn, part)) = tip.last().filter(|(msn, _)| *msn >= from) else { continue };
        let uri = format_args!("../{track}/index.m3u8{query}");
        write!(out, "#EXT-X-RENDITION-REPORT:URI=\"{uri}\",LAST-MSN={msn}")?;
        if let Some(part) = part {
            write!(out, ",LAST-PART={part}")?;
        }
        out.push('\n');
    }
    Ok(())
}

/// Listed segments that end at or before the Skip Boundary.
fn skippable(rendition: &Rendition, around: &Surroundings<'_>) -> usize {
    let mut rest_us = rendition.open_segment().map_or(0, |open| open.duration_us);
    let mut kept = 0;
    for segment in around.shown.listed(rendition).rev() {
        if rest_us >= SKIP_TARGETS * around.timing.target_us() {
            break;
        }
        rest_us += segment.duration_us;
        kept += 1;
    }
    around.shown.listed(rendition).count() - kept
}

/// Microseconds written as seconds, to the microsecond, so that durations add up.
#[derive(Debug, Clone, Copy)]
struct Seconds(i64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let us = self.0.max(0);
        write!(f, "{}.{:06}", us / 1_000_000, us % 1_000_000)
    }
}

#[cfg(test)]
mod tests;
